"""Looking for one request in every configured store, side by side and within bounds.

A page never waits longer than `WAIT` for an answer: it shows who is still searching, and looks
again. What was asked is kept for a while, so that looking again costs no question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final, Generic, TypeVar

import streamlit as st

from app import wired
from signals import QueryError, SignalError
from signals.traces import Abilities, Trace, TraceQuery, TraceStore, TraceSummary
from signals.traces.several import Finding, Inquiry, State

WAIT: Final = timedelta(seconds=3)
LOOK_BACK: Final = timedelta(days=7)  # for a request, a session or a user
TRACE_FRESH: Final = timedelta(seconds=15)  # longer than `several.PATIENCE`: none is asked twice
NAMED_FRESH: Final = timedelta(minutes=1)  # a search over a week costs a vendor's call budget
MOST_TRACES: Final = 50  # of a session or a user

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The traces that a store has under a name.

    Attributes:
        field: Of `signals.traces.SEARCHED`.
        value: The name; a user's mark.
        traces: The newest `MOST_TRACES`.
    """

    field: str
    value: str
    traces: tuple[TraceSummary, ...]


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A question that may still be under way; whoever looks at it first waits, for `WAIT` at most.

    Attributes:
        asked: The answers, as far as they have come.
        wait_until: By the monotonic clock, in seconds.
    """

    asked: Inquiry[T] | tuple[Finding[T], ...]
    wait_until: float

    def said(self) -> tuple[Finding[T], ...]:
        """Return what each store has said so far; waits for no more once one has found it."""
        if isinstance(self.asked, tuple):
            return self.asked
        left = timedelta(seconds=max(0.0, self.wait_until - monotonic()))
        return self.asked.findings(within=left, until_found=True)


# Not in the background: whoever waits for a trace to arrive would be shown its absence once more.
@st.cache_resource(ttl=TRACE_FRESH, max_entries=16, show_spinner=False)
def trace(trace_id: str) -> Question[Trace]:
    """Return the question after a trace, as put to every store."""
    return _ask(lambda store: store.trace(trace_id))


@st.cache_resource(ttl=NAMED_FRESH, max_entries=16, show_spinner=False)
def named(names: tuple[tuple[str, str], ...]) -> Question[Named]:
    """Return the question after traces under one of `names`, the first that a store has."""
    now = wired.current().clock()
    return _ask(lambda store: _named(store, names, now=now))


def clear() -> None:
    """Forget what was asked."""
    trace.clear()
    named.clear()


def _ask(call: Callable[[TraceStore], T | None]) -> Question[T]:
    wiring = wired.current()
    asked = wiring.several.ask(call) if wiring.several else (_alone(wiring.traces, call),)
    return Question(asked, monotonic() + WAIT.total_seconds())


def _alone(store: TraceStore | None, call: Callable[[TraceStore], T | None]) -> Finding[T]:
    if store is None:
        return Finding(store="no store", state=State.NOTHING, abilities=Abilities())
    plain: dict[str, Any] = {"store": store.name, "abilities": store.abilities}
    try:
        answer = call(store)
    except SignalError as error:
        return Finding(state=State.FAILED, error=str(error).rstrip("."), **plain)
    state = State.NOTHING if answer is None else State.FOUND
    return Finding(state=state, answer=answer, **plain)


def _named(store: TraceStore, names: Sequence[tuple[str, str]], *, now: datetime) -> Named | None:
    able = [(field, value) for field, value in names if field in store.abilities.filters]
    if not able:
        wanted = " or ".join(field.replace("_", " ") for field, _ in names)
        raise QueryError(f"it cannot be searched by {wanted}")
    for field, value in able:
        query = TraceQuery(start=now - LOOK_BACK, end=now, scope={field: value}, limit=MOST_TRACES)
        if found := store.search(query):
            return Named(field=field, value=value, traces=tuple(found))
    return None
