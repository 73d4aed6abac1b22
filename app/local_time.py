"""Instants as the viewer's own clock shows them, and how far off they are. Pure."""

from datetime import UTC, datetime, time, timedelta, tzinfo

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


def short(at: datetime, *, now: datetime, zone: tzinfo) -> str:
    """Return the time of `at` to the minute: `14:03`, `tomorrow 09:00`, `Mar 3, 09:00`."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    match (local.date() - today).days:
        case 0:
            return f"{local:%H:%M}"
        case 1:
            return f"tomorrow {local:%H:%M}"
        case _:
            return f"{local:%b %-d, %H:%M}"


def instant(wall: datetime, zone: tzinfo) -> tuple[datetime, str]:
    """Return when a clock in `zone` shows `wall`, in UTC, and what is odd about it, if anything.

    A time that the clock shows twice is the first; one that it skips is as much later as the
    clock is put forward.

    Args:
        wall: Naive, as someone typed it.
        zone: Where the clock hangs.
    """
    there = wall.replace(tzinfo=zone, fold=0)
    at = there.astimezone(UTC)
    shown = at.astimezone(zone)
    if shown.replace(tzinfo=None, fold=0) != wall:
        return at, f"{wall:%H:%M} does not exist on that day, {shown:%H:%M %Z} is taken"
    if there.utcoffset() != there.replace(fold=1).utcoffset():
        return at, f"{wall:%H:%M} comes twice on that day, the first is taken ({shown:%Z})"
    return at, ""


def mornings(*, now: datetime, zone: tzinfo, hour: int = 9) -> tuple[datetime, ...]:
    """Return the next times at which a clock in `zone` shows `hour`, in UTC.

    Before that hour it is today's and tomorrow's: at 3 in the night, "tomorrow" may mean either.
    """
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=ahead) for ahead in (0, 1))
    both = (instant(datetime.combine(day, time(hour)), zone)[0] for day in days)
    return tuple(at for at in both if at > now)


def zone_name(zone: tzinfo) -> str:
    """Return what `zone` is called: `Europe/Berlin`, `UTC`."""
    return str(getattr(zone, "key", "UTC"))
