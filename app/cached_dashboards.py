"""Dashboards as rows of the database, shared by all viewers."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import streamlit as st
from sqlmodel import Session

from app import cached, dashboard_owners, dashboard_versions, dashboards
from app.cached import Answer
from app.dashboard_versions import Step
from models.tables import Dashboard, Handover

FRESH: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Who is gone, and what is offered to whom.

    Attributes:
        departed: As `alerts.ownership.same` spells names.
        offers: The open offer of each dashboard that has one, by its id.
    """

    departed: frozenset[str] = frozenset()
    offers: dict[int, Handover]


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def every() -> Answer[tuple[Dashboard, ...]]:
    """Return all dashboards in their order. Shared: never change a row."""
    return cached.from_database("dashboards", lambda session: tuple(dashboards.every(session)))


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False)
def handovers(dashboard_id: int) -> Answer[tuple[Handover, ...]]:
    """Return who offered a dashboard to whom, newest first."""
    return cached.from_database(
        ("handovers", dashboard_id),
        lambda session: tuple(dashboards.handovers(session, dashboard_id)),
    )


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False)
def history(dashboard_id: int) -> Answer[tuple[Step, ...]]:
    """Return the newest versions of a dashboard, newest first, each with what it changed."""
    return cached.from_database(
        ("dashboard versions", dashboard_id),
        lambda session: tuple(dashboard_versions.history(session, dashboard_id)),
    )


def ownership() -> Ownership:
    """Return who is gone and what is offered; nobody and nothing while the database is down."""
    return _ownership().data or Ownership(offers={})


def clear() -> None:
    """Forget what was read: somebody has just changed it."""
    for cache in (every, handovers, history, _ownership):
        cache.clear()


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def _ownership() -> Answer[Ownership]:
    def read(session: Session) -> Ownership:
        return Ownership(
            departed=frozenset(row.name for row in dashboard_owners.departures(session)),
            offers={row.dashboard_id: row for row in dashboard_owners.open_offers(session)},
        )

    return cached.from_database("ownership of dashboards", read)
