"""Asking about calendar days: each day is as long as it is in its zone, 23 to 25 hours.

What there was since midnight is a plain window that grows with the day. What the rest of the day
would bring is the pace of a plain window, times what is left. Over time the first is added up from
the steps of a day, so that it costs a source one plain question, not one for each window.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.wallclock import instant, wall
from signals import Day, Query, Reading, Series, Source

Floats = NDArray[np.float64]
_SECOND = timedelta(seconds=1)


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

    A step over midnight counts to the day in which it ends, so a step should divide a quarter of
    an hour, by which zones differ.
    """
    day = query.day
    if day is None:
        return source.read_range(query, start=start, end=end, step=step)
    midnights = _midnights(start, end, day.zone)
    if day.rest:
        found = source.read_range(_plain(query), start=start, end=end, step=step)
        return [_led_on(one, midnights, query.window) for one in found]
    early = -((midnights[0] - start) // step)  # whole steps, back to where the first day began
    first = start - early * step
    tiles = replace(query, window=step, day=None)
    found = source.read_range(tiles, start=first, end=end, step=step)
    count = (end - first) // step + 1
    at: Floats = first.timestamp() + step.total_seconds() * np.arange(count, dtype=float)
    summed = [_added_up(one, at, midnights, asked=slice(early, None)) for one in found]
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


def _added_up(series: Series, at: Floats, midnights: Sequence[datetime], *, asked: slice) -> Series:
    """Return what there was since each day began; from the first value of the day on.

    A step without a value adds nothing, as it adds nothing to a window that is asked as a whole.
    """
    places = np.rint((np.asarray(series.seconds, dtype=float) - at[0]) / (at[1] - at[0]))
    values = np.bincount(places.astype(int), weights=series.values, minlength=len(at))
    known = np.bincount(places.astype(int), minlength=len(at))
    bounds = _seconds(midnights)
    began = bounds[np.searchsorted(bounds, at, side="right") - 1]
    before = np.searchsorted(at, began, side="right") - 1  # the last instant of the day before
    sums, counts = (np.cumsum(one) - np.cumsum(one)[before] for one in (values, known))
    there = np.flatnonzero(counts[asked]) + (asked.start or 0)
    return replace(series, seconds=at[there].tolist(), values=sums[there].tolist())


def _seconds(instants: Sequence[datetime]) -> Floats:
    return np.asarray([one.timestamp() for one in instants])
