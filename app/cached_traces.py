"""What the Traces page reads, shared by all viewers; an answer that fails to renew stays.

Everything here is frozen and cached as a resource, never copied: copying 10,000 spans for each
viewer and run would take longer than drawing them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar, cast

import streamlit as st

from app import cached_lookups, wired
from app.agent_facts import AgentFacts, facts_of
from app.cached import FRESH, Answer, LastGood
from app.trace_search import Filters
from app.waterfall.component import encode
from app.waterfall.hints import Hint, hints
from app.waterfall.layout import Waterfall, lay_out
from signals import SignalError
from signals.logs import LogRecord
from signals.traces import Trace, TraceStore, TraceSummary
from signals.traces.several import Finding, State

_STORE_FIRST: Final = "no trace store is configured: look at `app.wired` before you ask"

SETTLED: Final = timedelta(minutes=10)  # spans of a request that ended so long ago have come
READ_AGAIN: Final = timedelta(minutes=5)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A trace, laid out and encoded once for all who open it.

    Attributes:
        columns: What the waterfall component takes.
    """

    waterfall: Waterfall
    columns: bytes
    hints: tuple[Hint, ...]
    agents: AgentFacts


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False, refresh_mode="background")
def listing(filters: Filters) -> Answer[tuple[TraceSummary, ...]]:
    """Return the traces that match, in the order asked for."""
    now = wired.current().clock()
    return _ask(
        ("listing", filters), lambda: tuple(_store().search(filters.query(now=now))), _lists()
    )


def drawing(trace_id: str) -> Answer[Drawing]:
    """Return the trace, ready to be drawn, and who has it.

    With neither data nor error no store has it, or some are still searching: what each said is
    `said_of(trace_id)`.
    """
    last = _drawings().get(trace_id)
    if last is not None and _stands(last):
        return last
    findings = said_of(trace_id)
    now = wired.current().clock()
    for finding in findings:
        if finding.answer is not None and finding.answer.spans:
            answer = Answer(data=_draw(finding.answer), at=now, source=finding.store)
            _drawings().keep(trace_id, answer)
            return answer
    error = "; ".join(finding.error for finding in findings if finding.error)
    unsure = error or any(finding.state is State.SEARCHING for finding in findings)
    return replace(last, error=error) if last and unsure else Answer(error=error)


def said_of(trace_id: str) -> tuple[Finding[Trace], ...]:
    """Return what each store says of a trace, so far; waits a moment for those that search."""
    return cached_lookups.trace(trace_id).said()


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False)
def lines(
    trace_id: str, start: datetime | None = None, end: datetime | None = None
) -> Answer[tuple[LogRecord, ...]]:
    """Return the log lines of a trace, oldest first; its times are given if known."""
    logs = wired.current().logs
    if logs is None:
        return Answer()
    return _ask(
        ("lines", trace_id),
        lambda: tuple(logs.lines(trace_id, start=start, end=end)),
        _lists(),
    )


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False)
def sampled_out(trace_id: str) -> Answer[bool]:
    """Return whether our own tail sampling is known to have removed a trace."""
    store = wired.current().store
    if store is None:
        return Answer()
    return _ask(("sampled", trace_id), lambda: store.sampled_out(trace_id), _lists())


def clear() -> None:
    """Forget everything that was read."""
    for cache in (listing, lines, sampled_out, _lists, _drawings, cached_lookups):
        cache.clear()


def _store() -> TraceStore:
    traces = wired.current().traces
    if traces is None:
        raise LookupError(_STORE_FIRST)
    return traces


def _draw(trace: Trace) -> Drawing:
    drawn = lay_out(trace)
    return Drawing(
        waterfall=drawn,
        columns=encode(drawn),
        hints=tuple(hints(drawn)),
        agents=facts_of(drawn),
    )


def _stands(last: Answer[Drawing]) -> bool:
    """Say whether a trace was read lately; or so long after its end that no span is missing."""
    drawn = last.data.waterfall if last.data else None
    if drawn is None or drawn.started_at is None or last.at is None:
        return False
    age = wired.current().clock() - last.at
    ended_at = drawn.started_at + timedelta(milliseconds=drawn.duration_ms)
    return age < (READ_AGAIN if last.at - ended_at > SETTLED else FRESH)


@st.cache_resource(ttl=timedelta(days=1), max_entries=1, show_spinner=False)
def _lists() -> LastGood:
    return LastGood(limit=64)


@st.cache_resource(ttl=timedelta(days=1), max_entries=1, show_spinner=False)
def _drawings() -> LastGood:
    return LastGood(limit=8)


def _ask(question: object, read: Callable[[], T | None], kept: LastGood) -> Answer[T]:
    try:
        found = read()
    except SignalError as error:
        return replace(cast(Answer[T], kept.get(question) or Answer()), error=str(error))
    answer = Answer(data=found, at=wired.current().clock())
    kept.keep(question, answer)
    return answer
