"""A question about a calendar day: as long as its zone makes it, live and over time."""

from datetime import UTC, datetime, timedelta

import pytest

from signals import Day, Query, days, offsets
from signals.grouping import plan
from tests.memory_source import MemorySource

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BERLIN = "Europe/Berlin"
SO_FAR = Query(signal="cost", window=DAY, day=Day(zone=BERLIN))
REST = Query(signal="cost", window=HOUR, day=Day(zone=BERLIN, rest=True))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "begins", "ends"),
    [
        ("2026-03-29T12:00", BERLIN, "2026-03-28T23:00", "2026-03-29T22:00"),  # 23 hours
        ("2026-10-25T12:00", BERLIN, "2026-10-24T22:00", "2026-10-25T23:00"),  # 25 hours
        ("2026-03-02T23:30", BERLIN, "2026-03-02T23:00", "2026-03-03T23:00"),
        ("2026-03-02T23:00", BERLIN, "2026-03-02T23:00", "2026-03-03T23:00"),
        ("2026-03-02T18:20", "Asia/Kathmandu", "2026-03-02T18:15", "2026-03-03T18:15"),
        # Clocks jump from midnight to one: the day begins with the jump.
        ("2026-04-24T12:00", "Africa/Cairo", "2026-04-23T22:00", "2026-04-24T21:00"),
        # The day after is left out altogether.
        ("2011-12-30T09:59", "Pacific/Apia", "2011-12-29T10:00", "2011-12-30T10:00"),
    ],
    ids=["spring", "autumn", "next_day", "midnight", "kathmandu", "cairo", "apia"],
)
def test_a_day_is_as_long_as_its_zone_makes_it(now: str, zone: str, begins: str, ends: str) -> None:
    assert days.begins(at(now), zone) == at(begins)
    assert days.ends(at(now), zone) == at(ends)


def test_a_source_is_asked_for_the_part_of_the_day_that_is_over() -> None:
    source = MemorySource()
    offsets.read(source, SO_FAR, at=NOON)
    assert source.asked == [Query(signal="cost", window=13 * HOUR)]


def test_just_after_midnight_hardly_anything_is_asked_for() -> None:
    source = MemorySource()
    offsets.read(source, SO_FAR, at=at("2026-03-02T23:00"))
    assert source.asked == [Query(signal="cost", window=timedelta(seconds=1))]


def test_the_rest_of_the_day_goes_on_at_the_pace() -> None:
    source = MemorySource(wave=lambda *_: 2.0)
    [sample] = offsets.read(source, REST, at=NOON).samples
    assert sample.value == 2.0 * 11  # until 23:00 UTC
    [series] = offsets.read_range(source, REST, start=NOON, end=NOON + 12 * HOUR, step=HOUR)
    assert series.values[0] == 22.0
    assert series.values[-2:] == [48.0, 46.0]  # the next day has begun


def test_over_time_each_day_is_added_up_from_its_midnight() -> None:
    source = MemorySource(wave=lambda *_: 1.0)
    start, end = at("2026-03-28T22:00"), at("2026-03-30T00:00")
    [series] = offsets.read_range(source, SO_FAR, start=start, end=end, step=HOUR)
    values = dict(zip(series.seconds, series.values, strict=True))
    assert values[start.timestamp()] == 23.0  # since 23:00 UTC of the 27th
    assert at("2026-03-28T23:00").timestamp() not in values  # the day has just begun
    assert values[at("2026-03-29T00:00").timestamp()] == 1.0
    assert values[at("2026-03-29T21:00").timestamp()] == 22.0
    assert values[at("2026-03-29T23:00").timestamp()] == 1.0  # after 23 hours
    assert {query.window for query in source.asked} == {HOUR}


def test_a_step_without_a_value_leaves_the_sum_as_it_is() -> None:
    source = MemorySource(wave=lambda _signal, _labels, second: 1.0 if second % 7200 else None)
    [series] = offsets.read_range(source, SO_FAR, start=NOON, end=NOON + 3 * HOUR, step=HOUR)
    assert series.values == [6.0, 7.0, 7.0, 8.0]


def test_steps_too_short_for_a_rate_are_added_up_from_longer_tiles() -> None:
    source = MemorySource(wave=lambda *_: 10.0)
    step = timedelta(seconds=15)
    [series] = offsets.read_range(source, SO_FAR, start=NOON, end=NOON + MINUTE, step=step)
    assert series.values == pytest.approx([1560.0 + n * 0.5 for n in range(5)])
    assert {query.window for query in source.asked} == {5 * MINUTE}


def test_a_day_so_far_and_a_window_are_two_questions() -> None:
    plain = Query(signal="cost", window=DAY)
    assert plain != SO_FAR
    scopes = [(("tenant", name),) for name in ("acme", "globex", "initech")]
    queries = [
        Query(signal="cost", window=DAY, scope=s, day=d) for s in scopes for d in (None, SO_FAR.day)
    ]
    assert {(query.by, query.day) for query in plan(queries).values()} == {
        (("tenant",), None),
        (("tenant",), SO_FAR.day),
    }
