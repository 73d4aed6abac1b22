"""What the page about silences reads, shared by all viewers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import streamlit as st
from sqlmodel import Session

from alerts import lately, silences
from alerts.hiding import Seen
from app import cached_alerts, wired
from app.cached import Answer
from models.tables import Inhibition, Silence

FRESH: Final = timedelta(seconds=2)
SEEN_FOR: Final = timedelta(seconds=20)
LOOKS_BACK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that mutes, and how many open alerts it mutes.

    Attributes:
        coming: Silences that are or will be active, soonest first.
        ended: Those that ended last.
        muted: Open alerts by what mutes them: see `alerts.muting`.
    """

    coming: tuple[Silence, ...]
    ended: tuple[Silence, ...]
    inhibitions: tuple[Inhibition, ...]
    muted: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """What a silence would be judged by.

    Attributes:
        opened: The open alerts.
        fired: Those that fired in the last days, newest first.
        complete: Whether that is all of them.
    """

    opened: tuple[Seen, ...]
    fired: tuple[Seen, ...]
    complete: bool


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def standing() -> Answer[Standing]:
    """Return all that mutes."""
    now = wired.current().clock()

    def read(session: Session) -> Standing:
        return Standing(
            coming=tuple(silences.silences(session, now=now)),
            ended=tuple(silences.silences(session, now=now, ended=True)),
            inhibitions=tuple(silences.inhibitions(session)),
            muted=Counter(lately.muted(session)),
        )

    return cached_alerts.ask("silences", read)


@st.cache_resource(ttl=SEEN_FOR, max_entries=1, show_spinner=False)
def alerts() -> Answer[Alerts]:
    """Return the open alerts, and those of the last days."""
    since = wired.current().clock() - LOOKS_BACK

    def read(session: Session) -> Alerts:
        fired = tuple(lately.fired(session, since=since))
        return Alerts(
            opened=tuple(lately.opened(session)), fired=fired, complete=len(fired) < lately.MOST
        )

    return cached_alerts.ask("seen", read)


def clear() -> None:
    """Forget what was read: somebody has just changed it."""
    for cache in (standing, alerts):
        cache.clear()
    cached_alerts.clear()
