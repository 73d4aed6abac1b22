"""Dashboards and firing intervals as rows of the database, shared by all viewers."""

from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from alerts import inbox
from app import cached, dashboards, wired
from app.cached import Answer
from models.tables import Dashboard, Handover

FRESH: Final = timedelta(seconds=2)

Intervals = tuple[tuple[datetime, datetime], ...]


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def every() -> Answer[tuple[Dashboard, ...]]:
    """Return all dashboards in their order. Shared: never change a row."""
    return cached.from_database("dashboards", lambda session: tuple(dashboards.every(session)))


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False)
def handovers(dashboard_id: int) -> Answer[tuple[Handover, ...]]:
    """Return who handed a dashboard to whom, newest first."""
    return cached.from_database(
        ("handovers", dashboard_id),
        lambda session: tuple(dashboards.handovers(session, dashboard_id)),
    )


@st.cache_resource(ttl=cached.FRESH, max_entries=256, show_spinner=False, refresh_mode="background")
def firing(signal: str, span: timedelta) -> Answer[Intervals]:
    """Return when rules on `signal` fired within the last `span`, an open end cut off at now."""
    now = wired.current().clock()
    return cached.from_database(
        ("firing", signal, span),
        lambda session: tuple(inbox.firing_intervals(session, signal, start=now - span, end=now)),
    )


def clear() -> None:
    """Forget what was read: somebody has just changed it."""
    for cache in (every, handovers, firing):
        cache.clear()
