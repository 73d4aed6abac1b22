"""What clocks on a wall show, and when they show it. Pure.

A wall-clock time is a datetime without zone. In a zone that changes its clocks, some never come
(spring) and some come twice (autumn); `instant` gives every one of them exactly one instant, and
never a later one to an earlier time.
"""

from datetime import UTC, datetime, timedelta, tzinfo

_SECOND = timedelta(seconds=1)


def wall(at: datetime, zone: tzinfo) -> datetime:
    """Return what clocks in `zone` show at `at`, without zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def instant(local: datetime, zone: tzinfo) -> datetime:
    """Return the first instant, in UTC, at which clocks in `zone` have come to `local`.

    A time that comes twice is taken the first time. One that never comes, because clocks jump
    over it, is the instant of the jump: 02:30 on the night to summer time is 03:00, and all of
    30 December 2011 in Apia is the midnight that ended the 29th.
    """
    # Taken with the offset that was in force before any change (PEP 495, fold=0).
    at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall(at, zone) == local:
        return at
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _jump(local, zone, before, at)


def _jump(local: datetime, zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """Return the instant between these two at which clocks jump over `local`, to the second."""
    apart = (after - before) // _SECOND
    low, high = 0, apart  # it has not come at `low`, it has at `high`
    while high - low > 1:
        middle = (low + high) // 2
        if wall(before + middle * _SECOND, zone) < local:
            low = middle
        else:
            high = middle
    return before + high * _SECOND
