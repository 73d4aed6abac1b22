"""The stand-in for Slack enforces Slack's rules on Slack's own client, over real HTTP."""

from collections.abc import Iterator
from http.client import RemoteDisconnected
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from examples.standins.pagerduty import ADA
from examples.standins.slack import SlackConfig, slack_app
from tests.serving import Stage, stage
from tests.standins import BLOCKS, BUTTON, App, Slack, Time, a_section, buttons


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


def test_a_message_is_kept_and_shown(slack: Slack) -> None:
    answer = slack.post(blocks=BLOCKS, metadata={"event_type": "a", "event_payload": {"k": "v"}})
    assert (answer["ok"], answer["channel"]) == (True, "C0ALERTS")
    kept = slack.state()["messages"][0]
    assert (kept["channel_name"], kept["text"], kept["ts"]) == ("llm-alerts", "hello", answer["ts"])
    assert kept["metadata"]["event_payload"] == {"k": "v"}
    page = slack.http.get("/").text
    assert "<b>Slow answers</b>" in page
    assert '<a href="https://x.example"' in page
    assert "Acknowledge</button>" in page


def test_a_message_is_changed_in_place(slack: Slack) -> None:
    ts = slack.post()["ts"]
    slack.client.chat_update(channel="C0ALERTS", ts=ts, text="resolved")
    kept = slack.state()["messages"]
    assert [(m["text"], m["edits"]) for m in kept] == [("resolved", 1)]


def test_an_update_needs_the_channel_by_id(slack: Slack) -> None:
    ts = slack.post()["ts"]
    with pytest.raises(SlackApiError, match="channel_not_found"):
        slack.client.chat_update(channel="#llm-alerts", ts=ts, text="resolved")


def test_an_update_of_no_message_is_refused(slack: Slack) -> None:
    with pytest.raises(SlackApiError, match="message_not_found"):
        slack.client.chat_update(channel="C0ALERTS", ts="1.2", text="resolved")


def test_a_wrong_token_is_refused_with_http_200(slack: Slack) -> None:
    with pytest.raises(SlackApiError, match="invalid_auth") as caught:
        slack.as_("xoxb-other").auth_test()
    assert caught.value.response.status_code == 200


def test_a_call_without_a_token_is_refused(slack: Slack) -> None:
    answer = slack.http.post("/api/auth.test").json()
    assert answer == {"ok": False, "error": "not_authed"}


def test_a_good_token_is_told_whose_it_is(slack: Slack) -> None:
    answer = slack.client.auth_test()
    assert (answer["team"], answer["user"]) == ("Wakeful demo", "wakeful")


def test_api_test_needs_no_token(slack: Slack) -> None:
    assert slack.http.get("/api/api.test").json()["ok"] is True


def test_an_unknown_method_is_named_so(slack: Slack) -> None:
    with pytest.raises(SlackApiError, match="unknown_method"):
        slack.client.api_call("chat.shout")


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("#nowhere", "channel_not_found"),
        ("#old-alerts", "is_archived"),
        ("#finance", "not_in_channel"),
    ],
)
def test_a_channel_that_cannot_be_posted_to_is_refused(
    slack: Slack, channel: str, error: str
) -> None:
    assert slack.refused(channel=channel) == error


def test_a_message_without_anything_in_it_is_refused(slack: Slack) -> None:
    asked = {"channel": "C0ALERTS", "text": " ", "token": slack.config.token}
    answer = slack.http.post("/api/chat.postMessage", data=asked)
    assert answer.json() == {"ok": False, "error": "no_text"}


@pytest.mark.parametrize(
    "blocks",
    [
        [a_section("x")] * 51,
        [a_section("x" * 3001)],
        [a_section("")],
        [{"type": "section"}],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        [buttons(*[BUTTON | {"action_id": f"a{n}"} for n in range(26)])],
        [buttons()],
        [buttons(BUTTON, BUTTON)],
        [buttons(BUTTON | {"text": {"type": "plain_text", "text": "x" * 76}})],
        [buttons(BUTTON | {"value": "x" * 2001})],
        [buttons(BUTTON | {"action_id": "x" * 256})],
        [buttons(BUTTON | {"url": "javascript:alert(1)"})],
        [buttons(BUTTON | {"style": "loud"})],
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
        [a_section("x") | {"block_id": "same"}, a_section("y") | {"block_id": "same"}],
        [{"type": "markdown", "text": "x" * 12_001}],
        [{"type": "nonsense"}],
    ],
)
def test_blocks_beyond_slacks_limits_are_refused(slack: Slack, blocks: list[Any]) -> None:
    assert slack.refused(blocks=blocks) == "invalid_blocks"


@pytest.mark.parametrize(
    "blocks",
    [
        [a_section("x" * 3000)],
        [buttons(*[BUTTON | {"action_id": f"a{n}"} for n in range(25)])],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2000}] * 10}],
        [{"type": "divider"}] * 50,
    ],
)
def test_blocks_within_slacks_limits_are_taken(slack: Slack, blocks: list[Any]) -> None:
    assert slack.post(blocks=blocks)["ok"]


def test_a_channel_takes_one_message_a_second(slack: Slack, clock: Time) -> None:
    slack.post()
    with pytest.raises(SlackApiError) as caught:
        slack.post()
    response = caught.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["Retry-After"] == "1"
    clock.now += 1
    assert slack.post()["ok"]


def test_another_channel_has_a_second_of_its_own(slack: Slack) -> None:
    slack.post()
    assert slack.post(channel="#general")["ok"]


def test_a_method_may_be_called_fifty_times_a_minute(slack: Slack, clock: Time) -> None:
    for _ in range(50):
        slack.client.users_info(user="U0ADA")
    with pytest.raises(SlackApiError, match="ratelimited"):
        slack.client.users_info(user="U0ADA")
    clock.now += 60
    assert slack.client.users_info(user="U0ADA")["ok"]


def test_a_person_is_found_by_address_and_written_to(slack: Slack) -> None:
    user = slack.client.users_lookupByEmail(email="ADA@example.org")["user"]
    assert user["profile"]["real_name"] == "Ada Lovelace"
    direct = slack.client.conversations_open(users=user["id"])["channel"]["id"]
    slack.post(channel=direct)
    assert slack.state()["messages"][0]["to_user"] == "U0ADA"
    assert "hello" in slack.http.get("/", params={"channel": direct}).text


def test_a_stranger_is_not_found(slack: Slack) -> None:
    with pytest.raises(SlackApiError, match="users_not_found"):
        slack.client.users_lookupByEmail(email="nobody@example.org")
    with pytest.raises(SlackApiError, match="user_not_found"):
        slack.client.conversations_open(users="U0NOBODY")


def test_the_list_of_channels_comes_in_pages(slack: Slack) -> None:
    first = slack.client.conversations_list(limit=3)
    rest = slack.client.conversations_list(
        limit=3, cursor=first["response_metadata"]["next_cursor"]
    )
    names = [channel["name"] for channel in [*first["channels"], *rest["channels"]]]
    assert names == ["llm-alerts", "general", "old-alerts", "finance"]
    assert rest["response_metadata"]["next_cursor"] == ""


def test_a_reply_stands_in_the_thread(slack: Slack, clock: Time) -> None:
    ts = slack.post()["ts"]
    clock.now += 1
    slack.post(thread_ts=ts, text="Still firing")
    assert slack.state()["messages"][1]["thread_ts"] == ts
    assert "<div class=reply>" in slack.http.get("/").text


@pytest.mark.parametrize("status", [500, 429])
def test_slack_can_be_made_to_fail(slack: Slack, status: int) -> None:
    slack.http.post("/_faults", json={"status": status, "times": 1})
    with pytest.raises(SlackApiError) as caught:
        slack.post()
    assert caught.value.response.status_code == status
    assert slack.post()["ok"]


def test_a_cut_connection_leaves_the_sender_in_the_dark(slack: Slack) -> None:
    slack.http.post("/_faults", json={"status": "cut", "times": 1})
    with pytest.raises((ConnectionError, RemoteDisconnected)):
        slack.post()
    assert len(slack.state()["messages"]) == 1


def test_a_refused_connection_carries_nothing_out(slack: Slack) -> None:
    slack.http.post("/_faults", json={"status": "refuse", "times": 1})
    with pytest.raises((ConnectionError, RemoteDisconnected)):
        slack.post()
    assert slack.state()["messages"] == []


def test_a_fault_that_makes_no_sense_is_refused(slack: Slack) -> None:
    assert slack.http.post("/_faults", json={"status": "sulk"}).status_code == 400


def test_a_token_is_in_no_record(slack: Slack) -> None:
    slack.post()
    assert ADA.email
    assert slack.config.token not in slack.http.get("/_state").text
