"""What Slack's refusals mean for the operator. Pure.

Slack reports most errors as HTTP 200 with `{"ok": false, "error": code}`. Every code that its
documentation lists for the methods used here is in one of the three tables below.

Source: https://docs.slack.dev/reference/methods/chat.postMessage#errors and the same of
chat.update, chat.delete, conversations.open, users.lookupByEmail, users.info, auth.test and
apps.connections.open; read in November 2026.
"""

import re
from collections.abc import Mapping
from typing import Any

from alerts.notifiers import NotifyError
from alerts.notifiers.answers import permanent, plain, retry_after

# Where another token comes from, by its kind; `_ANOTHER` stands for one of the two.
FOR_THE_BOT = "make a new bot token in the Slack app and set WAKEFUL_SLACK_BOT_TOKEN"
FOR_THE_APP = (
    "make a new app-level token with connections:write in the Slack app and set "
    "WAKEFUL_SLACK_APP_TOKEN"
)
_ANOTHER = "{another token}"
_CHANNEL = "correct the channel in the policy, or invite the bot if it is private"
_SCOPE = "add the scope to the Slack app and install it again"
_ADMIN = "ask a Slack admin to allow the app to post there"
_PERSON = "correct the e-mail address in the policy or in Slack"
_FAULT = "this is a fault in Wakeful: please report it"

# Codes that no second attempt can cure: what each means, and what cures it.
PERMANENT = {
    "channel_not_found": ("there is no such channel, or the bot may not see it", _CHANNEL),
    "not_in_channel": ("the bot is not in the channel", "invite the bot: /invite @Wakeful"),
    "is_archived": (
        "the channel is archived",
        "unarchive the channel or name another in the policy",
    ),
    "is_inactive": (
        "the channel is frozen, archived or deleted",
        "bring the channel back or name another in the policy",
    ),
    "team_not_found": ("the workspace is not known", "name the channel by its id in the policy"),
    "invalid_auth": ("the token is not valid, or not from this address", _ANOTHER),
    "not_authed": ("no token was sent", _ANOTHER),
    "missing_args": ("no token was sent", _ANOTHER),
    "account_inactive": ("the bot's account or workspace is deleted", _ANOTHER),
    "token_revoked": ("the token was revoked", _ANOTHER),
    "token_expired": ("the token has expired", _ANOTHER),
    "not_allowed_token_type": ("this is a token of another kind", _ANOTHER),
    "is_bot": ("this is a token of another kind", _ANOTHER),
    "missing_scope": ("the app lacks a scope", _SCOPE),
    "no_permission": ("the app lacks a scope", _SCOPE),
    "access_denied": ("access is denied", _ADMIN),
    "accesslimited": ("Slack may not be used from this network", _ADMIN),
    "app_access_restricted": ("the app may not be used", _ADMIN),
    "ekm_access_denied": ("posting is suspended by the admins", _ADMIN),
    "enterprise_is_restricted": ("the organization forbids it", _ADMIN),
    "forbidden_team": ("the workspace forbids it", _ADMIN),
    "restricted_action": ("a workspace preference forbids posting", _ADMIN),
    "restricted_action_read_only_channel": ("the channel is read-only", _ADMIN),
    "restricted_action_thread_only_channel": ("the channel takes replies only", _ADMIN),
    "restricted_action_non_threadable_channel": ("the channel takes no replies", _ADMIN),
    "restricted_action_thread_locked": ("the thread is locked", _ADMIN),
    "team_access_not_granted": ("the app may not use this workspace", _ADMIN),
    "two_factor_setup_required": ("two-factor authentication must be set up", _ADMIN),
    "slack_connect_file_link_sharing_blocked": ("links may not be shared there", _ADMIN),
    "messages_tab_disabled": (
        "the app takes no direct messages",
        "switch the Messages tab on in the Slack app's App Home",
    ),
    "users_not_found": ("nobody in Slack has that address", _PERSON),
    "user_not_found": ("there is no such user", _PERSON),
    "user_not_visible": ("the bot may not see the user", _ADMIN),
    "user_disabled": ("the user is deactivated", "name someone else in the policy"),
    "cannot_dm_bot": ("that is a bot", "name a person in the policy"),
    "invalid_user_combination": (
        "the user is of another organization",
        "share a channel with them first",
    ),
    "message_not_found": ("the message is gone", "nothing needs to be done"),
    "cant_update_message": ("the message is not the bot's", "nothing needs to be done"),
    "cant_delete_message": ("the message is not the bot's", "delete it by hand"),
    "edit_window_closed": ("the message is too old to change", "nothing needs to be done"),
    "cannot_reply_to_message": ("that message takes no replies", "nothing needs to be done"),
}
# What only a call that we do not mean to make provokes.
PERMANENT |= {
    code: (meaning, _FAULT)
    for meaning, codes in {
        "the message is too long": (
            "msg_too_long", "msg_blocks_too_long", "metadata_too_large", "too_many_attachments",
            "attachment_payload_limit_exceeded", "too_many_contact_cards",
        ),
        "the message has no text": ("no_text",),
        "the message is malformed": (
            "invalid_blocks", "invalid_blocks_format", "invalid_metadata_format",
            "invalid_metadata_schema", "invalid_attachments", "markdown_text_conflict",
            "block_mismatch", "as_user_not_supported", "send_on_behalf_not_allowed",
            "metadata_must_be_sent_from_app", "cant_broadcast_message",
            "no_dual_broadcast_content_update",
        ),
        "the message names what is not there": (
            "draft_already_deleted", "draft_already_sent", "draft_has_conflict",
            "draft_not_found", "duplicate_channel_not_found", "duplicate_message_not_found",
        ),
        "the message carries a file": (
            "missing_file_data", "blocked_file_type", "file_deleted", "file_is_deleted",
            "file_not_found", "file_share_limit_reached", "max_file_sharing_exceeded",
            "posting_to_channel_denied", "unable_to_share_files",
            "slack_connect_blocked_file_type", "slack_connect_canvas_sharing_blocked",
            "slack_connect_clip_sharing_blocked", "slack_connect_file_upload_sharing_blocked",
            "slack_connect_lists_sharing_blocked",
        ),
        "the request is malformed": (
            "invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_charset",
            "invalid_form_data", "invalid_post_type", "missing_post_type", "insecure_request",
            "method_not_supported_for_channel_type", "not_enough_users", "too_many_users",
            "users_list_not_supplied",
        ),
        "Slack no longer offers this": ("method_deprecated", "deprecated_endpoint"),
    }.items()
    for code in codes
}  # fmt: skip

# Codes that pass by themselves.
TRANSIENT = {
    "service_unavailable": "Slack is not available",
    "request_timeout": "Slack did not get the whole request",
    "fatal_error": "Slack failed",
    "internal_error": "Slack failed",
    "update_failed": "Slack failed",
    "streaming_state_conflict": "the message is being written to",
    "external_channel_migrating": "the channel is being moved",
    "team_added_to_org": "the workspace is being moved",
    "org_login_required": "the workspace is being moved",
    "message_limit_exceeded": "the workspace has sent too many messages",
}
LIMITED = ("ratelimited", "rate_limited")

# The post is out of our reach, but the channel may take a new one.
UPDATE_IMPOSSIBLE = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "channel_not_found",  # the stored id; the policy's name may lead to its successor
    }
)

_PERHAPS_DONE = ("fatal_error", "internal_error")  # "some aspect may have succeeded"


class SlackRefusalError(NotifyError):
    """Slack answered, and it was no.

    Attributes:
        code: Slack's own word for it; empty when the answer was not from its API.
    """

    def __init__(self, code: str, sentence: str, **how: Any) -> None:
        super().__init__(sentence, **how)
        self.code = code


def refusal(
    call: str,
    status: int,
    headers: Mapping[str, str],
    answer: object,
    token: str,
    *,
    advice: str = FOR_THE_BOT,
) -> SlackRefusalError:
    """Return what an unsuccessful answer to `call` means.

    Args:
        call: The method and its target, such as "chat.postMessage to #llm".
        status: Of HTTP.
        headers: Of the answer.
        answer: The decoded body, of any shape.
        token: Blotted out, should the answer repeat it.
        advice: Where another token comes from.
    """
    wait = retry_after(headers)
    told = answer if isinstance(answer, dict) else {}
    code = str(told.get("error"))
    if status == 429 or code in LIMITED:
        said = "" if wait is None else f" for {wait.total_seconds():.0f} s"
        return SlackRefusalError("ratelimited", f"Slack limits {call}{said}", retry_after=wait)
    if status != 200:
        sentence = f"Slack answered HTTP {status} to {call}"
        if permanent(status):
            return SlackRefusalError("", f"{sentence}: check WAKEFUL_SLACK_URL", permanent=True)
        return SlackRefusalError("", sentence, uncertain=True, retry_after=wait)
    if not re.fullmatch("[a-z0-9_]{1,80}", code):
        return SlackRefusalError("", f"what answered {call} is not Slack's API", uncertain=True)
    meaning, remedy = PERMANENT.get(code, (TRANSIENT.get(code, ""), ""))
    sentence = f"Slack refused {call}: {code}{_detail(told, meaning, token)}"
    if remedy:
        cure = remedy.replace(_ANOTHER, advice)
        return SlackRefusalError(code, f"{sentence}; {cure}", permanent=True)
    return SlackRefusalError(code, sentence, uncertain=code in _PERHAPS_DONE)


def _detail(told: Mapping[str, Any], meaning: str, token: str) -> str:
    """Return in brackets what the code means, and what Slack says beside it."""
    said = [meaning] if meaning else []
    more = told.get("response_metadata")
    messages = more.get("messages") if isinstance(more, dict) else None
    if told.get("needed"):
        said.append(f"needs {plain(told['needed'], token)}")
    elif isinstance(messages, list) and messages:
        said.append(plain(messages[0], token))
    return f" ({': '.join(said)})" if said else ""
