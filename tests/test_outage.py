"""Both vendors fail for half an hour, in each way that vendors fail, and heal."""

from collections.abc import Iterator
from threading import Thread

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine

from alerts import channels
from alerts.delivery import Channels
from alerts.notifiers.pagerduty import PagerDutyEvents
from alerts.notifiers.slack import Slack
from tests.faulty_road import Fault, Road
from tests.vendors import ROUTING_KEY, SLACK_TOKEN
from tests.world import MINUTE, World

OUTAGE = 30  # minutes
NEVER_HEARD = tuple(fault for fault in Fault if fault is not Fault.LOST)


class Roads:
    def __init__(self, world: World, slack: Road, pagerduty: Road) -> None:
        self.slack, self.pagerduty = slack, pagerduty
        usable = world.jobs.usable
        world.jobs.usable = Channels(
            notifiers={
                channels.SLACK: Slack(SLACK_TOKEN, url=slack.url, timeout_seconds=0.3),
                channels.PAGERDUTY: PagerDutyEvents(
                    {"default": ROUTING_KEY}, url=pagerduty.url, timeout_seconds=0.3
                ),
            },
            directories=usable.directories,
            reach=usable.reach,
            page=usable.page,
        )

    def fail(self, fault: Fault | None) -> None:
        self.slack.fault = self.pagerduty.fault = fault


@pytest.fixture
def world(httpserver: HTTPServer, sqlite_db: Engine) -> World:
    made = World(httpserver, sqlite_db)
    made.policy(
        steps=[
            {"after": "0s", "channels": ["slack:#llm"]},
            {"after": "5m", "channels": ["pagerduty:default"]},
        ]
    )
    return made


@pytest.fixture
def roads(world: World) -> Iterator[Roads]:
    with Road(world.slack.url) as slack, Road(world.pagerduty.url) as pagerduty:
        yield Roads(world, slack, pagerduty)


def half_an_hour(world: World) -> None:
    """Chat fires and stays; search fires and ends; draft fires and Ada takes it."""
    world.minutes(10, value=1.0)
    world.values = {"search": 1.0}
    world.minutes(8, value=1.0)
    world.values = {"search": 0.0, "draft": 1.0}
    world.minutes(8, value=1.0)
    world.acknowledge("ada")
    world.minutes(OUTAGE - 26, value=1.0)


def told(world: World, feature: str) -> list[str]:
    """What PagerDuty heard of the alert about a feature, in its order."""
    [group] = [g for g in world.groups if g.labels["feature"] == feature]
    events = [e for e in world.pagerduty.events if e["dedup_key"] == group.dedup_key]
    return [event["event_action"] for event in events]


def posts(world: World, feature: str) -> set[str]:
    """How the posts about a feature begin by now."""
    return {text.partition(":")[0] for text in world.posts if f"feature={feature}" in text}


@pytest.mark.parametrize("fault", NEVER_HEARD, ids=lambda fault: fault.name.lower())
def test_after_half_an_hour_of_silence_everyone_hears_what_is_true(
    world: World, roads: Roads, fault: Fault
) -> None:
    roads.fail(fault)
    half_an_hour(world)
    assert (world.posts, world.pages) == ([], [])
    roads.fail(None)
    world.minutes(6, value=1.0)
    assert posts(world, "chat") == {"Firing"}
    assert told(world, "chat") == ["trigger"]
    assert posts(world, "search") <= {"Resolved"}
    assert "trigger" not in told(world, "search")
    assert posts(world, "draft") <= {"Acknowledged"}
    assert "trigger" not in told(world, "draft")
    assert len(world.posts) <= 3
    assert {row.next_attempt_at for row in world.notifications} == {None}
    assert not [entry for entry in world.ledger() if "gave_up" in entry or "refused" in entry]


def test_answers_that_are_lost_cost_repetitions_under_one_key(world: World, roads: Roads) -> None:
    roads.fail(Fault.LOST)
    half_an_hour(world)
    roads.fail(None)
    world.minutes(6, value=1.0)
    order = ["trigger", "acknowledge", "resolve"]
    for feature in ("chat", "search", "draft"):
        heard = told(world, feature)
        assert heard == sorted(heard, key=order.index)
    assert set(told(world, "chat")) == {"trigger"}
    assert told(world, "search")[-1] == "resolve"
    assert told(world, "draft")[-1] == "acknowledge"
    attempts = [entry for entry in world.ledger() if " slack:" in entry]
    assert len(world.posts) <= len(attempts)


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_one_vendor_that_fails_delays_no_other(world: World, roads: Roads, fault: Fault) -> None:
    roads.slack.fault = fault
    world.minutes(3, value=1.0)
    assert world.pages == []
    world.minutes(5, value=1.0)
    assert world.pages == ["trigger"]
    roads.slack.fault, roads.pagerduty.fault = None, fault
    world.minutes(6, value=1.0)
    world.values = {"search": 1.0}
    world.minutes(3, value=1.0)
    assert posts(world, "search") == {"Firing"}


def test_a_hanging_vendor_holds_its_own_lane_only(world: World, roads: Roads) -> None:
    world.policy(steps=[{"after": "0s", "channels": ["slack:#llm", "pagerduty:default"]}])
    patient = Slack(SLACK_TOKEN, url=roads.slack.url, timeout_seconds=60)
    world.jobs.usable.notifiers[channels.SLACK] = patient
    roads.slack.fault = Fault.HANG
    slow = Thread(target=lambda: world.deliver_next("slack"), daemon=True)
    world.value = 1.0
    for _ in range(3):
        world.now += MINUTE
        world.jobs.beat()
        world.jobs.evaluate()
    slow.start()
    assert roads.slack.hanging.wait(10)
    world.deliver_next("pagerduty")
    assert world.pages == ["trigger"]
    assert slow.is_alive()
    roads.slack.hang_up()
    slow.join(10)
