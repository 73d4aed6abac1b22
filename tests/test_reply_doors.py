"""The doors by which Slack and PagerDuty answer: believed only when signed, and in time."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from prometheus_client import REGISTRY
from pytest_httpserver import HTTPServer
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from werkzeug import Request, Response

from alerts.notifiers.slack_replies import signature_flaw
from app.http.pagerduty import pagerduty_routes
from app.http.replies import BODY_LIMIT_BYTES, ReplyError
from app.http.slack import slack_routes
from tests.desk import Desk

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
WEBHOOK_SECRET = "a-webhook-secret"
KEY = "wakeful-7f3a"


class Whispers:
    """The response URLs of Slack, on loopback."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/actions/T1/1/abc")
        self.texts: list[str] = []
        self.status = 200
        server.expect_request("/actions/T1/1/abc").respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        told = json.loads(request.get_data())
        assert told["response_type"] == "ephemeral"
        assert told["replace_original"] is False
        self.texts.append(told["text"])
        return Response("ok", status=self.status)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def whispers(httpserver: HTTPServer) -> Whispers:
    return Whispers(httpserver)


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    routes = [
        *slack_routes(SIGNING_SECRET, desk.acknowledge, lambda: NOW),
        *pagerduty_routes(["an-old-secret", WEBHOOK_SECRET], desk.hear, deadline_seconds=0.2),
    ]
    with TestClient(Starlette(routes=routes)) as client:
        yield client


def a_press(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "ada", "name": "ada.lovelace", "team_id": "T1"},
        "actions": [{"action_id": "acknowledge", "type": "button", "value": KEY}],
        "response_url": "",
    }
    return given | changes


def slack_headers(
    body: bytes, *, at: datetime = NOW, secret: str = SIGNING_SECRET
) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    signed = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signed.hexdigest()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


def form(payload: object) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


def press(client: TestClient, payload: object) -> int:
    body = form(payload)
    answer = client.post("/slack/interactions", content=body, headers=slack_headers(body))
    return answer.status_code


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


# Slack


def test_the_signature_of_slacks_own_example_is_genuine() -> None:
    """Source: https://docs.slack.dev/authentication/verifying-requests-from-slack."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    at = datetime.fromtimestamp(1531420618, UTC)

    assert signature_flaw(SIGNING_SECRET, headers, body, now=at) is None
    assert signature_flaw(SIGNING_SECRET, headers, body + b"x", now=at) == "wrong"


def test_a_press_of_acknowledge_takes_the_alert(client: TestClient, desk: Desk) -> None:
    assert press(client, a_press()) == 200

    assert desk.done == [("acknowledge", KEY, "ada.lovelace")]


def test_a_press_that_worked_is_not_talked_about(client: TestClient, whispers: Whispers) -> None:
    press(client, a_press(response_url=whispers.url))

    assert whispers.texts == []


def test_a_double_press_is_answered_twice(client: TestClient, desk: Desk) -> None:
    assert [press(client, a_press()), press(client, a_press())] == [200, 200]

    assert len(desk.done) == 2  # idempotence is the callable's: it knows who has the alert


@pytest.mark.parametrize(
    ("user", "by"),
    [
        ({"id": "U1", "username": "ada"}, "ada"),
        ({"id": "U1", "name": " "}, "U1"),
        ({"id": "U1", "name": 7}, "U1"),
    ],
)
def test_a_user_is_known_by_the_best_name_there_is(
    client: TestClient, desk: Desk, user: dict[str, Any], by: str
) -> None:
    press(client, a_press(user=user))

    assert desk.done == [("acknowledge", KEY, by)]


def test_who_cannot_have_the_alert_is_told_why(
    client: TestClient, desk: Desk, whispers: Whispers
) -> None:
    desk.refusal = ReplyError("Already taken by <Grace>.")

    assert press(client, a_press(response_url=whispers.url)) == 200

    assert whispers.texts == ["Already taken by &lt;Grace&gt;."]


def test_a_failure_of_ours_is_told_without_its_details(
    client: TestClient,
    desk: Desk,
    whispers: Whispers,
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk.refusal = RuntimeError("database is locked")

    assert press(client, a_press(response_url=whispers.url)) == 200

    assert whispers.texts == ["Wakeful could not record that you have this alert. Try again."]
    assert "database is locked" in caplog.text


def test_a_slow_acknowledgement_is_answered_in_time_and_still_happens(
    desk: Desk, whispers: Whispers
) -> None:
    desk.may_go_on.clear()
    desk.refusal = ReplyError("Already taken by Grace.")
    door = Starlette(
        routes=slack_routes(SIGNING_SECRET, desk.acknowledge, lambda: NOW, deadline_seconds=0.05)
    )

    async def goes_on_once_answered(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            await send(message)
            desk.may_go_on.set()

        await door(scope, receive, answer)

    assert press(TestClient(goes_on_once_answered), a_press(response_url=whispers.url)) == 200

    assert whispers.texts == ["Already taken by Grace."]


def test_slack_gone_deaf_does_not_matter(
    client: TestClient, desk: Desk, whispers: Whispers, caplog: pytest.LogCaptureFixture
) -> None:
    desk.refusal, whispers.status = ReplyError("Unknown alert."), 404

    assert press(client, a_press(response_url=whispers.url)) == 200

    assert "HTTP 404" in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/actions/T1",
        "https://slack.com.evil.example/actions",
        "https://evilslack.com/actions",
        "http://169.254.169.254/latest",
        "https://user@evil.example/slack.com",
        "http://[::1",
        "file:///etc/passwd",
        None,
        7,
    ],
)
def test_nothing_is_sent_to_an_address_that_is_not_slacks(
    client: TestClient, desk: Desk, url: object, caplog: pytest.LogCaptureFixture
) -> None:
    desk.refusal = ReplyError("Unknown alert.")

    assert press(client, a_press(response_url=url)) == 200

    assert "untold" not in caplog.text


@pytest.mark.parametrize(
    "payload",
    [
        a_press(type="view_submission"),
        a_press(actions=[]),
        a_press(actions=[{"action_id": "open", "value": KEY}]),
        {"type": "url_verification"},
    ],
)
def test_any_other_interaction_changes_nothing(
    client: TestClient, desk: Desk, payload: dict[str, Any]
) -> None:
    assert press(client, payload) == 200

    assert desk.done == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "no `payload`"),
        (b"payload", "form with JSON"),
        (b"payload=%7B", "form with JSON"),
        (b"other=1", "no `payload`"),
        (form([1]), "not a JSON object"),
        (("payload=" + quote("[" * 20_000)).encode(), "form with JSON"),
        (form(a_press(actions=7)), "list of actions"),
        (form(a_press(actions=[7])), "list of actions"),
        (form(a_press(actions=[{"action_id": "acknowledge"}])), "carries no alert"),
        (form(a_press(user=None)), "names no user"),
        (form(a_press(user={})), "names no user"),
    ],
)
def test_a_signed_body_that_makes_no_sense_is_refused_in_a_sentence(
    client: TestClient, desk: Desk, body: bytes, sentence: str
) -> None:
    before = rejected("slack", "payload")

    answer = client.post("/slack/interactions", content=body, headers=slack_headers(body))

    assert (answer.status_code, sentence in answer.text) == (400, True)
    assert rejected("slack", "payload") == before + 1
    assert desk.done == []


def forged(change: Callable[[dict[str, str]], Any]) -> dict[str, str]:
    headers = slack_headers(form(a_press()))
    change(headers)
    return headers


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (forged(lambda h: h.pop("X-Slack-Signature")), "missing"),
        (forged(lambda h: h.pop("X-Slack-Request-Timestamp")), "missing"),
        (forged(lambda h: h.update({"X-Slack-Request-Timestamp": "soon"})), "malformed"),
        (forged(lambda h: h.update({"X-Slack-Request-Timestamp": "9" * 400})), "malformed"),
        (forged(lambda h: h.update({"X-Slack-Request-Timestamp": "9" * 5000})), "malformed"),
        (forged(lambda h: h.update({"X-Slack-Signature": "v0=é"})), "malformed"),
        (forged(lambda h: h.update({"X-Slack-Signature": "v0=00"})), "wrong"),
        (slack_headers(form(a_press()), secret="another"), "wrong"),
        (slack_headers(form(a_press(user={"id": "U2"}))), "wrong"),
        (slack_headers(form(a_press()), at=NOW - timedelta(seconds=301)), "stale"),
        (slack_headers(form(a_press()), at=NOW + timedelta(seconds=301)), "stale"),
    ],
)
def test_a_press_that_slack_did_not_sign_is_refused_and_counted(
    client: TestClient, desk: Desk, headers: dict[str, str], reason: str
) -> None:
    before = rejected("slack", reason)

    answer = client.post(
        "/slack/interactions",
        content=form(a_press()),
        headers={name: value.encode("latin-1") for name, value in headers.items()},
    )

    assert answer.status_code == 401
    assert rejected("slack", reason) == before + 1
    assert desk.done == []


def test_a_signed_body_that_is_no_text_is_refused(client: TestClient) -> None:
    body = b"payload=\xff"

    answer = client.post("/slack/interactions", content=body, headers=slack_headers(body))

    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/slack/interactions", "/pagerduty/webhooks"])
def test_a_body_too_large_is_refused_before_it_is_checked(client: TestClient, path: str) -> None:
    answer = client.post(path, content=b"x" * (BODY_LIMIT_BYTES + 1))

    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/slack/interactions", "/pagerduty/webhooks"])
def test_looking_at_a_door_changes_nothing(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 405


def test_without_a_secret_there_is_no_door(desk: Desk) -> None:
    assert slack_routes("", desk.acknowledge, lambda: NOW) == []
    assert pagerduty_routes(["", " "], desk.hear) == []


# PagerDuty


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
