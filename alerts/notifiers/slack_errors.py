"""What Slack's refusals mean for the operator. Pure.

Slack reports most errors as HTTP 200 with `{"ok": false, "error": code}`.

Source: https://docs.slack.dev/reference/methods/chat.postMessage#errors and the same of
chat.update, users.lookupByEmail and auth.test.
"""

import re
from collections.abc import Mapping
from typing import Any

from alerts.notifiers import NotifyError
from alerts.notifiers.answers import permanent, plain, retry_after

_TOKEN = "make a new bot token in the Slack app and set WAKEFUL_SLACK_BOT_TOKEN"  # noqa: S105 - advice
_ADMIN = "ask a Slack admin to allow the app to post there"
_MARKUP = "this is a fault in Wakeful: please report it"

# Codes that no second attempt can cure, and what does.
PERMANENT = {
    "channel_not_found": "correct the channel in the policy, or invite the bot if it is private",
    "not_in_channel": "invite the bot: /invite @Wakeful",
    "is_archived": "unarchive the channel or name another in the policy",
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "account_inactive": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "not_allowed_token_type": _TOKEN,
    "missing_scope": "add the scope to the Slack app and install it again",
    "no_permission": "add the scope to the Slack app and install it again",
    "access_denied": _ADMIN,
    "ekm_access_denied": _ADMIN,
    "restricted_action": _ADMIN,
    "restricted_action_read_only_channel": _ADMIN,
    "restricted_action_thread_only_channel": _ADMIN,
    "restricted_action_non_threadable_channel": _ADMIN,
    "team_access_not_granted": _ADMIN,
    "org_login_required": _ADMIN,
    "messages_tab_disabled": "switch the Messages tab on in the Slack app's App Home",
    "users_not_found": "correct the e-mail address in the policy or in Slack",
    "user_not_found": "correct the e-mail address in the policy or in Slack",
    "user_disabled": "name someone else in the policy",
    "cannot_dm_bot": "name a person in the policy",
    "invalid_blocks": _MARKUP,
    "invalid_blocks_format": _MARKUP,
    "invalid_metadata_format": _MARKUP,
    "invalid_metadata_schema": _MARKUP,
    "metadata_too_large": _MARKUP,
    "msg_too_long": _MARKUP,
    "msg_blocks_too_long": _MARKUP,
    "no_text": _MARKUP,
    "invalid_arguments": _MARKUP,
}

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
    call: str, status: int, headers: Mapping[str, str], answer: object, token: str
) -> SlackRefusalError:
    """Return what an unsuccessful answer to `call` means.

    Args:
        call: The method and its target, such as "chat.postMessage to #llm".
        status: Of HTTP.
        headers: Of the answer.
        answer: The decoded body, of any shape.
        token: Blotted out, should the answer repeat it.
    """
    wait = retry_after(headers)
    told = answer if isinstance(answer, dict) else {}
    code = str(told.get("error"))
    if status == 429 or code in ("ratelimited", "rate_limited"):
        said = "" if wait is None else f" for {wait.total_seconds():.0f} s"
        return SlackRefusalError("ratelimited", f"Slack limits {call}{said}", retry_after=wait)
    if status != 200:
        sentence = f"Slack answered HTTP {status} to {call}"
        if permanent(status):
            return SlackRefusalError("", f"{sentence}: check WAKEFUL_SLACK_URL", permanent=True)
        return SlackRefusalError("", sentence, uncertain=True, retry_after=wait)
    if not re.fullmatch("[a-z0-9_]{1,80}", code):
        return SlackRefusalError("", f"what answered {call} is not Slack's API", uncertain=True)
    sentence = f"Slack refused {call}: {code}{_detail(told, token)}"
    if code in PERMANENT:
        return SlackRefusalError(code, f"{sentence}; {PERMANENT[code]}", permanent=True)
    return SlackRefusalError(code, sentence, uncertain=code in _PERHAPS_DONE)


def _detail(told: Mapping[str, Any], token: str) -> str:
    if told.get("needed"):
        return f" (needs {plain(told['needed'], token)})"
    more = told.get("response_metadata")
    messages = more.get("messages") if isinstance(more, dict) else None
    if isinstance(messages, list) and messages:
        return f" ({plain(messages[0], token)})"
    return ""
