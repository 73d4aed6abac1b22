"""What the last days tell of a rule: values and traffic held against it. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from alerts.backtest import Hindsight
from alerts.conditions import Absence, AnyCondition, Budget, BurnRate, Drift, Spans, Threshold
from alerts.rulelint import Check, Finding, Grade, Written
from alerts.rulelint.quantiles import QUANTILES
from models.vocabulary import Bad, Comparison, Measure, Unit
from signals import Labels, Series
from signals.catalog import CATALOG
from signals.trust import THIN_BELOW
from signals.units import render, span

ALWAYS = 0.95  # of the time
FAR = 10  # times beyond everything seen: another unit, most likely
MOST_ALERTS = 50
QUIET = 0.1  # the quietest tenth of the time
LULL = 5  # requests that are expected, of which none comes in less than a window of a hundred


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """How many requests there are in a window when it is quiet.

    Attributes:
        labels: Whose traffic it is; of several label sets the one with the fewest.
        n: In the quietest tenth of the time in which there were any.
    """

    labels: Labels
    n: float


def in_hindsight(rule: Written, found: Hindsight, drawn: Sequence[Series]) -> list[Finding]:
    """Return what the backtest tells.

    Args:
        rule: The rule.
        found: What it would have done.
        drawn: The values of its first question in that time.
    """
    condition = rule.condition
    match condition:
        case Threshold():
            unseen = _unseen(condition, condition.bound, condition.comparison, found, drawn)
        case Spans():
            unseen = _unseen(condition, condition.bound, condition.comparison, found, drawn)
        case Budget():
            unseen = _unseen(condition, condition.amount_usd, Comparison.ABOVE, found, drawn)
        case _:
            unseen = None
    return [*_always(condition, found), *([unseen] if unseen else []), *_many(found)]


def quietest(rates: Sequence[Series], window: timedelta) -> Traffic | None:
    """Return how many requests `window` holds; None where there never were any.

    Args:
        rates: Requests per second over time, of each label set.
        window: What a value of the rule covers.
    """
    found = []
    for series in rates:
        rate = np.asarray(series.values, dtype=float)
        if (busy := rate[rate > 0]).size:
            n = float(np.quantile(busy, QUIET)) * window.total_seconds()
            found.append(Traffic(labels=series.labels, n=n))
    return min(found, key=lambda traffic: traffic.n, default=None)


def windows(condition: AnyCondition) -> list[timedelta]:
    """Return the windows that need traffic: none of a condition that can do without."""
    match condition:
        case BurnRate():
            return [pair.long for pair in condition.windows]
        case Threshold() | Drift() if (
            condition.about.unit is Unit.RATIO or condition.signal in QUANTILES
        ):
            return [condition.window]
        case Absence():
            return [condition.window]
        case _:
            return []  # a sum or a count is what it is, however few there were


def by_traffic(rule: Written, traffic: Mapping[timedelta, Traffic]) -> list[Finding]:
    """Return what too few requests make of the rule, for the first window that has too few.

    Args:
        rule: The rule.
        traffic: By each of `windows`; one is missing where nobody knows.
    """
    for window in windows(rule.condition):
        if window in traffic:
            found = [*_one_failure(rule, window, traffic[window])]
            found = found or [*_lull(rule, window, traffic[window])]
            found = found or [*_thin(rule.condition, window, traffic[window])]
            if found:
                return found
    return []


def _always(condition: AnyCondition, found: Hindsight) -> Iterator[Finding]:
    # Where absence is an answer, nothing is known of the time in which all was well.
    absence_counts = condition.missing is not None
    past = found.instants.count * found.instants.step if absence_counts else found.known
    known = past * max(found.label_sets, 1)
    if known and found.held >= ALWAYS * known and found.fired:
        yield Finding(
            check=Check.ALWAYS_FIRES,
            grade=Grade.ERROR,
            sentence=f"It would have held {render(min(found.held / known, 1), Unit.RATIO)} of the "
            "time: an alert that always fires is muted. Move it to where trouble begins.",
        )


def _unseen(
    condition: Threshold | Budget | Spans,
    bound: float,
    comparison: Comparison,
    found: Hindsight,
    drawn: Sequence[Series],
) -> Finding | None:
    """Return that nothing reached the bound, and by how much not."""
    values = [value for series in drawn for value in series.values]
    if not values or found.alerts:
        return None
    above = comparison is Comparison.ABOVE
    extreme = max(values) if above else min(values)
    larger, smaller = (bound, extreme) if above else (extreme, bound)
    far = smaller > 0 and larger >= FAR * smaller
    unit = condition.measure.unit if isinstance(condition, Spans) else condition.about.unit
    rest = "is it in another unit?" if far else "see whether a nearer one tells more."
    return Finding(
        check=Check.UNSEEN,
        grade=Grade.WARNING if far else Grade.HINT,
        sentence=f"Nothing reached it in the last {_covered(found)}: "
        f"the {'highest' if above else 'lowest'} was {render(extreme, unit)}, and the "
        f"{'amount' if isinstance(condition, Budget) else 'threshold'} is "
        f"{render(bound, unit)}: {rest}",
    )


def _covered(found: Hindsight) -> str:
    past = (found.instants.count - 1) * found.instants.step
    days = past / timedelta(days=1)
    return f"{days:g} days" if days > 1 else f"{past / timedelta(hours=1):g} h"


def _many(found: Hindsight) -> Iterator[Finding]:
    if found.label_sets > MOST_ALERTS:
        yield Finding(
            check=Check.CARDINALITY,
            grade=Grade.WARNING,
            sentence=f"It watches {found.label_sets} label sets, each with an alert of its own: "
            "split by fewer labels, or narrow what it looks at.",
        )


def _one_failure(rule: Written, window: timedelta, traffic: Traffic) -> Iterator[Finding]:
    condition, n = rule.condition, max(traffic.n, 1)
    match condition:
        case BurnRate():
            pair = next(pair for pair in condition.windows if pair.long == window)
            share, lasts = pair.factor * (1 - condition.objective), pair.short
            at = f"{pair.factor:g} times the budget of {_percent(1 - condition.objective)}"
        case Threshold(comparison=Comparison.ABOVE):
            share, lasts = condition.bound, window
            at = f"a threshold of {_percent(share)}"
        case Drift(comparison=Comparison.ABOVE, measure=Measure.ABSOLUTE):
            share, lasts = condition.bound, window
            at = f"a change of {condition.said(share)}"
        case _:
            return
    if not _counts_failures(condition) or share >= 1 or n * share >= 1 or rule.hold >= lasts:
        return
    yield Finding(
        check=Check.ONE_FAILURE,
        grade=Grade.WARNING,
        sentence=f"One failed request pages{_of(traffic.labels)}: when it is quiet "
        f"{_about(n)} in {span(window)}, and at {at} one is too many. Lengthen the window to "
        f"{span(_longer(window, n * share))}, or wait {span(lasts)} before it fires.",
    )


def _lull(rule: Written, window: timedelta, traffic: Traffic) -> Iterator[Finding]:
    """Yield that nothing may be what is usual: of n requests, none comes in e^-n of the windows.

    Source: https://en.wikipedia.org/wiki/Poisson_distribution
    """
    if not isinstance(rule.condition, Absence) or traffic.n >= LULL or rule.hold >= window:
        return
    yield Finding(
        check=Check.LITTLE_TRAFFIC,
        grade=Grade.WARNING,
        sentence=f"A lull pages{_of(traffic.labels)}: when it is quiet {_about(max(traffic.n, 1))} "
        f"in {span(window)}, so that none at all is nothing unusual. Lengthen the window to "
        f"{span(_longer(window, traffic.n / LULL))}, or watch more traffic at once.",
    )


def _thin(condition: AnyCondition, window: timedelta, traffic: Traffic) -> Iterator[Finding]:
    if isinstance(condition, Absence):
        return  # see `_lull`
    q = QUANTILES.get(getattr(condition, "signal", ""))
    needed = THIN_BELOW if q is None else max(THIN_BELOW, round(1 / (1 - q)))
    if traffic.n >= needed:
        return
    what = "a ratio" if q is None else f"a p{q * 100:g}"
    yield Finding(
        check=Check.LITTLE_TRAFFIC,
        grade=Grade.WARNING,
        sentence=f"Too little traffic for this window{_of(traffic.labels)}: when it is quiet "
        f"{_about(max(traffic.n, 1))} in {span(window)}, and {what} needs {needed}. Lengthen the "
        f"window to {span(_longer(window, traffic.n / needed))}, or watch more traffic at once.",
    )


def _counts_failures(condition: BurnRate | Threshold | Drift) -> bool:
    signal = CATALOG[condition.signal]
    return signal.unit is Unit.RATIO and signal.bad is Bad.HIGH


def _longer(window: timedelta, share: float) -> timedelta:
    """Return a window in which there is enough, when `window` has a `share` of what is needed."""
    minutes = math.ceil(window / max(share, 1e-6) / timedelta(minutes=1))
    step = 5 if minutes < 60 else 60
    return timedelta(minutes=math.ceil((minutes + 1) / step) * step)


def _about(n: float) -> str:
    count = math.floor(n)
    return "there is about 1 request" if count == 1 else f"there are about {count} requests"


def _of(labels: Labels) -> str:
    said = ", ".join(f"{name} = {value}" for name, value in sorted(labels.items()))
    return f" for {said}" if said else ""


def _percent(ratio: float) -> str:
    return render(ratio, Unit.RATIO)
