"""What the last days tell of a rule: values, traffic and buckets held against it. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from alerts.backtest import Hindsight
from alerts.conditions import AnyCondition, BurnRate, Threshold
from alerts.rulelint import Check, Finding, Grade, Written
from models.vocabulary import Bad, Comparison, Unit
from signals import Labels, Series
from signals.catalog import CATALOG, LATENCY
from signals.trust import THIN_BELOW, WIDE, Bucket
from signals.units import render, span

ALWAYS = 0.95  # of the time
FAR = 10  # times beyond everything seen: another unit, most likely
MOST_ALERTS = 50
QUIET = 0.1  # the quietest tenth of the time
QUANTILES = {name: int(name.removeprefix("latency_p")) / 100 for name in LATENCY}


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
    unseen = _unseen(condition, found, drawn) if isinstance(condition, Threshold) else ()
    return [*_always(condition, found), *unseen, *_many(found)]


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
        case Threshold() if condition.about.unit is Unit.RATIO or condition.signal in QUANTILES:
            return [condition.window]
        case _:
            return []


def by_traffic(rule: Written, traffic: Mapping[timedelta, Traffic]) -> list[Finding]:
    """Return what too few requests make of the rule, for the first window that has too few.

    Args:
        rule: The rule.
        traffic: By each of `windows`; one is missing where nobody knows.
    """
    for window in windows(rule.condition):
        if window in traffic:
            found = [*_one_failure(rule, window, traffic[window])]
            found = found or [*_thin(rule.condition, window, traffic[window])]
            if found:
                return found
    return []


def by_buckets(condition: AnyCondition, buckets: Sequence[Bucket]) -> list[Finding]:
    """Return whether a quantile can be held against the bound.

    Args:
        condition: Of the rule.
        buckets: Of the histogram behind it, by their bounds; none where there is no histogram.
    """
    if not isinstance(condition, Threshold) or condition.signal not in QUANTILES:
        return []
    uppers = [bucket.upper for bucket in buckets if math.isfinite(bucket.upper)]
    if not uppers:
        return []
    bound, unit = condition.bound, condition.about.unit
    name = f"p{QUANTILES[condition.signal] * 100:g}"
    above = condition.comparison is Comparison.ABOVE
    if above and bound >= uppers[-1]:
        last = render(uppers[-1], unit)
        return [
            Finding(
                check=Check.QUANTILE,
                grade=Grade.ERROR,
                sentence=f"It can never fire: the histogram's last bucket ends at {last}, so its "
                f"{name} never reads more. Choose a threshold under {last}, or add buckets.",
            )
        ]
    place = next(i for i, upper in enumerate(uppers) if upper >= bound or i == len(uppers) - 1)
    low, high = uppers[place - 1] if place else 0.0, uppers[place]
    if not low < bound < high or high - low <= WIDE * high:
        return []
    ends = " or ".join(render(end, unit) for end in (low, high) if end > 0)
    return [
        Finding(
            check=Check.QUANTILE,
            grade=Grade.WARNING,
            sentence=f"Between {render(low, unit)} and {render(high, unit)} its {name} is "
            f"interpolation, since that is one bucket of the histogram: {render(bound, unit)} "
            f"cannot be told from its neighbours. Choose {ends}, or add buckets.",
        )
    ]


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


def _unseen(condition: Threshold, found: Hindsight, drawn: Sequence[Series]) -> Iterator[Finding]:
    values = [value for series in drawn for value in series.values]
    if not values or found.alerts:
        return
    above = condition.comparison is Comparison.ABOVE
    extreme, bound = (max(values) if above else min(values)), condition.bound
    larger, smaller = (bound, extreme) if above else (extreme, bound)
    far = smaller > 0 and larger >= FAR * smaller
    unit = condition.about.unit
    rest = "is it in another unit?" if far else "see whether a nearer one tells more."
    yield Finding(
        check=Check.UNSEEN,
        grade=Grade.WARNING if far else Grade.HINT,
        sentence=f"Nothing reached it in the last {_covered(found)}: "
        f"the {'highest' if above else 'lowest'} was {render(extreme, unit)}, and the threshold "
        f"is {render(bound, unit)}: {rest}",
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


def _thin(condition: AnyCondition, window: timedelta, traffic: Traffic) -> Iterator[Finding]:
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


def _counts_failures(condition: BurnRate | Threshold) -> bool:
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
