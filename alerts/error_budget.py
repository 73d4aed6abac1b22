"""How much of an error budget is left, and when it will be gone. Pure.

What happened comes in tiles: stretches of one length, one after the other, each with its events
and how many of them were bad. A tile of which nothing is known is a gap: it counts as nothing,
neither good nor bad, and is told.

Source: Google SRE Workbook, ch. 2, "Implementing SLOs", and its appendix "Example Error Budget
Policy": https://sre.google/workbook/error-budget-policy/
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.vocabulary import Period
from models.wallclock import instant, wall

Floats = NDArray[np.float64]

# With a budget of fewer bad events, one more or less is a tenth of it: that is an anecdote.
FEW_BAD = 10
LATELY = timedelta(hours=6)  # what "at this rate" looks at
_ROLLING = {Period.DAYS_28: timedelta(days=28), Period.DAYS_30: timedelta(days=30)}
_LONGEST_MONTH = timedelta(days=32)  # and the hour that autumn adds to October


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The stretch of time that a budget is for; a rolling one ends now, a month later."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """What happened, tile by tile; the last ends at `end`.

    Attributes:
        events: Of each tile; not-a-number where nothing is known.
        bad: Those of them that were bad; not-a-number where `events` is.
    """

    end: datetime
    step: timedelta
    events: Floats
    bad: Floats

    @property
    def start(self) -> datetime:
        """Return when the first tile begins."""
        return self.end - len(self.events) * self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an error budget stands.

    Attributes:
        span: What it is for.
        events: Known ones in the span, so far.
        bad: Those of them that were bad.
        allowed: How many may be bad in all of the span: of what happened, and of a month also of
            what its rest will bring if it goes on so.
        known: For how much of the span, so far, anything is known.
        gap: For how much it is not, after the first tile of which something is.
        since: When that tile began; None if nothing is known at all.
        pace: How fast it burned lately, 1 would spend it exactly; None if nothing happened.
        lately: How many events that rests on.
        gone_at: When it is spent at that pace; None if it is not to be, within a span.
        back_at: Of a spent one, when there is some again at that pace; None if there is not to be.
    """

    span: Span
    events: float
    bad: float
    allowed: float
    known: timedelta
    gap: timedelta
    since: datetime | None
    pace: float | None
    lately: float
    gone_at: datetime | None = None
    back_at: datetime | None = None

    @property
    def left(self) -> float | None:
        """Return the share that is left, below 0 if more was spent; None where nothing happened."""
        return 1 - self.bad / self.allowed if self.allowed else None

    @property
    def is_spent(self) -> bool:
        """Say whether nothing is left."""
        return self.left is not None and self.left <= 0

    @property
    def is_few(self) -> bool:
        """Say whether so little happened that single events decide."""
        return 0 < self.allowed < FEW_BAD


def span(period: Period, *, zone: str, now: datetime) -> Span:
    """Return what a budget is for at `now`; a month is one of the calendar in `zone`."""
    if period in _ROLLING:
        return Span(start=now - _ROLLING[period], end=now)
    known = ZoneInfo(zone)
    first = wall(now, known).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + _LONGEST_MONTH).replace(day=1)
    return Span(start=instant(first, known), end=instant(following, known))


def look_back(period: Period) -> timedelta:
    """Return how far back tiles are needed."""
    return _ROLLING.get(period, _LONGEST_MONTH)


def standing(tiles: Tiles, objective: float, span: Span) -> Standing:
    """Return how the budget of `span` stands where `tiles` end.

    Args:
        tiles: What happened; of a month also before it began, for how much its rest will bring.
        objective: Share of good events, in (0, 1).
        span: What the budget is for.
    """
    inside = _inside(tiles, span)
    events, bad = (np.nan_to_num(one) for one in (tiles.events, tiles.bad))
    there = np.isfinite(tiles.events)
    known = np.flatnonzero(there & (inside > 0))
    rate = float(events.sum() / max(there.sum(), 1))  # events a tile
    pace, lately = _pace(tiles, objective)
    so_far, spent = float(events @ inside), float(bad @ inside)
    ahead = (span.end - tiles.end) / tiles.step if known.size else 0.0
    found = Standing(
        span=span,
        events=so_far,
        bad=spent,
        allowed=(1 - objective) * (so_far + rate * max(ahead, 0.0)),
        known=tiles.step * float(inside[known].sum()),
        gap=tiles.step * float(inside[known[0] :][~there[known[0] :]].sum())
        if known.size
        else timedelta(),
        since=max(tiles.start + int(known[0]) * tiles.step, span.start) if known.size else None,
        pace=pace,
        lately=lately,
    )
    if found.left is None or pace is None:
        return found
    course = _ahead(tiles, span, objective, found, Rate(events=rate, pace=pace))
    gone = None if found.is_spent else _crossing(course, below=False)
    back = _crossing(course, below=True) if found.is_spent else None
    return _at(found, tiles, gone, back)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How it goes on: events a tile, and how many times too fast they burn the budget."""

    events: float
    pace: float


def burn_down(tiles: Tiles, standing: Standing) -> Floats:
    """Return the share that was left of the whole budget after each tile.

    Not-a-number before the span began and in gaps. It begins with 1 and ends with what is left
    now: what happened is held against the budget as it is reckoned now.
    """
    inside = _inside(tiles, standing.span)
    left: Floats = 1.0 - np.cumsum(np.nan_to_num(tiles.bad) * inside) / (standing.allowed or np.nan)
    left[(inside == 0) | ~np.isfinite(tiles.events)] = np.nan
    return left


def _inside(tiles: Tiles, span: Span) -> Floats:
    """Return how much of each tile lies in the span, in [0, 1]."""
    ends = np.arange(1.0, len(tiles.events) + 1)
    begins = (span.start - tiles.start) / tiles.step
    return np.clip(ends - begins, 0.0, 1.0)


def _pace(tiles: Tiles, objective: float) -> tuple[float | None, float]:
    count = max(1, round(LATELY / tiles.step))
    events = float(np.nansum(tiles.events[-count:]))
    bad = float(np.nansum(tiles.bad[-count:]))
    return (bad / events / (1 - objective) if events else None), events


def _ahead(tiles: Tiles, span: Span, objective: float, now: Standing, rate: Rate) -> Floats:
    """Return which share of the budget is spent now, and after each tile to come.

    A rolling span drops at its beginning what it takes in at its end; a month only takes in.
    """
    spent_each = rate.events * (1 - objective) * rate.pace
    if span.end > tiles.end:
        count = int((span.end - tiles.end) / tiles.step) + 1
        month: Floats = (now.bad + spent_each * np.arange(count + 1.0)) / now.allowed
        return month
    inside = _inside(tiles, span)
    events, bad = (np.nan_to_num(one) * inside for one in (tiles.events, tiles.bad))
    later = np.arange(len(events) + 1.0)
    dropped, forgiven = (np.concatenate(([0.0], np.cumsum(one))) for one in (events, bad))
    total = now.events - dropped + rate.events * later
    spent = now.bad - forgiven + spent_each * later
    with np.errstate(divide="ignore", invalid="ignore"):
        rolling: Floats = spent / ((1 - objective) * total)
    return rolling


def _crossing(course: Floats, *, below: bool) -> float | None:
    """Return after how many tiles the spent share comes to 1, from above if `below`."""
    there = course < 1 if below else course >= 1
    places = np.flatnonzero(there)
    if not places.size or not places[0]:
        return None
    after = int(places[0])
    before, then = float(course[after - 1]), float(course[after])
    return after - 1 + (1 - before) / (then - before)


def _at(found: Standing, tiles: Tiles, gone: float | None, back: float | None) -> Standing:
    times = [None if one is None else tiles.end + one * tiles.step for one in (gone, back)]
    if found.span.end > tiles.end:
        times = [one if one is not None and one < found.span.end else None for one in times]
    return replace(found, gone_at=times[0], back_at=times[1])
