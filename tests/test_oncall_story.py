"""An alert whose policy tells whoever is on call by a schedule kept here."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import policies, rota, rota_changes
from alerts.policies import PolicyDraft
from alerts.rota import RotaError
from alerts.rota_drafts import OverrideDraft, ScheduleDraft
from models.vocabulary import Event
from tests.vendors import ADA
from tests.world import World

BEN = "ben@example.com"
NEW_YEAR = "2026-01-01T00:00:00Z"


@pytest.fixture
def world(httpserver: HTTPServer, sqlite_db: Engine) -> World:
    world = World(httpserver, sqlite_db)
    world.slack.users[BEN] = "U2"
    step = {"after": "0s", "channels": ["schedule:llm"]}
    policy = PolicyDraft.model_validate({"name": "standard", "steps": [step]})
    policies.save_policy(sqlite_db, policy, policy_id=1)
    return world


def schedule(world: World, *people: str, **changes: Any) -> int:
    layer = {"name": "all", "people": people, "starts_at": NEW_YEAR, "turn": "1d", **changes}
    draft = ScheduleDraft.model_validate({"name": "llm", "zone": "UTC", "layers": [layer]})
    return rota_changes.save_schedule(world.db, draft, by="grace", now=world.now)


def told(world: World) -> set[str]:
    return {
        channel.partition(":")[2]
        for channel, row in world.outbox().items()
        if channel.startswith("slack-dm:") and row.sent is Event.TRIGGER
    }


def test_the_person_on_call_by_the_schedule_is_told(world: World) -> None:
    schedule(world, ADA, BEN)
    world.minutes(3, value=0.2)
    assert told(world) == {ADA}


def test_after_the_handover_it_is_the_next_one(world: World) -> None:
    schedule(world, ADA, BEN, handover="09:00")
    world.now = datetime.fromisoformat(NEW_YEAR) + timedelta(hours=9)
    world.minutes(3, value=0.2)
    assert told(world) == {BEN}


def test_an_override_is_told_instead(world: World) -> None:
    schedule_id = schedule(world, ADA)
    ends_at = world.now + timedelta(hours=1)
    cover = OverrideDraft(person=BEN, starts_at=world.now, ends_at=ends_at)
    rota_changes.add_override(world.db, schedule_id, cover, by="ada", now=world.now)
    world.minutes(3, value=0.2)
    assert told(world) == {BEN}


def test_a_gap_is_said_and_ends_with_the_next_shift(world: World) -> None:
    early = {"days": [0, 1, 2, 3, 4, 5, 6], "opens": "00:10", "closes": "08:00"}
    schedule(world, ADA, windows=[early])
    world.minutes(3, value=0.2)
    assert world.ledger()[-1] == "trigger schedule:llm retrying"
    assert world.outbox()["schedule:llm"].error == "nobody is on call for llm at this time"
    world.minutes(10, value=0.2)
    assert told(world) == {ADA}


def test_a_schedule_that_does_not_exist_is_a_broken_channel(world: World) -> None:
    world.minutes(3, value=0.2)
    assert world.ledger()[-1] == "trigger schedule:llm refused"
    assert "no schedule named 'llm'" in world.outbox()["schedule:llm"].error


def test_a_schedule_is_kept_while_an_open_alert_goes_by_it(world: World) -> None:
    schedule_id = schedule(world, ADA)
    world.minutes(3, value=0.2)
    other = {"name": "standard", "steps": [{"channels": ["slack:#llm"]}]}
    policies.save_policy(world.db, PolicyDraft.model_validate(other), policy_id=1)
    with pytest.raises(RotaError, match="cannot be deleted yet: open alerts would tell nobody"):
        rota_changes.delete_schedule(world.db, schedule_id, by="grace")
    world.minutes(3, value=0.01)
    rota_changes.delete_schedule(world.db, schedule_id, by="grace")
    with Session(world.db) as session:
        assert rota.schedules(session) == []


def test_a_schedule_that_could_not_say_is_asked_again(world: World) -> None:
    elsewhere = {
        "name": "llm",
        "zone": "UTC",
        "source": "ical",
        "address": "https://cal.example.org/x.ics",
    }
    draft = ScheduleDraft.model_validate(elsewhere)
    schedule_id = rota_changes.save_schedule(world.db, draft, by="grace", now=world.now)
    world.minutes(3, value=0.2)
    assert world.ledger()[-1] == "trigger schedule:llm retrying"
    own = {"name": "llm", "zone": "UTC", "layers": []}
    layer = {"name": "all", "people": [ADA], "starts_at": NEW_YEAR, "turn": "1d"}
    repaired = ScheduleDraft.model_validate(own | {"layers": [layer]})
    rota_changes.save_schedule(
        world.db, repaired, by="grace", now=world.now, schedule_id=schedule_id
    )
    world.minutes(1, value=0.2)
    assert told(world) == {ADA}
