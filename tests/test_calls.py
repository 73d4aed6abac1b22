"""What is read from the ledger for the fatigue report, and from the alerts for a preview."""

from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import actions, calls, lately
from alerts.calls import Calls
from tests.vendors import ADA
from tests.world import MINUTE, World

SERVICE = "pagerduty:default"


@pytest.fixture
def world(httpserver: HTTPServer, sqlite_db: Engine) -> World:
    return World(httpserver, sqlite_db)


@pytest.fixture
def either(httpserver: HTTPServer, db: Engine) -> World:
    """A world on SQLite, and one on PostgreSQL."""
    return World(httpserver, db)


def read(world: World, *, since: timedelta = timedelta(days=1)) -> Calls:
    with Session(world.db) as session:
        return calls.calls(session, since=world.now - since)


def test_a_post_to_a_channel_is_no_page(world: World) -> None:
    world.minutes(5, value=0.2)
    assert len(world.posts) == 1
    assert read(world) == Calls(pages=(), incidents=(), episodes=(), complete=True)


def test_pages_are_of_whom_they_reached(either: World) -> None:
    """The third minute fires, the eighth tells PagerDuty, the thirteenth whoever is on call."""
    start = either.now
    either.minutes(15, value=0.2)
    pages = read(either).pages
    assert [((p.at - start) / MINUTE, p.whom, p.rules) for p in pages] == [
        (8, SERVICE, ("Errors",)),
        (13, ADA, ("Errors",)),
    ]


def test_a_post_that_is_brought_up_to_date_is_no_page(world: World) -> None:
    """What joins a group updates Ada's message, and calls nobody."""
    world.policy(group_by=["rule"])
    world.minutes(14, value=0.2)
    before = len(read(world).pages)
    world.values = {"search": 0.3}
    world.minutes(4, value=0.2)
    assert any("search" in str(post) for post in world.slack.posts.values())
    assert len(read(world).pages) == before


def test_an_episode_knows_how_long_its_condition_held(world: World) -> None:
    start = world.now
    world.minutes(9, value=0.2)
    world.minutes(3, value=0)
    (one,) = read(world).episodes
    assert (one.active_at, one.fired_at) == (start + MINUTE, start + 3 * MINUTE)
    assert (one.cleared_at, one.ended_at) == (start + 10 * MINUTE, start + 12 * MINUTE)
    assert (one.paged_at, one.pages, one.acted_on) == (start + 8 * MINUTE, 1, False)


def test_what_ended_by_itself_was_not_acted_on(world: World) -> None:
    world.minutes(9, value=0.2)
    world.minutes(3, value=0)
    (one,) = read(world).incidents
    assert (one.acknowledged, one.acted_on) == (False, False)
    assert one.ended_at == world.now


@pytest.mark.parametrize("act", ["acknowledge", "resolve", "note", "note the group", "snooze"])
def test_whatever_somebody_does_is_acting_on_it(world: World, act: str) -> None:
    world.minutes(8, value=0.2)
    db, alert_id, now = world.db, world.alert.id or 0, world.now
    match act:
        case "acknowledge":
            actions.acknowledge(db, alert_id, by="ada", now=now)
        case "resolve":
            actions.resolve(db, alert_id, by="ada", now=now)
        case "note":
            actions.note(db, alert_id, author="ada", text="seen", now=now)
        case "note the group":
            actions.note(db, world.group.dedup_key, author="ada", text="seen", now=now)
        case "snooze":
            actions.snooze(db, alert_id, until=now + MINUTE, by="ada", now=now)
    (one,) = read(world).incidents
    assert one.acted_on
    assert one.acknowledged is (act in ("acknowledge", "snooze"))
    assert read(world).episodes[0].acted_on


def test_who_let_go_of_an_alert_acted_on_it_all_the_same(world: World) -> None:
    world.policy(ack_timeouts={"critical": "2m"})
    world.minutes(8, value=0.2)
    actions.acknowledge(world.db, world.alert.id or 0, by="ada", now=world.now)
    world.minutes(3, value=0.2)
    assert world.alert.acknowledged_by is None
    assert read(world).incidents[0].acknowledged


def test_older_pages_are_left_out(world: World) -> None:
    world.minutes(9, value=0.2)
    assert read(world, since=timedelta(minutes=0)).pages == ()


def test_matchers_see_open_and_late_alerts_with_whether_they_mattered(either: World) -> None:
    either.values = {"search": 0.3}
    either.minutes(4, value=0.2)
    with Session(either.db) as session:
        opened = lately.opened(session)
    assert {seen.labels["feature"] for seen in opened} == {"chat", "search"}
    assert all(seen.labels["rule"] == "Errors" for seen in opened)
    taken = opened[0].alert_id
    actions.acknowledge(either.db, taken, by="ada", now=either.now)
    with Session(either.db) as session:
        fired = lately.fired(session, since=either.now - timedelta(days=7))
    assert {seen.alert_id: seen.acted_on for seen in fired}[taken]
    assert sum(seen.acted_on for seen in fired) == 1
