"""Sessions and tools, shared by all viewers; an answer that fails to renew stays."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeVar, cast

import streamlit as st

from app import wired
from app.cached import Answer, LastGood
from signals import SignalError
from signals.traces.embedded import EmbeddedStore
from signals.traces.sessions import SessionOrder, SessionQuery, Sessions, Turn
from signals.traces.tools import ToolQuery, ToolReport

FRESH: Final = timedelta(seconds=20)
LOOK_BACK: Final = timedelta(days=7)  # for the turns of one session
_NO_STORE: Final = "there is no embedded trace store in this process"

T = TypeVar("T")
Labels = tuple[tuple[str, str], ...]


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False, refresh_mode="background")
def sessions(window: timedelta, order: SessionOrder, scope: Labels) -> Answer[Sessions]:
    """Return the sessions that began in the last `window`."""
    now = wired.current().clock()
    query = SessionQuery(start=now - window, end=now, scope=scope, order=order)
    return _ask(("sessions", window, order, scope), lambda store: store.sessions(query, now=now))


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False, refresh_mode="background")
def turns(session_id: str) -> Answer[tuple[Turn, ...]]:
    """Return the turns of a session, in order."""
    now = wired.current().clock()
    return _ask(
        ("turns", session_id),
        lambda store: tuple(store.turns(session_id, start=now - LOOK_BACK, end=now)),
    )


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False, refresh_mode="background")
def tools(window: timedelta, scope: Labels) -> Answer[ToolReport]:
    """Return what tools did in the last `window`."""
    now = wired.current().clock()
    query = ToolQuery(start=now - window, end=now, scope=scope)
    return _ask(("tools", window, scope), lambda store: store.tools(query))


def clear() -> None:
    """Forget everything that was read."""
    for cache in (sessions, turns, tools, _last_good):
        cache.clear()


def _ask(question: object, read: Callable[[EmbeddedStore], T]) -> Answer[T]:
    wiring = wired.current()
    last = cast(Answer[T], _last_good().get(question) or Answer())
    if wiring.store is None:
        return replace(last, error=_NO_STORE)
    try:
        answer = Answer(data=read(wiring.store), at=wiring.clock(), source=wiring.store.name)
    except SignalError as error:
        return replace(last, source=wiring.store.name, error=str(error))
    _last_good().keep(question, answer)
    return answer


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_good() -> LastGood:
    return LastGood(limit=96)
