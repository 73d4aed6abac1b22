"""How far a number may be trusted: what it rests on, and what it cannot know. Pure.

A classic histogram knows only how many values each bucket holds. A quantile is interpolated in one
bucket as if the values in it were spread evenly; beyond the last bound it is not even that.

Source: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from models.vocabulary import Unit
from signals import Reading
from signals.units import render, span

THIN_BELOW = 10  # samples
STALE_AFTER = timedelta(minutes=2)
# A bucket that is wider than this share of its upper bound says little about where in it one is.
WIDE = 0.1


class Verdict(StrEnum):
    """What is the matter with a number, the worst first."""

    NO_DATA = "no data"  # nothing was counted
    STALE = "stale"  # the newest sample is old
    THIN = "thin"  # it rests on few samples
    LOWER_BOUND = "lower bound"  # beyond the last bucket: it is at least this
    VANISHED = "series vanished"  # what they counted last is missing
    RESETS = "counter resets"  # what was counted between the last look and a restart is missing
    UNDECIDED = "undecided"  # the target lies within the bucket
    COARSE = "coarse"  # interpolated within a wide bucket
    SOUND = "sound"
    UNKNOWN = "unknown"  # an expression of someone's own: nobody can look into it


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How far a number may be trusted.

    Attributes:
        verdict: The worst that is the matter with it.
        badge: A few words to stand next to the number; empty when it is sound.
        sentence: Why, for whoever decides by it.
        low, high: Where the true value lies, in the signal's unit; None where nobody can say. An
            infinite `high` is no upper bound.
        n: How many samples it rests on; None where that has no meaning.
        also: What else is the matter, a sentence each.
    """

    verdict: Verdict
    badge: str = ""
    sentence: str = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """How many values are at most `upper`, which is infinite for the last one."""

    upper: float
    count: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the series behind a number say of themselves.

    Attributes:
        n: Samples in the window; None for what counts none, such as a gauge.
        resets: How often their counters began anew in the window.
        seen: How many series there were in the window.
        alive: How many of them there are at its end.
        newest_at: Time of the newest sample; None if there is none.
    """

    n: float | None = None
    resets: int = 0
    seen: int = 0
    alive: int = 0
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a number is and covers.

    Attributes:
        q: The quantile it is, or None.
        decisive: Values that it is held against, such as a target.
    """

    unit: Unit
    window: timedelta
    at: datetime
    q: float | None = None
    decisive: tuple[float, ...] = ()


def grade(asked: Asked, facts: Facts, buckets: Sequence[Bucket] = ()) -> Trust:
    """Return how far a number may be trusted.

    Args:
        asked: What it is.
        facts: What its series say of themselves.
        buckets: For a quantile, those of its histogram, by their bounds.
    """
    n = None if facts.n is None else round(facts.n)
    if facts.newest_at is None or n == 0:
        return Trust(
            verdict=Verdict.NO_DATA,
            badge="no data" if n is None else "n = 0",
            sentence=f"Nothing was counted in the last {span(asked.window)}.",
            n=n,
        )
    found = _Bucketed.of(asked, buckets)
    matters = [
        matter
        for matter in (
            _stale(asked, facts.newest_at),
            _thin(asked, n),
            found.beyond(asked) if found else None,
            _vanished(facts),
            _resets(facts),
            (found.undecided(asked) or found.coarse(asked)) if found else None,
        )
        if matter is not None
    ]
    low, high = (found.low, found.high) if found else (None, None)
    if not matters:
        said = "" if n is None else f"It rests on {n:,} samples of the last {span(asked.window)}."
        return Trust(verdict=Verdict.SOUND, sentence=said, low=low, high=high, n=n)
    worst, *others = matters
    return Trust(
        verdict=worst.verdict,
        badge=worst.badge,
        sentence=worst.sentence,
        low=low,
        high=high,
        n=n,
        also=tuple(other.sentence for other in others),
    )


def facts_of(reading: Reading) -> Facts:
    """Return the facts in the answer to `signals.rendering.examine`."""
    found = {s.labels.get("fact", ""): s.value for s in reading.samples}
    newest = found.get("newest")
    at = reading.samples[0].at if reading.samples else None
    return Facts(
        n=found.get("n"),
        resets=round(found.get("resets", 0)),
        seen=round(found.get("seen", 0)),
        alive=round(found.get("alive", 0)),
        newest_at=datetime.fromtimestamp(newest, at.tzinfo) if newest and at else None,
    )


def buckets_of(reading: Reading, *, scale: float) -> list[Bucket]:
    """Return the buckets in an answer split by `le`, their bounds multiplied with `scale`."""
    found = []
    for sample in reading.samples:
        try:
            upper = float(sample.labels["le"]) * scale
        except (KeyError, ValueError):
            continue
        found.append(Bucket(upper=upper, count=sample.value))
    return sorted(found, key=lambda bucket: bucket.upper)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matter:
    verdict: Verdict
    badge: str
    sentence: str


def _stale(asked: Asked, newest_at: datetime) -> _Matter | None:
    age = asked.at - newest_at
    if age <= STALE_AFTER:
        return None
    return _Matter(
        verdict=Verdict.STALE,
        badge=f"{span(age)} old",
        sentence=f"The newest sample is {span(age)} old: what happened since is not in it.",
    )


def _thin(asked: Asked, n: int | None) -> _Matter | None:
    if n is None or n >= THIN_BELOW:
        return None
    what = "a value" if asked.q is None else f"a p{asked.q * 100:g}"
    return _Matter(
        verdict=Verdict.THIN,
        badge=f"n = {n}",
        sentence=f"Only {n} samples in the last {span(asked.window)}: {what} of so few is an "
        "anecdote.",
    )


def _vanished(facts: Facts) -> _Matter | None:
    gone = facts.seen - facts.alive
    if gone <= 0:
        return None
    return _Matter(
        verdict=Verdict.VANISHED,
        badge=f"{gone} series gone",
        sentence=f"{gone} of {facts.seen} series ended in the window: what they counted after "
        "their last scrape is missing.",
    )


def _resets(facts: Facts) -> _Matter | None:
    if facts.resets <= 0:
        return None
    times = "once" if facts.resets == 1 else f"{facts.resets} times"
    return _Matter(
        verdict=Verdict.RESETS,
        badge=f"{facts.resets} resets" if facts.resets > 1 else "1 reset",
        sentence=f"A counter began anew {times}: what was counted between the scrape before and "
        "that is missing.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bucketed:
    """The bucket in which a quantile lies.

    Attributes:
        low, high: Its bounds.
        value: What is interpolated in it.
        alone: Whether all values are in it.
    """

    low: float
    high: float
    value: float
    alone: bool

    @classmethod
    def of(cls, asked: Asked, buckets: Sequence[Bucket]) -> "_Bucketed | None":
        if asked.q is None or not buckets or buckets[-1].count <= 0:
            return None
        total = buckets[-1].count
        rank = asked.q * total
        place = next(i for i, b in enumerate(buckets) if b.count >= rank or i == len(buckets) - 1)
        high, within = buckets[place].upper, buckets[place].count
        low, below = (buckets[place - 1].upper, buckets[place - 1].count) if place else (0.0, 0.0)
        held = within - below
        value = low
        if math.isfinite(high) and held > 0:
            value = low + (high - low) * (rank - below) / held
        return cls(low=low, high=high, value=value, alone=held >= total)

    def beyond(self, asked: Asked) -> _Matter | None:
        if math.isfinite(self.high):
            return None
        least = render(self.low, asked.unit)
        return _Matter(
            verdict=Verdict.LOWER_BOUND,
            badge=f"≥ {least}",
            sentence=f"{_name(asked)} lies beyond the last bucket: it is {least} or more, and "
            "nobody knows how much more.",
        )

    def undecided(self, asked: Asked) -> _Matter | None:
        between = next((one for one in asked.decisive if self.low < one < self.high), None)
        if between is None or math.isinf(self.high):
            return None
        return _Matter(
            verdict=Verdict.UNDECIDED,
            badge=self._range(asked),
            sentence=f"{self._lies(asked)}, and so may be on either side of "
            f"{render(between, asked.unit)}; {render(self.value, asked.unit)} is interpolation.",
        )

    def coarse(self, asked: Asked) -> _Matter | None:
        if math.isinf(self.high) or self.high - self.low <= WIDE * self.high:
            return None
        value = render(self.value, asked.unit)
        why = f"{value} is interpolation"
        if self.alone:
            why = f"every value is in this bucket, so {value} is all it can say"
        return _Matter(
            verdict=Verdict.COARSE,
            badge=self._range(asked),
            sentence=f"{self._lies(asked)}; {why}.",
        )

    def _lies(self, asked: Asked) -> str:
        low, high = render(self.low, asked.unit), render(self.high, asked.unit)
        return f"{_name(asked)} lies between {low} and {high}"

    def _range(self, asked: Asked) -> str:
        return f"{render(self.low, asked.unit)} to {render(self.high, asked.unit)}"


def _name(asked: Asked) -> str:
    return f"p{(asked.q or 0) * 100:g}"
