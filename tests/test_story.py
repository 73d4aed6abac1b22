"""What the on-call sees, told from the outside; on SQLite and on PostgreSQL."""

import threading
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import actions, outbox, rulebook
from alerts.actions import UnknownAlertError
from alerts.decision import Decision, StaleError
from alerts.lifecycle import TransitionError
from models.tables import Alert, Rule
from models.vocabulary import AlertState, DataState, Event
from tests.vendors import ADA
from tests.world import MINUTE, RULE, World


@pytest.fixture
def world(httpserver: HTTPServer, db: Engine) -> World:
    return World(httpserver, db)


def test_an_unanswered_alert_climbs_from_slack_to_pagerduty_to_the_person(world: World) -> None:
    world.minutes(3, value=0.2)
    assert (len(world.posts), world.pages) == (1, [])

    world.minutes(5, value=0.2)
    assert world.pages == ["trigger"]

    world.pagerduty.an_incident(world.group.dedup_key)
    world.minutes(5, value=0.2)
    assert world.steps() == [
        (3, "slack:#llm"),
        (8, "pagerduty:default"),
        (13, "oncall:default"),
    ]
    assert world.pagerduty.writes[0]["assignments"][0]["assignee"]["id"] == "P1"
    assert world.outbox()[f"slack-dm:{ADA}"].sent is Event.TRIGGER


def test_healing_resolves_everywhere(world: World) -> None:
    world.minutes(8, value=0.2)
    world.minutes(3, value=0.01)
    assert world.alert.state is AlertState.RESOLVED
    assert world.pages == ["trigger", "resolve"]
    assert "resolved" in world.posts[0].lower()
    assert list(world.timeline()) == [
        "pending by engine",
        "firing by engine",
        "resolved by engine",
    ]


def test_acknowledging_stops_the_escalation(world: World) -> None:
    world.minutes(3, value=0.2)
    world.acknowledge("ada")
    world.minutes(30, value=0.2)
    assert world.pages == []
    assert list(world.timeline())[-1] == "acknowledged by ada"
    assert "ada" in str(world.slack.posts)


def test_the_first_to_acknowledge_keeps_it_and_the_second_is_told(world: World) -> None:
    world.minutes(3, value=0.2)
    assert world.acknowledge("ada").first
    world.minutes(1, value=0.2)
    taken = world.acknowledge("bob")
    assert (taken.by, taken.first) == ("ada", False)


def test_a_late_acknowledgement_does_not_reopen(world: World) -> None:
    world.minutes(3, value=0.2)
    world.minutes(3, value=0)
    with pytest.raises(TransitionError, match="cannot acknowledge a resolved alert"):
        world.acknowledge("ada")
    assert world.alert.state is AlertState.RESOLVED


def test_an_unknown_alert_is_named(world: World) -> None:
    with pytest.raises(UnknownAlertError, match="there is no alert wakeful-nope"):
        actions.acknowledge(world.db, "wakeful-nope", by="ada", now=world.now)


def test_a_blip_leaves_nothing_behind(world: World) -> None:
    world.minutes(1, value=0.2)
    assert world.alerts == ["pending"]
    world.minutes(1, value=0)
    assert (world.alerts, list(world.timeline()), world.posts) == ([], [], [])


def test_a_blind_engine_changes_nothing(world: World) -> None:
    world.minutes(3, value=0.2)
    world.prometheus_status = 503
    world.minutes(10, value=0)
    assert world.alert.state is AlertState.FIRING
    with Session(world.db) as session:
        [(rule, _)] = rulebook.rules(session)
    assert rule.data_state is DataState.UNREACHABLE
    assert "Prometheus" in rule.error


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("keep", ["firing"]), ("resolve", ["resolved"]), ("alert", ["firing"])],
)
def test_a_series_that_vanishes_is_what_its_rule_says(
    world: World, choice: str, expected: list[str]
) -> None:
    world.save(RULE | {"data_states": {"no_series": choice}}, world.rule_id)
    world.minutes(3, value=0.2)
    world.minutes(5, value=None)
    assert world.alerts == expected


def test_a_rule_that_is_to_say_so_says_that_it_is_blind(world: World) -> None:
    world.save(RULE | {"data_states": {"unreachable": "say"}}, world.rule_id)
    world.minutes(3, value=0.2)
    world.prometheus_status = 503
    world.minutes(4, value=0)
    assert "is blind: unreachable" in str(world.slack.posts)
    with Session(world.db) as session:
        alerts = [(a.state, a.data_state) for a in session.exec(select(Alert))]
    assert alerts == [(AlertState.FIRING, DataState.UNREACHABLE)] * 2
    world.prometheus_status = 200
    world.minutes(3, value=0.2)
    assert sorted(world.alerts) == ["firing", "resolved"]


def test_silence_can_be_the_breach(world: World) -> None:
    world.save(RULE | {"data_states": {"no_series": "alert"}}, world.rule_id)
    world.minutes(3, value=None)
    assert world.alerts == ["firing"]
    assert "has no data" in str(world.slack.posts)


def test_a_permanent_refusal_is_tried_once_and_said(world: World) -> None:
    world.slack.errors["chat.postMessage"] = {"ok": False, "error": "is_archived"}
    world.minutes(6, value=0.2)
    assert world.ledger() == ["trigger slack:#llm refused"]
    assert "archived" in world.outbox()["slack:#llm"].error


def test_a_transient_refusal_backs_off_and_gets_through(world: World) -> None:
    world.slack.errors["chat.postMessage"] = {"ok": False, "error": "ratelimited"}
    world.minutes(4, value=0.2)
    world.slack.errors.clear()
    world.minutes(3, value=0.2)
    assert set(world.ledger()[:-1]) == {"trigger slack:#llm retrying"}
    assert world.ledger()[-1] == "trigger slack:#llm delivered"
    assert len(world.posts) == 1


def test_a_broken_slack_does_not_hold_up_the_pager(world: World) -> None:
    world.slack.errors["chat.postMessage"] = {"ok": False, "error": "ratelimited"}
    world.minutes(8, value=0.2)
    assert world.pages == ["trigger"]


def test_a_trigger_that_never_got_out_does_not_follow_the_resolve(world: World) -> None:
    world.slack.errors["chat.postMessage"] = {"ok": False, "error": "ratelimited"}
    world.minutes(3, value=0.2)
    world.minutes(3, value=0)
    world.slack.errors.clear()
    world.minutes(60, value=0)
    assert world.alert.state is AlertState.RESOLVED
    assert world.posts == []


def test_a_page_in_doubt_is_resolved_all_the_same(world: World) -> None:
    world.minutes(7, value=0.2)
    world.now += MINUTE
    world.jobs.evaluate()
    # Killed between the send and its record: the vendor has the trigger, our row says nothing.
    claim = world.claim("pagerduty")
    world.jobs.usable.notifiers["pagerduty"].send("default", claim.message)
    actions.resolve(world.db, world.alert.id or 0, by="ada", now=world.now)
    world.minutes(3, value=0)
    assert world.pages == ["trigger", "resolve"]
    assert len({event["dedup_key"] for event in world.pagerduty.events}) == 1


def test_a_send_cut_short_by_a_crash_is_repeated_under_the_same_dedup_key(world: World) -> None:
    world.minutes(7, value=0.2)
    world.now += MINUTE
    world.jobs.evaluate()
    claim = world.claim("pagerduty")
    world.jobs.usable.notifiers["pagerduty"].send("default", claim.message)
    world.deliver()
    assert world.pages == ["trigger"]  # leased: nobody else sends it meanwhile
    outbox.release_leases(world.db)
    world.deliver()
    assert world.pages == ["trigger", "trigger"]
    assert len({event["dedup_key"] for event in world.pagerduty.events}) == 1


def test_an_acknowledgement_during_a_send_is_told_next(world: World) -> None:
    world.minutes(2, value=0.2)
    world.now += MINUTE
    world.jobs.evaluate()
    world.claim("slack")
    world.acknowledge("ada")
    assert world.outbox()["slack:#llm"].wanted is Event.ACKNOWLEDGE
    outbox.release_leases(world.db)
    world.deliver()
    assert "ada" in str(world.slack.posts)


def test_nobody_is_called_for_an_alert_taken_while_they_were_looked_up(world: World) -> None:
    world.minutes(12, value=0.2)
    world.now += MINUTE
    world.jobs.evaluate()
    people = world.jobs.usable.directories["oncall"]
    find, world.jobs.usable.directories["oncall"] = people.find, people  # type: ignore[index]

    class WhileAdaAnswers:
        def find(self, target: str, *, at: object) -> object:
            world.acknowledge("ada")
            return find(target, at=at)  # type: ignore[arg-type]

    world.jobs.usable.directories["oncall"] = WhileAdaAnswers()  # type: ignore[index]
    world.deliver()
    assert f"slack-dm:{ADA}" not in world.outbox()


def test_a_gap_in_the_schedule_is_said_and_asked_again(world: World) -> None:
    world.pagerduty.oncalls.clear()
    world.minutes(13, value=0.2)
    assert world.ledger()[-1] == "trigger oncall:default retrying"
    assert "nobody is on call" in world.outbox()["oncall:default"].error
    world.pagerduty.on_call("Ada Lovelace", ADA)
    world.minutes(1, value=0.2)
    assert world.outbox()[f"slack-dm:{ADA}"].sent is Event.TRIGGER


def test_editing_a_policy_does_not_move_an_open_alert(world: World) -> None:
    from alerts import policies
    from alerts.policies import PolicyDraft

    world.minutes(3, value=0.2)
    later = [{"after": "0s", "channels": ["slack:#llm"]}]
    draft = PolicyDraft.model_validate({"name": "standard", "steps": later})
    policies.save_policy(world.db, draft, policy_id=1)
    world.minutes(5, value=0.2)
    assert world.pages == ["trigger"]


def test_disabling_a_rule_ends_its_alert(world: World) -> None:
    world.minutes(3, value=0.2)
    rulebook.set_enabled(world.db, world.rule_id, False, by="ada", now=world.now)
    world.minutes(1, value=0.2)
    assert world.alerts == ["resolved"]
    assert list(world.timeline())[-1] == "resolved by ada (rule disabled)"


def test_moving_the_threshold_keeps_the_alert_and_moving_the_scope_ends_it(world: World) -> None:
    world.minutes(3, value=0.2)
    world.save(RULE | {"condition": RULE["condition"] | {"bound": 0.1}}, world.rule_id)  # type: ignore[operator]
    assert world.alerts == ["firing"]
    scoped = RULE["condition"] | {"scope": {"model": "gpt-4o"}}  # type: ignore[operator]
    world.save(RULE | {"condition": scoped}, world.rule_id)
    assert world.alerts == ["resolved"]


def test_a_resolved_alert_whose_condition_holds_starts_a_new_episode(world: World) -> None:
    world.minutes(3, value=0.2)
    actions.resolve(world.db, world.alert.id or 0, by="ada", now=world.now)
    world.minutes(3, value=0.2)
    assert world.alerts == ["resolved", "firing"]
    assert len(world.posts) == 2


def test_a_late_step_says_so(world: World) -> None:
    from alerts import timelines

    world.minutes(3, value=0.2)
    world.now += 17 * MINUTE  # nothing ran: the process was down
    world.tick()
    with Session(world.db) as session:
        steps = [
            e.text for e in timelines.timeline(session, world.alert.id or 0) if e.kind == "step"
        ]
    assert steps == ["step 1: slack:#llm", "step 2: pagerduty:default (late by 12 min)"]


def test_the_slower_of_two_writers_is_told(world: World) -> None:
    world.minutes(3, value=0.2)
    with Session(world.db) as bob:
        seen = bob.get_one(Alert, world.alert.id)
        bob.expunge(seen)
    world.acknowledge("ada")
    with Session(world.db) as bob, pytest.raises(StaleError):
        Decision(bob, now=world.now)._swap(seen, {"value": 1.0})


def test_ten_people_who_press_at_once_agree_on_who_has_it(world: World) -> None:
    world.minutes(3, value=0.2)
    answers: list[actions.Taken] = []
    names = [f"person {number}" for number in range(10)]
    threads = [
        threading.Thread(target=lambda name=name: answers.append(world.acknowledge(name)))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({taken.by for taken in answers}) == 1
    assert [taken.first for taken in answers].count(True) == 1


def test_interrupted_patience_goes_on_where_it_stood(world: World) -> None:
    world.minutes(2, value=0.2)
    world.jobs._evaluator.parsed.clear()  # as after a restart: nothing in memory counts
    world.minutes(1, value=0.2)
    assert world.alerts == ["firing"]
    assert world.alert.fired_at == world.alert.active_at + timedelta(minutes=2)


def test_a_page_goes_out_even_for_a_condition_nobody_can_read(world: World) -> None:
    world.minutes(7, value=0.2)
    with Session(world.db) as session:
        rule = session.get_one(Rule, world.rule_id)
        rule.condition = {"kind": "of a later version"}
        rule.version += 1
        session.commit()
    world.minutes(1, value=0.2)
    assert world.pages == ["trigger"]
    assert world.pagerduty.events[0]["payload"]["summary"].startswith("Errors")
