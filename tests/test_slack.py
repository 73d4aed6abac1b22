"""Slack: one post that follows the alert, in markup that Slack accepts."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from alerts.notifiers import Evidence, Line, NotifyError, Receipt, TraceLink
from alerts.notifiers.slack import Slack, SlackDirect
from alerts.notifiers.slack_blocks import blocks, escape, fallback
from models.vocabulary import Event, Severity
from tests.vendors import ADA, SLACK_TOKEN, FakeSlack, a_message, flaw_of

LONG_TRACE = TraceLink(
    title="<" * 9000, url="https://x.example/" + "&" * 9000, duration=timedelta()
)


@pytest.fixture
def workspace(httpserver: HTTPServer) -> FakeSlack:
    return FakeSlack(httpserver)


@pytest.fixture
def slack(workspace: FakeSlack) -> Slack:
    return Slack(SLACK_TOKEN, url=workspace.url, timeout_seconds=2)


@pytest.fixture
def direct(workspace: FakeSlack) -> SlackDirect:
    return SlackDirect(SLACK_TOKEN, url=workspace.url, timeout_seconds=2)


def actions(posted: dict[str, Any]) -> list[str]:
    """The action ids of a message's buttons."""
    return [e["action_id"] for b in posted["blocks"] for e in b.get("elements", [])]


def words(posted: dict[str, Any]) -> str:
    """All that a message shows."""
    fields = [field["text"] for block in posted["blocks"] for field in block.get("fields", [])]
    return "\n".join([b["text"]["text"] for b in posted["blocks"] if "text" in b] + fields)


def test_an_alert_is_posted_once_and_kept_by_channel_id(slack: Slack, workspace: FakeSlack) -> None:
    receipt = slack.send("#llm", a_message())

    assert list(workspace.posts) == [receipt.external_id]
    assert receipt.external_id is not None
    assert receipt.external_id.startswith("C1/")


def test_a_post_says_what_is_wrong_and_offers_to_take_it(
    slack: Slack, workspace: FakeSlack
) -> None:
    slack.send("#llm", a_message(runbook_url="https://wiki.example.com/slow"))

    (post,) = workspace.posts.values()
    for part in ("Slow answers", "p95 latency 6.2 s", "critical", "nobody yet", "feature = chat"):
        assert part in words(post)
    assert post["text"].startswith("Firing: Slow answers")
    assert actions(post) == ["acknowledge", "snooze", "escalate", "resolve", "open", "runbook"]
    assert post["blocks"][-1]["elements"][0]["value"] == "wakeful-7f3a"
    assert post["blocks"][-1]["elements"][4]["url"] == "http://127.0.0.1:8501/alerts?alert=7"


def test_a_post_says_that_it_is_muted_by_what_and_that_it_comes_and_goes(
    slack: Slack, workspace: FakeSlack
) -> None:
    slack.send(
        "#llm",
        a_message(muted="muted by silence 3", flapping="fired 5 times in the last hour; held open"),
    )

    (post,) = workspace.posts.values()
    assert "*State*\nmuted by silence 3, critical" in words(post)
    assert "*Flapping*\nfired 5 times in the last hour; held open" in words(post)


def test_a_post_links_the_worst_traces(slack: Slack, workspace: FakeSlack) -> None:
    url = "http://127.0.0.1:8501/traces?trace=abc&x=1"
    trace = TraceLink(title="POST <chat>", url=url, duration=timedelta(seconds=7.2), cost_usd=0.031)
    slow = TraceLink(title="GET", url=url, duration=timedelta(milliseconds=900))
    slack.send("#llm", a_message(evidence=Evidence(title="Slowest traces", traces=(trace, slow))))

    (post,) = workspace.posts.values()
    shown = words(post).splitlines()
    link = "http://127.0.0.1:8501/traces?trace=abc&amp;x=1"
    assert "*Slowest traces*" in shown
    assert f"• <{link}|POST &lt;chat&gt;>, 7.2 s, $0.031" in shown
    assert f"• <{link}|GET>, 900 ms" in shown


def test_without_evidence_nothing_is_said_of_traces(slack: Slack, workspace: FakeSlack) -> None:
    slack.send("#llm", a_message())

    (post,) = workspace.posts.values()
    assert "race" not in words(post)


def test_a_post_carries_our_key_so_that_a_duplicate_can_be_recognised(
    slack: Slack, workspace: FakeSlack
) -> None:
    slack.send("#llm", a_message())

    (post,) = workspace.posts.values()
    assert post["metadata"]["event_type"] == "wakeful_alert"
    assert post["metadata"]["event_payload"]["dedup_key"] == "wakeful-7f3a"


def test_an_acknowledged_alert_names_who_has_it_in_the_same_post(
    slack: Slack, workspace: FakeSlack
) -> None:
    first = slack.send("#llm", a_message())

    slack.send(
        "#llm",
        a_message(event=Event.ACKNOWLEDGE, acknowledged_by="Ada", external_id=first.external_id),
    )

    (post,) = workspace.posts.values()
    assert "acknowledged" in words(post)
    assert "*Who has it*\nAda" in words(post)
    assert actions(post) == ["snooze", "escalate", "resolve", "open"]
    assert workspace.replies == []


def test_a_resolved_alert_says_by_whom_in_the_same_post(slack: Slack, workspace: FakeSlack) -> None:
    first = slack.send("#llm", a_message())

    slack.send(
        "#llm",
        a_message(event=Event.RESOLVE, resolved_by="engine", external_id=first.external_id),
    )

    (post,) = workspace.posts.values()
    assert ":white_check_mark:" in words(post)
    assert "resolved by engine" in words(post)
    assert actions(post) == ["open"]


def test_another_round_of_the_policy_reminds_in_the_thread_for_all_to_see(
    slack: Slack, workspace: FakeSlack
) -> None:
    first = slack.send("#llm", a_message())

    slack.send("#llm", a_message(external_id=first.external_id))

    assert len(workspace.posts) == 1
    (reply,) = workspace.replies
    assert first.external_id == f"{reply['channel']}/{reply['thread_ts']}"
    assert reply["reply_broadcast"] is True
    assert "nobody has it" in reply["text"]


def test_a_failed_reminder_is_tried_again_and_sent_once(slack: Slack, workspace: FakeSlack) -> None:
    first = slack.send("#llm", a_message())
    again = a_message(external_id=first.external_id)
    workspace.errors["chat.postMessage"] = {"ok": False, "error": "internal_error"}
    with pytest.raises(NotifyError):
        slack.send("#llm", again)

    workspace.errors.clear()
    slack.send("#llm", again)

    assert len(workspace.replies) == 1


@pytest.mark.parametrize(
    "code", ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"]
)
def test_a_post_that_cannot_be_updated_is_followed_by_a_new_one(
    slack: Slack, workspace: FakeSlack, code: str
) -> None:
    workspace.errors["chat.update"] = {"ok": False, "error": code}

    receipt = slack.send("#llm", a_message(event=Event.RESOLVE, external_id="C1/1.0"))

    assert list(workspace.posts) == [receipt.external_id]


def test_an_update_that_fails_otherwise_posts_nothing_new(
    slack: Slack, workspace: FakeSlack
) -> None:
    workspace.errors["chat.update"] = {"ok": False, "error": "service_unavailable"}

    with pytest.raises(NotifyError) as raised:
        slack.send("#llm", a_message(event=Event.RESOLVE, external_id="C1/1.0"))

    assert not raised.value.permanent
    assert workspace.posts == {}


def test_a_person_is_reached_in_a_conversation_of_their_own(
    direct: SlackDirect, workspace: FakeSlack
) -> None:
    receipt = direct.send(ADA, a_message())

    assert list(workspace.posts) == [receipt.external_id]
    assert str(receipt.external_id).startswith("DU1/")


def test_a_direct_message_is_updated_without_looking_the_person_up_again(
    direct: SlackDirect, workspace: FakeSlack
) -> None:
    first = direct.send(ADA, a_message())
    workspace.calls.clear()

    direct.send(ADA, a_message(event=Event.RESOLVE, external_id=first.external_id))

    assert workspace.calls == ["chat.update"]


def test_an_answer_without_the_posts_time_is_in_doubt(slack: Slack, workspace: FakeSlack) -> None:
    workspace.errors["chat.postMessage"] = {"ok": True, "channel": "C1"}

    with pytest.raises(NotifyError, match="lacks ts") as raised:
        slack.send("#llm", a_message())

    assert raised.value.uncertain


def test_the_check_tells_whom_slack_takes_us_for(slack: Slack, direct: SlackDirect) -> None:
    assert slack.check() == "Acme as wakeful"
    assert direct.check() == "Acme as wakeful"


def test_the_check_posts_nothing(slack: Slack, workspace: FakeSlack) -> None:
    slack.check()

    assert workspace.calls == ["auth.test"]


def test_the_check_fails_on_a_wrong_token(workspace: FakeSlack) -> None:
    with pytest.raises(NotifyError, match=r"invalid_auth.*WAKEFUL_SLACK_BOT_TOKEN"):
        Slack("xoxb-wrong", url=workspace.url).check()


def test_user_text_cannot_mention_the_channel_or_forge_a_link() -> None:
    message = a_message(
        title="<!channel>", summary="a < b & <https://evil.example|click>", labels={"<@U1>": "&"}
    )

    shown = words({"blocks": blocks(message)}) + fallback(message)

    assert "&lt;!channel&gt;" in shown
    assert "a &lt; b &amp; &lt;https" in shown
    assert "&lt;@U1&gt; = &amp;" in shown
    for forged in ("<!channel", "<https://evil", "<@U1"):
        assert forged not in shown


@pytest.mark.parametrize("limit", range(1, 12))
def test_a_cut_never_splits_an_entity(limit: int) -> None:
    cut = escape("<<<<<", limit)

    assert len(cut) <= limit
    assert cut.removesuffix("…").replace("&lt;", "") == ""


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"title": "", "summary": "", "labels": {}, "url": ""},
        {"title": "<" * 9000, "summary": "&" * 9000},
        {"labels": {f"label{n}": "<" * 900 for n in range(100)}},
        {"labels": {"long": ">" * 90_000}, "acknowledged_by": "&" * 9000},
        {"resolved_by": "<" * 9000, "runbook_url": "https://wiki.example.com/" + "x" * 9000},
        {"runbook_url": "see the wiki", "url": "javascript:alert(1)"},
        {"runbook_url": "http://[::1", "url": "https://"},
        {"dedup_key": "k" * 9000},
        {"muted": "<" * 9000, "flapping": "&" * 9000},
        {"lines": (Line(state="firing", text="<" * 900, url=""),) * 30, "more": 10**6},
        {"evidence": Evidence(title="<" * 900, traces=(LONG_TRACE,) * 3)},
    ],
)
def test_whatever_an_alert_holds_slack_accepts_the_markup(
    event: Event, severity: Severity, changes: dict[str, Any]
) -> None:
    message = a_message(**{"event": event, "severity": severity} | changes)

    assert flaw_of(blocks(message)) == ""
    assert 1 <= len(fallback(message)) <= 3000


def test_many_labels_are_counted_rather_than_listed() -> None:
    message = a_message(labels={f"label{n:02}": "x" for n in range(25)})

    assert "and 5 more" in words({"blocks": blocks(message)})


def test_a_receipt_of_an_update_keeps_the_id_that_is_known(slack: Slack) -> None:
    first = slack.send("#llm", a_message())

    again = slack.send("#llm", a_message(event=Event.RESOLVE, external_id=first.external_id))

    assert again == Receipt(answer="updated", external_id=None)
