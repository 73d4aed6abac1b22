"""Asking PagerDuty what people did to our incidents, where no webhook reaches us."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import incident_polling
from alerts.notifiers.pagerduty_incidents import PagerDutyIncidents
from app.http.health import health
from models.tables import Poll
from models.vocabulary import AlertState
from tests.fake_pagerduty import API_TOKEN, limited
from tests.world import World

ADA = "Ada Lovelace"
ROUND = incident_polling.INTERVAL


class Asking:
    """A world whose alert is in PagerDuty, and what asks about it there."""

    def __init__(self, world: World, *, token: str = API_TOKEN) -> None:
        self.world = world
        self.vendor = PagerDutyIncidents(token, url=world.pagerduty.url, timeout_seconds=2)
        world.pagerduty.queries.clear()

    def ask(self, *, after: timedelta = ROUND) -> bool:
        self.world.now += after
        return incident_polling.poll(self.world.db, self.vendor, now=self.world.now)

    def happens(self, status: str, **changes: str) -> None:
        self.world.pagerduty.happens(status, at=self.world.now, **changes)

    @property
    def asked(self) -> int:
        return len(self.world.pagerduty.queries)

    @property
    def state(self) -> AlertState:
        return self.world.alert.state

    def row(self) -> Poll:
        with Session(self.world.db) as session:
            return session.exec(select(Poll)).one()


@pytest.fixture
def world(httpserver: HTTPServer, db: Engine) -> World:
    world = World(httpserver, db)
    world.minutes(8, value=0.2)
    world.pagerduty.an_incident(world.pagerduty.events[0]["dedup_key"])
    return world


@pytest.fixture
def asking(world: World) -> Asking:
    return Asking(world)


def test_an_acknowledgement_seen_there_takes_the_alert(world: World, asking: Asking) -> None:
    asking.happens("acknowledged", by=ADA)

    asking.ask()

    assert (asking.state, world.alert.acknowledged_by) == (AlertState.ACKNOWLEDGED, ADA)


def test_what_is_as_it_was_moves_nothing_however_often_it_is_seen(
    world: World, asking: Asking
) -> None:
    asking.happens("acknowledged", by=ADA)

    for _ in range(3):
        asking.ask()

    assert list(world.timeline()).count(f"acknowledged by {ADA}") == 1
    assert asking.asked == 3  # one question a round


def test_our_own_acknowledgement_is_nobodys_there(world: World, asking: Asking) -> None:
    asking.happens("acknowledged")

    asking.ask()

    assert asking.state is AlertState.FIRING


def test_an_acknowledgement_that_is_gone_there_is_gone_here(world: World, asking: Asking) -> None:
    asking.happens("acknowledged", by=ADA)
    asking.ask()
    asking.happens("triggered")

    asking.ask()

    assert asking.state is AlertState.FIRING
    assert list(world.timeline())[-1] == "firing by PagerDuty"


def test_what_a_person_resolved_is_resolved(world: World, asking: Asking) -> None:
    asking.ask()
    asking.happens("resolved", by=ADA)

    asking.ask()

    assert (asking.state, world.alert.resolved_by) == (AlertState.RESOLVED, ADA)


@pytest.mark.parametrize("before", ["triggered", "acknowledged"])
def test_what_no_person_resolved_is_not(world: World, asking: Asking, before: str) -> None:
    asking.happens(before)
    asking.ask()
    asking.happens("resolved")

    asking.ask()

    assert asking.state is AlertState.FIRING


def test_what_was_merged_is_not_resolved(world: World, asking: Asking) -> None:
    asking.happens("resolved", by=ADA)
    world.pagerduty.incidents[0]["resolve_reason"] = {"type": "merge_resolve_reason"}

    asking.ask()

    assert asking.state is AlertState.FIRING


def test_an_incident_whose_key_is_with_its_alerts_is_found_by_it(
    world: World, asking: Asking
) -> None:
    world.pagerduty.keys_with_alerts = True
    asking.ask()
    asking.happens("acknowledged", by=ADA)
    asking.ask()

    assert asking.state is AlertState.ACKNOWLEDGED
    assert asking.asked == 3  # found by its key once, known by its id from then on


def test_everybody_elses_incidents_are_looked_through_and_left_alone(
    world: World, asking: Asking
) -> None:
    for number in range(150):
        world.pagerduty.an_incident(f"theirs-{number}", incident_id=f"T{number}")
    world.pagerduty.happens("acknowledged", at=world.now, by=ADA, incident_id="T149")
    world.pagerduty.incidents.reverse()
    asking.happens("acknowledged", by="Grace Hopper")

    asking.ask()

    assert world.alert.acknowledged_by == "Grace Hopper"
    assert asking.asked == 2  # two pages


def test_nothing_is_asked_while_nothing_of_ours_is_open(
    httpserver: HTTPServer, sqlite_db: Engine
) -> None:
    world = World(httpserver, sqlite_db)
    world.minutes(3, value=0.2)  # firing, and in Slack alone
    asking = Asking(world)

    assert asking.ask()

    assert asking.asked == 0


def test_of_two_engines_one_asks(world: World, asking: Asking) -> None:
    assert asking.ask()

    assert not asking.ask(after=timedelta(seconds=1))
    assert asking.ask(after=ROUND)


def test_an_engine_that_died_while_asking_is_followed_by_another(
    world: World, asking: Asking
) -> None:
    assert incident_polling._claim(world.db, now=world.now)

    assert not asking.ask(after=ROUND)
    assert asking.ask(after=incident_polling.LEASE)


def test_pagerduty_that_limits_us_is_left_in_peace(world: World, asking: Asking) -> None:
    world.pagerduty.refusals = [limited(45)]
    asking.happens("acknowledged", by=ADA)
    asking.ask()

    assert not asking.ask(after=timedelta(seconds=44))
    assert asking.ask(after=timedelta(seconds=1))

    assert asking.asked == 2
    assert asking.state is AlertState.ACKNOWLEDGED


def test_a_token_that_is_refused_is_said_on_healthz_and_nothing_turns_red(world: World) -> None:
    Asking(world, token="wrong").ask()

    told = health(world.db, now=world.now, engine=False)

    assert told["status"] == "ok"
    assert "set a valid WAKEFUL_PAGERDUTY_API_TOKEN" in told["polls"]["pagerduty"]["error"]
    assert told["polls"]["pagerduty"]["answered_at"] is None


def test_once_answered_again_the_trouble_is_forgotten(world: World, asking: Asking) -> None:
    world.pagerduty.refusals = [limited(1)]
    asking.ask()

    asking.ask()

    assert (asking.row().error, asking.row().answered_at) == ("", world.now)


def test_too_many_to_ask_for_are_asked_for_in_turns() -> None:
    keys = [f"k{number:03}" for number in range(60)]
    start = datetime(2026, 1, 1, tzinfo=UTC)

    asked = [
        key
        for turn in range(5)
        for key in incident_polling._turn(keys, now=start + turn * incident_polling.INTERVAL)
    ]

    assert set(asked) == set(keys)


def test_the_incident_that_another_took_the_place_of_is_not_followed(
    world: World, asking: Asking
) -> None:
    world.policy(ack_timeouts={"critical": "10m"}, repeat=1)
    world.minutes(3, value=0)
    world.minutes(8, value=0.2)
    first = world.pagerduty.events[-1]["dedup_key"]
    world.acknowledge("bob")
    world.minutes(25, value=0.2)
    world.pagerduty.an_incident(first, incident_id="Q2")
    world.pagerduty.happens("resolved", at=world.now, by=ADA, incident_id="Q2")

    asking.ask()

    assert asking.state is AlertState.FIRING
