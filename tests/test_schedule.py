"""Who is on call at an instant: properties over the nights on which clocks change, and examples."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.layers import DAY, WEEK, Booking, Bookings, Rotation, Shift, Window
from alerts.schedule import Gap, Schedule, following, on_call, shifts
from models.wallclock import instant, wall
from tests.made_schedules import (
    HOUR,
    MINUTE,
    bookings,
    instants,
    latest_shown,
    person_at,
    schedules,
    zones,
)

BERLIN = ZoneInfo("Europe/Berlin")
SECOND = timedelta(seconds=1)
quick = settings(max_examples=50, deadline=None)
Made = tuple[Schedule, datetime]


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def rotation(*people: str, **changes: object) -> Rotation:
    given_: dict[str, object] = {
        "name": "everyone",
        "people": people or ("ada", "ben"),
        "starts_at": berlin("2026-01-01 00:00"),
        "turn": DAY,
        "handover": time(9),
    }
    return Rotation(**(given_ | changes))  # type: ignore[arg-type]


def schedule(
    *layers: Rotation, zone: tzinfo = BERLIN, overrides: tuple[Booking, ...] = ()
) -> Schedule:
    return Schedule(zone=zone, layers=layers, overrides=overrides)


def booking(person: str, start: str, end: str) -> Booking:
    return Booking(person=person, start=berlin(start), end=berlin(end))


@quick
@given(schedules(), st.data())
def test_on_call_is_whom_plain_arithmetic_on_the_clock_names(
    made: Made, data: st.DataObject
) -> None:
    plan, near = made
    at = data.draw(instants(near))
    found = on_call(plan, at)
    assert (found and found.person) == person_at(plan, at)


@quick
@given(schedules(), st.integers(0, 9 * 24 * 60))
def test_shifts_tile_the_interval_without_a_seam(made: Made, minutes: int) -> None:
    plan, near = made
    start, end = near - 4 * DAY, near - 4 * DAY + minutes * MINUTE
    pieces = shifts(plan, start, end)
    seams = [start, *(piece.end for piece in pieces)]
    assert [piece.start for piece in pieces] + [end] == seams
    assert all(piece.start < piece.end for piece in pieces)
    assert not any(isinstance(a, Gap) and isinstance(b, Gap) for a, b in pairwise(pieces))


@quick
@given(schedules())
def test_on_call_agrees_with_shifts_at_every_instant(made: Made) -> None:
    plan, near = made
    start, end = near - 4 * DAY, near + 4 * DAY
    for piece in shifts(plan, start, end):
        for at in (piece.start, piece.start + (piece.end - piece.start) / 2, piece.end - SECOND):
            found = on_call(plan, at)
            cut = found and replace(found, start=max(found.start, start), end=min(found.end, end))
            assert cut == (piece if isinstance(piece, Shift) else None)


@quick
@given(schedules(), st.data(), st.integers(-14 * 60, 14 * 60))
def test_the_zone_in_which_an_instant_is_given_changes_nothing(
    made: Made, data: st.DataObject, minutes: int
) -> None:
    plan, near = made
    at = data.draw(instants(near))
    elsewhere = at.astimezone(timezone(minutes * MINUTE))
    assert on_call(plan, elsewhere) == on_call(plan, at) == on_call(plan, at.astimezone(plan.zone))
    assert shifts(plan, elsewhere, elsewhere + DAY) == shifts(plan, at, at + DAY)


@quick
@given(schedules(), st.data())
def test_an_override_wins_within_its_bounds_and_changes_nothing_outside(
    made: Made, data: st.DataObject
) -> None:
    plan, near = made
    one = data.draw(bookings(near))
    changed = replace(plan, overrides=(*plan.overrides, one))
    within = shifts(changed, one.start, one.end)
    assert [(piece.start, piece.end) for piece in within] == [(one.start, one.end)]
    assert isinstance(within[0], Shift)
    assert within[0].override is one
    for start, end in ((near - 5 * DAY, one.start), (one.end, near + 8 * DAY)):
        assert shifts(changed, start, end) == shifts(plan, start, end)


@quick
@given(zones(), st.integers(1, 5), st.sampled_from((DAY, WEEK, 36 * HOUR)), st.data())
def test_turns_keep_their_order_and_are_shared_fairly(
    made: tuple[ZoneInfo, datetime], count: int, turn: timedelta, data: st.DataObject
) -> None:
    zone, near = made
    people = tuple("abcde"[:count])
    began = data.draw(instants(near))
    plan = schedule(rotation(*people, starts_at=began, turn=turn, handover=time(12)), zone=zone)
    found = [on_call_person(piece) for piece in shifts(plan, began, began + 60 * turn)]
    assert found == [people[number % count] for number in range(len(found))]
    turns = Counter(dict.fromkeys(people, 0) | Counter(found))
    assert max(turns.values()) - min(turns.values()) <= 1


def on_call_person(piece: Shift | Gap) -> str:
    assert isinstance(piece, Shift)
    return piece.person


@quick
@given(zones(), st.data())
def test_a_later_time_on_the_clock_never_comes_earlier(
    made: tuple[ZoneInfo, datetime], data: st.DataObject
) -> None:
    zone, near = made
    local = wall(data.draw(instants(near, days=2)), zone)
    at = instant(local, zone)
    assert latest_shown(zone, at) >= local
    assert latest_shown(zone, at - MINUTE) < local


@pytest.mark.parametrize(
    ("zone", "day", "clock", "begins", "hours"),
    [
        pytest.param("Europe/Berlin", "2026-03-28", 9, "09:00", 23, id="spring, 23 h"),
        pytest.param("Europe/Berlin", "2026-10-24", 9, "09:00", 25, id="autumn, 25 h"),
        pytest.param("America/New_York", "2026-03-07", 9, "09:00", 23, id="in New York too"),
        pytest.param("Australia/Lord_Howe", "2026-10-03", 9, "09:00", 23.5, id="half an hour"),
        pytest.param("Europe/Berlin", "2026-03-29", 2.5, "03:00", 23.5, id="never comes"),
        pytest.param("Europe/Berlin", "2026-10-25", 2.5, "02:30", 25, id="comes twice: first"),
        pytest.param("America/Sao_Paulo", "2018-11-04", 0, "01:00", 23, id="no midnight"),
        pytest.param("Pacific/Apia", "2011-12-29", 9, "09:00", 15, id="until the day that is not"),
        pytest.param("Pacific/Apia", "2011-12-30", 9, "00:00", 9, id="the day that is not"),
        pytest.param("Asia/Kathmandu", "1985-12-31", 9, "09:00", 23.75, id="a new offset"),
        pytest.param("UTC", "2028-02-29", 9, "09:00", 24, id="leap day"),
    ],
)
def test_a_daily_shift_lasts_as_long_as_its_day_has(
    zone: str, day: str, clock: float, begins: str, hours: float
) -> None:
    hour, minutes = divmod(round(clock * 60), 60)
    handed_over = time(hour, minutes)
    planned = datetime.combine(datetime.fromisoformat(day), handed_over)
    place = ZoneInfo(zone)
    began = datetime(1980, 1, 1, tzinfo=UTC)
    plan = schedule(rotation(starts_at=began, handover=handed_over), zone=place)
    found = on_call(plan, instant(planned, place))
    assert found is not None
    assert found.start.astimezone(place).strftime("%H:%M") == begins
    assert found.end - found.start == hours * HOUR


def test_a_turn_that_clocks_jump_over_is_nobodys() -> None:
    apia = ZoneInfo("Pacific/Apia")
    began = datetime(2011, 12, 28, tzinfo=apia).astimezone(UTC)
    plan = schedule(rotation("a", "b", "c", "d", starts_at=began, handover=time()), zone=apia)
    found = shifts(plan, began, began + 3 * DAY)
    assert [on_call_person(piece) for piece in found] == ["a", "b", "d"]


def test_the_first_turn_ends_at_the_first_handover() -> None:
    plan = schedule(
        rotation(starts_at=berlin("2026-01-07 12:00"), turn=WEEK, handover=time(9), weekday=0)
    )
    first, second = shifts(plan, berlin("2026-01-07 12:00"), berlin("2026-01-19 09:00"))
    assert (first.end, on_call_person(first)) == (berlin("2026-01-12 09:00"), "ada")
    assert (second.end, on_call_person(second)) == (berlin("2026-01-19 09:00"), "ben")


def test_a_rotation_that_starts_in_a_repeated_hour_starts_with_the_first_person() -> None:
    began = berlin("2026-10-25 01:10") + 2 * HOUR  # 02:10 for the second time
    plan = schedule(rotation("ada", "ben", "cam", starts_at=began, handover=time(2, 30)))
    assert shifts(plan, began, began + 2 * DAY)[0] == Shift(
        start=began, end=berlin("2026-10-26 02:30"), person="ada", layer="everyone"
    )


def test_nobody_is_on_call_before_the_start() -> None:
    plan = schedule(rotation())
    began = plan.layers[0].starts_at  # type: ignore[attr-defined]
    assert on_call(plan, began - SECOND) is None
    assert shifts(plan, began - DAY, began) == [Gap(start=began - DAY, end=began)]


NIGHTS = Window(days=frozenset(range(7)), opens=time(18), closes=time(8))
WEEKENDS = Window(days=frozenset({5, 6}), opens=time(), closes=time())


def test_the_later_layer_wins_where_it_has_somebody() -> None:
    plan = schedule(rotation("ada"), rotation("nia", name="nights", windows=(NIGHTS,)))
    day = shifts(plan, berlin("2026-06-01 12:00"), berlin("2026-06-02 12:00"))
    assert [(on_call_person(piece), piece.end - piece.start) for piece in day] == [
        ("ada", 6 * HOUR),
        ("nia", 14 * HOUR),
        ("ada", HOUR),
        ("ada", 3 * HOUR),  # ada hands over to herself at 09:00
    ]


def test_windows_that_touch_are_one_shift() -> None:
    monday_mornings = Window(days=frozenset({0}), opens=time(), closes=time(8))
    friday_nights = Window(days=frozenset({4}), opens=time(18), closes=time())
    weekend = rotation(turn=WEEK, weekday=2, windows=(WEEKENDS, monday_mornings, friday_nights))
    found = on_call(schedule(weekend), berlin("2026-06-06 12:00"))
    assert found is not None
    assert (found.start, found.end) == (berlin("2026-06-05 18:00"), berlin("2026-06-08 08:00"))


def test_windows_that_leave_nothing_out_are_no_restriction() -> None:
    always = Window(days=frozenset(range(7)), opens=time(9), closes=time(9))
    start, end = berlin("2026-06-01 00:00"), berlin("2026-07-01 00:00")
    assert shifts(schedule(rotation(windows=(always,))), start, end) == shifts(
        schedule(rotation()), start, end
    )


def test_a_shift_resumes_when_the_layer_above_has_nobody_anymore() -> None:
    plan = schedule(rotation("ada"), rotation("nia", name="nights", windows=(NIGHTS,)))
    found = on_call(plan, berlin("2026-06-01 08:30"))
    assert found is not None
    assert (found.start, found.end) == (berlin("2026-06-01 08:00"), berlin("2026-06-01 09:00"))


def test_of_two_overrides_the_later_made_wins_and_the_earlier_goes_on_after_it() -> None:
    long = booking("gil", "2026-06-01 10:00", "2026-06-01 20:00")
    short = booking("hal", "2026-06-01 12:00", "2026-06-01 13:00")
    for made, people in (((long, short), "gil hal gil"), ((short, long), "gil")):
        plan = schedule(rotation(), overrides=made)
        found = shifts(plan, long.start, long.end)
        assert " ".join(on_call_person(piece) for piece in found) == people


def test_a_calendar_is_a_layer_like_any_other() -> None:
    event = booking("eva", "2026-06-01 10:00", "2026-06-01 12:00")
    plan = Schedule(zone=BERLIN, layers=(Bookings(name="calendar", bookings=(event,)),))
    found = on_call(plan, event.start)
    assert found == Shift(start=event.start, end=event.end, person="eva", layer="calendar")
    assert on_call(plan, event.end) is None


@pytest.mark.parametrize(
    ("people", "next_person"),
    [(("ada", "ben"), "ben"), (("ada",), "ada")],
)
def test_the_next_person_is_the_one_who_takes_over(
    people: tuple[str, ...], next_person: str
) -> None:
    plan = schedule(rotation(*people))
    now = on_call(plan, berlin("2026-06-01 12:00"))
    assert now is not None
    after = following(plan, replace(now, person=people[0]))
    assert after is not None
    assert after.person == next_person


def test_a_gap_has_no_next_person() -> None:
    plan = schedule(rotation("nia", windows=(NIGHTS,)))
    now = on_call(plan, berlin("2026-06-01 20:00"))
    assert now is not None
    assert following(plan, now) is None


class Counted(tzinfo):
    """A zone that counts how often it is asked."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone, self.asked = zone, 0

    def utcoffset(self, at: datetime | None) -> timedelta | None:
        self.asked += 1
        return self.zone.utcoffset(at)

    def dst(self, at: datetime | None) -> timedelta | None:
        return self.zone.dst(at)

    def tzname(self, at: datetime | None) -> str | None:
        return self.zone.tzname(at)

    def fromutc(self, at: datetime) -> datetime:
        self.asked += 1
        return self.zone.fromutc(at.replace(tzinfo=self.zone)).replace(tzinfo=self)


def asked(act: Callable[[Schedule], object], *, layers: int, years: int) -> int:
    """How often the zone is asked for an answer about a schedule of that size and age."""
    zone = Counted(BERLIN)
    began = berlin("2026-01-01 00:00") - years * 365 * DAY
    act(schedule(*[rotation(starts_at=began, windows=(NIGHTS,))] * layers, zone=zone))
    return zone.asked


def test_the_age_of_a_schedule_costs_nothing() -> None:
    def ask(plan: Schedule) -> object:
        return on_call(plan, berlin("2026-06-01 12:00"))

    assert asked(ask, layers=1, years=50) <= asked(ask, layers=1, years=1)
    assert asked(ask, layers=20, years=1) <= 20 * asked(ask, layers=1, years=1)


def test_a_year_of_twenty_layers_costs_in_proportion_to_its_shifts() -> None:
    def ask(plan: Schedule) -> object:
        return shifts(plan, berlin("2026-01-01 00:00"), berlin("2027-01-01 00:00"))

    assert asked(ask, layers=20, years=10) < 20 * 365 * 20
