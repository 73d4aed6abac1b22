"""What stood behind an alert when its condition began to hold; shared by all viewers."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from alerts.conditions import Question
from app import wired
from app.cached import Answer
from app.why import EARLIER, MIXED
from signals import Query, Reading, SignalError, UnreachableError, offsets
from signals.traces import FILTERS, TraceQuery
from signals.traces.sharing import Share, shares

KEPT: Final = timedelta(minutes=1)  # the past does not change, but sources come back
SAMPLE: Final = 500  # traces of either side
_HASH: Final[dict[str | type[Any], Callable[[Any], Any]]] = {Query: repr}


@st.cache_resource(ttl=KEPT, max_entries=64, show_spinner=False, hash_funcs=_HASH)
def values(questions: tuple[Question, ...], at: datetime) -> Mapping[Question, float]:
    """Return the value of each question at an instant; what nobody could answer is left out."""
    found = {}
    for question in questions:
        try:
            samples = _read(question, at).samples
        except UnreachableError:  # the chart beside it says so; nobody waits for it again
            break
        except SignalError:
            continue
        if len(samples) == 1:
            found[question] = samples[0].value
    return found


@st.cache_resource(ttl=KEPT, max_entries=64, show_spinner=False)
def mix(
    labels: tuple[tuple[str, str], ...], began: datetime, window: timedelta
) -> Answer[tuple[Share, ...]]:
    """Return which labels the requests of an alert's beginning have more often than those before.

    No data without a trace store, or without requests on either side. The samples are the newest
    traces of the window before `began`, and of the hour before that.
    """
    store = wired.current().traces
    if store is None:
        return Answer()
    scope = {name: value for name, value in labels if name in FILTERS}
    spans = (began - window, began), (began - window - EARLIER, began - window)
    try:
        now, before = (
            store.search(TraceQuery(start=start, end=end, scope=scope, limit=SAMPLE))
            for start, end in spans
        )
    except SignalError as error:
        return Answer(error=str(error))
    if not now or not before:
        return Answer()
    fields = (set(MIXED) & store.abilities.listed) - scope.keys()
    return Answer(data=tuple(shares(now, before, fields=fields)), at=began)


def clear() -> None:
    """Forget everything that was read."""
    values.clear()
    mix.clear()


def _read(question: Question, at: datetime) -> Reading:
    wiring = wired.current()
    if isinstance(question, Query):
        return offsets.read(wiring.signals.route(question), question, at=at)
    if wiring.expressions is None:
        return Reading()
    return wiring.expressions.evaluate(question, at=at)
