"""Two counts of the same, in all and by a label, held against each other. Pure.

No two are ever equal. A counter is known at its scrapes only, and extrapolated to the edges of the
period, so that whatever happened within one interval of an edge may count on either side:

    doubt = max(MATERIAL * n, edges + 2 * sqrt(edges)) + margins    edges = n * 2 * EDGE / period

The root is twice the deviation of a Poisson count; the margins are those of sampled traces.

Source: https://prometheus.io/docs/prometheus/latest/querying/functions/#rate
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import sqrt

from models.vocabulary import Unit
from signals.units import render

MATERIAL = 0.05  # of a count: a smaller difference changes no decision
LEAST = 30  # under so many on the larger side a share is an anecdote
EDGE = timedelta(minutes=1)  # the longest interval between two scrapes that is reckoned with
# Of these a request has one value here and may have another there: the model of its first call or
# of its longest, an error or a time-out.
AMBIGUOUS = ("model", "outcome")


class Side(StrEnum):
    """Who counts."""

    METRICS = "metrics"
    TRACES = "traces"

    @property
    def other(self) -> "Side":
        """Return the one that it is held against."""
        return Side.TRACES if self is Side.METRICS else Side.METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What both are asked about: (start, end]."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """Return how long it is."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many there were.

    Attributes:
        n: No whole number where a counter is extrapolated or traces are weighed.
        margin: How far it may be off in 95 of 100 cases, being weighed from a sample; else 0.
    """

    n: float = 0.0
    margin: float = 0.0


NONE = Count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Two counts of the same: the whole, or one value of a label.

    Attributes:
        lacking: Who counts fewer, beyond doubt; None where they agree or are too few.
        missing: How many those are.
    """

    label: str = ""
    value: str = ""
    metrics: Count
    traces: Count
    lacking: Side | None = None
    missing: float = 0.0

    def count(self, side: Side) -> Count:
        """Return what `side` counts."""
        return self.metrics if side is Side.METRICS else self.traces

    def misses(self, side: Side) -> float:
        """Return the share of what the other counts that `side` does not."""
        return self.missing / self.count(side.other).n if self.lacking is side else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The counts by the values of a label; the empty value stands for what does not say."""

    label: str
    metrics: Mapping[str, Count]
    traces: Mapping[str, Count]

    def counts(self, side: Side) -> Mapping[str, Count]:
        """Return what `side` counts."""
        return self.metrics if side is Side.METRICS else self.traces

    def parts(self, whole: Part, *, length: timedelta, what: str) -> tuple[list[Part], str]:
        """Return the values that can be compared, and why others cannot: a sentence, or nothing.

        Args:
            whole: The totals.
            length: Of the period.
            what: What is counted.
        """
        if said := self._unfit(whole, what):
            return [], f"Not compared by {self.label}: {said}."
        values, said = self._shared()
        found = [
            compared(
                self.metrics.get(value, NONE),
                self.traces.get(value, NONE),
                length,
                label=self.label,
                value=value,
            )
            for value in values
        ]
        if self.label in AMBIGUOUS and {part.lacking for part in found} >= set(Side):
            said = "each has more of some, which may be the same told otherwise"
            return [], f"Not compared by {self.label}: {said}."
        return found, said

    def _unfit(self, whole: Part, what: str) -> str:
        for side in Side:
            unsaid = self.counts(side).get("", NONE).n / whole.count(side).n
            if unsaid > MATERIAL:
                share = percent(min(unsaid, 1.0))
                return f"{share} of the {what} of the {side} do not say theirs"
        return "" if self._named(Side.METRICS) & self._named(Side.TRACES) else "no value is in both"

    def _shared(self) -> tuple[list[str], str]:
        """Return the values to compare, and why others are left out, or nothing.

        A value that only one side has is missing from the other. When each has one, it may as well
        be the same under two names.
        """
        metrics, traces = self._named(Side.METRICS), self._named(Side.TRACES)
        ours = _largest(metrics - traces, self.metrics)
        theirs = _largest(traces - metrics, self.traces)
        if ours and theirs:
            return sorted(metrics & traces), (
                f"Only metrics know the {self.label} {ours}, only traces {theirs}: that may be the "
                "same under two names, and is left out."
            )
        return sorted(metrics | traces), ""

    def _named(self, side: Side) -> set[str]:
        return {value for value, count in self.counts(side).items() if value and count.n >= 1}


def compared(
    metrics: Count, traces: Count, length: timedelta, *, label: str = "", value: str = ""
) -> Part:
    """Return two counts of a period of that length, and who of them counts fewer beyond doubt."""
    gap, most = metrics.n - traces.n, max(metrics.n, traces.n)
    is_told = most >= LEAST and abs(gap) > doubt(metrics, traces, length)
    fewer = Side.TRACES if gap > 0 else Side.METRICS
    return Part(
        label=label,
        value=value,
        metrics=metrics,
        traces=traces,
        lacking=fewer if is_told else None,
        missing=abs(gap) if is_told else 0.0,
    )


def doubt(metrics: Count, traces: Count, length: timedelta) -> float:
    """Return up to which difference two counts are not told apart; see the module."""
    n = max(metrics.n, traces.n)
    edges = n * min(1.0, 2 * EDGE / length)
    return max(MATERIAL * n, edges + 2 * sqrt(edges)) + metrics.margin + traces.margin


def percent(share: float) -> str:
    """Return a share to a whole percent, unless that would be none or all."""
    whole = round(share, 2)
    return render(whole if 0 < whole < 1 or share in (0, 1) else share, Unit.RATIO)


def _largest(values: Iterable[str], counts: Mapping[str, Count]) -> str:
    """Return the value with the most, of those with enough to say anything; or nothing."""
    enough = [value for value in values if counts[value].n >= LEAST]
    return max(enough, key=lambda value: (counts[value].n, value), default="")
