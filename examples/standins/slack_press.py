"""Pressing a button of a message: a signed interaction goes to the app, as Slack sends it.

Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload and
https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx2

from examples.standins.slack_workspace import BOT, TEAM, Posted, User

DEADLINE_SECONDS = 3.0
URL_USES = 5
URL_SECONDS = 1800.0


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """A place where the app may answer a press: five times in half an hour."""

    message: Posted
    user: User
    made_at: float
    uses: int = 0

    def use(self, now: float) -> str:
        """Count a use; return Slack's word for why it is refused, or an empty text."""
        if now - self.made_at > URL_SECONDS:
            return "expired_url"
        self.uses += 1
        return "used_url" if self.uses > URL_USES else ""


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Return the value of `X-Slack-Signature`."""
    signed = b"v0:" + stamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def interaction(
    message: Posted, user: User, action: dict[str, Any], block_id: str, response_url: str
) -> dict[str, Any]:
    """Return the `block_actions` payload of one press, or of one choice."""
    shown = ("text", "value", "placeholder", "selected_option")
    pressed = {
        "action_id": action.get("action_id", ""),
        "block_id": block_id,
        "type": action["type"],
        "action_ts": f"{time.time():.6f}",
    } | {name: action[name] for name in shown if name in action}
    handle = user.shown()["name"]
    return {
        "type": "block_actions",
        "user": {"id": user.id, "username": handle, "name": handle, "team_id": TEAM["id"]},
        "api_app_id": BOT["app_id"],
        "token": "deprecated",
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel.id,
            "is_ephemeral": False,
        },
        "trigger_id": uuid4().hex,
        "team": {"id": TEAM["id"], "domain": TEAM["domain"]},
        "channel": {"id": message.channel.id, "name": message.channel.name or "directmessage"},
        "message": message.shown(),
        "response_url": response_url,
        "actions": [pressed],
    }


async def deliver(url: str, secret: str, payload: dict[str, Any]) -> str:
    """Send an interaction; return what went wrong, in a sentence, or an empty text."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": sign(secret, stamp, body),
    }
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=DEADLINE_SECONDS) as client:
            answer = await client.post(url, content=body, headers=headers)
    except httpx2.TimeoutException:
        return "the app did not answer within 3 seconds"
    except httpx2.HTTPError as error:
        return f"the app cannot be reached: {error}"
    if answer.status_code != 200:
        return f"the app answered HTTP {answer.status_code}: {answer.text[:200]}"
    return ""
