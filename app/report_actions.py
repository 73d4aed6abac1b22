"""What the buttons on the page of reports do; each keeps one line to say how it went."""

from collections.abc import Callable
from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from alerts import reports
from alerts.reports import ReportError, Schedule
from app import cached_alerts, cached_reports, identity, parts, report_words, wired
from app.parts import plain
from models.vocabulary import ReportKind

_REFUSED: Final = ":material/block:"


def key(kind: ReportKind, name: str) -> str:
    """Return the key of a widget of that report's schedule."""
    return f"reports_{kind}_{name}"


def save(kind: ReportKind) -> None:
    """Write the schedule that was typed."""
    wiring, state = wired.current(), st.session_state
    wanted = Schedule(
        channel=state[key(kind, "channel")].strip(),
        weekday=report_words.WEEKDAYS.index(state[key(kind, "weekday")]),
        hour=int(state[key(kind, "hour")].partition(":")[0]),
        zone=state[key(kind, "zone")],
    )
    on = bool(state[key(kind, "on")])

    def write() -> str:
        me, now = identity.viewer(), wiring.clock()
        reports.keep(wiring.db, kind, wanted, on=on, by=me, now=now)
        return "Kept." if on else "Kept, and switched off."

    _done(write)


def send_now(kind: ReportKind) -> None:
    """Have a report sent at once."""
    wiring = wired.current()

    def write() -> str:
        reports.ask_now(wiring.db, kind, by=identity.viewer(), now=wiring.clock())
        return "The engine sends it now."

    _done(write)


def _done(write: Callable[[], str]) -> None:
    try:
        said = write()
    except ReportError as error:
        parts.flash(f"Nothing was changed: {plain(str(error).rstrip('.'))}.", _REFUSED)
    except SQLAlchemyError:
        parts.flash(f"{cached_alerts.DATABASE_DOWN} Nothing was changed: try again.", _REFUSED)
    else:
        parts.flash(said)
    finally:
        cached_reports.clear()
