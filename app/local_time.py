"""Instants as the viewer's own clock shows them, and how far off they are. Pure."""

from datetime import datetime, timedelta, tzinfo

from signals.units import span


def clock(at: datetime, *, now: datetime, zone: tzinfo) -> str:
    """Return the time of `at` in `zone`, with the day unless that is today: `14:03:12 CET`."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    return f"{local:%H:%M:%S %Z}" if local.date() == today else f"{local:%b %-d, %H:%M %Z}"


def until(then: datetime | None, *, now: datetime) -> str:
    """Return how far ahead `then` is: `in 40 s`, `now` when it has come, nothing for None."""
    if then is None:
        return ""
    ahead = then - now
    return "now" if ahead < timedelta(seconds=1) else f"in {span(ahead)}"


def offset(at: datetime, *, since: datetime) -> str:
    """Return the time from `since` to `at`, as a timeline counts it: `+40 s`, `-2 min`, `0 s`."""
    apart = at - since
    if abs(apart) < timedelta(seconds=1):
        return "0 s"
    return f"{'+' if apart > timedelta() else '-'}{span(abs(apart))}"
