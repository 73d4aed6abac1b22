"""What metrics and traces do not know of each other, asked for all viewers once a minute at most.

No page waits for it: whoever only marks a number takes what is known.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final, cast

import streamlit as st

from alerts.wiring import Wiring
from app import reconciled_words, wired
from app.asking import ASKERS
from app.cached import Answer, LastGood
from signals import Query, QueryError, SignalError, Source
from signals.counting import Traces, counted
from signals.counts import Side
from signals.reconciling import Reconciled

FRESH: Final = timedelta(minutes=1)
FRESH_OUTSIDE: Final = timedelta(minutes=10)  # a vendor may count our questions, and charge them
LASTING: Final = timedelta(hours=1)  # an older one says nothing about a number of now
A_MOMENT: Final = timedelta(milliseconds=20)
A_LITTLE: Final = timedelta(milliseconds=500)
WHO: Final = "metrics and traces"
_KEY: Final = "reconciled"
Labels = tuple[tuple[str, str], ...]


def begin() -> None:
    """Have it asked, if that is due, and wait for nothing."""
    reconciled(timedelta())


def reconciled(patience: timedelta = A_LITTLE) -> Answer[Reconciled] | None:
    """Return what each does not know of; None where there are not both metrics and traces.

    Args:
        patience: How long to wait for an answer; then the one before is returned.
    """
    wiring = wired.current()
    traces = _traces(wiring)
    if wiring.prometheus is None or traces is None:
        return None
    last = _last()
    if last.at is not None and wiring.clock() - last.at < _pause(wiring, traces):
        return last
    if ASKERS.late({_KEY: asked}, patience):
        return last
    return asked()


def lack(source: str, labels: Labels = (), query: Query | None = None) -> str:
    """Return what a number of the source of that name does not rest on, in words, or nothing.

    Args:
        source: Who tells the number.
        labels: The part of the traffic that it is about.
        query: What it answers, which another stack may count than the one that was compared.
    """
    wiring, answer = wired.current(), reconciled(A_MOMENT)
    found = answer.data if answer else None
    if answer is None or found is None or wiring.prometheus is None:
        return ""
    if answer.at is None or wiring.clock() - answer.at > LASTING:
        return ""
    if source == found.traces_by:
        return reconciled_words.lack(found, Side.TRACES, labels)
    if source != wiring.prometheus.name or not _counts(wiring, query, found):
        return ""
    return reconciled_words.lack(found, Side.METRICS, labels)


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False, refresh_mode="background")
def asked() -> Answer[Reconciled]:
    """Return what each does not know of, or why that is not known now. Asks."""
    wiring = wired.current()
    traces = _traces(wiring)
    if wiring.prometheus is None or traces is None:
        return Answer()
    now = wiring.clock()
    try:
        answer = Answer(data=counted(wiring.prometheus, traces, now=now), at=now, source=WHO)
    except SignalError as error:
        return replace(_last(), source=WHO, error=str(error))
    _last_good().keep(_KEY, answer)
    return answer


def _pause(wiring: Wiring, traces: Traces) -> timedelta:
    """Return after how long it is asked again."""
    return FRESH if traces.source is wiring.store else FRESH_OUTSIDE


def _traces(wiring: Wiring) -> Traces | None:
    """Return the first traces that answer for signals, whose numbers pages show."""
    metrics = wiring.prometheus
    sources = [one for one in wiring.watched if one is not metrics]
    return _of(wiring, sources[0]) if sources else None


def _of(wiring: Wiring, source: Source) -> Traces:
    lag = next((s.abilities.lag for s in wiring.stores if s.name == source.name), timedelta())
    if wiring.store is not None and wiring.store is source:
        return Traces(source=source, lag=lag, held_since=wiring.store.held_since)
    return Traces(source=source, lag=lag)


def _counts(wiring: Wiring, query: Query | None, found: Reconciled) -> bool:
    """Say whether the stack whose count was compared is the one that answers `query`."""
    if query is None or wiring.prometheus is None:
        return True
    try:
        answerer, _ = wiring.prometheus.asked(query)
    except QueryError:
        return False
    return answerer.title == found.metrics_by


def _last() -> Answer[Reconciled]:
    return cast(Answer[Reconciled], _last_good().get(_KEY) or Answer())


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_good() -> LastGood:
    return LastGood(limit=1)
