"""Metrics against traces: of what happened in a period, which share does each not know of? Pure.

Both count the same requests. What one counts and the other does not is missing from every number
that the other tells: a service is not scraped, a sender samples, an exporter drops. Two totals
alone show no more than the difference, so that a gap on one side may hide one on the other; split
by labels both can show. What is said to be missing is therefore a lower bound.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from signals.counts import LEAST, MATERIAL, Count, Part, Period, Side, Split, compared, doubt
from signals.units import span

SHORTEST = timedelta(minutes=10)
WORST = 5  # parts that are named


class Verdict(StrEnum):
    """What comes of it."""

    AGREE = "agree"
    TRACES_MISS = "traces miss some"
    METRICS_MISS = "metrics miss some"
    BOTH_MISS = "each misses some"
    SILENT = "one is silent"
    THIN = "too few"
    YOUNG = "too new"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What each of the two does not know of.

    Attributes:
        what: `requests` or `calls`, whichever the metrics count.
        whole: The two totals; None where they were not counted.
        shares: By side, at least which share of what the other counts it misses.
        parts: Every value of a label by which they could be compared.
        notes: Why they could not be by some, a sentence each.
        why: What keeps them from being compared at all; else empty.
        metrics_by, traces_by: Whose counts they are.
    """

    verdict: Verdict
    what: str = "requests"
    period: Period | None = None
    whole: Part | None = None
    shares: Mapping[Side, float]
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()
    why: str = ""
    metrics_by: str = ""
    traces_by: str = ""

    @property
    def is_estimate(self) -> bool:
        """Say that the traces are a sample, weighed."""
        return self.whole is not None and self.whole.traces.margin > 0

    @property
    def worst(self) -> list[Part]:
        """Return the parts of which the most is missing, at most `WORST`.

        The only value of a label is no part: it is the whole.
        """
        values = Counter(part.label for part in self.parts)
        lacking = [part for part in self.parts if part.lacking and values[part.label] > 1]
        return sorted(lacking, key=lambda part: -part.missing)[:WORST]

    @property
    def within(self) -> float:
        """Return as which share of the larger total a difference would not be told from chance."""
        if self.whole is None or self.period is None:
            return 0.0
        metrics, traces = self.whole.metrics, self.whole.traces
        return doubt(metrics, traces, self.period.length) / max(metrics.n, traces.n, 1.0)

    def misses(self, side: Side, labels: Sequence[tuple[str, str]] = ()) -> float:
        """Return the share that `side` misses of a part of the traffic; of all where unknown."""
        known = {(part.label, part.value): part for part in self.parts}
        found = known.get(labels[0]) if len(labels) == 1 else None
        return found.misses(side) if found else self.shares.get(side, 0.0)


def incomparable(why: str) -> Reconciled:
    """Return that the two cannot be compared, and why: a sentence."""
    return Reconciled(verdict=Verdict.NOT_COMPARABLE, shares={}, why=why)


def young(period: Period) -> Reconciled:
    """Return that one of the two has not been there for long enough."""
    there = span(max(period.length, timedelta()))
    why = f"Both have been there for {there} only: {span(SHORTEST)} can be compared."
    return Reconciled(verdict=Verdict.YOUNG, period=period, shares={}, why=why)


def reconcile(
    metrics: Count,
    traces: Count,
    splits: Sequence[Split] = (),
    *,
    period: Period,
    what: str = "requests",
) -> Reconciled:
    """Return what each does not know of.

    Args:
        metrics: How many metrics count in the period.
        traces: How many traces hold of it.
        splits: The same by labels.
        period: What they were counted in, at least `SHORTEST`.
        what: What they count.
    """
    whole = compared(metrics, traces, period.length)
    found = Reconciled(verdict=Verdict.THIN, what=what, period=period, whole=whole, shares={})
    most = max(metrics.n, traces.n)
    if most < LEAST:
        said = f"{round(most):,} {what} in {span(period.length)} are too few to compare."
        return replace(found, why=said)
    if silent := [side for side in Side if whole.count(side).n < 1]:
        return replace(found, verdict=Verdict.SILENT, shares=dict.fromkeys(silent, 1.0))
    told = [split.parts(whole, length=period.length, what=what) for split in splits]
    parts = tuple(part for several, _ in told for part in several)
    shares = {side: _share(side, whole, parts) for side in Side}
    return replace(
        found,
        verdict=_VERDICTS[bool(shares[Side.METRICS]), bool(shares[Side.TRACES])],
        shares=shares,
        parts=parts,
        notes=tuple(note for _, note in told if note),
    )


_VERDICTS = {  # by whether metrics, and whether traces, miss some
    (False, False): Verdict.AGREE,
    (False, True): Verdict.TRACES_MISS,
    (True, False): Verdict.METRICS_MISS,
    (True, True): Verdict.BOTH_MISS,
}


def _share(side: Side, whole: Part, parts: Iterable[Part]) -> float:
    """Return at least which share `side` misses: of the totals, or of a label's values together."""
    by_label: dict[str, float] = {}
    for part in (whole, *parts):
        if part.lacking is side:
            by_label[part.label] = by_label.get(part.label, 0.0) + part.missing
    share = min(1.0, max(by_label.values(), default=0.0) / whole.count(side.other).n)
    return share if share >= MATERIAL else 0.0
