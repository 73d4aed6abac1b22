"""Saved searches and notes on requests as rows of the database, shared by all viewers."""

from datetime import timedelta
from typing import Final

import streamlit as st

from app import cached, case_notes, saved_searches
from app.cached import Answer
from models.tables import CaseNote, SavedSearch

FRESH: Final = timedelta(seconds=2)


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def searches() -> Answer[tuple[SavedSearch, ...]]:
    """Return all saved searches by name. Shared: never change a row."""
    return cached.from_database(
        "saved searches", lambda session: tuple(saved_searches.every(session))
    )


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False)
def notes(trace_id: str) -> Answer[tuple[CaseNote, ...]]:
    """Return what was noted of a request, oldest first. Shared: never change a row."""
    return cached.from_database(
        ("case notes", trace_id), lambda session: tuple(case_notes.of(session, trace_id))
    )


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def cases() -> Answer[tuple[CaseNote, ...]]:
    """Return the newest note of each request that has any, newest first."""
    return cached.from_database("cases", lambda session: tuple(case_notes.latest(session)))


def clear() -> None:
    """Forget what was read: somebody has just changed it."""
    for cache in (searches, notes, cases):
        cache.clear()
