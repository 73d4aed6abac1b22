"""What Slack sends to us: signatures, presses of a button, and a word back to who pressed.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack and
https://docs.slack.dev/interactivity/handling-user-interaction
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from slack_sdk.errors import SlackClientError
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.webhook import WebhookClient

from alerts.notifiers import NotifyError, slack_buttons
from alerts.notifiers.answers import on_loopback, plain
from alerts.notifiers.slack_blocks import escape
from alerts.notifiers.slack_web import optional_text, silent

SIGNATURE_AGE = timedelta(minutes=5)


class MalformedReplyError(ValueError):
    """Signed, but not what Slack documents; the message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Someone pressed a button, or chose from a menu.

    Attributes:
        action: One of `slack_buttons.ACTIONS`.
        choice: From the snooze menu; empty for a button.
        dedup_key: Of the group.
        user_id: Who pressed, and what they are called in Slack if the press says so.
        key: The same for every repetition of this very press; empty if Slack names none.
        response_url: Where a word back to them can be sent; empty if nowhere.
    """

    action: str
    dedup_key: str
    user_id: str
    handle: str = ""
    choice: str = ""
    key: str = ""
    response_url: str = ""


class _At(Clock):
    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> float:
        return self._at.timestamp()


def signature_flaw(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> str | None:
    """Return what is wrong with a request's signature in a word; None if Slack signed it.

    The words: "missing", "malformed", "stale" (more than five minutes old), "wrong".
    """
    stamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    if not stamp or not signature:
        return "missing"
    try:
        if abs(now.timestamp() - int(stamp)) > SIGNATURE_AGE.total_seconds():
            return "stale"
        genuine = SignatureVerifier(secret, _At(now)).is_valid(body, stamp, signature)
    except (ValueError, TypeError, OverflowError):  # the SDK raises on what nobody would sign
        return "malformed"
    return None if genuine else "wrong"


def interaction(body: bytes) -> dict[str, Any]:
    """Return the payload of an interaction that came as a form, by HTTP.

    Raises:
        MalformedReplyError: It is no such form.
    """
    try:
        form = parse_qs(body.decode(), strict_parsing=True, max_num_fields=10)
        payload = json.loads(form["payload"][0])
    except (ValueError, RecursionError) as error:
        raise MalformedReplyError("the body is not a form with JSON in `payload`") from error
    except KeyError as error:
        raise MalformedReplyError("the form has no `payload`") from error
    if not isinstance(payload, dict):
        raise MalformedReplyError("`payload` is not a JSON object")
    return payload


def press(payload: Mapping[str, Any]) -> Press | None:
    """Return the press of one of our buttons; None for any other interaction.

    Raises:
        MalformedReplyError: It is not an interaction as Slack documents it.
    """
    if payload.get("type") != "block_actions":
        return None
    acts = payload.get("actions")
    if not isinstance(acts, list) or not all(isinstance(act, dict) for act in acts):
        raise MalformedReplyError("block_actions without a list of actions")
    for act in acts:
        if act.get("action_id") in slack_buttons.ACTIONS:
            return _press(payload, act)
    return None


def _press(payload: Mapping[str, Any], act: Mapping[str, Any]) -> Press:
    action = str(act["action_id"])
    chosen = action == slack_buttons.SNOOZE
    value = (
        optional_text(act, "selected_option", "value") if chosen else optional_text(act, "value")
    )
    if not value:
        raise MalformedReplyError(f"the action {action} carries no alert")
    try:
        choice, dedup_key = slack_buttons.parse_snooze(value) if chosen else ("", value)
    except ValueError as error:
        raise MalformedReplyError(str(error)) from error
    user_id = plain(optional_text(payload, "user", "id"))
    if not user_id:
        raise MalformedReplyError("the interaction names no user")
    handles = (optional_text(payload, "user", name) for name in ("name", "username"))
    url = optional_text(payload, "response_url")
    return Press(
        action=action,
        choice=choice,
        dedup_key=dedup_key,
        user_id=user_id,
        handle=next((plain(handle) for handle in handles if handle.strip()), ""),
        key=_key(payload, act, user_id),
        response_url=url if _trusted(url) else "",
    )


def _key(payload: Mapping[str, Any], act: Mapping[str, Any], user_id: str) -> str:
    """Return what repetitions of one press share, whichever way they come."""
    message, at = optional_text(payload, "container", "message_ts"), optional_text(act, "action_ts")
    return f"slack:{message}:{at}:{user_id}"[:200] if message and at else ""


def whisper(response_url: str, text: str, *, timeout_seconds: float = 5) -> None:
    """Tell only the person who pressed the button.

    Raises:
        NotifyError: Slack did not take it.
    """
    patience = cast(int, timeout_seconds)  # urllib takes any number
    # Anyone who reads a response URL can post to it: the SDK must not log it.
    client = WebhookClient(response_url, timeout=patience, logger=silent, retry_handlers=[])
    try:
        answer = client.send(
            text=escape(text, 1000), response_type="ephemeral", replace_original=False
        )
    except (SlackClientError, OSError, HTTPException, ValueError) as error:
        raise NotifyError(f"Slack did not take the answer: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise NotifyError(f"Slack did not take the answer: HTTP {answer.status_code}")


def _trusted(url: str) -> bool:
    """Say whether `url` leads to Slack, or to a stand-in for it on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    slack = host == "slack.com" or host.endswith((".slack.com", ".slack-gov.com"))
    return (parts.scheme == "https" and slack) or on_loopback(url)
