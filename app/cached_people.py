"""Who would be found for a channel, and how tests of channels went; shared by all viewers.

Finding somebody may ask a vendor, so that an answer is kept for a minute.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import streamlit as st
from sqlmodel import Session

from alerts import lookups, people, trials
from alerts.lookups import Asked, Found
from app import cached_alerts, wired
from app.cached import Answer
from models.tables import Trial, TrialMessage

FRESH: Final = timedelta(seconds=1)
FOUND_FOR: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A test of channels and its messages, in the order in which they came to be."""

    trial: Trial
    messages: tuple[TrialMessage, ...]


@st.cache_data(ttl=FOUND_FOR, max_entries=64, show_spinner="Looking up who is on call …")
def found(asked: tuple[Asked, ...]) -> dict[Asked, Found]:
    """Return who would be found for each of these channels that names people."""
    return dict(lookups.look_up(wired.current().usable, asked))


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False)
def tried(about: str) -> Answer[tuple[Tried, ...]]:
    """Return the last tests of what is called `about`, newest first."""

    def read(session: Session) -> tuple[Tried, ...]:
        last = trials.trials(session, about=about)
        told = trials.messages(session, (one.id or 0 for one in last))
        return tuple(
            Tried(trial=one, messages=tuple(m for m in told if m.trial_id == one.id))
            for one in last
        )

    return cached_alerts.ask(("tried", about), read)


@st.cache_resource(ttl=FOUND_FOR, max_entries=1, show_spinner=False)
def known() -> Answer[tuple[str, ...]]:
    """Return the e-mail addresses of people an alert may be handed to."""
    return cached_alerts.ask("people", lambda session: tuple(people.known(session)))


def clear() -> None:
    """Forget what was read."""
    for cache in (found, tried, known):
        cache.clear()
