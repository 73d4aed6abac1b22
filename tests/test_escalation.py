"""Timelines of escalation: one character a minute, the step that was taken or a dot."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

import pytest

from alerts import plans
from alerts.escalation import (
    Cursor,
    Hours,
    Only,
    Plan,
    Situation,
    Step,
    advance,
    hurry,
    pause,
    restart,
    resume,
    start,
)
from models.vocabulary import Severity

T0 = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday
MINUTE = timedelta(minutes=1)
ONE_ERROR = Situation(severity=Severity.ERROR, size=1)


def plan(*minutes: int, repeat: int = 0, only: Mapping[int, Only] | None = None) -> Plan:
    steps = tuple(
        Step(
            after=minute * MINUTE,
            channels=(f"slack:#{index}",),
            only=(only or {}).get(index, Only()),
        )
        for index, minute in enumerate(minutes)
    )
    return Plan(steps=steps, repeat=repeat, group_interval=2 * MINUTE)


def play(
    policy: Plan,
    minutes: int,
    *,
    blind: range = range(0),
    situation: Situation = ONE_ERROR,
    cursor: Cursor | None = None,
    doing: Mapping[int, object] | None = None,
) -> str:
    """Return the steps taken, a dash for one passed by; `doing` changes the cursor at a minute."""
    cursor, said = cursor or start(policy, now=T0), ""
    for minute in range(minutes):
        now = T0 + minute * MINUTE
        act = (doing or {}).get(minute)
        if act is not None:
            cursor = act(cursor, now)  # type: ignore[operator]
        move = None
        if minute not in blind:
            cursor, move = advance(policy, cursor, situation, now=now)
        taken = move and ("-" if move.skipped else move.step.channels[0][-1])
        said += taken or "."
    return said


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(plan(0, 2, 3), "0.1..2....", id="each step waits since the one before"),
        pytest.param(plan(2), "..0.......", id="the first waits since firing"),
        pytest.param(plan(0, 2, repeat=1), "0.1.0.1...", id="a round waits the longest delay"),
        pytest.param(plan(), "..........", id="a policy without steps tells nobody"),
    ],
)
def test_timeline(policy: Plan, expected: str) -> None:
    assert play(policy, 10) == expected


def test_steps_with_no_delay_are_taken_one_by_one_at_the_same_instant() -> None:
    policy = plan(0, 0)
    cursor, first = advance(policy, start(policy, now=T0), ONE_ERROR, now=T0)
    cursor, second = advance(policy, cursor, ONE_ERROR, now=T0)
    assert first is not None
    assert second is not None
    assert (first.step, second.step) == policy.steps
    assert cursor.next_escalation_at is None


def test_after_an_outage_people_still_get_the_time_to_react() -> None:
    assert play(plan(0, 2, 3), 14, blind=range(1, 8)) == "0.......1..2.."


def test_a_new_group_waits_for_company_before_its_first_step() -> None:
    waiting = Plan(steps=plan(0, 2).steps, group_wait=3 * MINUTE)
    assert play(waiting, 7) == "...0.1."


def paused(cursor: Cursor, _now: datetime) -> Cursor:
    return pause(cursor)


def test_whoever_takes_the_alert_stops_the_steps_and_letting_go_takes_the_next_at_once() -> None:
    policy = plan(0, 3, 3)
    doing = {1: paused, 6: lambda cursor, now: resume(policy, cursor, now=now)}
    assert play(policy, 12, doing=doing) == "0.....1..2.."


def test_letting_go_after_the_last_step_starts_the_round_again() -> None:
    policy = plan(0, 2)
    doing = {4: paused, 6: lambda cursor, now: resume(policy, cursor, now=now)}
    assert play(policy, 12, doing=doing) == "0.1...0.1..."


def test_letting_go_before_anybody_was_told_starts_from_the_first_step() -> None:
    policy = plan(2, 2)
    doing = {1: paused, 4: lambda cursor, now: resume(policy, cursor, now=now)}
    assert play(policy, 10, doing=doing) == "......0.1."


def test_something_new_in_a_taken_group_starts_from_the_first_step_after_its_interval() -> None:
    policy = plan(0, 3)
    doing = {4: paused, 5: lambda cursor, now: restart(policy, cursor, now=now)}
    assert play(policy, 12, doing=doing) == "0..1...0..1."


def test_escalating_now_takes_the_next_step_at_once_and_the_rest_as_planned() -> None:
    policy = plan(0, 5, 2)
    doing = {1: lambda cursor, now: hurry(policy, cursor, now=now)}
    assert play(policy, 8, doing=doing) == "01.2...."


@pytest.mark.parametrize(
    ("only", "situation"),
    [
        (Only(severities=frozenset({Severity.CRITICAL})), ONE_ERROR),
        (Only(more_than=1), ONE_ERROR),
        (Only(hours=Hours(start=time(9), end=time(17))), ONE_ERROR),
    ],
)
def test_a_step_whose_condition_is_not_met_is_passed_by(only: Only, situation: Situation) -> None:
    assert play(plan(0, 2, 2, only={1: only}), 6, situation=situation) == "0.-.2."


@pytest.mark.parametrize(
    ("only", "situation"),
    [
        (Only(severities=frozenset({Severity.CRITICAL, Severity.ERROR})), ONE_ERROR),
        (Only(more_than=1), Situation(severity=Severity.ERROR, size=2)),
        (Only(hours=Hours(start=time(22), end=time(7))), ONE_ERROR),
    ],
)
def test_a_step_whose_condition_is_met_is_taken(only: Only, situation: Situation) -> None:
    assert play(plan(0, 2, only={1: only}), 4, situation=situation) == "0.1."


@pytest.mark.parametrize(
    ("local", "covered"),
    [
        ("2026-03-27 21:59", False),  # Friday
        ("2026-03-27 22:00", True),
        ("2026-03-28 06:59", True),  # still Friday's night
        ("2026-03-28 07:00", False),
        ("2026-03-28 22:00", False),  # Saturday's night is not asked for
        ("2026-03-29 03:00", False),
    ],
)
def test_a_night_belongs_to_the_day_it_starts_on(local: str, covered: bool) -> None:
    from zoneinfo import ZoneInfo

    night = Hours(start=time(22), end=time(7), zone="Europe/Berlin", weekdays=frozenset(range(5)))
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    assert night.cover(at.astimezone(UTC)) is covered


def test_a_plan_survives_storage() -> None:
    hours = Hours(start=time(9), end=time(17, 30), zone="Europe/Berlin", weekdays=frozenset({0, 4}))
    only = Only(severities=frozenset({Severity.CRITICAL}), more_than=3, hours=hours)
    policy = Plan(
        steps=plan(0, 2, 3, only={1: only}).steps,
        repeat=2,
        group_wait=MINUTE,
        group_interval=5 * MINUTE,
        ack_timeouts={Severity.CRITICAL: 30 * MINUTE},
    )
    assert plans.load(plans.dump(policy)) == policy
