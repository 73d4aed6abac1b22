"""Annotations: told at the door or by hand, kept once, found by time and by whom they concern."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.testclient import TestClient

from alerts import annotations
from alerts.annotations import MOST_FOUND, MOST_IN_AN_HOUR, AnnotationError, TooManyError
from app.http.annotations import PATH, annotation_routes
from app.http.told import MAX_BODY_BYTES
from models.database import connect
from models.tables import Annotation
from tests.memory_source import NOON

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TOKEN = "a-token-for-the-tests"


def tell(db: Engine, title: str = "copilot 1.4.2", *, now: datetime = NOON, **said: Any) -> bool:
    """Tell of something; say whether that was new."""
    _, is_new = annotations.annotate(db, annotations.read({"title": title, **said}), now=now)
    return is_new


def titles(db: Engine, start: datetime, end: datetime, **labels: str) -> list[str]:
    with Session(db) as session:
        found = annotations.between(session, start=start, end=end, labels=labels)
        return [row.title for row in found]


# What is kept


def test_what_says_no_time_happened_now(db: Engine) -> None:
    tell(db)
    assert titles(db, NOON, NOON) == ["copilot 1.4.2"]


def test_what_is_told_again_is_kept_once(db: Engine) -> None:
    at = (NOON - HOUR).isoformat()
    assert tell(db, kind="deploy", at=at)
    assert not tell(db, kind="deploy", at=at, now=NOON + MINUTE)
    assert titles(db, NOON - 2 * HOUR, NOON) == ["copilot 1.4.2"]


def test_the_same_instant_in_another_zone_is_the_same(db: Engine) -> None:
    assert tell(db, at="2026-03-01T12:00:00+01:00", now=datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert not tell(db, at="2026-03-01T11:00:00Z", now=datetime(2026, 3, 1, 12, tzinfo=UTC))


def test_the_newest_comes_first(db: Engine) -> None:
    tell(db, "first", at=(NOON - HOUR).isoformat())
    tell(db, "second", at=(NOON - MINUTE).isoformat())
    assert titles(db, NOON - 2 * HOUR, NOON) == ["second", "first"]


def test_what_goes_on_is_found_after_its_beginning(db: Engine) -> None:
    tell(db, "canary", at=(NOON - 5 * HOUR).isoformat(), end=NOON.isoformat())
    assert titles(db, NOON - HOUR, NOON) == ["canary"]
    assert titles(db, NOON + MINUTE, NOON + HOUR) == []


def test_what_is_about_others_is_left_out(db: Engine) -> None:
    tell(db, "chat", labels={"feature": "chat"})
    tell(db, "search", labels={"feature": "search"})
    tell(db, "everybody")
    assert sorted(titles(db, NOON, NOON, feature="chat")) == ["chat", "everybody"]
    assert len(titles(db, NOON, NOON)) == 3


def test_no_more_are_found_than_can_be_drawn(db: Engine) -> None:
    for number in range(MOST_FOUND + 5):
        tell(db, f"release {number}")
    assert len(titles(db, NOON, NOON)) == MOST_FOUND


def test_a_flood_is_refused(db: Engine) -> None:
    with Session(db) as session:
        session.add_all(
            Annotation(at=NOON, kind="other", title=str(n), told_at=NOON)
            for n in range(MOST_IN_AN_HOUR)
        )
        session.commit()
    with pytest.raises(TooManyError, match="more than 500 annotations in an hour"):
        tell(db)
    assert tell(db, now=NOON + 2 * HOUR)


def test_what_was_removed_is_gone(db: Engine) -> None:
    row, _ = annotations.annotate(db, annotations.read({"title": "typo"}), now=NOON)
    assert row.id is not None
    assert annotations.remove(db, row.id, by="ana")
    assert not annotations.remove(db, row.id, by="ana")
    assert titles(db, NOON, NOON) == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "title: Field required"),
        ({"title": "\x00 \n"}, "title: is empty"),
        ({"title": "x" * 201}, "title: String should have at most 200 characters"),
        ({"title": "x", "kind": "party"}, "kind: Input should be 'deploy', 'prompt', 'canary'"),
        ({"title": "x", "at": "2026-03-01T12:00:00"}, "at: Input should have timezone info"),
        ({"title": "x", "at": "soon"}, "at: Input should be a valid datetime"),
        ({"title": "x", "at": "1970-01-01T00:00:00Z"}, "at: must lie within the last ten years"),
        ({"title": "x", "at": "9999-12-31T23:59:59Z"}, "at: must lie within the last ten years"),
        ({"title": "x", "end": "2020-01-01T00:00:00Z"}, "end: must not lie before the beginning"),
        ({"title": "x", "url": "javascript:alert(1)"}, "url: is no address that begins with http"),
        ({"title": "x", "url": "http://a/>[b](c"}, "url: is no address that begins with http"),
        ({"title": "x", "url": "http://[::1"}, "url: is no address that begins with http"),
        ({"title": "x", "labels": {"a b": "c"}}, "labels.a b.*: String should match"),
        ({"title": "x", "labels": {f"l{n}": "" for n in range(11)}}, "labels: .*at most 10"),
        ({"title": "x", "colour": "red"}, "colour: Extra inputs are not permitted"),
        (["x"], "an annotation is an object"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_a_sentence(
    sqlite_db: Engine, said: Any, sentence: str
) -> None:
    with pytest.raises(AnnotationError, match=sentence):
        annotations.annotate(sqlite_db, annotations.read(said), now=NOON)


def test_what_cannot_be_shown_is_left_out_of_texts(db: Engine) -> None:
    tell(db, "a\x00b\u202ec", labels={"feature": "chat\x00"})
    with Session(db) as session:
        (row,) = annotations.between(session, start=NOON, end=NOON)
        assert (row.title, row.labels) == ("a b c", {"feature": "chat"})


# The door


@pytest.fixture
def door(sqlite_db: Engine) -> Iterator[TestClient]:
    routes = annotation_routes(sqlite_db, token=TOKEN, clock=lambda: NOON)
    with TestClient(Starlette(routes=routes)) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client


def sent(door: TestClient, said: Any) -> tuple[int, dict[str, Any]]:
    answer: httpx2.Response = door.post(PATH, json=said)
    return answer.status_code, answer.json()


def test_a_new_annotation_is_answered_with_its_id(door: TestClient, sqlite_db: Engine) -> None:
    assert sent(door, {"title": "copilot 1.4.2", "kind": "deploy"}) == (
        201,
        {"id": 1, "at": NOON.isoformat()},
    )
    assert titles(sqlite_db, NOON, NOON) == ["copilot 1.4.2"]


def test_one_that_is_sent_again_is_answered_as_before(door: TestClient) -> None:
    said = {"title": "copilot 1.4.2", "at": NOON.isoformat()}
    assert sent(door, said)[0] == 201
    assert sent(door, said) == (200, {"id": 1, "at": NOON.isoformat()})


def test_a_sender_without_the_token_is_refused(door: TestClient, sqlite_db: Engine) -> None:
    door.headers["Authorization"] = "Bearer another"
    status, answer = sent(door, {"title": "x"})
    assert (status, "WAKEFUL_INGEST_TOKEN" in answer["error"]) == (401, True)
    assert titles(sqlite_db, NOON, NOON) == []


def test_without_a_token_set_anybody_may_tell(sqlite_db: Engine) -> None:
    routes = annotation_routes(sqlite_db, token="", clock=lambda: NOON)
    with TestClient(Starlette(routes=routes)) as client:
        assert sent(client, {"title": "x"})[0] == 201


def test_what_is_malformed_is_refused_with_the_reason(door: TestClient) -> None:
    assert sent(door, {"title": ""}) == (
        400,
        {"error": "title: String should have at least 1 character"},
    )


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_refused(door: TestClient, body: bytes) -> None:
    answer = door.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"error": "the body is not JSON"})


@pytest.mark.parametrize("body", [rb'{"title": "\ud800"}', rb'{"\ud800": 1, "title": "x"}'])
def test_half_a_character_is_refused_in_a_sentence(door: TestClient, body: bytes) -> None:
    answer = door.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_a_form_of_another_site_is_refused(door: TestClient) -> None:
    answer = door.post(PATH, content=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_a_huge_body_is_refused(door: TestClient) -> None:
    assert sent(door, {"title": "x" * MAX_BODY_BYTES})[0] == 413


def test_a_database_that_is_down_asks_to_come_again() -> None:
    nowhere = connect("sqlite:////nowhere/at/all.db")
    routes = annotation_routes(nowhere, token="", clock=lambda: NOON)
    with TestClient(Starlette(routes=routes)) as client:
        answer = client.post(PATH, json={"title": "x"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
