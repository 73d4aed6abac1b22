"""Tests of channels: marked TEST, through the real notifiers, and never an alert."""

from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import actions, trial_delivery, trials
from alerts.actions import UnknownAlertError
from alerts.channels import ChannelError
from alerts.trials import TrialError
from models.tables import Alert, Delivery, Notification, Trial, TrialMessage
from tests.vendors import ADA
from tests.world import World

SECOND = timedelta(seconds=1)


@pytest.fixture
def world(httpserver: HTTPServer, sqlite_db: Engine) -> World:
    return World(httpserver, sqlite_db)


@pytest.fixture
def either(httpserver: HTTPServer, db: Engine) -> World:
    """A world on SQLite, and one on PostgreSQL."""
    return World(httpserver, db)


def begin(world: World, *names: str, key: str = "") -> int:
    return trials.begin(world.db, names, about="standard", by="ada", now=world.now, key=key)


def passes(world: World, seconds: int) -> None:
    for _ in range(seconds + 1):
        while trial_delivery.deliver_next(world.db, world.jobs.usable, now=world.now, by="engine"):
            pass
        world.now += SECOND


def ledger(world: World) -> list[str]:
    with Session(world.db) as session:
        rows = trials.messages(session, [trial.id or 0 for trial in trials.trials(session)])
    return [f"{row.event} {row.channel} {row.outcome} {row.attempts}" for row in rows]


def test_a_test_is_told_and_ended_by_itself(either: World) -> None:
    begin(either, "slack:#llm", "pagerduty:default")
    passes(either, 6)
    assert ledger(either) == [
        "trigger slack:#llm delivered 1",
        "trigger pagerduty:default delivered 1",
        "resolve slack:#llm delivered 1",
        "resolve pagerduty:default delivered 1",
    ]
    assert either.pages == ["trigger", "resolve"]
    said = "TEST of standard by ada: nothing is wrong, there is nothing to do."
    assert either.posts == [f"Resolved: TEST standard. {said}"]


def test_what_a_vendor_shows_is_marked_as_a_test_everywhere(world: World) -> None:
    begin(world, "pagerduty:default")
    passes(world, 1)
    event = world.pagerduty.events[0]
    assert event["payload"]["summary"].startswith("TEST of standard")
    assert event["payload"]["severity"] == "info"
    assert event["payload"]["class"] == "TEST standard"


def test_the_end_goes_to_the_incident_of_the_test(world: World) -> None:
    begin(world, "pagerduty:default")
    passes(world, 6)
    began, ended = world.pagerduty.events
    assert began["dedup_key"] == ended["dedup_key"]
    assert began["dedup_key"].startswith("wakeful-test-")


def test_a_person_is_found_told_and_the_incident_is_theirs(world: World) -> None:
    world.pagerduty.an_incident("any", assigned="P9")
    trial_id = begin(world, "oncall:default")
    with Session(world.db) as session:
        key = session.get_one(Trial, trial_id).dedup_key
    world.pagerduty.incidents[0]["incident_key"] = key
    passes(world, 6)
    assert ledger(world) == [
        "trigger oncall:default expanded 1",
        "trigger pagerduty:default delivered 1",
        f"trigger slack-dm:{ADA} delivered 1",
        f"trigger pagerduty-assign:{ADA} delivered 1",
        "resolve pagerduty:default delivered 1",
        f"resolve slack-dm:{ADA} delivered 1",
        f"resolve pagerduty-assign:{ADA} delivered 1",
    ]


def test_an_incident_that_is_not_there_yet_is_waited_for_before_the_test_ends(
    world: World,
) -> None:
    begin(world, f"person:{ADA}")
    passes(world, 7)
    assert f"trigger pagerduty-assign:{ADA} retrying 2" in ledger(world)
    assert world.pages == ["trigger"]
    passes(world, 60)
    assert f"trigger pagerduty-assign:{ADA} gave up 4" in ledger(world)
    assert world.pages == ["trigger", "resolve"]


def test_a_test_leaves_no_alert_and_nothing_in_the_outbox_or_the_ledger(world: World) -> None:
    begin(world, "slack:#llm", "pagerduty:default")
    passes(world, 6)
    with Session(world.db) as session:
        assert session.exec(select(Alert)).all() == []
        assert session.exec(select(Notification)).all() == []
        assert session.exec(select(Delivery)).all() == []


def test_an_answer_to_a_test_touches_nothing(world: World) -> None:
    trial_id = begin(world, "slack:#llm")
    with Session(world.db) as session:
        key = session.get_one(Trial, trial_id).dedup_key
    with pytest.raises(UnknownAlertError):
        actions.acknowledge(world.db, key, by="ada", now=world.now)


def test_a_channel_that_refuses_says_why_and_is_not_told_of_an_end(world: World) -> None:
    begin(world, "slack:#gone")
    passes(world, 30)
    assert ledger(world) == ["trigger slack:#gone refused 1"]
    with Session(world.db) as session:
        (row,) = session.exec(select(TrialMessage)).all()
    assert "channel_not_found" in row.answer


def test_a_channel_that_may_have_been_told_is_told_of_the_end(world: World) -> None:
    """Killed between the send and its record: the next engine sends again, then ends it."""
    begin(world, "pagerduty:default")
    assert trial_delivery._claim(world.db, now=world.now, by="killed") is not None
    passes(world, 10)
    assert ledger(world) == [
        "trigger pagerduty:default delivered 2",
        "resolve pagerduty:default delivered 1",
    ]


def test_two_engines_never_send_the_same_message(either: World) -> None:
    either.jobs.beat()
    begin(either, "pagerduty:default")
    assert trial_delivery._claim(either.db, now=either.now, by=either.jobs.engine_id) is not None
    assert (
        trial_delivery.deliver_next(either.db, either.jobs.usable, now=either.now, by="b") is None
    )


def test_a_click_that_comes_twice_is_one_test(world: World) -> None:
    first = begin(world, "slack:#llm", key="click-1")
    assert begin(world, "slack:#llm", key="click-1") == first
    passes(world, 6)
    assert len(world.posts) == 1


def test_the_engines_job_sends_tests(world: World) -> None:
    begin(world, "slack:#llm")
    world.jobs.test()
    assert ledger(world)[0] == "trigger slack:#llm delivered 1"


def test_tests_are_forgotten_after_a_month(either: World) -> None:
    begin(either, "slack:#llm")
    passes(either, 6)
    with Session(either.db) as session:
        trials.forget(session, now=either.now + trials.KEPT)
        session.commit()
    assert ledger(either) == []


def test_a_test_of_nothing_or_of_too_much_is_refused(world: World) -> None:
    with pytest.raises(TrialError, match="at least one channel"):
        begin(world)
    with pytest.raises(TrialError, match="at most 30 channels"):
        begin(world, *(f"slack:#c{n}" for n in range(31)))
    with pytest.raises(ChannelError, match="is not a channel"):
        begin(world, "pigeon:7")
