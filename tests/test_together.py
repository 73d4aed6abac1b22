"""Alerts that people are told of together: groups, storms, and alerts that come and go."""

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import actions
from models.tables import Alert, Group
from models.vocabulary import AlertState, Severity
from tests.world import MINUTE, RULE, World


@pytest.fixture
def world(httpserver: HTTPServer, db: Engine) -> World:
    return World(httpserver, db)


def titles(world: World) -> list[str]:
    with Session(world.db) as session:
        return list(session.exec(select(Group.title).order_by(Group.id)))  # type: ignore[arg-type]


def states(world: World) -> dict[str, str]:
    with Session(world.db) as session:
        rows = session.exec(select(Alert).order_by(Alert.id))  # type: ignore[arg-type]
        return {row.labels["feature"]: row.state.value for row in rows}


def test_by_default_each_alert_is_told_of_alone(world: World) -> None:
    world.values = {"search": 0.3}
    world.minutes(3, value=0.2)
    assert titles(world) == ["Errors", "Errors"]
    assert len(world.posts) == 2


def test_alerts_of_one_group_are_one_message_that_lists_them(world: World) -> None:
    world.policy(group_by=["rule"])
    world.values = {"search": 0.3}
    world.minutes(3, value=0.2)
    assert titles(world) == ["Errors, 2 alerts"]
    assert len(world.posts) == 1
    shown = str(world.slack.posts)
    assert "feature=chat" in shown
    assert "feature=search" in shown


def test_one_incident_is_opened_for_a_group(world: World) -> None:
    world.policy(group_by=["rule"])
    world.values = {"search": 0.3}
    world.minutes(8, value=0.2)
    assert world.pages == ["trigger"]
    assert len(world.pagerduty.events[0]["payload"]["custom_details"]["alerts"]) == 2


def test_a_group_waits_for_company(world: World) -> None:
    world.policy(group_by=["rule"], group_wait="2m")
    world.minutes(4, value=0.2)
    assert world.posts == []
    world.minutes(1, value=0.2)
    assert len(world.posts) == 1


def test_what_joins_a_group_is_shown_at_its_interval_and_calls_nobody_again(world: World) -> None:
    world.policy(group_by=["rule"], group_interval="5m")
    world.minutes(3, value=0.2)
    world.values = {"search": 0.3}
    world.minutes(4, value=0.2)
    assert "search" not in str(world.slack.posts)
    world.minutes(2, value=0.2)
    assert "search" in str(world.slack.posts)
    assert world.slack.replies == []
    assert len(world.posts) == 1


def test_whoever_takes_one_alert_takes_its_group(world: World) -> None:
    world.policy(group_by=["rule"])
    world.values = {"search": 0.3}
    world.minutes(3, value=0.2)
    world.acknowledge("ada")
    assert states(world) == {"chat": "acknowledged", "search": "acknowledged"}
    world.minutes(10, value=0.2)
    assert world.pages == []


def test_a_new_alert_in_a_taken_group_is_told_from_the_first_step(world: World) -> None:
    world.policy(group_by=["rule"])
    world.minutes(3, value=0.2)
    world.acknowledge("ada")
    world.values = {"search": 0.3}
    world.minutes(3, value=0.2)
    assert states(world) == {"chat": "acknowledged", "search": "firing"}
    assert world.steps()[-1] == (6, "slack:#llm")
    world.minutes(5, value=0.2)
    assert world.pages == ["trigger"]


def test_a_group_is_over_when_the_last_of_its_alerts_is(world: World) -> None:
    world.policy(group_by=["rule"])
    world.values = {"search": 0.3}
    world.minutes(8, value=0.2)
    world.minutes(3, value=0)
    assert world.group.state is AlertState.FIRING
    assert world.pages == ["trigger"]
    world.values = {"search": 0}
    world.minutes(3, value=0)
    assert world.group.state is AlertState.RESOLVED
    assert world.pages == ["trigger", "resolve"]
    assert world.posts[0].startswith("Resolved")


def test_resolving_one_alert_by_hand_leaves_the_others_of_its_group(world: World) -> None:
    world.policy(group_by=["rule"])
    world.values = {"search": 0.3}
    world.minutes(3, value=0.2)
    actions.resolve(world.db, world.alert.id or 0, by="ada", now=world.now)
    assert sorted(states(world).values()) == ["firing", "resolved"]


def test_resolving_a_group_by_its_key_closes_all_of_it(world: World) -> None:
    world.policy(group_by=["rule"])
    world.values = {"search": 0.3}
    world.minutes(3, value=0.2)
    assert actions.resolve(world.db, world.group.dedup_key, by="ada", now=world.now)
    assert set(states(world).values()) == {"resolved"}
    assert not actions.resolve(world.db, world.group.dedup_key, by="bob", now=world.now)


def test_a_group_is_as_severe_as_its_worst_alert(world: World) -> None:
    world.policy(group_by=[])
    mild = RULE | {"name": "Some errors", "severity": "warning", "for": "0s"}
    world.save(mild)
    world.minutes(1, value=0.2)
    assert world.group.severity is Severity.WARNING
    world.minutes(2, value=0.2)
    assert world.group.severity is Severity.CRITICAL
    assert titles(world) == ["Errors and 1 other rule, 2 alerts"]


def test_a_storm_becomes_one_message(world: World) -> None:
    world.policy(storm_limit=3)
    world.values = {f"feature-{n:02}": 0.3 for n in range(9)}
    world.minutes(3, value=0.2)
    assert titles(world) == ["Errors", "Errors", "Errors", "Errors, 7 alerts"]
    assert len(world.posts) == 4
    assert "and" not in titles(world)[-1]


def test_a_storm_that_is_over_is_a_storm_no_more(world: World) -> None:
    world.policy(storm_limit=3)
    world.values = {f"feature-{n:02}": 0.3 for n in range(9)}
    world.minutes(3, value=0.2)
    world.values = dict.fromkeys(world.values, 0.0)
    world.minutes(3, value=0)
    world.minutes(3, value=0.2)
    assert titles(world)[-1] == "Errors"
    assert world.group.size == 1


def test_an_alert_that_comes_and_goes_is_held_open(world: World) -> None:
    world.save(RULE | {"for": "0s", "keep_firing_for": "0s"}, world.rule_id)
    for _ in range(3):
        world.minutes(1, value=0.2)
        world.minutes(1, value=0)
    world.minutes(1, value=0.2)
    assert world.alert.flaps == 4
    world.minutes(14, value=0)
    assert world.alerts == ["resolved"] * 3 + ["firing"]
    world.minutes(2, value=0)
    assert world.alerts == ["resolved"] * 4


def test_what_flaps_while_held_open_wakes_nobody_anew(world: World) -> None:
    world.save(RULE | {"for": "0s", "keep_firing_for": "0s"}, world.rule_id)
    for _ in range(10):
        world.minutes(1, value=0.2)
        world.minutes(1, value=0)
    assert len(world.alerts) == 4
    assert [told for _, told in world.steps()].count("slack:#llm") == 4


def test_an_hour_apart_is_not_flapping(world: World) -> None:
    world.save(RULE | {"for": "0s", "keep_firing_for": "0s"}, world.rule_id)
    for _ in range(5):
        world.minutes(1, value=0.2)
        world.minutes(1, value=0)
        world.now += 28 * MINUTE
    assert world.alerts == ["resolved"] * 5
    assert world.alert.flaps == 0
