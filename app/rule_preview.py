"""What a rule would have done over a stretch of the past: the real core, run over series. Pure.

The same `conditions` and `lifecycle` code that decides live is asked at every instant of a grid.
An instant that a source has nothing for is no observation, unless the rule makes one of silence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts import lifecycle
from alerts.conditions import AnyCondition, BurnRate, Promql, Question
from alerts.lifecycle import Lifecycle, Timing
from app.charts import Grid
from models.vocabulary import AlertState, NoData
from signals import Series
from signals.units import span

Answers = Mapping[Question, Sequence[Series]]
Identity = tuple[tuple[str, str], ...]  # a label set, sorted
_SILENCE = {NoData.KEEP: None, NoData.ALERT: True, NoData.RESOLVE: False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a rule takes what its condition says."""

    timing: Timing
    no_data: NoData = NoData.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would have happened, over all label sets.

    Attributes:
        breaches: How often the condition began to hold.
        beyond: For how long it held, summed over label sets.
        fired: When alerts would have been firing; no end for those that still are.
        label_sets: How many were looked at; none means that there was no data.
        covered: How much of the past was looked at.
    """

    breaches: int
    beyond: timedelta
    fired: tuple[tuple[datetime, datetime | None], ...]
    label_sets: int
    covered: timedelta


def preview(condition: AnyCondition, answers: Answers, patience: Patience, grid: Grid) -> Preview:
    """Return what a rule would have done over `grid`.

    Args:
        condition: The rule's condition.
        answers: The series of each of its questions, on the grid's instants.
        patience: The rule's `for`, `keep_firing_for` and no-data behaviour.
        grid: The instants at which it would have been evaluated.
    """
    silence = _SILENCE[patience.no_data] if condition.missing is None else condition.missing
    values = _by_identity(answers, grid)
    if not values and silence:
        values = {(): {}}
    runs = [_run(condition, per, patience.timing, silence, grid) for per in values.values()]
    return Preview(
        breaches=sum(run.breaches for run in runs),
        beyond=grid.step * sum(run.held for run in runs),
        fired=tuple(sorted((one for run in runs for one in run.fired), key=lambda one: one[0])),
        label_sets=len(values),
        covered=grid.end - grid.start,
    )


def sentence(found: Preview, condition: AnyCondition, hold: timedelta) -> str:
    """Return what the rule would have done, in one sentence."""
    past = f"Over the last {found.covered / timedelta(hours=1):g} h"
    if found.label_sets == 0 and not isinstance(condition, Promql):
        return f"{past} there was no data: nobody can say what this would have done."
    what = _what(condition)
    if found.breaches == 0:
        return f"{past} this would never have {what}."
    said = f"{past} this would have {what} {_times(found.breaches)}, {span(found.beyond)} in all"
    if found.label_sets > 1:
        said += f" across {found.label_sets} label sets"
    if not found.fired:
        return f"{said}, and fired never: it did not last {span(hold)}."
    ongoing = "; it would still be firing" if any(end is None for _, end in found.fired) else ""
    return f"{said}, and fired {_times(len(found.fired))}{ongoing}."


@dataclass(slots=True, kw_only=True)
class _Run:
    """One label set on its way through the grid."""

    breaches: int = 0
    held: int = 0
    fired: list[tuple[datetime, datetime | None]]


def _run(
    condition: AnyCondition,
    values: Mapping[int, Mapping[Question, float]],
    timing: Timing,
    silence: bool | None,
    grid: Grid,
) -> _Run:
    run = _Run(fired=[])
    alert: Lifecycle | None = None
    wanted, held_before = len(condition.questions), False
    start, step = grid.start.timestamp(), grid.step.total_seconds()
    for index in range(grid.count):
        seen = values.get(index, {})
        complete = len(seen) == wanted
        holds = condition.holds(seen) or (not complete and silence is True)
        if not complete and not holds and silence is None:
            continue  # nobody saw anything: not an observation
        run.held += holds
        run.breaches += holds and not held_before
        held_before = holds
        if holds or alert is not None:
            now = datetime.fromtimestamp(start + index * step, UTC)
            alert = _observe(run, alert, holds=holds, timing=timing, now=now)
    return run


def _observe(
    run: _Run, alert: Lifecycle | None, *, holds: bool, timing: Timing, now: datetime
) -> Lifecycle | None:
    after = lifecycle.observe(alert, holds=holds, timing=timing, now=now)
    if after is None:
        return None
    was_firing = alert is not None and alert.state is AlertState.FIRING
    if after.state is AlertState.FIRING and not was_firing:
        run.fired.append((now, None))
    if after.state is AlertState.RESOLVED:
        run.fired[-1] = (run.fired[-1][0], now)
        return None
    return after


def _by_identity(answers: Answers, grid: Grid) -> dict[Identity, dict[int, dict[Question, float]]]:
    """Return the values by label set, then by place on the grid, then by question."""
    found: dict[Identity, dict[int, dict[Question, float]]] = {}
    start, step = grid.start.timestamp(), grid.step.total_seconds()
    for question, all_series in answers.items():
        for series in all_series:
            places = found.setdefault(tuple(sorted(series.labels.items())), {})
            for seconds, value in zip(series.seconds, series.values, strict=True):
                place = round((seconds - start) / step)
                places.setdefault(place, {})[question] = value
    return found


def _what(condition: AnyCondition) -> str:
    match condition:
        case BurnRate():
            return "burned its budget too fast"
        case Promql():
            return "returned a breach"
        case _:
            return "been beyond the threshold"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
