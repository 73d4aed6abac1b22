"""How good and how safe answers were, shared by all viewers; a failed answer keeps the last."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, cast

import streamlit as st

from app import wired
from app.cached import Answer, LastGood
from signals import SignalError
from signals.traces.outcomes import OutcomeEvent
from signals.traces.quality import (
    Approver,
    Feedback,
    Guard,
    QualityQuery,
    QualityStore,
    Queue,
    Scores,
    Searches,
    Stop,
)
from signals.traces.tools import ToolQuery, ToolReport, ToolStore

FRESH: Final = timedelta(minutes=1)
RANGES: Final = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Everything that the page shows of one question."""

    query: QualityQuery
    scores: tuple[Scores, ...]
    feedback: tuple[Feedback, ...]
    guards: tuple[Guard, ...]
    approvers: tuple[Approver, ...]
    queue: Queue | None
    tools: ToolReport
    searches: tuple[Searches, ...]


class _Store(QualityStore, ToolStore):
    """What the embedded store is to this page."""


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False, refresh_mode="background")
def quality(span: str, by: str, scope: tuple[tuple[str, str], ...]) -> Answer[Quality]:
    """Return what is known over one of `RANGES`.

    Never ask without an embedded store: look at `app.wired` first.
    """
    wiring, question = wired.current(), ("quality", span, by, scope)
    last = cast(Answer[Quality], _last_good().get(question) or Answer())
    if wiring.store is None:
        return replace(last, error="there is no embedded trace store in this process")
    query = asked(span, by, scope, now=wiring.clock())
    try:
        found = _read(cast(_Store, wiring.store), query)
    except SignalError as error:
        return replace(last, source=wiring.store.name, error=str(error))
    answer = Answer(data=found, at=wiring.clock(), source=wiring.store.name)
    _last_good().keep(question, answer)
    return answer


@st.cache_resource(ttl=timedelta(seconds=15), max_entries=32, show_spinner=False)
def stops(
    span: str, by: str, scope: tuple[tuple[str, str], ...], guardrail: str, reason: str
) -> Answer[tuple[Stop, ...]]:
    """Return a sample of what that guardrail stopped for that reason."""
    wiring = wired.current()
    if wiring.store is None:
        return Answer(error="there is no embedded trace store in this process")
    query = asked(span, by, scope, now=wiring.clock())
    try:
        found = wiring.store.stops(query, guardrail, reason)
    except SignalError as error:
        return Answer(source=wiring.store.name, error=str(error))
    return Answer(data=tuple(found), at=wiring.clock(), source=wiring.store.name)


def judge(trace_id: str, word: str) -> None:
    """Write down what somebody made of a trace that a guardrail stopped.

    Raises:
        BusyError: The store cannot take it just now.
    """
    wiring = wired.current()
    if wiring.store is not None:
        event = OutcomeEvent(trace_id=trace_id, outcome=word, at=wiring.clock())
        wiring.store.record([event])
    clear()


def asked(span: str, by: str, scope: tuple[tuple[str, str], ...], *, now: datetime) -> QualityQuery:
    """Return the question about the last `span`, to the minute, and as long before it."""
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    lasted = RANGES[span]
    return QualityQuery(
        start=end - lasted, end=end, before=end - 2 * lasted, by=by, scope=tuple(sorted(scope))
    )


def clear() -> None:
    """Forget everything that was read."""
    for cache in (quality, stops, _last_good):
        cache.clear()


def _read(store: _Store, query: QualityQuery) -> Quality:
    calls = ToolQuery(start=query.start, end=query.end, scope=query.scope)
    return Quality(
        query=query,
        scores=tuple(store.scores(query)),
        feedback=tuple(store.feedback(query)),
        guards=tuple(store.guards(query)),
        approvers=tuple(store.approvers(query)),
        queue=store.queue(query),
        tools=store.tools(calls),
        searches=tuple(store.searches(query)),
    )


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_good() -> LastGood:
    return LastGood(limit=32)
