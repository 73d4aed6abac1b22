"""The door by which PagerDuty answers: believed only when signed, and in time."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http.pagerduty import pagerduty_routes
from app.http.replies import BODY_LIMIT_BYTES
from tests.desk import Desk

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
WEBHOOK_SECRET = "a-webhook-secret"
KEY = "wakeful-7f3a"


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    routes = [
        *pagerduty_routes(["an-old-secret", WEBHOOK_SECRET], desk.hear, deadline_seconds=0.2),
    ]
    with TestClient(Starlette(routes=routes)) as client:
        yield client


def a_webhook(event_type: str = "incident.acknowledged", **changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "id": "01ABC",
        "event_type": event_type,
        "resource_type": "incident",
        "occurred_at": "2026-01-01T11:59:58.000Z",
        "agent": {"id": "P1", "type": "user_reference", "summary": "Ada Lovelace"},
        "client": None,
        "data": {"id": "Q1", "type": "incident", "incident_key": KEY, "status": "acknowledged"},
    }
    return {"event": event | changes}


def v1(body: bytes, secret: str = WEBHOOK_SECRET) -> str:
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def hook(client: TestClient, payload: object) -> int:
    body = json.dumps(payload).encode()
    headers = {"X-PagerDuty-Signature": v1(body), "X-Webhook-Id": "w"}
    return client.post("/pagerduty/webhooks", content=body, headers=headers).status_code


def rejected(door: str, reason: str) -> float:
    labels = {"door": door, "reason": reason}
    return REGISTRY.get_sample_value("wakeful_replies_rejected_total", labels) or 0.0


def test_a_body_too_large_is_refused_before_it_is_checked(client: TestClient) -> None:
    answer = client.post("/pagerduty/webhooks", content=b"x" * (BODY_LIMIT_BYTES + 1))

    assert answer.status_code == 413


def test_looking_at_a_door_changes_nothing(client: TestClient) -> None:
    assert client.get("/pagerduty/webhooks").status_code == 405


def test_without_a_secret_there_is_no_door(desk: Desk) -> None:
    assert pagerduty_routes(["", " "], desk.hear) == []


@pytest.mark.parametrize(
    ("event_type", "happening"),
    [
        ("incident.triggered", "opened"),
        ("incident.acknowledged", "acknowledged"),
        ("incident.unacknowledged", "unacknowledged"),
        ("incident.reassigned", "reassigned"),
        ("incident.delegated", "reassigned"),
        ("incident.resolved", "resolved"),
    ],
)
def test_what_someone_does_in_pagerduty_happens_here(
    client: TestClient, desk: Desk, event_type: str, happening: str
) -> None:
    assert hook(client, a_webhook(event_type)) == 202

    assert desk.done == [(happening, KEY, "Ada Lovelace")]


def test_an_incident_without_a_key_is_named_by_its_id(client: TestClient, desk: Desk) -> None:
    assert hook(client, a_webhook(data={"id": "Q2", "incident_key": None})) == 202

    assert desk.done == [("acknowledged", "Q2", "Ada Lovelace")]


def test_a_note_names_its_incident_by_pagerdutys_own_id(client: TestClient, desk: Desk) -> None:
    data = {"type": "incident_note", "content": "Looking", "incident": {"id": "Q1"}}

    assert hook(client, a_webhook("incident.annotated", data=data)) == 202

    assert desk.done == [("annotated", "Q1", "Ada Lovelace")]


def test_an_event_that_failed_here_is_asked_for_again(client: TestClient, desk: Desk) -> None:
    desk.refusal = RuntimeError("database is locked")
    assert hook(client, a_webhook()) == 503

    desk.refusal = None
    assert hook(client, a_webhook()) == 202

    assert len(desk.done) == 1


def test_an_event_that_takes_too_long_is_asked_for_again(client: TestClient, desk: Desk) -> None:
    desk.may_go_on.clear()

    status = hook(client, a_webhook())

    desk.may_go_on.set()
    assert status == 503


@pytest.mark.parametrize(
    "payload",
    [
        a_webhook("pagey.ping", data={"message": "Hello from your friend Pagey!"}),
        a_webhook("incident.escalated"),
        a_webhook("incident.annotated", data={"content": "of nothing"}),
        a_webhook(data={"incident_key": KEY}),
        a_webhook(agent={"type": "events_api_v2_inbound_integration_reference", "summary": "x"}),
    ],
)
def test_what_asks_nothing_of_us_is_taken_and_changes_nothing(
    client: TestClient, desk: Desk, payload: dict[str, Any]
) -> None:
    assert hook(client, payload) == 202

    assert desk.done == []


@pytest.mark.parametrize("agent", [None, {}, {"summary": ""}, {"summary": 7}, "ada"])
def test_an_event_without_a_name_is_pagerdutys(
    client: TestClient, desk: Desk, agent: object
) -> None:
    hook(client, a_webhook(agent=agent))

    assert desk.done == [("acknowledged", KEY, "PagerDuty")]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 20_000, "not JSON"),
        (b"[]", "no `event`"),
        (b'{"event": 7}', "no `event`"),
        (json.dumps(a_webhook(id=None)).encode(), "no `id`"),
        (json.dumps(a_webhook(event_type=7)).encode(), "no `event_type`"),
        (json.dumps(a_webhook(data=None)).encode(), "no `data`"),
        (json.dumps(a_webhook(occurred_at=None)).encode(), "no `occurred_at`"),
        (json.dumps(a_webhook(occurred_at="2026-01-01T12:00:00")).encode(), "no `occurred_at`"),
    ],
)
def test_a_signed_webhook_that_makes_no_sense_is_refused_in_a_sentence(
    client: TestClient, desk: Desk, body: bytes, sentence: str
) -> None:
    before = rejected("pagerduty", "payload")

    answer = client.post(
        "/pagerduty/webhooks", content=body, headers={"X-PagerDuty-Signature": v1(body)}
    )

    assert (answer.status_code, sentence in answer.text) == (400, True)
    assert rejected("pagerduty", "payload") == before + 1
    assert desk.done == []


BODY = json.dumps(a_webhook()).encode()


@pytest.mark.parametrize(
    "header",
    [
        v1(BODY),
        v1(BODY, "an-old-secret"),
        f"{v1(BODY, 'a-newer-secret')},{v1(BODY)}",
        f"{v1(BODY)}, {v1(BODY, 'a-newer-secret')}",
        f"v2=00,{v1(BODY)}",
    ],
)
def test_one_good_signature_of_several_is_enough(
    client: TestClient, desk: Desk, header: str
) -> None:
    answer = client.post(
        "/pagerduty/webhooks", content=BODY, headers={"X-PagerDuty-Signature": header}
    )

    assert answer.status_code == 202
    assert len(desk.done) == 1


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "missing"),
        ("v1", "malformed"),
        (v1(BODY).removeprefix("v1="), "malformed"),
        (v1(BODY).replace("v1=", "v2="), "malformed"),
        ("v1=é", "malformed"),
        ("v1=", "wrong"),
        (v1(BODY)[:-1], "wrong"),
        (v1(BODY, "another"), "wrong"),
        (v1(BODY + b" "), "wrong"),
    ],
)
def test_a_webhook_that_pagerduty_did_not_sign_is_refused_and_counted(
    client: TestClient, desk: Desk, header: str, reason: str
) -> None:
    before = rejected("pagerduty", reason)

    answer = client.post(
        "/pagerduty/webhooks",
        content=BODY,
        headers={"X-PagerDuty-Signature": header.encode("latin-1")},
    )

    assert answer.status_code == 401
    assert rejected("pagerduty", reason) == before + 1
    assert desk.done == []
