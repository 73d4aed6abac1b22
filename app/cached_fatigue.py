"""How tired people are made, shared by all viewers of one time zone."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st
from sqlmodel import Session

from alerts import fatigue
from alerts.calls import calls
from alerts.fatigue import Report
from app import cached_alerts, wired
from app.cached import Answer

FRESH: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fatigue:
    """A report, and whether it covers all calls of that time."""

    report: Report
    complete: bool


@st.cache_resource(ttl=FRESH, max_entries=16, show_spinner=False)
def report(lasted: timedelta, zone: str) -> Answer[Fatigue]:
    """Return the report of that time until now, by the clock of the time zone `zone`."""
    now = wired.current().clock()

    def read(session: Session) -> Fatigue:
        found = calls(session, since=now - lasted)
        said = fatigue.report(
            found.pages, found.incidents, found.episodes, zone=ZoneInfo(zone), now=now
        )
        return Fatigue(report=said, complete=found.complete)

    return cached_alerts.ask(("fatigue", lasted, zone), read)


def clear() -> None:
    """Forget what was read."""
    report.clear()
