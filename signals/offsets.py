"""Asking how things were: an offset is taken off before a source sees the question."""

from dataclasses import replace
from datetime import datetime, timedelta

from signals import Query, Reading, Series, Source


def read(source: Source, query: Query, *, at: datetime) -> Reading:
    """Return what `source` says of `query` at `at`, or of its offset before; see `Source.read`."""
    if not query.offset:
        return source.read(query, at=at)
    reading = source.read(_plain(query), at=at - query.offset)
    return replace(reading, samples=tuple(replace(one, at=at) for one in reading.samples))


def read_range(
    source: Source, query: Query, *, start: datetime, end: datetime, step: timedelta
) -> list[Series]:
    """Return the same over time: each value lies where it is compared; see `Source.read_range`."""
    if not query.offset:
        return source.read_range(query, start=start, end=end, step=step)
    found = source.read_range(
        _plain(query), start=start - query.offset, end=end - query.offset, step=step
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
