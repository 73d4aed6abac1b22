"""What people and pipelines told, shared by all viewers."""

from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from alerts import annotations
from app import cached, wired
from app.cached import FRESH, Answer
from app.scope import Scope
from models.tables import Annotation


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False, hash_funcs={Scope: repr})
def lately(chosen: Scope) -> Answer[tuple[Annotation, ...]]:
    """Return what happened in the chosen time and may concern the chosen traffic, newest first."""
    now = wired.current().clock()

    def read(session: Session) -> tuple[Annotation, ...]:
        found = annotations.between(
            session,
            start=now - chosen.span,
            end=now + timedelta(minutes=1),  # by a clock that is a little ahead
            labels=dict(chosen.labels),
        )
        return tuple(found)

    return cached.from_database(("annotations", chosen), read)


def clear() -> None:
    """Forget what was read: somebody has just changed it."""
    lately.clear()
