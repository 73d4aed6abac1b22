"""The HTTP door for Slack's buttons: believed only when signed, read strictly, answered in time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.testclient import TestClient

from alerts.notifiers.slack_replies import press, signature_flaw
from app.http.replies import BODY_LIMIT_BYTES
from app.http.slack import slack_routes
from tests.desk import Desk
from tests.presses import KEY, SIGNING_SECRET, a_choice, a_press, at, form, headers

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ACTION = {"action_id": "acknowledge", "value": KEY}


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=slack_routes(SIGNING_SECRET, desk.follow, lambda: NOW))) as c:
        yield c


def send(client: TestClient, payload: object) -> int:
    body = form(payload)
    answer = client.post("/slack/interactions", content=body, headers=headers(body, at=NOW))
    return answer.status_code


def rejected(reason: str) -> float:
    labels = {"door": "slack", "reason": reason}
    return REGISTRY.get_sample_value("wakeful_replies_rejected_total", labels) or 0.0


def test_the_signature_of_slacks_own_example_is_genuine() -> None:
    """Source: https://docs.slack.dev/authentication/verifying-requests-from-slack."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signed = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    then = datetime.fromtimestamp(1531420618, UTC)

    assert signature_flaw(SIGNING_SECRET, signed, body, now=then) is None
    assert signature_flaw(SIGNING_SECRET, signed, body + b"x", now=then) == "wrong"


@pytest.mark.parametrize("action", ["acknowledge", "escalate", "resolve"])
def test_a_press_is_followed_for_its_alert(client: TestClient, desk: Desk, action: str) -> None:
    assert send(client, a_press(action)) == 200

    assert desk.done == [(action, KEY, "U1")]


def test_a_choice_from_the_menu_is_followed(client: TestClient, desk: Desk) -> None:
    assert send(client, a_choice("4h")) == 200

    assert desk.done == [("snooze 4h", KEY, "U1")]


def test_repetitions_of_one_press_share_a_key_and_other_presses_do_not() -> None:
    first, again, later, other = (
        press(payload)
        for payload in (
            a_press(),
            a_press(),
            at(a_press(), "1700000002.5"),
            a_press(user={"id": "U2"}),
        )
    )
    assert first is not None
    assert again is not None
    assert later is not None
    assert other is not None
    assert first.key == again.key == "slack:1700000000.000100:1700000001.5:U1"
    assert len({first.key, later.key, other.key}) == 3


def test_a_press_of_no_known_time_is_followed_though_it_cannot_be_folded() -> None:
    pressed = press(a_press(actions=[ACTION], container={}))

    assert pressed is not None
    assert pressed.key == ""


@pytest.mark.parametrize(
    ("user", "handle"),
    [
        ({"id": "U1", "username": "ada"}, "ada"),
        ({"id": "U1", "name": " "}, ""),
        ({"id": "U1", "name": 7}, ""),
    ],
)
def test_a_user_is_known_by_the_best_name_there_is(user: dict[str, Any], handle: str) -> None:
    pressed = press(a_press(user=user))

    assert pressed is not None
    assert (pressed.user_id, pressed.handle) == ("U1", handle)


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
def test_nothing_would_be_sent_to_an_address_that_is_not_slacks(url: object) -> None:
    pressed = press(a_press(response_url=url))

    assert pressed is not None
    assert pressed.response_url == ""


@pytest.mark.parametrize("host", ["hooks.slack.com", "hooks.slack-gov.com"])
def test_a_response_url_of_slack_is_kept(host: str) -> None:
    pressed = press(a_press(response_url=f"https://{host}/actions/T1/2/x"))

    assert pressed is not None
    assert pressed.response_url == f"https://{host}/actions/T1/2/x"


def test_what_is_slow_is_answered_in_time_and_still_happens(desk: Desk) -> None:
    desk.may_go_on.clear()
    routes = slack_routes(SIGNING_SECRET, desk.follow, lambda: NOW, deadline_seconds=0.05)

    with TestClient(Starlette(routes=routes)) as client:
        assert send(client, a_press()) == 200
        assert desk.done == []
        desk.may_go_on.set()
        assert desk.followed.wait(timeout=10)

    assert desk.done == [("acknowledge", KEY, "U1")]


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
    assert send(client, payload) == 200

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
        (form(a_press(actions=[{"action_id": "snooze"}])), "carries no alert"),
        (form(a_choice("9y")), "'9y' is no choice"),
        (form(a_choice("1h", key="")), "'1h' is no choice"),
        (form(a_press(user=None)), "names no user"),
        (form(a_press(user={})), "names no user"),
    ],
)
def test_a_signed_body_that_makes_no_sense_is_refused_in_a_sentence(
    client: TestClient, desk: Desk, body: bytes, sentence: str
) -> None:
    before = rejected("payload")

    answer = client.post("/slack/interactions", content=body, headers=headers(body, at=NOW))

    assert (answer.status_code, sentence in answer.text) == (400, True)
    assert rejected("payload") == before + 1
    assert desk.done == []


def forged(change: Callable[[dict[str, str]], Any]) -> dict[str, str]:
    signed = headers(form(a_press()), at=NOW)
    change(signed)
    return signed


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        (forged(lambda h: h.pop("X-Slack-Signature")), "missing"),
        (forged(lambda h: h.pop("X-Slack-Request-Timestamp")), "missing"),
        (forged(lambda h: h.update({"X-Slack-Request-Timestamp": "soon"})), "malformed"),
        (forged(lambda h: h.update({"X-Slack-Request-Timestamp": "9" * 400})), "malformed"),
        (forged(lambda h: h.update({"X-Slack-Request-Timestamp": "9" * 5000})), "malformed"),
        (forged(lambda h: h.update({"X-Slack-Signature": "v0=é"})), "malformed"),
        (forged(lambda h: h.update({"X-Slack-Signature": "v0=00"})), "wrong"),
        (headers(form(a_press()), at=NOW, secret="another"), "wrong"),
        (headers(form(a_press(user={"id": "U2"})), at=NOW), "wrong"),
        (headers(form(a_press()), at=NOW - timedelta(seconds=301)), "stale"),
        (headers(form(a_press()), at=NOW + timedelta(seconds=301)), "stale"),
    ],
)
def test_a_press_that_slack_did_not_sign_is_refused_and_counted(
    client: TestClient, desk: Desk, signed: dict[str, str], reason: str
) -> None:
    before = rejected(reason)

    answer = client.post(
        "/slack/interactions",
        content=form(a_press()),
        headers={name: value.encode("latin-1") for name, value in signed.items()},
    )

    assert answer.status_code == 401
    assert rejected(reason) == before + 1
    assert desk.done == []


def test_a_signed_body_that_is_no_text_is_refused(client: TestClient) -> None:
    body = b"payload=\xff"

    answer = client.post("/slack/interactions", content=body, headers=headers(body, at=NOW))

    assert answer.status_code == 401


def test_a_body_too_large_is_refused_before_it_is_checked(client: TestClient) -> None:
    answer = client.post("/slack/interactions", content=b"x" * (BODY_LIMIT_BYTES + 1))

    assert answer.status_code == 413


def test_looking_at_the_door_changes_nothing(client: TestClient) -> None:
    assert client.get("/slack/interactions").status_code == 405


def test_without_a_secret_there_is_no_door(desk: Desk) -> None:
    assert slack_routes("", desk.follow, lambda: NOW) == []
