"""Asking how things were: an offset is taken off before a source sees the question.

So is a calendar day: see `signals.days`. Whoever asks a source for a rule comes through here.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from signals import Query, Reading, Series, Source, days


def read(source: Source, query: Query, *, at: datetime) -> Reading:
    """Return what `source` says of `query` at `at`, or of its offset before; see `Source.read`."""
    if not query.offset:
        return days.read(source, query, at=at)
    reading = days.read(source, _plain(query), at=at - query.offset)
    return replace(reading, samples=tuple(replace(one, at=at) for one in reading.samples))


def read_range(
    source: Source, query: Query, *, start: datetime, end: datetime, step: timedelta
) -> list[Series]:
    """Return the same over time: each value lies where it is compared; see `Source.read_range`."""
    if not query.offset:
        return days.read_range(source, query, start=start, end=end, step=step)
    found = days.read_range(
        source, _plain(query), start=start - query.offset, end=end - query.offset, step=step
    )
    later = query.offset.total_seconds()
    return [
        replace(
            one,
            seconds=[second + later for second in one.seconds],
            idle=[second + later for second in one.idle],
        )
        for one in found
    ]


def _plain(query: Query) -> Query:
    return replace(query, offset=timedelta())
