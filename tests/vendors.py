"""Vendors at the wire: one that misbehaves byte by byte, and two that enforce their own rules."""

import json
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.notifiers import Message
from models.vocabulary import Event, Severity

SLACK_TOKEN = "xoxb-very-secret-token"
ROUTING_KEY = "0123456789abcdefSECRET0123456789"
API_TOKEN = "u+very-secret-api-token"
ADA = "ada.lovelace@example.com"
SENDER = "wakeful@example.com"


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
        self.replies: list[dict[str, Any]] = []
        self.calls: list[str] = []
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
        ts = f"17000000{len(self.calls):02}.000100"
        if "thread_ts" in asked:
            self.replies.append(asked)
        else:
            self.posts[f"{channel}/{ts}"] = asked
        return {"ok": True, "channel": channel, "ts": ts}

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
    rules = {
        "more than 50 blocks": len(blocks) > 50,
        "section text must have 1 to 3000 characters": any(
            not 1 <= len(text) <= 3000 for text in texts
        ),
        "more than 10 fields": any(len(b.get("fields", [])) > 10 for b in blocks),
        "field text must have 1 to 2000 characters": any(
            not 1 <= len(text) <= 2000 for text in fields
        ),
        "an actions block needs 1 to 25 elements": any(
            not 1 <= len(b["elements"]) <= 25 for b in blocks if b["type"] == "actions"
        ),
        "button text beyond 75": any(len(e["text"]["text"]) > 75 for e in elements),
        "button value beyond 2000": any(len(e.get("value", "")) > 2000 for e in elements),
        "button url is not a url of at most 3000": any(
            len(e["url"]) > 3000 or not e["url"].startswith("http") for e in elements if "url" in e
        ),
        "action_id twice": len({e["action_id"] for e in elements}) != len(elements),
    }
    return next((rule for rule, broken in rules.items() if broken), "")


class FakePagerDuty:
    """PagerDuty's Events and REST APIs, for the services with the routing keys in `keys`."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("").rstrip("/")
        self.keys = [ROUTING_KEY]
        self.events: list[dict[str, Any]] = []
        self.writes: list[dict[str, Any]] = []
        self.senders: list[str | None] = []
        self.queries: list[dict[str, list[str]]] = []
        self.users = [{"id": "P1", "name": "Ada Lovelace", "email": ADA}]
        self.incidents: list[dict[str, Any]] = []
        self.oncalls: list[dict[str, Any]] = []
        server.expect_request("/v2/enqueue", method="POST").respond_with_handler(self._enqueue)
        for path, get in (
            ("/users", self._users),
            ("/incidents", self._incidents),
            ("/oncalls", self._oncalls),
        ):
            server.expect_request(path, method="GET").respond_with_handler(self._rest(get))
        server.expect_request("/incidents/Q1", method="PUT").respond_with_handler(self._put)

    def an_incident(self, dedup_key: str, *, assigned: str = "P9") -> None:
        self.incidents.append(
            {
                "id": "Q1",
                "incident_key": dedup_key,
                "status": "triggered",
                "assignments": [{"assignee": {"id": assigned, "type": "user_reference"}}],
            }
        )

    def on_call(
        self,
        name: str,
        email: str | None,
        *,
        level: int = 1,
        policy: str = "E1",
        schedule: str = "S1",
        turn: tuple[str | None, str | None] = (None, None),
    ) -> None:
        user = {"id": "P", "type": "user", "name": name, "email": email}
        self.oncalls.append(
            {
                "escalation_policy": {"id": policy},
                "escalation_level": level,
                "schedule": {"id": schedule},
                "start": turn[0],
                "end": turn[1],
                "user": {key: value for key, value in user.items() if value is not None},
            }
        )

    def _enqueue(self, request: Request) -> Response:
        event = json.loads(request.get_data())
        flaws = []
        if event.get("routing_key") not in self.keys:
            flaws.append(f"Invalid routing key {event.get('routing_key')}")
        if event["event_action"] == "trigger":
            payload = event["payload"]
            if not 1 <= len(payload["summary"]) <= 1024:
                flaws.append("Length of 'payload.summary' is incorrect")
            if payload["severity"] not in ("critical", "error", "warning", "info"):
                flaws.append("'payload.severity' is invalid")
            if not payload["source"]:
                flaws.append("'payload.source' is missing or blank")
        elif not event.get("dedup_key"):
            flaws.append("'dedup_key' is missing or blank")
        if len(request.get_data()) > 512 * 1024:
            flaws.append("Event is too large")
        if flaws:
            told = {"status": "invalid event", "message": "Event object is invalid"}
            return _json(400, told | {"errors": flaws})
        self.events.append(event)
        return _json(202, {"status": "success", "dedup_key": event["dedup_key"]})

    def _rest(
        self, get: Callable[[dict[str, list[str]]], dict[str, Any]]
    ) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            if request.headers.get("Authorization") != f"Token token={API_TOKEN}":
                return _json(401, {"error": {"message": "Invalid Token", "code": 2006}})
            asked = parse_qs(request.query_string.decode())
            self.queries.append(asked)
            return _json(200, get(asked))

        return respond

    def _users(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        part = asked.get("query", [""])[0].casefold()
        return {"users": [user for user in self.users if part in user["email"].casefold()]}

    def _incidents(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        return {
            "incidents": [
                incident
                for incident in self.incidents
                if incident["incident_key"] == asked["incident_key"][0]
                and incident["status"] in asked["statuses[]"]
            ]
        }

    def _oncalls(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        policies, schedules = asked.get("escalation_policy_ids[]"), asked.get("schedule_ids[]")
        since, until = (datetime.fromisoformat(asked[name][0]) for name in ("since", "until"))
        assert until - since <= timedelta(days=90), "PagerDuty answers for 90 days at most"
        found = [
            entry
            for entry in self.oncalls
            if (policies is None or entry["escalation_policy"]["id"] in policies)
            and (schedules is None or entry["schedule"]["id"] in schedules)
            and (not entry["start"] or datetime.fromisoformat(entry["start"]) <= until)
            and (not entry["end"] or datetime.fromisoformat(entry["end"]) > since)
        ]
        offset, limit = int(asked["offset"][0]), int(asked["limit"][0])
        return {"oncalls": found[offset : offset + limit], "more": len(found) > offset + limit}

    def _put(self, request: Request) -> Response:
        self.senders.append(request.headers.get("From"))
        if not request.headers.get("From"):
            return _json(400, {"error": {"message": "Requester User Not Found", "code": 1008}})
        change = json.loads(request.get_data())["incident"]
        self.writes.append(change)
        self.incidents[0] |= change
        return _json(200, {"incident": self.incidents[0]})


def _json(status: int, body: object) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")
