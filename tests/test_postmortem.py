"""The story of an alert for a post-mortem, and the hand-over of a shift."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session

from alerts import actions, handover, postmortem, shifts, stories
from alerts.entries import Entry, EntryKind
from alerts.handover import Held, Past, Said, Shift
from alerts.postmortem import Story, Subject
from models.vocabulary import AlertState, Severity
from tests.world import MINUTE, World

T0 = datetime(2026, 1, 1, 12, tzinfo=UTC)
BASE = "https://wakeful.example"


def subject(number: int = 7, **changes: Any) -> Subject:
    given: dict[str, Any] = {
        "alert_id": number,
        "rule": "Errors",
        "owner": "grace",
        "summary": "Error rate reached 8 % for feature=chat",
        "severity": Severity.CRITICAL,
        "state": AlertState.RESOLVED,
        "labels": {"feature": "chat"},
        "active_at": T0,
        "fired_at": T0 + 2 * MINUTE,
        "resolved_at": T0 + 30 * MINUTE,
        "resolved_by": "engine",
        "url": f"{BASE}/alerts?alert={number}",
    }
    return Subject(**given | changes)


def entry(minutes: float, kind: EntryKind, text: str, **changes: Any) -> Entry:
    return Entry(at=T0 + minutes * MINUTE, kind=kind, text=text, **changes)


ENTRIES = (
    entry(0, EntryKind.STATE, "pending", actor="engine", alert_id=7),
    entry(2, EntryKind.STATE, "firing", actor="engine", value=0.08, alert_id=7),
    entry(2, EntryKind.STEP, "step 1: slack:#llm", actor="engine", channels=("slack:#llm",)),
    entry(5, EntryKind.STATE, "acknowledged", actor="ada", alert_id=7),
    entry(6, EntryKind.NOTE, "Provider *degraded*\nfailing over", actor="ada", alert_id=7),
    entry(30, EntryKind.STATE, "resolved", actor="engine", alert_id=7),
)


def story(*subjects: Subject) -> Story:
    return Story(
        title="Errors",
        severity=Severity.CRITICAL,
        written_at=T0 + 60 * MINUTE,
        subjects=subjects or (subject(),),
        entries=ENTRIES,
    )


def test_a_story_reads_from_the_facts_to_the_timeline() -> None:
    assert postmortem.markdown(story()) == (
        "# Errors\n"
        "\n"
        "- **What**: Error rate reached 8 % for feature=chat\n"
        "- **Severity**: critical\n"
        "- **Began**: 2026-01-01 12:00:00, fired 2026-01-01 12:02:00\n"
        "- **Taken**: by ada, 3 min later\n"
        "- **Ended**: 2026-01-01 12:30:00, by itself, after 28 min\n"
        "- **Owner**: grace\n"
        "- **Page**: <https://wakeful.example/alerts?alert=7>\n"
        "\n"
        "## Timeline\n"
        "\n"
        "Times are UTC; offsets count from firing.\n"
        "\n"
        "- 2026-01-01 12:00:00 (-2 min) pending\n"
        "- 2026-01-01 12:02:00 (+0 s) firing\n"
        "- 2026-01-01 12:02:00 (+0 s) step 1: slack:#llm\n"
        "- 2026-01-01 12:05:00 (+3 min) acknowledged by ada\n"
        "- 2026-01-01 12:06:00 (+4 min) **ada noted**: Provider \\*degraded\\* failing over\n"
        "- 2026-01-01 12:30:00 (+28 min) resolved\n"
    )


def test_what_is_still_open_says_so() -> None:
    said = postmortem.markdown(story(subject(resolved_at=None, state=AlertState.ACKNOWLEDGED)))
    assert "- **Ended**: not yet, at 2026-01-01 13:00:00" in said


def test_a_group_lists_its_alerts_and_says_which_each_line_is_about() -> None:
    other = subject(8, labels={"feature": "search"}, resolved_at=T0 + 40 * MINUTE)
    said = postmortem.markdown(story(subject(), other))
    assert "Error rate reached 8 % for feature=chat, and 1 more" in said
    assert "(critical, resolved, [alert 8](https://wakeful.example/alerts?alert=8))" in said
    assert "acknowledged by ada (feature=chat)" in said
    assert "2026-01-01 12:40:00, by itself, after 38 min" in said


def test_the_json_holds_the_same_with_seconds() -> None:
    told = json.loads(json.dumps(postmortem.as_json(story())))
    assert told["seconds_to_acknowledge"] == 180
    assert told["seconds_to_end"] == 1680
    assert told["alerts"][0]["labels"] == {"feature": "chat"}
    assert told["timeline"][1] == {
        "at": "2026-01-01T12:02:00+00:00",
        "offset_seconds": 0.0,
        "kind": "state",
        "text": "firing",
        "actor": "engine",
        "value": 0.08,
        "ok": True,
        "channels": [],
        "alert_id": 7,
    }


def test_the_file_is_named_after_the_day_and_the_title() -> None:
    assert postmortem.file_name(story(), "md") == "2026-01-01-errors.md"


@pytest.fixture
def world(httpserver: HTTPServer, sqlite_db: Engine) -> World:
    return World(httpserver, sqlite_db)


def test_the_story_of_a_group_is_that_of_all_its_alerts(world: World) -> None:
    world.policy(group_by=["rule"])
    world.values = {"search": 0.3}
    world.minutes(3, value=0.2)
    actions.note(world.db, world.group.dedup_key, author="ada", text="all of it", now=world.now)
    world.values = {"search": 0}
    world.minutes(3, value=0)
    with Session(world.db) as session:
        found = stories.of_group(session, world.group.id or 0, base_url=BASE, now=world.now)
    assert found is not None
    assert found.title == "Errors: 2 alerts"
    assert {one.labels["feature"] for one in found.subjects} == {"chat", "search"}
    firing = [e.alert_id for e in found.entries if e.text == "firing"]
    assert len(set(firing)) == 2
    assert [e.alert_id for e in found.entries if e.kind is EntryKind.NOTE] == [None]


def test_a_note_on_a_group_stands_in_the_story_of_each_of_its_alerts(world: World) -> None:
    world.policy(group_by=["rule"])
    world.values = {"search": 0.3}
    world.minutes(3, value=0.2)
    actions.note(world.db, world.group.dedup_key, author="ada", text="all of it", now=world.now)
    actions.note(world.db, 1, author="ada", text="only this one", now=world.now)
    notes = {}
    with Session(world.db) as session:
        for number in (1, 2):
            found = stories.of_alert(session, number, base_url=BASE, now=world.now)
            assert found is not None
            notes[number] = [e.text for e in found.entries if e.kind is EntryKind.NOTE]
    assert notes == {1: ["all of it", "only this one"], 2: ["all of it"]}


def test_there_is_no_story_of_what_is_none(world: World) -> None:
    with Session(world.db) as session:
        assert stories.of_alert(session, 9, base_url=BASE, now=world.now) is None
        assert stories.of_group(session, 9, base_url=BASE, now=world.now) is None


HELD = Held(
    title="Errors",
    summary="Error rate reached 8 % for feature=chat",
    severity=Severity.CRITICAL,
    since=T0,
    url=f"{BASE}/alerts?alert=7",
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Nobody has it, and nobody else will be told."),
        ({"next_at": T0 + 65 * MINUTE}, "Nobody has it; the next are told in 5 min."),
        ({"holders": "ada"}, "ada has it."),
        ({"holders": "ada", "until": T0 + 90 * MINUTE}, "ada has it until Jan 1, 14:30."),
        (
            {"muted": "muted by silence 3, ada: deploying"},
            "Nobody has it, and nobody is told: muted by silence 3, ada: deploying.",
        ),
    ],
)
def test_a_hand_over_says_who_has_what_and_until_when(changes: dict[str, Any], said: str) -> None:
    shift = Shift(opened=(replace(HELD, **changes),), past=())
    written = handover.markdown(
        shift, since=T0, now=T0 + 60 * MINUTE, zone=ZoneInfo("Europe/Berlin")
    )
    assert written.startswith("# Hand-over, 2026-01-01 14:00 CET\n\n## Open: 1\n")
    assert said in written
    assert "## The last 1 h\n\nNothing fired.\n" in written


def test_a_hand_over_has_the_last_notes_and_what_happened() -> None:
    noted = Said(at=T0 + 5 * MINUTE, by="ada", text="Failing over")
    past = Past(
        rule="Cache",
        summary="Cache hit rate 4 %",
        state=AlertState.RESOLVED,
        fired_at=T0,
        resolved_at=T0 + 9 * MINUTE,
        resolved_by="",
        taken_by="bob",
        url=BASE,
    )
    shift = Shift(opened=(replace(HELD, said=(noted,)),), past=(past, past), left_out=4)
    written = handover.markdown(shift, since=T0, now=T0 + 60 * MINUTE, zone=UTC)
    assert "  - Jan 1, 12:05 ada: Failing over" in written
    assert "Cache: Cache hit rate 4 %; taken by bob, over by itself after 9 min." in written
    assert "- and 4 more" in written
    assert "2 alerts, 2 of them taken by somebody." in written


def test_a_shift_is_read_from_what_is_open_and_what_was(world: World) -> None:
    world.minutes(4, value=0.2)
    until = world.now + timedelta(hours=1)
    alert_id = world.alert.id or 0
    actions.snooze(world.db, alert_id, until=until, by="ada", now=world.now)
    actions.note(world.db, alert_id, author="ada", text="Failing over", now=world.now)
    with Session(world.db) as session:
        found = shifts.shift(session, since=world.now - MINUTE, base_url=BASE, now=world.now)
    (held,) = found.opened
    assert (held.holders, held.until) == ("ada", until)
    assert {said.text for said in held.said} == {
        "Failing over",
        "snoozed until 2026-01-01 01:04 UTC",
    }
    assert [(one.rule, one.taken_by) for one in found.past] == [("Errors", "ada")]
