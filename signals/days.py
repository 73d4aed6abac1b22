"""Asking about calendar days: each day is as long as it is in its zone, 23 to 25 hours.

What there was since midnight is a plain window that grows with the day. What the rest of the day
would bring is the pace of a plain window, times what is left. Over time the first is added up from
the steps of a day, so that it costs a source one plain question, not one for each window.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.wallclock import instant, wall
from signals import Day, Query, Reading, Series, Source

Floats = NDArray[np.float64]
# A rate needs two scrapes, and no tile of a day should miss them.
TILE = timedelta(minutes=5)
_SECOND = timedelta(seconds=1)
_ROUNDING = 1e-3  # seconds


def begins(at: datetime, zone: str) -> datetime:
    """Return when the calendar day of `at` began, in UTC."""
    known = ZoneInfo(zone)
    return instant(_midnight(at, known), known)


def ends(at: datetime, zone: str) -> datetime:
    """Return when the calendar day of `at` ends and the next begins, in UTC."""
    known = ZoneInfo(zone)
    day = _midnight(at, known)
    # A day that a zone leaves out altogether ends as it begins: take the next one.
    following = (instant(day + timedelta(days=n), known) for n in range(1, 4))
    return next(end for end in following if end > at)


def read(source: Source, query: Query, *, at: datetime) -> Reading:
    """Return what `source` says of `query` at `at`, which may be about a day; see `Source.read`."""
    day = query.day
    if day is None:
        return source.read(query, at=at)
    if not day.rest:
        so_far = max(at - begins(at, day.zone), _SECOND)
        return source.read(replace(query, window=so_far, day=None), at=at)
    reading = source.read(_plain(query), at=at)
    times = _times(query, day, at)
    told = tuple(replace(one, value=one.value * times) for one in reading.samples)
    return replace(reading, samples=told)


def read_range(
    source: Source, query: Query, *, start: datetime, end: datetime, step: timedelta
) -> list[Series]:
    """Return the same over time; see `Source.read_range`.

    What there was so far is added up from tiles of one step, or of `TILE` if that is longer, and
    is taken to have come evenly within each.
    """
    day = query.day
    if day is None:
        return source.read_range(query, start=start, end=end, step=step)
    midnights = _midnights(start, end, day.zone)
    if day.rest:
        found = source.read_range(_plain(query), start=start, end=end, step=step)
        return [_led_on(one, midnights, query.window) for one in found]
    tile = step * max(1, math.ceil(TILE / step))
    early = math.ceil((end - midnights[0]) / tile)  # back to where the first day began
    first = end - early * tile
    found = source.read_range(
        replace(query, window=tile, day=None), start=first, end=end, step=tile
    )
    at = _instants(start, end, step)
    tiles = _instants(first, end, tile)
    summed = [_added_up(one, tiles, at, _seconds(midnights)) for one in found]
    return [one for one in summed if one.seconds]


def _midnight(at: datetime, zone: ZoneInfo) -> datetime:
    return wall(at, zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _midnights(start: datetime, end: datetime, zone: str) -> list[datetime]:
    """Return when each day began, from that of `start` on, and when that of `end` ends."""
    found = [begins(start, zone)]
    while found[-1] <= end:
        found.append(ends(found[-1], zone))
    return found


def _plain(query: Query) -> Query:
    return replace(query, day=None)


def _times(query: Query, day: Day, at: datetime) -> float:
    """Return how many times the query's window fits into what is left of the day."""
    return (ends(at, day.zone) - at) / query.window


def _led_on(series: Series, midnights: Sequence[datetime], window: timedelta) -> Series:
    """Return what each value leads to by the end of its day."""
    at = np.asarray(series.seconds, dtype=float)
    bounds = _seconds(midnights)
    left = bounds[np.searchsorted(bounds, at, side="right")] - at
    values = np.asarray(series.values, dtype=float) * left / window.total_seconds()
    return replace(series, values=values.tolist())


def _added_up(series: Series, tiles: Floats, at: Floats, midnights: Floats) -> Series:
    """Return what there was at each instant since its day began, once there was anything.

    A tile without a value adds nothing, as it adds nothing to a window that is asked as a whole.
    The first tile ends where the first day begins, or before.
    """
    places = np.searchsorted(tiles, np.asarray(series.seconds, dtype=float) - _ROUNDING)
    sums = np.cumsum(np.bincount(places, weights=series.values, minlength=len(tiles))[1:])
    known = np.cumsum(np.bincount(places, minlength=len(tiles))[1:])
    sums, known = (np.concatenate(([0.0], one)) for one in (sums, known))
    began = midnights[np.searchsorted(midnights, at, side="right") - 1]
    values = np.interp(at, tiles, sums) - np.interp(began, tiles, sums)
    last = np.searchsorted(tiles, at - _ROUNDING)
    before = np.searchsorted(tiles, began + _ROUNDING) - 1
    there = (at > began) & (known[last] > known[before])
    return replace(series, seconds=at[there].tolist(), values=values[there].tolist())


def _instants(start: datetime, end: datetime, step: timedelta) -> Floats:
    count = (end - start) // step + 1
    found: Floats = start.timestamp() + step.total_seconds() * np.arange(count, dtype=float)
    return found


def _seconds(instants: Sequence[datetime]) -> Floats:
    return np.asarray([one.timestamp() for one in instants])
