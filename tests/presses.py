"""Presses of Slack's buttons, as Slack sends them, and where its answers go."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
KEY = "wakeful-7f3a"


def a_press(action_id: str = "acknowledge", key: str = KEY, **changes: Any) -> dict[str, Any]:
    """Return what Slack sends when U1 presses a button at 1 s past."""
    given: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "ada", "name": "ada.lovelace", "team_id": "T1"},
        "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": "C1"},
        "actions": [
            {"action_id": action_id, "type": "button", "value": key, "action_ts": "1700000001.5"}
        ],
        "response_url": "",
    }
    return given | changes


def a_choice(choice: str, key: str = KEY, **changes: Any) -> dict[str, Any]:
    """Return what Slack sends when U1 chooses from the snooze menu."""
    action = {
        "action_id": "snooze",
        "type": "static_select",
        "selected_option": {"value": f"{choice}:{key}", "text": {"type": "plain_text", "text": ""}},
        "action_ts": "1700000001.5",
    }
    return a_press(actions=[action], **changes)


def at(payload: dict[str, Any], action_ts: str) -> dict[str, Any]:
    """Return the same press at another time."""
    return payload | {"actions": [payload["actions"][0] | {"action_ts": action_ts}]}


def form(payload: object) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


def headers(body: bytes, *, at: datetime, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """Return the headers with which Slack signs `body`."""
    stamp = str(int(at.timestamp()))
    signed = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signed.hexdigest()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


class Whispers:
    """A response URL of Slack, on loopback."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/actions/T1/1/abc")
        self.texts: list[str] = []
        self.status = 200
        server.expect_request("/actions/T1/1/abc").respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        told = json.loads(request.get_data())
        assert told["response_type"] == "ephemeral"
        assert told["replace_original"] is False
        self.texts.append(told["text"])
        return Response("ok", status=self.status)
