"""Timelines of escalation: one character a minute, the step that was taken or a dot."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.escalation import DONE, Plan, Step, advance, dump, load, start

T0 = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def plan(*minutes: int, repeat: int = 0) -> Plan:
    steps = tuple(
        Step(after=minute * MINUTE, channels=(f"slack:#{index}",))
        for index, minute in enumerate(minutes)
    )
    return Plan(steps=steps, repeat=repeat)


def play(policy: Plan, minutes: int, *, blind: range = range(0)) -> str:
    cursor, taken = start(policy, fired_at=T0), ""
    for minute in range(minutes):
        step = None
        if minute not in blind:
            cursor, step = advance(policy, cursor, now=T0 + minute * MINUTE)
        taken += step.channels[0][-1] if step else "."
    return taken


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
    cursor, first = advance(policy, start(policy, fired_at=T0), now=T0)
    cursor, second = advance(policy, cursor, now=T0)
    assert (first, second, cursor) == (policy.steps[0], policy.steps[1], DONE)


def test_after_an_outage_people_still_get_the_time_to_react() -> None:
    assert play(plan(0, 2, 3), 14, blind=range(1, 8)) == "0.......1..2.."


def test_a_plan_survives_storage() -> None:
    policy = plan(0, 2, 3, repeat=2)
    assert load(dump(policy.steps), policy.repeat) == policy
