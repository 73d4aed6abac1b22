"""What the panels of dashboards say over time, shared by all viewers; also as it was before.

Golden signals and measures without a comparison are `app.cached.history`'s. Here is PromQL, and
all of them as they were an offset ago, each value where it is compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, cast

import streamlit as st

from app import cached, dashboard_panels, wired
from app.cached import Answer, History, LastGood
from app.charts import Grid
from app.dashboard_panels import Panel
from app.scope import Scope
from signals import SPANS, Query, QueryError, Series, SignalError, offsets

MOST_SERIES: Final = 1_000  # of PromQL: more is a mistake, and costs the server dear
COUNTED_FOR: Final = timedelta(minutes=5)
_NO_PROMETHEUS: Final = "PromQL needs a Prometheus: set WAKEFUL_PROMETHEUS_URL."


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """PromQL of a panel, with its placeholders, and what they stand for."""

    promql: str
    scope: tuple[tuple[str, str], ...]


Question = Query | Expression


def questions(panel: Panel, chosen: Scope) -> list[Question]:
    """Return what `panel` asks about the chosen part of the traffic."""
    covers = cached.SHORTEST_WINDOW  # `history` makes it the step
    if panel.promql:
        return [Expression(promql=panel.promql, scope=chosen.labels)]
    if panel.measure is not None:
        measured = Query(
            signal=SPANS,
            measure=panel.measure,
            window=covers,
            scope=chosen.labels,
            by=panel.by,
        )
        return [measured]
    return [
        Query(signal=name, window=covers, scope=chosen.labels, by=panel.by)
        for name in panel.signals
    ]


def history(
    question: Question,
    span: timedelta,
    offset: timedelta = timedelta(),
    points: int = cached.POINTS,
) -> Answer[History]:
    """Return what was answered over the last `span`, or an `offset` before, on today's grid.

    Asks, unless nothing can have moved: call it from something cached.
    """
    if isinstance(question, Query) and not offset:
        return cached.history(question, span, points)
    now = wired.current().clock()
    lies = cached.grid(span, now=now, points=points)
    key = (question, span, offset, points)
    last = cast(Answer[History], _last_good().get(key) or Answer())
    if last.data and last.at and last.data.grid == lies and now - last.at < lies.step / 4:
        return last
    source = _source(question)
    try:
        answer = Answer(data=_read(question, lies, offset), at=now, source=source)
    except SignalError as error:
        return replace(last, source=source, error=str(error))
    _last_good().keep(key, answer)
    return answer


def _source(question: Question) -> str:
    """Return who would be asked; empty if there is nobody."""
    wiring = wired.current()
    if isinstance(question, Expression):
        return wiring.expressions.name if wiring.expressions else ""
    try:
        return wiring.signals.route(question).name
    except SignalError:
        return ""


def _read(question: Question, lies: Grid, offset: timedelta) -> History:
    match question:
        case Query():
            asked = replace(question, window=cached.window(lies.step), offset=offset)
            source = wired.current().signals.route(asked)
            found = offsets.read_range(
                source, asked, start=lies.start, end=lies.end, step=lies.step
            )
        case Expression():
            found = _later(_expression(question, lies, offset), offset)
    return _largest(found, lies)


def _later(found: list[Series], offset: timedelta) -> list[Series]:
    """Return series where they are compared."""
    seconds = offset.total_seconds()
    return [replace(one, seconds=[at + seconds for at in one.seconds]) for one in found]


def _expression(question: Expression, lies: Grid, offset: timedelta) -> list[Series]:
    source = wired.current().expressions
    if source is None:
        raise QueryError(_NO_PROMETHEUS)
    covers = cached.window(lies.step).total_seconds()
    promql = dashboard_panels.asked(question.promql, question.scope, covers)
    if (count := counted(promql)) > MOST_SERIES:
        raise QueryError(
            f"{source.name} has {count:,} series for this, more than {MOST_SERIES:,}: "
            "add up what need not be told apart, as in sum by (model) (…)"
        )
    start, end = lies.start - offset, lies.end - offset
    return source.evaluate_range(promql, start=start, end=end, step=lies.step)


@st.cache_resource(ttl=COUNTED_FOR, max_entries=256, show_spinner=False)
def counted(promql: str) -> int:
    """Return how many series PromQL has at present: a number instead of all of them.

    Raises:
        SignalError: The server did not answer.
    """
    wiring = wired.current()
    if wiring.expressions is None:
        return 0
    at = cached.floor(wiring.clock(), cached.FRESH)
    try:
        # A comment in it must not take the bracket along.
        reading = wiring.expressions.evaluate(f"count(\n{promql}\n)", at=at)
    except QueryError:
        return 0  # no vector, or nonsense: the server says so when it is asked in earnest
    return int(reading.samples[0].value) if reading.samples else 0


def _largest(found: Sequence[Series], lies: Grid) -> History:
    ordered = sorted(found, key=lambda series: -max(series.values, default=0.0))
    kept = tuple(ordered[: cached.MOST_SERIES])
    return History(series=kept, grid=lies, left_out=len(ordered) - len(kept))


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_good() -> LastGood:
    return LastGood(limit=256)
