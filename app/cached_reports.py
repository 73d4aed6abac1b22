"""What the page of weekly reports reads, shared by all viewers."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, cast

import streamlit as st
from sqlmodel import Session, col, select

from alerts import reports, spend_report
from alerts.outbox import DEAD_AFTER
from alerts.reports import Addressed, Schedule
from alerts.spend_report import SpendReport
from app import cached_alerts, wired
from app.cached import Answer, LastGood
from models.tables import EngineBeat, Report, ReportMessage
from models.vocabulary import ReportKind
from signals import SignalError

FRESH: Final = timedelta(seconds=5)
SUMMED_FOR: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a report stands.

    Attributes:
        report: Its schedule; None while nobody made one.
        messages: The last ones, newest first.
        engine_runs: Whether anything will be sent.
    """

    report: Report | None
    messages: tuple[ReportMessage, ...]
    engine_runs: bool


@st.cache_resource(ttl=FRESH, max_entries=2, show_spinner=False)
def standing(kind: ReportKind) -> Answer[Standing]:
    """Return how that report stands."""
    now = wired.current().clock()

    def read(session: Session) -> Standing:
        alive = select(EngineBeat.id).where(col(EngineBeat.at) > now - DEAD_AFTER).limit(1)
        return Standing(
            report=session.get(Report, kind),
            messages=tuple(reports.messages(session, kind=kind)),
            engine_runs=session.exec(alive).first() is not None,
        )

    return cached_alerts.ask(("report", kind), read)


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def ledger() -> Answer[tuple[ReportMessage, ...]]:
    """Return the last messages of all reports, newest first."""
    return cached_alerts.ask("report ledger", lambda session: tuple(reports.messages(session)))


@st.cache_resource(ttl=SUMMED_FOR, max_entries=16, show_spinner=False, refresh_mode="background")
def spend(monday: date, zone: str) -> Answer[SpendReport]:
    """Return what the week that began on `monday` cost."""
    wiring, question = wired.current(), ("spend report", monday, zone)
    last = cast(Answer[SpendReport], _last_good().get(question) or Answer())
    if wiring.store is None:
        return replace(last, error=spend_report.NO_STORE)
    try:
        found = spend_report.read(wiring.store, monday, zone)
    except SignalError as error:
        return replace(last, source=wiring.store.name, error=str(error))
    answer = Answer(data=found, at=wiring.clock(), source=wiring.store.name)
    _last_good().keep(question, answer)
    return answer


@st.cache_resource(ttl=timedelta(minutes=1), max_entries=4, show_spinner=False)
def digest(channel: str) -> Answer[tuple[Addressed, ...]]:
    """Return the digest as it would be sent now, with `channel` for who has no address."""
    wiring = wired.current()
    now, schedule = wiring.clock(), Schedule(channel=channel)
    write = wiring.writers[ReportKind.DIGEST]
    return cached_alerts.ask(("digest", channel), lambda _session: tuple(write(schedule, now)))


def clear() -> None:
    """Forget everything that was read."""
    for cache in (standing, ledger, spend, digest, _last_good):
        cache.clear()


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_good() -> LastGood:
    return LastGood(limit=16)
