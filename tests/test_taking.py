"""Who has an alert, for how long, and what happens when they let go."""

from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import actions, timelines
from alerts.channels import ChannelError
from alerts.lifecycle import TransitionError
from models.vocabulary import AlertState, Event
from tests.vendors import ADA
from tests.world import MINUTE, World


@pytest.fixture
def world(httpserver: HTTPServer, db: Engine) -> World:
    return World(httpserver, db)


def remarks(world: World) -> list[str]:
    with Session(world.db) as session:
        entries = timelines.timeline(session, world.alert.id or 0)
    return [f"{e.text} by {e.actor}" for e in entries if e.kind == "remark"]


def test_an_acknowledgement_runs_out_and_escalation_goes_on_where_it_stood(world: World) -> None:
    world.policy(ack_timeouts={"critical": "10m"})
    world.minutes(3, value=0.2)
    world.acknowledge("ada")
    world.minutes(9, value=0.2)
    assert world.alert.state is AlertState.ACKNOWLEDGED
    world.minutes(1, value=0.2)
    assert world.alert.state is AlertState.FIRING
    assert world.steps() == [(3, "slack:#llm"), (13, "pagerduty:default")]
    assert list(world.timeline())[-2:] == ["acknowledged by ada", "firing by engine"]


def test_a_severity_without_a_timeout_is_kept_for_good(world: World) -> None:
    world.policy(ack_timeouts={"warning": "10m"})
    world.minutes(3, value=0.2)
    world.acknowledge("ada")
    world.minutes(60, value=0.2)
    assert world.alert.state is AlertState.ACKNOWLEDGED


def test_an_acknowledgement_that_runs_out_while_nothing_ran_is_let_go_at_the_start(
    world: World,
) -> None:
    world.policy(ack_timeouts={"critical": "10m"})
    world.minutes(3, value=0.2)
    world.acknowledge("ada")
    world.now += 60 * MINUTE
    world.tick()
    assert world.steps()[-1] == (63, "pagerduty:default")


def test_the_page_after_an_acknowledgement_is_an_incident_of_its_own(world: World) -> None:
    world.policy(ack_timeouts={"critical": "10m"}, repeat=1)
    world.minutes(8, value=0.2)
    world.acknowledge("ada")
    world.minutes(25, value=0.2)
    first, acknowledged, second, closing = world.pagerduty.events[:4]
    assert [e["event_action"] for e in (first, acknowledged, second, closing)] == [
        "trigger",
        "acknowledge",
        "trigger",
        "resolve",
    ]
    assert first["dedup_key"] == acknowledged["dedup_key"] == closing["dedup_key"]
    assert second["dedup_key"] == f"{first['dedup_key']}-1"


def test_the_end_goes_to_the_incident_that_is_open(world: World) -> None:
    world.policy(ack_timeouts={"critical": "10m"}, repeat=1)
    world.minutes(8, value=0.2)
    world.acknowledge("ada")
    world.minutes(25, value=0.2)
    opened = world.pagerduty.events[2]["dedup_key"]
    world.minutes(3, value=0)
    assert world.pagerduty.events[-1]["event_action"] == "resolve"
    assert world.pagerduty.events[-1]["dedup_key"] == opened


def test_an_acknowledgement_that_ran_out_shows_in_the_post_and_calls_nobody_there(
    world: World,
) -> None:
    world.policy(ack_timeouts={"critical": "10m"})
    world.minutes(3, value=0.2)
    world.acknowledge("ada")
    world.minutes(1, value=0.2)
    assert world.posts[0].startswith("Acknowledged")
    world.minutes(10, value=0.2)
    assert world.posts[0].startswith("Firing")
    assert world.slack.replies == []


def test_snoozing_takes_the_alert_until_then(world: World) -> None:
    world.minutes(3, value=0.2)
    until = world.now + timedelta(minutes=20)
    actions.snooze(world.db, world.alert.id or 0, until=until, by="ada", now=world.now)
    assert world.alert.acknowledged_by == "ada"
    world.minutes(19, value=0.2)
    assert world.steps() == [(3, "slack:#llm")]
    world.minutes(1, value=0.2)
    assert world.steps()[-1] == (23, "pagerduty:default")
    assert remarks(world) == ["snoozed until 2026-01-01 00:23 UTC by ada"]


def test_snoozing_what_somebody_has_leaves_it_theirs(world: World) -> None:
    world.minutes(3, value=0.2)
    world.acknowledge("ada")
    until = world.now + timedelta(minutes=20)
    actions.snooze(world.db, world.alert.id or 0, until=until, by="bob", now=world.now)
    assert world.alert.acknowledged_by == "ada"
    assert world.alert.ack_expires_at == until


@pytest.mark.parametrize("minutes", [-1, 0, 8 * 24 * 60])
def test_a_snooze_into_the_past_or_beyond_a_week_is_refused(world: World, minutes: int) -> None:
    world.minutes(3, value=0.2)
    until = world.now + timedelta(minutes=minutes)
    with pytest.raises(TransitionError, match="within the next 7 days"):
        actions.snooze(world.db, world.alert.id or 0, until=until, by="ada", now=world.now)
    assert world.alert.state is AlertState.FIRING


def test_whoever_it_is_handed_to_is_called_and_gets_time_to_answer(world: World) -> None:
    world.minutes(3, value=0.2)
    world.acknowledge("bob")
    world.minutes(1, value=0.2)
    actions.reassign(world.db, world.alert.id or 0, to=ADA, by="bob", now=world.now)
    world.tick()
    assert world.outbox()[f"slack-dm:{ADA}"].sent is Event.TRIGGER
    assert world.steps() == [(3, "slack:#llm")]
    world.minutes(5, value=0.2)
    assert world.steps()[-1] == (9, "pagerduty:default")
    assert remarks(world) == [f"reassigned to {ADA} by bob"]


def test_handing_on_to_nobody_is_refused(world: World) -> None:
    world.minutes(3, value=0.2)
    with pytest.raises(ChannelError, match="needs an e-mail address"):
        actions.reassign(world.db, world.alert.id or 0, to="bob", by="ada", now=world.now)


def test_escalating_now_calls_the_next_in_line_at_once(world: World) -> None:
    world.minutes(4, value=0.2)
    actions.escalate_now(world.db, world.alert.id or 0, by="ada", now=world.now)
    world.tick()
    assert world.steps() == [(3, "slack:#llm"), (4, "pagerduty:default")]
    world.minutes(5, value=0.2)
    assert world.steps()[-1] == (9, "oncall:default")


def test_whoever_has_an_alert_may_ask_for_help(world: World) -> None:
    world.minutes(3, value=0.2)
    world.acknowledge("ada")
    world.minutes(2, value=0.2)
    actions.escalate_now(world.db, world.alert.id or 0, by="ada", now=world.now)
    world.tick()
    assert world.alert.state is AlertState.FIRING
    assert world.pages == ["trigger"]


@pytest.mark.parametrize("verb", ["snooze", "reassign", "escalate"])
def test_what_is_over_is_left_alone(world: World, verb: str) -> None:
    world.minutes(3, value=0.2)
    world.minutes(3, value=0)
    alert_id = world.alert.id or 0
    act = {
        "snooze": lambda: actions.snooze(
            world.db, alert_id, until=world.now + MINUTE, by="ada", now=world.now
        ),
        "reassign": lambda: actions.reassign(world.db, alert_id, to=ADA, by="b", now=world.now),
        "escalate": lambda: actions.escalate_now(world.db, alert_id, by="ada", now=world.now),
    }[verb]
    with pytest.raises(TransitionError, match=f"cannot {verb} a resolved alert"):
        act()
    assert world.alert.state is AlertState.RESOLVED


def test_an_action_repeated_under_its_key_is_followed_once(world: World) -> None:
    world.minutes(4, value=0.2)
    for _ in range(3):
        actions.escalate_now(world.db, world.alert.id or 0, by="ada", now=world.now, key="click-1")
    world.tick()
    assert world.steps() == [(3, "slack:#llm"), (4, "pagerduty:default")]
    assert len(remarks(world)) == 1


def test_an_acknowledgement_repeated_under_its_key_is_answered_as_the_first_time(
    world: World,
) -> None:
    world.minutes(3, value=0.2)
    alert_id = world.alert.id or 0
    first = actions.acknowledge(world.db, alert_id, by="ada", now=world.now, key="click-2")
    world.minutes(1, value=0.2)
    again = actions.acknowledge(world.db, alert_id, by="ada", now=world.now, key="click-2")
    assert first == again
    assert again.first


def test_a_click_repeated_after_the_alert_was_handed_on_does_not_take_it_back(
    world: World,
) -> None:
    world.minutes(3, value=0.2)
    alert_id = world.alert.id or 0
    actions.acknowledge(world.db, alert_id, by="ada", now=world.now, key="click-3")
    actions.escalate_now(world.db, alert_id, by="ada", now=world.now)
    actions.acknowledge(world.db, alert_id, by="ada", now=world.now, key="click-3")
    assert world.alert.state is AlertState.FIRING
