"""Vendors at the wire: one that misbehaves byte by byte, and those that enforce their rules."""

import itertools
import json
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.notifiers import Message
from models.vocabulary import Event, Severity
from tests.fake_pagerduty import ADA, API_TOKEN, ROUTING_KEY, SENDER, FakePagerDuty

__all__ = ["ADA", "API_TOKEN", "ROUTING_KEY", "SENDER", "FakePagerDuty"]

SLACK_TOKEN = "xoxb-very-secret-token"


def a_message(**changes: Any) -> Message:
    given: dict[str, Any] = {
        "event": Event.TRIGGER,
        "dedup_key": "wakeful-7f3a",
        "vendor_key": "wakeful-7f3a",
        "title": "Slow answers",
        "summary": "p95 latency 6.2 s, above 5 s for feature=chat",
        "severity": Severity.CRITICAL,
        "source": "chat",
        "url": "http://127.0.0.1:8501/alerts?alert=7",
        "fired_at": datetime(2026, 1, 1, 12, tzinfo=UTC),
        "labels": {"feature": "chat"},
    }
    return Message(**given | changes)


class Wire:
    """A server that answers every request with the bytes it was given, or not at all."""

    def __init__(self, answer: bytes | None, *, listening: bool = True) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._open: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=8) if listening else None
        # Bound and never listening: the port is ours, and whoever connects is refused.
        self._closed = socket.socket()
        self._closed.bind(("127.0.0.1", 0))
        address = (self._socket or self._closed).getsockname()
        self.url = f"http://127.0.0.1:{address[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        if listening:
            self._thread.start()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join(timeout=5)
        for each in (self._closed, *self._open, *([self._socket] if self._socket else [])):
            each.close()

    def _serve(self) -> None:
        while self._socket is not None:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            connection.settimeout(5)
            self.requests.append(_read(connection))
            if self._answer is not None:
                connection.sendall(self._answer)
                connection.shutdown(socket.SHUT_RDWR)


def answer(status: int, body: object, *, cut: int = 0, **headers: str) -> bytes:
    """Return an HTTP answer; `cut` bytes of the body that it announces are missing."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Type": "application/json", "Content-Length": str(len(content) + cut)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in (lines | named).items())
    return f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + content


def _read(connection: socket.socket) -> bytes:
    """Return one whole request, so that closing afterwards resets nothing."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    missing = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    while missing > 0:
        received += (chunk := connection.recv(65536))
        missing -= len(chunk)
    return received


class FakeSlack:
    """Slack's Web API for one workspace; `errors` makes a method fail."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/api/")
        self.channels = {"#llm": "C1"}
        self.users = {ADA: "U1"}
        self.posts: dict[str, dict[str, Any]] = {}
        self.replies: list[dict[str, Any]] = []  # shown in the channel as well
        self.threads: list[dict[str, Any]] = []  # the other replies
        self.people = {"U1": {"name": "ada.lovelace", "tz": "Europe/Berlin"}}
        self.calls: list[str] = []
        self._numbers = itertools.count()
        self.errors: dict[str, dict[str, Any]] = {}
        methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": lambda _: {"ok": True, "team": "Acme", "user": "wakeful"},
            "users.lookupByEmail": self._lookup,
            "conversations.open": lambda asked: {
                "ok": True,
                "channel": {"id": f"D{asked['users']}"},
            },
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "users.info": self._info,
        }
        for name, method in methods.items():
            server.expect_request(f"/api/{name}").respond_with_handler(self._door(name, method))

    def _door(
        self, name: str, method: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            self.calls.append(name)
            text = request.get_data(as_text=True)
            asked = (
                json.loads(text)
                if text and request.is_json  # the SDK announces JSON even with no body
                else {key: values[0] for key, values in parse_qs(text).items()}
            )
            if request.headers.get("Authorization") != f"Bearer {SLACK_TOKEN}":
                told: dict[str, Any] = {"ok": False, "error": "invalid_auth"}
            else:
                told = self.errors.get(name) or method(asked)
            return Response(json.dumps(told), content_type="application/json")

        return respond

    def _lookup(self, asked: dict[str, Any]) -> dict[str, Any]:
        user = self.users.get(asked["email"])
        if user is None:
            return {"ok": False, "error": "users_not_found"}
        return {"ok": True, "user": {"id": user}}

    def _post(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self.channels.get(asked["channel"], asked["channel"])
        if not channel.startswith(("C", "D")):
            return {"ok": False, "error": "channel_not_found"}
        if flaw := flaw_of(asked.get("blocks", [])):
            metadata = {"messages": [flaw]}
            return {"ok": False, "error": "invalid_blocks", "response_metadata": metadata}
        ts = f"{1_700_000_000 + next(self._numbers)}.000100"  # posts come side by side
        posted = {"ts": ts, "text": asked["text"]}
        if f"{channel}/{asked.get('thread_ts')}" in self.posts:
            posted["thread_ts"] = asked["thread_ts"]
            (self.replies if asked.get("reply_broadcast") else self.threads).append(asked)
        else:  # a reply to a post that was deleted as well: Slack has no error for it
            self.posts[f"{channel}/{ts}"] = asked
        return {"ok": True, "channel": channel, "ts": ts, "message": posted}

    def _delete(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.posts.pop(f"{asked['channel']}/{asked['ts']}", None) is None:
            return {"ok": False, "error": "message_not_found"}
        return {"ok": True, "channel": asked["channel"], "ts": asked["ts"]}

    def _info(self, asked: dict[str, Any]) -> dict[str, Any]:
        user = self.people.get(asked["user"])
        if user is None:
            return {"ok": False, "error": "user_not_found"}
        profile = {"real_name": "Ada Lovelace", "email": ADA}
        return {"ok": True, "user": {"id": asked["user"], "profile": profile} | user}

    def _update(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["channel"].startswith("#"):
            return {"ok": False, "error": "channel_not_found"}
        known = f"{asked['channel']}/{asked['ts']}"
        if known not in self.posts:
            return {"ok": False, "error": "message_not_found"}
        self.posts[known] = asked
        return {"ok": True, "channel": asked["channel"], "ts": asked["ts"]}


def flaw_of(blocks: list[dict[str, Any]]) -> str:
    """Return the first rule of Block Kit that `blocks` break.

    Source: https://docs.slack.dev/reference/block-kit
    """
    texts = [b["text"]["text"] for b in blocks if "text" in b]
    fields = [f["text"] for b in blocks for f in b.get("fields", [])]
    elements = [e for b in blocks for e in b.get("elements", [])]
    ids = [b["block_id"] for b in blocks if "block_id" in b]
    rules = {
        "block_id twice, or beyond 255": len(set(ids)) != len(ids)
        or any(len(i) > 255 for i in ids),
        "more than 50 blocks": len(blocks) > 50,
        "section text must have 1 to 3000 characters": any(
            not 1 <= len(text) <= 3000 for text in texts
        ),
        "a menu needs 1 to 100 options of at most 75": any(
            not 1 <= len(e["options"]) <= 100 or len(o["value"]) > 75 or len(o["text"]["text"]) > 75
            for e in elements
            if e["type"] == "static_select"
            for o in e["options"]
        ),
        "more than 10 fields": any(len(b.get("fields", [])) > 10 for b in blocks),
        "field text must have 1 to 2000 characters": any(
            not 1 <= len(text) <= 2000 for text in fields
        ),
        "an actions block needs 1 to 25 elements": any(
            not 1 <= len(b["elements"]) <= 25 for b in blocks if b["type"] == "actions"
        ),
        "button text beyond 75": any(
            len(e["text"]["text"]) > 75 for e in elements if e["type"] == "button"
        ),
        "button value beyond 2000": any(len(e.get("value", "")) > 2000 for e in elements),
        "button url is not a url of at most 3000": any(
            len(e["url"]) > 3000 or not e["url"].startswith("http") for e in elements if "url" in e
        ),
        "action_id twice": len({e["action_id"] for e in elements}) != len(elements),
    }
    return next((rule for rule, broken in rules.items() if broken), "")
