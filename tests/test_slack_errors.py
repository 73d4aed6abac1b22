"""Slack's refusals: each has its outcome and its sentence, with the channel and what to do."""

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from alerts.notifiers import NotifyError
from alerts.notifiers.slack import Slack, SlackDirect
from alerts.notifiers.slack_errors import (
    FOR_THE_APP,
    FOR_THE_BOT,
    LIMITED,
    PERMANENT,
    TRANSIENT,
    refusal,
)
from tests.vendors import SLACK_TOKEN, FakeSlack, Wire, a_message, answer

# What every method may answer, and what some may answer beside it.
# Source: https://docs.slack.dev/reference/methods, read on 2026-11-27 in the JSON that
# smstoslack/slack_kit and slack-ruby/slack-api-ref make of it.
EVERY = """
access_denied accesslimited account_inactive deprecated_endpoint ekm_access_denied
enterprise_is_restricted fatal_error internal_error invalid_arg_name invalid_arguments
invalid_array_arg invalid_auth invalid_charset invalid_form_data invalid_post_type
method_deprecated missing_post_type missing_scope no_permission not_allowed_token_type not_authed
org_login_required ratelimited request_timeout service_unavailable team_access_not_granted
team_added_to_org token_expired token_revoked two_factor_setup_required
"""
DOCUMENTED = {
    "chat.postMessage": """
        app_access_restricted as_user_not_supported attachment_payload_limit_exceeded
        cannot_reply_to_message channel_not_found draft_already_deleted draft_already_sent
        draft_has_conflict draft_not_found duplicate_channel_not_found duplicate_message_not_found
        invalid_blocks invalid_blocks_format invalid_metadata_format invalid_metadata_schema
        is_archived markdown_text_conflict message_limit_exceeded messages_tab_disabled
        metadata_must_be_sent_from_app metadata_too_large missing_file_data msg_blocks_too_long
        msg_too_long no_text not_in_channel rate_limited restricted_action
        restricted_action_non_threadable_channel restricted_action_read_only_channel
        restricted_action_thread_locked restricted_action_thread_only_channel
        send_on_behalf_not_allowed slack_connect_canvas_sharing_blocked
        slack_connect_file_link_sharing_blocked slack_connect_lists_sharing_blocked
        team_not_found too_many_attachments too_many_contact_cards
    """,
    "chat.update": """
        as_user_not_supported block_mismatch blocked_file_type cant_broadcast_message
        cant_update_message channel_not_found edit_window_closed external_channel_migrating
        file_deleted file_is_deleted file_not_found file_share_limit_reached invalid_attachments
        invalid_blocks invalid_blocks_format invalid_metadata_format invalid_metadata_schema
        is_inactive markdown_text_conflict max_file_sharing_exceeded message_limit_exceeded
        message_not_found metadata_must_be_sent_from_app metadata_too_large msg_too_long
        no_dual_broadcast_content_update no_text posting_to_channel_denied
        slack_connect_blocked_file_type slack_connect_canvas_sharing_blocked
        slack_connect_clip_sharing_blocked slack_connect_file_link_sharing_blocked
        slack_connect_file_upload_sharing_blocked streaming_state_conflict team_not_found
        too_many_attachments unable_to_share_files update_failed
    """,
    "chat.delete": "cant_delete_message channel_not_found message_not_found",
    "users.lookupByEmail": "users_not_found",
    "users.info": "too_many_users user_not_found user_not_visible",
    "conversations.open": """
        channel_not_found invalid_user_combination method_not_supported_for_channel_type
        not_enough_users too_many_users user_disabled user_not_found user_not_visible
        users_list_not_supplied
    """,
    "apps.connections.open": "forbidden_team insecure_request is_bot missing_args",
    "auth.test": "",
}
TOKEN_TROUBLE = ("invalid_auth", "token_revoked", "not_allowed_token_type")


@pytest.fixture
def workspace(httpserver: HTTPServer) -> FakeSlack:
    return FakeSlack(httpserver)


@pytest.fixture
def slack(workspace: FakeSlack) -> Slack:
    return Slack(SLACK_TOKEN, url=workspace.url, timeout_seconds=2)


@pytest.fixture
def direct(workspace: FakeSlack) -> SlackDirect:
    return SlackDirect(SLACK_TOKEN, url=workspace.url, timeout_seconds=2)


def refused(slack: Slack, workspace: FakeSlack, code: str, **more: Any) -> NotifyError:
    workspace.errors["chat.postMessage"] = {"ok": False, "error": code, **more}
    with pytest.raises(NotifyError) as raised:
        slack.send("#llm", a_message())
    return raised.value


@pytest.mark.parametrize("method", DOCUMENTED)
def test_every_documented_error_of_the_methods_used_has_a_meaning(method: str) -> None:
    known = {*PERMANENT, *TRANSIENT, *LIMITED}
    assert {*EVERY.split(), *DOCUMENTED[method].split()} - known == set()


def test_nothing_is_both_for_good_and_for_now() -> None:
    assert set(PERMANENT) & set(TRANSIENT) == set()


@pytest.mark.parametrize("code", PERMANENT)
def test_a_refusal_that_no_retry_can_cure_names_the_channel_and_what_to_do(
    slack: Slack, workspace: FakeSlack, code: str
) -> None:
    error = refused(slack, workspace, code)
    meaning, remedy = PERMANENT[code]
    assert error.permanent
    assert str(error).startswith(f"Slack refused chat.postMessage to #llm: {code} ({meaning}); ")
    assert "{" not in str(error)
    assert len(remedy) > 10


@pytest.mark.parametrize("code", TRANSIENT)
def test_a_refusal_that_may_pass_is_tried_again(
    slack: Slack, workspace: FakeSlack, code: str
) -> None:
    error = refused(slack, workspace, code)
    assert not error.permanent
    assert str(error) == f"Slack refused chat.postMessage to #llm: {code} ({TRANSIENT[code]})"


@pytest.mark.parametrize(
    ("code", "uncertain"),
    [("fatal_error", True), ("internal_error", True), ("team_added_to_org", False)],
)
def test_where_slack_says_that_it_may_have_posted_the_channel_is_in_doubt(
    slack: Slack, workspace: FakeSlack, code: str, uncertain: bool
) -> None:
    assert refused(slack, workspace, code).uncertain is uncertain


def test_a_code_that_is_new_to_us_is_tried_again(slack: Slack, workspace: FakeSlack) -> None:
    error = refused(slack, workspace, "channel_is_on_holiday")
    assert not error.permanent
    assert str(error).endswith("channel_is_on_holiday")


@pytest.mark.parametrize("code", LIMITED)
def test_a_limit_without_a_wait_is_no_refusal(
    slack: Slack, workspace: FakeSlack, code: str
) -> None:
    error = refused(slack, workspace, code)
    assert (error.permanent, error.retry_after) == (False, None)
    assert str(error) == "Slack limits chat.postMessage to #llm"


def test_a_bot_outside_the_channel_is_told_how_to_get_in(
    slack: Slack, workspace: FakeSlack
) -> None:
    assert "/invite @Wakeful" in str(refused(slack, workspace, "not_in_channel"))


def test_an_archived_channel_is_named_with_what_to_do(slack: Slack, workspace: FakeSlack) -> None:
    assert str(refused(slack, workspace, "is_archived")) == (
        "Slack refused chat.postMessage to #llm: is_archived (the channel is archived); "
        "unarchive the channel or name another in the policy"
    )


def test_a_missing_scope_is_named(slack: Slack, workspace: FakeSlack) -> None:
    error = refused(slack, workspace, "missing_scope", needed="chat:write", provided="none")
    assert "needs chat:write" in str(error)


def test_a_person_who_is_not_in_slack_is_a_permanent_error(direct: SlackDirect) -> None:
    with pytest.raises(
        NotifyError, match=r"eve@example\.com: users_not_found .*; correct"
    ) as error:
        direct.send("eve@example.com", a_message())
    assert error.value.permanent


@pytest.mark.parametrize("code", TOKEN_TROUBLE)
@pytest.mark.parametrize("advice", [FOR_THE_BOT, FOR_THE_APP])
def test_trouble_with_a_token_says_which_one_to_set(code: str, advice: str) -> None:
    error = refusal("auth.test", 200, {}, {"ok": False, "error": code}, "x", advice=advice)
    assert str(error).endswith(advice)


def test_a_token_in_slacks_own_explanation_is_blotted_out(
    slack: Slack, workspace: FakeSlack
) -> None:
    explained = {"messages": [f"bad token {SLACK_TOKEN}"]}
    error = refused(slack, workspace, "invalid_arguments", response_metadata=explained)
    assert "bad token [secret]" in str(error)


def test_a_wait_that_slack_asks_for_is_kept() -> None:
    with Wire(answer(429, {"ok": False, "error": "ratelimited"}, Retry_After="30")) as wire:
        slack = Slack(SLACK_TOKEN, url=f"{wire.url}/api/", timeout_seconds=2)
        with pytest.raises(NotifyError, match="#llm for 30 s") as raised:
            slack.send("#llm", a_message())
    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == 30
