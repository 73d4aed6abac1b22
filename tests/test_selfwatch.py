"""Wakeful watches itself: what is late, which channel is broken, who has not reported in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session, select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from alerts import defaults, pings
from alerts.audit import audit
from alerts.health import complaints
from alerts.jobs import Jobs
from alerts.outward import HeartbeatError, call
from alerts.selfwatch import SelfWatch
from app.http.ping import ping_routes
from models.tables import Group, Heartbeat, Notification, Ping, Rule
from models.vocabulary import AlertState
from signals import Query
from tests.world import MINUTE, World

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(httpserver: HTTPServer, db: Engine) -> World:
    return World(httpserver, db)


def late(world: World) -> dict[str, tuple[int, float]]:
    with Session(world.db) as session:
        found = audit(session, now=world.now)
    return {one.what: (one.count, one.by.total_seconds()) for one in found}


def value(db: Engine, signal: str, at: datetime, **scope: str) -> list[float]:
    query = Query(signal=signal, window=MINUTE, scope=tuple(scope.items()))
    return [sample.value for sample in SelfWatch(db=db).read(query, at=at).samples]


def test_an_engine_that_keeps_up_is_late_with_nothing(world: World) -> None:
    world.minutes(10, value=0.2)
    assert {count for count, _ in late(world).values()} == {0}


def test_a_step_that_nobody_took_is_late(world: World) -> None:
    world.minutes(3, value=0.2)
    world.now += timedelta(minutes=7)  # PagerDuty was due two minutes ago
    assert late(world)["step"] == (1, 120)


def test_a_message_that_nobody_sent_is_late(world: World) -> None:
    world.minutes(2, value=0.2)
    world.now += MINUTE
    world.jobs.evaluate()
    world.now += timedelta(seconds=90)
    assert late(world)["message"] == (1, 90)


def test_a_message_that_waits_for_its_next_try_is_not_late(world: World) -> None:
    world.slack.errors["chat.postMessage"] = {"ok": False, "error": "ratelimited"}
    world.minutes(8, value=0.2)
    assert late(world)["message"] == (0, 0)


def test_a_rule_that_was_not_evaluated_for_three_intervals_is_late(world: World) -> None:
    world.minutes(1, value=0)
    world.now += timedelta(seconds=80)
    assert late(world)["evaluation"] == (0, 0)
    world.now += timedelta(seconds=20)
    assert late(world)["evaluation"][0] == 1


def test_a_rule_that_is_off_is_never_late(world: World) -> None:
    from alerts import rulebook

    rulebook.set_enabled(world.db, world.rule_id, False, by="ada", now=world.now)
    world.now += timedelta(days=1)
    assert late(world)["evaluation"] == (0, 0)


def test_health_says_what_is_late(world: World) -> None:
    world.minutes(3, value=0.2)
    world.now += timedelta(minutes=7)
    with Session(world.db) as session:
        said = complaints(session, now=world.now, engine=False)
    assert "1 step is late, by up to 2 min" in said


def test_a_channel_that_refuses_is_broken_until_it_takes_something(world: World) -> None:
    assert value(world.db, "channel_broken", world.now) == []
    world.slack.errors["chat.postMessage"] = {"ok": False, "error": "is_archived"}
    world.minutes(4, value=0.2)
    assert value(world.db, "channel_broken", world.now, channel="slack:#llm") == [1]
    world.slack.errors.clear()
    world.minutes(3, value=0)
    world.minutes(3, value=0.2)
    assert value(world.db, "channel_broken", world.now, channel="slack:#llm") == [0]


def test_of_a_broken_channel_another_tells(world: World) -> None:
    own(world)
    world.slack.errors["chat.postMessage"] = {"ok": False, "error": "is_archived"}
    world.minutes(5, value=0.2)
    [event] = world.pagerduty.events
    assert event["payload"]["class"] == "A channel is broken"
    assert event["payload"]["custom_details"]["labels"] == {"channel": "slack:#llm"}


def test_lateness_is_told_although_no_rule_is_evaluated(world: World) -> None:
    own(world)
    world.minutes(3, value=0.2)
    world.now += timedelta(minutes=10)
    world.jobs.audit()  # and nothing else: `evaluate` hangs
    world.deliver()
    with Session(world.db) as session:
        titles = session.exec(select(Group.title).where(Group.state == AlertState.FIRING)).all()
    assert "Wakeful is late, 2 alerts" in titles


def own(world: World) -> None:
    """Add the rules about Wakeful itself, told by PagerDuty at once."""
    from alerts import policies, rulebook
    from alerts.policies import PolicyDraft

    admins = {
        "name": "admins",
        "group_by": ["rule"],
        "steps": [{"channels": ["slack:#llm", "pagerduty:default"]}],
    }
    policies.save_policy(world.db, PolicyDraft.model_validate(admins))
    for rule in defaults.own_rules(world.settings):
        rulebook.save_rule(world.db, rule, by="wakeful", now=world.now)


def test_a_heartbeat_that_stops_is_silent_since_its_last(db: Engine) -> None:
    with Session(db) as session:
        token = pings.ensure(session, "canary", now=NOW).token
        session.commit()
    assert value(db, "heartbeat_silence", NOW + MINUTE, heartbeat="canary") == [60]
    assert pings.heard(db, token, now=NOW + MINUTE) == "canary"
    assert value(db, "heartbeat_silence", NOW + 3 * MINUTE, heartbeat="canary") == [120]


def test_a_heartbeat_comes_in_by_its_address_alone(sqlite_db: Engine) -> None:
    with Session(sqlite_db) as session:
        token = pings.ensure(session, "canary", now=NOW).token
        session.commit()
    client = TestClient(Starlette(routes=ping_routes(sqlite_db, lambda: NOW + MINUTE)))
    assert client.get(f"/ping/{token}").status_code == 200
    assert client.head(f"/ping/{token}").status_code == 200
    assert client.post(f"/ping/{token}").text == "heard\n"
    assert client.get("/ping/guessed").status_code == 404
    with Session(sqlite_db) as session:
        assert session.exec(select(Ping)).one().last_at == NOW + MINUTE


def test_the_same_name_keeps_its_address(db: Engine) -> None:
    with Session(db) as session:
        first = pings.ensure(session, "canary", now=NOW).token
        assert pings.ensure(session, "canary", now=NOW + MINUTE).token == first


def calling(world: World) -> tuple[Jobs, list[str]]:
    calls: list[str] = []
    jobs = Jobs(
        db=world.db,
        clock=lambda: world.now,
        ask=world.jobs.ask,
        usable=world.jobs.usable,
        heartbeat=lambda: calls.append("called"),
    )
    return jobs, calls


def test_while_all_is_well_whoever_listens_is_called(world: World) -> None:
    jobs, calls = calling(world)
    world.minutes(5, value=0.2)
    jobs.call_out()
    assert calls == ["called"]


def test_when_a_page_is_late_the_heartbeat_is_withheld(world: World) -> None:
    jobs, calls = calling(world)
    world.minutes(3, value=0.2)
    world.now += timedelta(minutes=30)
    jobs.call_out()
    assert calls == []


def test_when_a_job_fails_the_heartbeat_is_withheld(world: World) -> None:
    jobs, calls = calling(world)
    with Session(world.db) as session:
        session.add(Heartbeat(job="evaluate", at=world.now, duration_ms=1, error="KeyError: 'x'"))
        session.commit()
    jobs.call_out()
    assert calls == []


def test_the_outward_heartbeat_is_a_plain_call(httpserver: HTTPServer) -> None:
    httpserver.expect_oneshot_request("/secret-uuid", method="GET").respond_with_data("OK")
    call(httpserver.url_for("/secret-uuid"))
    httpserver.check_assertions()


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_heartbeat_that_is_refused_says_so_without_its_address(
    httpserver: HTTPServer, status: int
) -> None:
    httpserver.expect_request("/secret-uuid").respond_with_data("no", status=status)
    with pytest.raises(HeartbeatError, match=f"HTTP {status}") as refused:
        call(httpserver.url_for("/secret-uuid"))
    assert "secret" not in str(refused.value)


def test_a_heartbeat_that_nobody_hears_says_so_without_its_address() -> None:
    with pytest.raises(HeartbeatError, match="nobody heard") as refused:
        call("http://127.0.0.1:1/secret-uuid", timeout_seconds=1)
    assert "secret" not in str(refused.value)


def test_a_new_installation_watches_itself(sqlite_db: Engine) -> None:
    from alerts.settings import Settings

    defaults.ensure_defaults(sqlite_db, Settings(), now=NOW)
    defaults.ensure_defaults(sqlite_db, Settings(), now=NOW)
    with Session(sqlite_db) as session:
        rules = {rule.name: rule.own for rule in session.exec(select(Rule))}
    assert rules == {
        "A source is silent": True,
        "A channel is broken": True,
        "Wakeful is late": True,
    }


def test_what_one_engine_leased_and_died_with_is_anothers_within_seconds(world: World) -> None:
    world.minutes(7, value=0.2)
    world.now += MINUTE
    world.jobs.evaluate()
    world.claim("pagerduty")  # killed here
    other = Jobs(db=world.db, clock=lambda: world.now, ask=world.jobs.ask, usable=world.jobs.usable)
    other.beat()
    other.deliver("pagerduty")
    assert world.pages == []  # the first may still live
    world.now += timedelta(seconds=9)
    other.beat()
    other.deliver("pagerduty")
    assert world.pages == ["trigger"]


def test_a_send_that_ends_after_another_engine_took_over_has_the_channel_told_what_is_true(
    world: World,
) -> None:
    from alerts import delivery

    world.minutes(7, value=0.2)
    world.now += MINUTE
    world.jobs.evaluate()
    late_claim = world.claim("pagerduty")
    world.now += timedelta(seconds=9)
    other = Jobs(db=world.db, clock=lambda: world.now, ask=world.jobs.ask, usable=world.jobs.usable)
    other.beat()
    other.deliver("pagerduty")
    receipt = world.jobs.usable.notifiers["pagerduty"].send("default", late_claim.message)
    with Session(world.db) as session:
        delivery._sent(session, late_claim, receipt, now=world.now)
        session.commit()
        note = session.exec(
            select(Notification).where(Notification.channel == "pagerduty:default")
        ).one()
        assert note.next_attempt_at == world.now


def test_rules_of_an_engine_that_died_are_evaluated_by_another_within_seconds(
    world: World,
) -> None:
    asked: list[Any] = []
    world.now += MINUTE
    world.jobs.beat()
    world.jobs._evaluator._claim(world.now)  # killed here
    other = Jobs(
        db=world.db,
        clock=lambda: world.now,
        ask=lambda questions, at: (asked.append(at), world.jobs.ask(questions, at))[1],
        usable=world.jobs.usable,
    )
    other.beat()
    other.evaluate()
    assert asked == []
    world.now += timedelta(seconds=9)
    other.beat()
    other.evaluate()
    assert asked == [world.now]
