"""What Slack sends to us: signatures, presses of a button, and a word back to who pressed.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack and
https://docs.slack.dev/interactivity/handling-user-interaction
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from slack_sdk.errors import SlackClientError
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.webhook import WebhookClient

from alerts.notifiers import NotifyError
from alerts.notifiers.answers import on_loopback, plain
from alerts.notifiers.slack_blocks import ACKNOWLEDGE, escape

SIGNATURE_AGE = timedelta(minutes=5)

# The SDK would log a response_url, which anyone who reads it can post to.
_silent = logging.getLogger(f"{__name__}.sdk")
_silent.setLevel(logging.CRITICAL + 1)


class MalformedReplyError(ValueError):
    """Signed, but not what Slack documents; the message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Someone pressed Acknowledge.

    Attributes:
        dedup_key: Of the alert.
        by: The user's name in Slack, or their id.
        response_url: Where a word back to them can be sent; empty if nowhere.
    """

    dedup_key: str
    by: str
    response_url: str


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


def press(body: bytes) -> Press | None:
    """Return the press of Acknowledge in an interaction's form; None for any other interaction.

    Raises:
        MalformedReplyError: It is not an interaction as Slack documents it.
    """
    interaction = _interaction(body)
    if interaction.get("type") != "block_actions":
        return None
    actions = interaction.get("actions")
    if not isinstance(actions, list) or not all(isinstance(action, dict) for action in actions):
        raise MalformedReplyError("block_actions without a list of actions")
    for action in actions:
        if action.get("action_id") == ACKNOWLEDGE:
            key = action.get("value")
            if not isinstance(key, str) or not key:
                raise MalformedReplyError("the Acknowledge button carries no alert")
            url = interaction.get("response_url")
            return Press(
                dedup_key=key,
                by=_name(interaction.get("user")),
                response_url=url if isinstance(url, str) and _trusted(url) else "",
            )
    return None


def whisper(response_url: str, text: str, *, timeout_seconds: float = 5) -> None:
    """Tell only the person who pressed the button.

    Raises:
        NotifyError: Slack did not take it.
    """
    patience = cast(int, timeout_seconds)  # urllib takes any number
    client = WebhookClient(response_url, timeout=patience, logger=_silent, retry_handlers=[])
    try:
        answer = client.send(
            text=escape(text, 1000), response_type="ephemeral", replace_original=False
        )
    except (SlackClientError, OSError, HTTPException, ValueError) as error:
        raise NotifyError(f"Slack did not take the answer: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise NotifyError(f"Slack did not take the answer: HTTP {answer.status_code}")


def _interaction(body: bytes) -> dict[str, Any]:
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


def _name(user: object) -> str:
    if isinstance(user, dict):
        for field in ("name", "username", "id"):
            if isinstance(user.get(field), str) and user[field].strip():
                return plain(user[field])
    raise MalformedReplyError("the interaction names no user")


def _trusted(url: str) -> bool:
    """Say whether `url` leads to Slack, or to a stand-in for it on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    slack = host == "slack.com" or host.endswith((".slack.com", ".slack-gov.com"))
    return (parts.scheme == "https" and slack) or on_loopback(url)
