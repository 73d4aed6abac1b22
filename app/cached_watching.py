"""What rules and alerts watch, over time, as their conditions ask it; shared by all viewers.

Unlike `app.cached.history`, a point here covers the window of the rule, whatever the step: it is
the very number that the rule was or would have been decided on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast

import streamlit as st

from alerts import pings
from alerts.conditions import Question
from alerts.evidence import Worst, question
from alerts.wiring import Wiring
from app import cached, wired
from app.cached import Answer, LastGood, floor
from app.charts import Grid
from models.tables import Ping
from signals import Query, Series, SignalError, offsets
from signals.traces import TraceSummary

BEFORE: Final = timedelta(minutes=30)  # what came before the alert
AFTER: Final = timedelta(minutes=15)  # and after its end
MOST_SERIES: Final = 200
MOST_TRACES: Final = 5
FRESH: Final = timedelta(seconds=15)
_POINTS: Final = 300
_STEPS: Final = tuple(timedelta(seconds=s) for s in (15, 30, 60, 120, 300, 900, 1800, 3600, 14400))
_PAST_STEP: Final = timedelta(minutes=1)
_OVERLAP: Final = 120  # windows that lie over one instant; see `signals.traces.clickhouse`
_PAST_STEP_SPLIT: Final = timedelta(minutes=5)  # for each of many label sets
_NO_PROMETHEUS: Final = "PromQL needs a Prometheus: set WAKEFUL_PROMETHEUS_URL."
_HASH: Final[dict[str | type[Any], Callable[[Any], Any]]] = {Query: repr}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One question's values over time.

    Attributes:
        grid: The instants they lie on.
        left_out: How many series there were beyond the first `MOST_SERIES`.
    """

    series: tuple[Series, ...]
    grid: Grid
    left_out: int = 0


@st.cache_resource(
    ttl=FRESH, max_entries=64, show_spinner=False, refresh_mode="background", hash_funcs=_HASH
)
def around(question: Question, began: datetime, ended: datetime | None) -> Answer[Past]:
    """Return the values from half an hour before `began` until `ended` or now.

    Args:
        question: What is asked.
        began: When the alert became active.
        ended: When it was resolved; None while it is open.
    """
    now = wired.current().clock()
    end = now if ended is None else min(ended + AFTER, now)
    span = end - (began - BEFORE)
    step = next((s for s in _STEPS if s * _POINTS >= span), _STEPS[-1])
    grid = Grid(start=floor(began - BEFORE, step), end=floor(end, step), step=step)
    return asked(("around", question, began, ended), lambda: _read(question, grid), now)


def past_step(questions: Sequence[Question]) -> timedelta:
    """Return how far apart the values of a rule's past lie, the same for all of its questions.

    A minute, or five where there are many label sets; more where windows are so long that it
    makes no difference, and where some stores would refuse: a 120th of the longest, but never
    more than a fourth of the shortest.
    """
    windows = [one.window for one in questions if isinstance(one, Query)]
    split = any(isinstance(one, Query) and one.by for one in questions)
    finest = _PAST_STEP_SPLIT if split else _PAST_STEP
    if not windows:
        return finest
    enough = max(windows) / _OVERLAP
    wide = [step for step in _STEPS if finest <= step <= min(windows) / 4]
    return next((step for step in wide if step >= enough), wide[-1] if wide else finest)


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False, refresh_mode="background")
def worst_traces(
    which: Worst, labels: tuple[tuple[str, str], ...], began: datetime, ended: datetime | None
) -> Answer[tuple[TraceSummary, ...]]:
    """Return the traces that explain an alert with these labels best; no data without a store."""
    wiring = wired.current()
    traces, now = wiring.traces, wiring.clock()
    if traces is None:
        return Answer()
    query = question(which, dict(labels), start=began, end=ended or now, limit=MOST_TRACES)
    told = ("traces", which, labels, began, ended)
    return asked(told, lambda: tuple(traces.search(query)), now)


@st.cache_resource(ttl=timedelta(seconds=2), max_entries=1, show_spinner=False)
def heartbeats() -> Answer[dict[str, Ping]]:
    """Return everything that reports in, by name. Shared: never change a row."""
    return cached.from_database(
        "heartbeats", lambda session: {row.name: row for row in pings.pings(session)}
    )


def clear() -> None:
    """Forget everything that was read."""
    for cache in (around, worst_traces, heartbeats, _last_good):
        cache.clear()


@st.cache_resource(ttl=timedelta(days=1), max_entries=1, show_spinner=False)
def _last_good() -> LastGood:
    return LastGood(limit=256)


def asked(question: object, read: Callable[[], T], now: datetime) -> Answer[T]:
    """Return what `read` does, or its last good answer to `question` with the error."""
    try:
        answer = Answer(data=read(), at=now)
    except SignalError as error:
        kept = cast(Answer[T], _last_good().get(question) or Answer())
        return replace(kept, error=str(error))
    _last_good().keep(question, answer)
    return answer


def _read(question: Question, grid: Grid) -> Past:
    found = range_of(wired.current(), question, grid)
    return Past(
        series=tuple(found[:MOST_SERIES]), grid=grid, left_out=max(len(found) - MOST_SERIES, 0)
    )


def range_of(wiring: Wiring, question: Question, grid: Grid) -> list[Series]:
    """Return what a rule's question was answered at each instant of `grid`.

    Raises:
        SignalError: Nobody can answer, or did.
    """
    if isinstance(question, Query):
        source = wiring.signals.route(question)
        return offsets.read_range(source, question, start=grid.start, end=grid.end, step=grid.step)
    if wiring.expressions is None:
        raise SignalError(_NO_PROMETHEUS)
    return wiring.expressions.evaluate_range(
        question, start=grid.start, end=grid.end, step=grid.step
    )
