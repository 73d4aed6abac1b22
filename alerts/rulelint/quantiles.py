"""Whether the buckets of a histogram can tell a rule's quantile from its threshold. Pure."""

import math
from collections.abc import Iterator, Sequence

from alerts.conditions import AnyCondition, Drift, Threshold
from alerts.rulelint import Check, Finding, Grade
from models.vocabulary import Comparison, Measure
from signals.catalog import LATENCY
from signals.trust import WIDE, Bucket
from signals.units import render

QUANTILES = {name: int(name.removeprefix("latency_p")) / 100 for name in LATENCY}


def by_buckets(condition: AnyCondition, buckets: Sequence[Bucket]) -> list[Finding]:
    """Return whether a quantile can be held against the bound.

    Args:
        condition: Of the rule.
        buckets: Of the histogram behind it, by their bounds; none where there is no histogram.
    """
    if isinstance(condition, Drift) and condition.signal in QUANTILES:
        return list(_of_a_change(condition, buckets))
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


def _of_a_change(condition: Drift, buckets: Sequence[Bucket]) -> Iterator[Finding]:
    """Yield that the change is smaller than the bucket in which the quantile lies now."""
    total, q = buckets[-1].count if buckets else 0.0, QUANTILES[condition.signal]
    place = next((i for i, bucket in enumerate(buckets) if bucket.count >= q * total), None)
    if not total or place is None:
        return
    low, high = buckets[place - 1].upper if place else 0.0, buckets[place].upper
    unit, name = condition.about.unit, f"p{q * 100:g}"
    if math.isinf(high):
        said = (
            f"its {name} lies beyond the histogram's last bucket, which ends at "
            f"{render(low, unit)}: it reads the same however much slower it gets. Add buckets."
        )
    else:
        margin = condition.bound * (high if condition.measure is Measure.RELATIVE else 1)
        if high - low <= margin:
            return
        said = (
            f"its {name} lies between {render(low, unit)} and {render(high, unit)}, which is one "
            f"bucket of the histogram and wider than a change of {condition.said(condition.bound)}:"
            " within it all is interpolation. Choose a larger change, or add buckets."
        )
    yield Finding(check=Check.QUANTILE, grade=Grade.WARNING, sentence=said[0].upper() + said[1:])
