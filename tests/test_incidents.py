"""What people do in PagerDuty, and what it does here: never backwards."""

from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import actions, timelines
from models.vocabulary import AlertState
from tests.pagerduty_webhooks import ADA, SECOND, People
from tests.world import MINUTE, World

NOT_CURRENT = "not followed: another incident took the place of that one"
OLDER = "not followed: what it would change is newer"


@pytest.fixture
def world(httpserver: HTTPServer, db: Engine) -> World:
    """An alert that fires; after 8 min it is in PagerDuty."""
    world = World(httpserver, db)
    world.policy(ack_timeouts={"critical": "10m"}, repeat=1)
    world.minutes(8, value=0.2)
    assert world.pages == ["trigger"]
    return world


@pytest.fixture
def people(world: World) -> People:
    return People(world)


def remarks(world: World) -> list[str]:
    with Session(world.db) as session:
        entries = timelines.timeline(session, world.alert.id or 0)
    return [f"{e.text} by {e.actor}" for e in entries if e.kind == "remark"]


def test_whoever_acknowledges_there_has_it_here(world: World, people: People) -> None:
    assert people.do("acknowledged") == f"{ADA} has it"

    assert (world.alert.state, world.alert.acknowledged_by) == (AlertState.ACKNOWLEDGED, ADA)


def test_a_webhook_that_comes_twice_is_followed_once(world: World, people: People) -> None:
    acknowledged = people.webhook("acknowledged")
    people.tell(acknowledged)
    actions.escalate_now(world.db, world.alert.id or 0, by="bob", now=world.now)

    assert people.tell(acknowledged) == "followed before"

    assert world.alert.state is AlertState.FIRING


def test_a_second_who_acknowledges_is_told_who_has_it(world: World, people: People) -> None:
    world.acknowledge("bob")

    assert people.do("acknowledged") == "not followed: bob has it already"

    assert world.alert.acknowledged_by == "bob"


def test_an_acknowledgement_let_go_there_is_let_go_here_and_escalation_goes_on(
    world: World, people: People
) -> None:
    people.do("acknowledged")
    world.minutes(1, value=0.2)

    said = people.do("unacknowledged", by=None)
    world.tick()

    assert said == "nobody has it any longer: escalation goes on"
    assert list(world.timeline())[-1] == "firing by PagerDuty"
    assert world.steps()[-1] == (9, "oncall:default")


def test_what_nobody_has_cannot_be_let_go(world: World, people: People) -> None:
    assert people.do("unacknowledged", by=None) == "not followed: nobody has it"

    assert world.steps()[-1] == (8, "pagerduty:default")


def test_an_incident_acknowledged_anew_before_the_next_page_is_still_the_one(
    world: World, people: People
) -> None:
    people.do("acknowledged")
    people.do("unacknowledged", by=None)

    assert people.do("acknowledged", by="Grace Hopper") == "Grace Hopper has it"

    assert world.alert.acknowledged_by == "Grace Hopper"


def test_what_waited_while_we_were_away_is_followed_in_its_order(
    world: World, people: People
) -> None:
    waiting = [
        people.webhook("acknowledged"),
        people.webhook("unacknowledged", by=None, at=world.now + MINUTE),
        people.webhook("acknowledged", by="Grace Hopper", at=world.now + 2 * MINUTE),
    ]
    world.now += 5 * MINUTE

    answers = [people.tell(webhook) for webhook in waiting]

    assert answers[2] == "Grace Hopper has it"
    assert world.alert.acknowledged_by == "Grace Hopper"


def test_resolving_there_resolves_here(world: World, people: People) -> None:
    assert people.do("resolved") == f"resolved by {ADA}"

    assert (world.alert.state, world.alert.resolved_by) == (AlertState.RESOLVED, ADA)


def test_what_is_over_stays_over(world: World, people: People) -> None:
    people.do("resolved")

    assert people.do("resolved") == "already resolved"
    assert people.do("acknowledged") == "not followed: it is over"
    assert people.do("unacknowledged") == "not followed: nobody has it"

    assert world.alert.state is AlertState.RESOLVED


def an_incident_in_the_place_of_the_first(world: World, people: People) -> str:
    """Let an acknowledgement run out, until a page opens the second incident; return the first."""
    first = people.key
    people.do("acknowledged")
    world.minutes(25, value=0.2)
    assert people.key == f"{first}-1"
    assert world.alert.state is AlertState.FIRING
    return first


@pytest.mark.parametrize("verb", ["acknowledged", "unacknowledged", "resolved", "reassigned"])
def test_the_incident_that_we_ended_moves_nothing(world: World, people: People, verb: str) -> None:
    first = an_incident_in_the_place_of_the_first(world, people)

    assert people.do(verb, key=first) == NOT_CURRENT

    assert world.alert.state is AlertState.FIRING
    assert remarks(world) == []


def test_the_incident_that_took_its_place_is_followed(world: World, people: People) -> None:
    an_incident_in_the_place_of_the_first(world, people)

    assert people.do("acknowledged", incident="Q2") == f"{ADA} has it"


def test_a_page_that_pagerduty_took_unrecorded_can_be_acknowledged(
    world: World, people: People
) -> None:
    """Killed between the send and its record: PagerDuty knows the new key, we only want it."""
    first = people.key
    people.do("acknowledged")
    people.do("unacknowledged", by=None)

    assert people.do("acknowledged", key=f"{first}-1", incident="Q2") == f"{ADA} has it"


def test_an_event_older_than_one_that_was_followed_is_not_followed(
    world: World, people: People
) -> None:
    before = people.webhook("unacknowledged", at=world.now - SECOND)
    people.do("acknowledged")

    assert people.tell(before) == "not followed: PagerDuty has told of something newer"

    assert world.alert.state is AlertState.ACKNOWLEDGED


def test_an_event_older_than_an_alert_leaves_that_alert_alone(world: World, people: People) -> None:
    world.policy(group_by=["rule"])
    world.minutes(3, value=0)  # the lone alert of before ends
    world.minutes(8, value=0.2)
    resolved = people.webhook("resolved", incident="Q2")
    world.values["search"] = 0.3
    world.minutes(3, value=0.2)
    assert world.group.size == 2

    assert people.tell(resolved) == f"resolved by {ADA}"

    assert world.alerts == ["resolved", "resolved", "firing"]


def test_what_someone_else_did_meanwhile_is_not_undone(world: World, people: People) -> None:
    let_go = people.webhook("unacknowledged", at=world.now + SECOND)
    world.now += MINUTE
    world.acknowledge("bob")
    world.deliver()  # PagerDuty knows as well, but did not then

    assert people.tell(let_go) == OLDER

    assert world.alert.acknowledged_by == "bob"


def test_clocks_that_differ_lose_no_acknowledgement(world: World, people: People) -> None:
    behind = world.now - timedelta(minutes=30)

    assert people.do("acknowledged", at=behind) == f"{ADA} has it"


def test_a_note_there_is_in_the_timeline_here(world: World, people: People) -> None:
    people.do("triggered", by="us")

    assert people.note("I am *on* it") == "noted"

    assert remarks(world) == [f"note in PagerDuty: I am *on* it by {ADA}"]


def test_a_note_on_an_incident_assigned_by_us_needs_no_word_of_its_opening(
    world: World, people: People
) -> None:
    world.pagerduty.an_incident(people.key)
    world.minutes(5, value=0.2)  # whoever is on call is found, and has the incident now
    assert world.outbox()["pagerduty-assign:ada.lovelace@example.com"].external_id == "Q1"

    assert people.note("I am on it") == "noted"


def test_a_note_on_what_is_over_is_kept(world: World, people: People) -> None:
    people.do("resolved")

    assert people.note("It was the cache") == "noted"

    assert remarks(world) == [f"note in PagerDuty: It was the cache by {ADA}"]
    assert world.alert.state is AlertState.RESOLVED


def test_a_reassignment_that_comes_after_somebody_took_it_takes_nothing_from_them(
    world: World, people: People
) -> None:
    grace = [{"summary": "Grace Hopper"}]
    reassigned = people.webhook("reassigned", assignees=grace, status="triggered")
    world.now += SECOND
    world.acknowledge("bob")
    world.deliver()

    people.tell(reassigned)

    assert world.alert.acknowledged_by == "bob"


def test_an_incident_whose_key_is_with_its_alerts_is_followed_by_its_id(
    world: World, people: People
) -> None:
    people.do("triggered", by="us")

    assert people.do("acknowledged", incident_key=None) == f"{ADA} has it"


def test_an_incident_without_a_key_is_not_followed_once_another_may_be_the_one(
    world: World, people: People
) -> None:
    world.pagerduty.an_incident(people.key)
    world.minutes(5, value=0.2)  # assigned by us: its id is known, its key is not
    world.acknowledge("bob")
    actions.escalate_now(world.db, world.alert.id or 0, by="bob", now=world.now)

    assert people.do("acknowledged", incident_key=None) == NOT_CURRENT


def test_a_note_on_anybody_elses_incident_is_none_of_our_concern(people: People) -> None:
    assert people.note("hello") == "not followed: it is about no alert of ours"


@pytest.mark.parametrize(
    ("verb", "whom"),
    [("reassigned", "Grace Hopper"), ("delegated", "Second line, Grace Hopper")],
)
def test_who_has_the_incident_is_in_the_timeline(
    world: World, people: People, verb: str, whom: str
) -> None:
    grace, line = {"summary": "Grace Hopper"}, {"summary": "Second line"}

    people.do(verb, assignees=[grace], escalation_policy=line, status="triggered")

    assert remarks(world) == [f"reassigned to {whom} in PagerDuty by {ADA}"]
    assert world.alert.state is AlertState.FIRING


def test_whoever_it_is_handed_to_there_gets_time_to_answer(world: World, people: People) -> None:
    people.do("acknowledged")

    people.do("reassigned", assignees=[{"summary": "Grace Hopper"}], status="triggered")
    world.minutes(4, value=0.2)

    assert world.alert.state is AlertState.FIRING
    assert world.steps()[-1] == (8, "pagerduty:default")
    world.minutes(1, value=0.2)
    assert world.steps()[-1] == (13, "oncall:default")


def test_a_merge_resolves_nothing(world: World, people: People) -> None:
    reason = {"type": "merge_resolve_reason", "incident": {"id": "Q9", "summary": "[#9] Outage"}}

    assert people.do("resolved", resolve_reason=reason) == "not followed: merged, not resolved"

    assert world.alert.state is AlertState.FIRING
    assert remarks(world) == [f"merged into [#9] Outage in PagerDuty by {ADA}"]


def test_what_we_did_ourselves_is_not_followed(world: World, people: People) -> None:
    assert people.do("resolved", by="us") == "nothing to do"

    assert world.alert.state is AlertState.FIRING


def test_whoever_is_called_once_an_acknowledgement_is_gone_has_an_incident_to_take(
    world: World, people: People
) -> None:
    first = people.key
    people.do("acknowledged")
    world.minutes(10, value=0.2)  # it runs out, and the next step is whoever is on call
    assert world.steps()[-1] == (18, "oncall:default")

    world.pagerduty.an_incident(f"{first}-1", incident_id="Q1")
    world.minutes(1, value=0.2)

    assert people.key == f"{first}-1"
    (assigned,) = world.pagerduty.writes
    assert assigned["assignments"][0]["assignee"]["id"] == "P1"


def test_a_person_is_assigned_the_incident_that_is_there_not_another_services(
    httpserver: HTTPServer, sqlite_db: Engine
) -> None:
    world = World(httpserver, sqlite_db, pagerduty_routing_key=f"chat={'c' * 32}, llm={'d' * 32}")
    world.pagerduty.keys += ["c" * 32, "d" * 32]
    world.policy(steps=[{"channels": ["pagerduty:llm"]}, {"channels": ["oncall:default"]}])

    world.minutes(4, value=0.2)

    assert [event["routing_key"] for event in world.pagerduty.events] == ["d" * 32]
