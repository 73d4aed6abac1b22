"""Dry runs: a policy walked through at an instant, over changes of the clocks and gaps."""

import threading
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import channels, escalation, lookups, rehearsal
from alerts.delivery import Channels
from alerts.escalation import Hours, Only, Plan, Situation, Step
from alerts.lookups import Found
from alerts.notifiers import NotifyError, Person
from alerts.rehearsal import ClockChange
from app import local_time, rehearsal_words
from models.vocabulary import Severity

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# Clocks in Berlin go from 02:00 to 03:00 on 2026-03-29, and from 03:00 back on 2026-10-25.
SPRING = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
ONE = Situation(severity=Severity.CRITICAL, size=1)
ADA = Person(name="Ada Lovelace", email="ada@example.org")


def step(minutes: float, channel: str = "slack:#a", only: Only = escalation.ALWAYS) -> Step:
    return Step(after=minutes * MINUTE, channels=(channel,), only=only)


def office(start: int, end: int) -> Only:
    return Only(hours=Hours(start=time(start), end=time(end), zone="Europe/Berlin"))


class Rota:
    """Ada, except at the hours named."""

    def __init__(self, *gaps: datetime) -> None:
        self.gaps = gaps

    def find(self, target: str, *, at: datetime) -> list[Person]:
        return [] if at in self.gaps else [ADA]


def usable(directory: object) -> Channels:
    return Channels(
        directories={channels.ONCALL: directory},  # type: ignore[dict-item]
        reach=(channels.SLACK_DM,),
    )


def test_each_step_comes_after_its_delay_and_the_policy_repeats() -> None:
    plan = Plan(steps=(step(0), step(5)), repeat=1, group_wait=2 * MINUTE)
    turns = rehearsal.rehearse(plan, ONE, now=SPRING)
    assert [(t.round, t.step, (t.at - SPRING) / MINUTE) for t in turns] == [
        (0, 0, 2),
        (0, 1, 7),
        (1, 0, 12),
        (1, 1, 17),
    ]


def test_a_policy_without_steps_has_no_turn() -> None:
    assert rehearsal.rehearse(Plan(steps=()), ONE, now=SPRING) == ()


def test_a_step_whose_condition_is_not_met_is_said_to_be_skipped() -> None:
    grave = Only(severities=frozenset({Severity.CRITICAL}), more_than=3)
    plan = Plan(steps=(step(0, only=grave), step(1, "slack:#b")))
    first, second = rehearsal.rehearse(plan, ONE, now=SPRING)
    assert first.skipped == "only for more than 3 alerts"
    assert second.skipped == ""
    assert rehearsal.told((first, second)) == second


def test_hours_follow_the_clock_and_delays_do_not_when_it_goes_forward() -> None:
    """From 01:30 it is an hour until 03:30: the step that waits for 03:00 is taken."""
    plan = Plan(steps=(step(0, only=office(3, 5)), step(60, only=office(3, 5))))
    first, second = rehearsal.rehearse(plan, ONE, now=SPRING - 30 * MINUTE)
    assert (first.skipped, second.skipped) == ("not at this time of the week", "")
    assert f"{second.at.astimezone(BERLIN):%H:%M}" == "03:30"


def test_hours_follow_the_clock_and_delays_do_not_when_it_goes_back() -> None:
    """02:30 comes twice, an hour apart: both are within 2 to 3."""
    plan = Plan(steps=(step(0, only=office(2, 3)), step(60, only=office(2, 3))))
    first, second = rehearsal.rehearse(plan, ONE, now=AUTUMN - 30 * MINUTE)
    assert (first.skipped, second.skipped) == ("", "")
    assert f"{first.at.astimezone(BERLIN):%H:%M %Z}" == "02:30 CEST"
    assert f"{second.at.astimezone(BERLIN):%H:%M %Z}" == "02:30 CET"


@pytest.mark.parametrize(("change", "before", "after"), [(SPRING, 1, 2), (AUTUMN, 2, 1)])
def test_a_change_of_the_clocks_is_found_to_the_second(
    change: datetime, before: int, after: int
) -> None:
    found = rehearsal.clock_changes(BERLIN, change - 40 * HOUR, change + 50 * HOUR)
    assert found == (ClockChange(at=change, before=before * HOUR, after=after * HOUR),)


def test_no_change_of_the_clocks_is_found_where_there_is_none() -> None:
    assert rehearsal.clock_changes(BERLIN, SPRING, SPRING + 180 * 24 * HOUR) == ()
    assert rehearsal.clock_changes(ZoneInfo("UTC"), SPRING - 24 * HOUR, AUTUMN + 24 * HOUR) == ()


def test_both_changes_of_a_year_are_found() -> None:
    year = datetime(2026, 1, 1, tzinfo=UTC)
    found = rehearsal.clock_changes(BERLIN, year, year + 365 * 24 * HOUR)
    assert [change.at for change in found] == [SPRING, AUTUMN]


def test_a_change_of_the_clocks_within_the_policy_is_said_with_both_offsets() -> None:
    plan = Plan(steps=(step(0), step(90)))
    turns = rehearsal.rehearse(plan, ONE, now=SPRING - HOUR)
    said = "\n".join(rehearsal_words.remarks(turns, (BERLIN, UTC), began=SPRING - HOUR))
    assert "Clocks in Europe/Berlin go forward meanwhile, from UTC+1 to UTC+2 at 01:00 UTC" in said
    assert "Nobody else is told after 1 h 30 min." in said


@given(
    delays=st.lists(st.integers(0, 90), min_size=1, max_size=4),
    repeat=st.integers(0, 2),
    minutes=st.integers(0, 500_000),
)
def test_what_is_rehearsed_is_what_an_engine_does_that_ticks_every_minute(
    delays: list[int], repeat: int, minutes: int
) -> None:
    plan = Plan(steps=tuple(step(m, only=office(9, 17)) for m in delays), repeat=repeat)
    now = SPRING + minutes * MINUTE
    turns = rehearsal.rehearse(plan, ONE, now=now)
    cursor, walked = escalation.start(plan, now=now), []
    for minute in range(2 * 90 * 4 * 3):
        at, move = now + minute * MINUTE, True
        while move:
            cursor, move = escalation.advance(plan, cursor, ONE, now=at)  # type: ignore[assignment]
            if move:
                walked.append((at, move.skipped))  # type: ignore[attr-defined]
    assert [(turn.at, turn.skipped) for turn in turns] == walked


def test_whoever_is_on_call_at_that_instant_is_named() -> None:
    turns = rehearsal.rehearse(Plan(steps=(step(5, "oncall:default"),)), ONE, now=SPRING)
    found = lookups.look_up(usable(Rota()), rehearsal_words.asked(turns))
    (row,) = rehearsal_words.table(turns, found, (BERLIN, UTC), began=SPRING)
    assert row == {
        "Step": "1",
        "After": "+5 min",
        "Europe/Berlin": "Sun Mar 29, 03:05:00 CEST",
        "UTC": "Sun Mar 29, 01:05:00 UTC",
        "Tells": "whoever is on call: Ada Lovelace <ada@example.org>",
    }


def test_a_gap_in_the_rota_is_said() -> None:
    turns = rehearsal.rehearse(Plan(steps=(step(5, "oncall:default"),)), ONE, now=SPRING)
    found = lookups.look_up(usable(Rota(turns[0].at)), rehearsal_words.asked(turns))
    assert rehearsal_words.gaps(turns, found, began=SPRING) == [
        "Step 1, +5 min, whoever is on call: nobody is on call for default at this time."
    ]


def test_a_directory_that_does_not_answer_is_not_waited_for() -> None:
    go_on = threading.Event()

    class Hanging:
        def find(self, target: str, *, at: datetime) -> list[Person]:
            go_on.wait(10)
            return [ADA]

    asked = ("oncall:default", SPRING)
    found = lookups.look_up(usable(Hanging()), [asked], patience=timedelta(milliseconds=50))
    go_on.set()
    assert found[asked].problem == "unknown: whoever knows did not answer in time"


def test_a_directory_that_refuses_says_why() -> None:
    class Refusing:
        def find(self, target: str, *, at: datetime) -> list[Person]:
            raise NotifyError("PagerDuty answered 401: Invalid Token", permanent=True)

    asked = ("oncall:default", SPRING)
    found = lookups.look_up(usable(Refusing()), [asked])
    assert found == {asked: Found(problem="PagerDuty answered 401: Invalid Token")}


def test_places_are_not_looked_up() -> None:
    assert lookups.look_up(usable(Rota()), [("slack:#a", SPRING), ("pigeon:7", SPRING)]) == {}


def test_no_more_people_are_looked_up_than_a_page_may_wait_for() -> None:
    asked = [("oncall:default", SPRING + n * MINUTE) for n in range(lookups.MOST + 1)]
    found = lookups.look_up(usable(Rota()), asked)
    assert found[asked[0]].people == (ADA,)
    assert found[asked[-1]].problem == "not looked up: there are too many"


@pytest.mark.parametrize(
    ("wall", "at", "oddity"),
    [
        ("2026-03-29T01:59", "2026-03-29T00:59", ""),
        ("2026-03-29T02:30", "2026-03-29T01:30", "02:30 does not exist on that day, 03:30 CEST"),
        ("2026-03-29T03:00", "2026-03-29T01:00", ""),
        ("2026-10-25T02:30", "2026-10-25T00:30", "02:30 comes twice on that day, the first"),
        ("2026-10-25T03:00", "2026-10-25T02:00", ""),
    ],
)
def test_what_a_clock_shows_is_an_instant_even_when_it_is_changed(
    wall: str, at: str, oddity: str
) -> None:
    found, said = local_time.instant(datetime.fromisoformat(wall), BERLIN)
    assert found == datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert said.startswith(oddity)
    assert bool(said) is bool(oddity)


@pytest.mark.parametrize(
    ("now", "mornings"),
    [
        ("2026-03-28T02:00", ["2026-03-28T08:00", "2026-03-29T07:00"]),
        ("2026-03-28T12:00", ["2026-03-29T07:00"]),
        ("2026-10-24T12:00", ["2026-10-25T08:00"]),
    ],
)
def test_nine_in_the_morning_is_the_clocks_on_whatever_day(now: str, mornings: list[str]) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = local_time.mornings(now=at, zone=BERLIN)
    assert [f"{one:%Y-%m-%dT%H:%M}" for one in found] == mornings
