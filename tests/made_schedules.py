"""Schedules at random, around the nights on which clocks change, and a plain oracle for them."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from alerts.layers import DAY, WEEK, Booking, Rotation, Window
from alerts.schedule import Schedule

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# Zones, and days about which something happens to their clocks.
NIGHTS = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25), date(2028, 2, 29)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1), date(2025, 12, 31)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),  # by half an hour
    "America/Sao_Paulo": (date(2018, 11, 4), date(2018, 2, 18)),  # at midnight
    "Asia/Kathmandu": (date(1986, 1, 1), date(2026, 1, 1)),  # from +5:30 to +5:45, for good
    "Pacific/Apia": (date(2011, 12, 30), date(2012, 4, 1)),  # the first of them never was
    "Pacific/Kwajalein": (date(1993, 8, 21),),  # nor was this
    "UTC": (date(2026, 12, 31), date(2028, 2, 29)),
}
TURNS = (HOUR, 5 * HOUR, 12 * HOUR, DAY, 36 * HOUR, 3 * DAY, WEEK, 2 * WEEK)


@st.composite
def schedules(draw: st.DrawFn, *, overrides: int = 4) -> tuple[Schedule, datetime]:
    """A schedule, and an instant near which something happens to the clocks of its zone."""
    zone, near = draw(zones())
    layers = draw(st.lists(rotations(near), min_size=1, max_size=4))
    booked = draw(st.lists(bookings(near), max_size=overrides))
    return Schedule(zone=zone, layers=tuple(layers), overrides=tuple(booked)), near


@st.composite
def zones(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    name = draw(st.sampled_from(sorted(NIGHTS)))
    zone = ZoneInfo(name)
    night = datetime.combine(draw(st.sampled_from(NIGHTS[name])), time(2), zone)
    return zone, night.astimezone(UTC)


def instants(near: datetime, *, days: int = 4) -> st.SearchStrategy[datetime]:
    minutes = days * 24 * 60
    return st.integers(-minutes, minutes).map(lambda count: near + count * MINUTE)


clocks = st.sampled_from(
    (time(0), time(1, 30), time(2), time(2, 30), time(9), time(18))
) | st.times(min_value=time(0), max_value=time(23, 59)).map(
    lambda clock: clock.replace(second=0, microsecond=0)
)


@st.composite
def rotations(draw: st.DrawFn, near: datetime) -> Rotation:
    turn = draw(st.sampled_from(TURNS))
    whole_weeks = turn % WEEK == timedelta()
    return Rotation(
        name=f"layer {draw(st.integers(1, 99))}",
        people=tuple("abcd"[: draw(st.integers(1, 4))]),
        starts_at=draw(instants(near, days=20)),
        turn=turn,
        handover=draw(clocks),
        weekday=draw(st.none() | st.integers(0, 6)) if whole_weeks else None,
        windows=tuple(draw(st.lists(windows, max_size=3))),
    )


windows = st.builds(
    Window,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    opens=clocks,
    closes=clocks,
)


@st.composite
def bookings(draw: st.DrawFn, near: datetime) -> Booking:
    start = draw(instants(near))
    length = draw(st.integers(1, 3 * 24 * 60))
    person = draw(st.sampled_from(("x", "y")))
    return Booking(person=person, start=start, end=start + length * MINUTE)


def person_at(schedule: Schedule, at: datetime) -> str | None:
    """Who is on call at `at`, by arithmetic on the latest time that clocks have shown so far.

    That clock stands still while an hour is repeated, and jumps when one is left out, so that what
    a schedule says can be read off it without thinking of instants at all.
    """
    for booking in reversed(schedule.overrides):
        if booking.start <= at < booking.end:
            return booking.person
    shown = latest_shown(schedule.zone, at)
    for layer in reversed(schedule.layers):
        assert isinstance(layer, Rotation)
        if layer.starts_at <= at and _is_open(layer, shown):
            return _whose_turn(layer, shown, latest_shown(schedule.zone, layer.starts_at))
    return None


def latest_shown(zone: tzinfo, at: datetime) -> datetime:
    """The latest time, to the minute, that clocks in `zone` have shown at or before `at`."""
    day_before = (at - count * MINUTE for count in range(26 * 60))
    return max(one.astimezone(zone).replace(tzinfo=None, fold=0) for one in day_before)


def _is_open(layer: Rotation, shown: datetime) -> bool:
    def within(window: Window, day: date) -> bool:
        opens = datetime.combine(day, window.opens)
        closes = datetime.combine(day, window.closes)
        closes += DAY if closes <= opens else timedelta()
        return day.weekday() in window.days and opens <= shown < closes

    days = (shown.date(), shown.date() - DAY)
    return not layer.windows or any(within(w, day) for w in layer.windows for day in days)


def _whose_turn(layer: Rotation, shown: datetime, began: datetime) -> str:
    first = datetime.combine(began.date(), layer.handover)
    while first > began or layer.weekday not in (None, first.weekday()):
        first -= DAY
    turns = (shown - first) // layer.turn - (began - first) // layer.turn
    return layer.people[turns % len(layer.people)]
