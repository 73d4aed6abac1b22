"""Dashboards as rows of the database, shared by all viewers."""

from datetime import timedelta
from typing import Final

import streamlit as st

from app import cached, dashboards
from app.cached import Answer
from models.tables import Dashboard, Handover

FRESH: Final = timedelta(seconds=2)


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


def clear() -> None:
    """Forget what was read: somebody has just changed it."""
    for cache in (every, handovers):
        cache.clear()
