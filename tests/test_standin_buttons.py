"""Buttons in the stand-in for Slack: pressed, signed, answered, and shown when that fails."""

from collections.abc import Iterator

import pytest
from slack_sdk.signature import SignatureVerifier

from examples.standins.slack import SlackConfig, slack_app
from examples.standins.slack_press import sign
from tests.serving import Stage, stage
from tests.standins import BLOCKS, App, Slack, Time, a_section


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture(scope="module")
def stages() -> Iterator[tuple[Stage, Stage]]:
    with stage() as slack, stage() as app:
        yield slack, app


@pytest.fixture
def slack(clock: Time, app: App, stages: tuple[Stage, Stage]) -> Iterator[Slack]:
    ours, behind = stages
    behind.app = app.starlette
    config = SlackConfig(interactivity_url=f"{behind.url}/press", clock=clock)
    ours.app = slack_app(config)
    slack = Slack(ours.url, config)
    yield slack
    slack.http.close()


def test_a_press_reaches_the_app_signed_by_slack(slack: Slack, app: App) -> None:
    ts = slack.post(blocks=BLOCKS)["ts"]
    assert slack.press(ts).status_code == 303
    headers, body = app.received[0]
    verifier = SignatureVerifier(slack.config.signing_secret)
    assert verifier.is_valid_request(body, headers)
    action = app.payload["actions"][0]
    assert (action["action_id"], action["value"]) == ("acknowledge", "key-1")
    assert app.payload["user"]["name"] == "ada.lovelace"
    assert app.payload["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": "C0ALERTS",
        "is_ephemeral": False,
    }


def test_the_signature_is_that_of_slacks_documentation() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)
    assert signature.startswith("v0=a2114d57")
    assert signature.endswith("b503")


def test_a_press_that_the_app_refuses_is_shown(slack: Slack, app: App) -> None:
    ts = slack.post(blocks=BLOCKS)["ts"]
    app.status = 500
    slack.press(ts)
    assert "the app answered HTTP 500" in slack.http.get("/").text
    assert "HTTP 500" in slack.state()["presses"][0]["problem"]


def test_a_press_from_another_site_is_refused(slack: Slack, app: App) -> None:
    ts = slack.post(blocks=BLOCKS)["ts"]
    headers = {"origin": "https://evil.example"}
    place = {"channel": "C0ALERTS", "ts": ts, "block": "1", "element": "0"}
    assert slack.http.post("/press", data=place, headers=headers).status_code == 403
    assert app.received == []


def test_a_press_of_no_button_is_refused(slack: Slack) -> None:
    ts = slack.post(blocks=BLOCKS)["ts"]
    assert slack.press(ts, element="7").status_code == 404


def test_the_app_may_whisper_to_who_pressed(slack: Slack, app: App) -> None:
    slack.press(slack.post(blocks=BLOCKS)["ts"])
    answer = slack.http.post(app.payload["response_url"], json={"text": "Grace has it"})
    assert answer.text == "ok"
    assert "Grace has it" in slack.http.get("/").text
    assert "Grace has it" not in slack.http.get("/", params={"as": "U0GRACE"}).text


def test_a_response_url_is_good_for_five_answers(slack: Slack, app: App) -> None:
    slack.press(slack.post(blocks=BLOCKS)["ts"])
    url = app.payload["response_url"]
    answers = [slack.http.post(url, json={"text": "hi"}).status_code for _ in range(6)]
    assert answers == [200] * 5 + [404]


def test_a_response_url_is_good_for_half_an_hour(slack: Slack, app: App, clock: Time) -> None:
    slack.press(slack.post(blocks=BLOCKS)["ts"])
    clock.now += 1801
    answer = slack.http.post(app.payload["response_url"], json={"text": "hi"})
    assert answer.json()["error"] == "expired_url"


def test_nothing_that_is_posted_becomes_html(slack: Slack) -> None:
    slack.post(blocks=[a_section("<script>alert(1)</script> &lt;b&gt;")], text="<img src=x>")
    page = slack.http.get("/").text
    assert "<script" not in page
    assert "<img" not in page
