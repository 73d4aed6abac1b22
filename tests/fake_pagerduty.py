"""PagerDuty's Events and REST APIs at the wire, by PagerDuty's own rules."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

ROUTING_KEY = "0123456789abcdefSECRET0123456789"
API_TOKEN = "u+very-secret-api-token"
ADA = "ada.lovelace@example.com"
SENDER = "wakeful@example.com"


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
        self.refusals: list[Response] = []  # what the next questions are answered with instead
        self.keys_with_alerts = False  # then incidents are shown without theirs
        self.oncalls: list[dict[str, Any]] = []
        server.expect_request("/v2/enqueue", method="POST").respond_with_handler(self._enqueue)
        for path, get in (
            ("/users", self._users),
            ("/incidents", self._incidents),
            ("/oncalls", self._oncalls),
        ):
            server.expect_request(path, method="GET").respond_with_handler(self._rest(get))
        server.expect_request("/incidents/Q1", method="PUT").respond_with_handler(self._put)

    def an_incident(
        self, dedup_key: str, *, assigned: str = "P9", incident_id: str = "Q1"
    ) -> dict[str, Any]:
        service = {"id": "PSERVICE", "type": "service_reference", "summary": "Chat"}
        incident = {
            "id": incident_id,
            "type": "incident",
            "incident_key": dedup_key,
            "status": "triggered",
            "created_at": "2026-01-01T00:08:00Z",
            "last_status_change_at": "2026-01-01T00:08:00Z",
            "last_status_change_by": service,
            "acknowledgements": [],
            "resolve_reason": None,
            "assignments": [{"assignee": {"id": assigned, "type": "user_reference"}}],
        }
        self.incidents.append(incident)
        return incident

    def happens(self, status: str, *, at: datetime, by: str = "", incident_id: str = "Q1") -> None:
        """Give an incident a status: by a person, or by the service for our own event."""
        (incident,) = [one for one in self.incidents if one["id"] == incident_id]
        person = {"id": "P1", "type": "user_reference", "summary": by}
        agent = person if by else {"id": "PSERVICE", "type": "service_reference", "summary": "Chat"}
        stamp = at.isoformat().replace("+00:00", "Z")
        given = [{"at": stamp, "acknowledger": agent}] if status == "acknowledged" else []
        incident |= {
            "status": status,
            "last_status_change_at": stamp,
            "last_status_change_by": agent,
            "acknowledgements": given,
        }

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
            if self.refusals:
                return self.refusals.pop(0)
            return _json(200, get(asked))

        return respond

    def _users(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        part = asked.get("query", [""])[0].casefold()
        return {"users": [user for user in self.users if part in user["email"].casefold()]}

    def _incidents(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        statuses = asked.get("statuses[]", ["triggered", "acknowledged", "resolved"])
        assert set(statuses) <= {"triggered", "acknowledged", "resolved"}, "Invalid status"
        assert asked.get("date_range") == ["all"], "else those of the last 30 days alone"
        key = asked.get("incident_key", [""])[0]
        found = [
            incident | ({"incident_key": None} if self.keys_with_alerts else {})
            for incident in self.incidents
            if key in ("", incident["incident_key"]) and incident["status"] in statuses
        ]
        return _paged("incidents", found, asked)

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
        return _paged("oncalls", found, asked)

    def _put(self, request: Request) -> Response:
        self.senders.append(request.headers.get("From"))
        if not request.headers.get("From"):
            return _json(400, {"error": {"message": "Requester User Not Found", "code": 1008}})
        change = json.loads(request.get_data())["incident"]
        self.writes.append(change)
        self.incidents[0] |= change
        return _json(200, {"incident": self.incidents[0]})


def limited(seconds: int) -> Response:
    """PagerDuty's answer to more than 960 questions a minute."""
    told = _json(429, {"error": {"message": "Rate Limit Exceeded", "code": 2020}})
    told.headers["ratelimit-reset"] = str(seconds)
    return told


def _paged(name: str, found: list[Any], asked: dict[str, list[str]]) -> dict[str, Any]:
    offset, limit = int(asked["offset"][0]), int(asked["limit"][0])
    assert 1 <= limit <= 100, "a page has 1 to 100"
    assert offset + limit <= 10_000, "no page goes beyond 10,000"
    return {name: found[offset : offset + limit], "more": len(found) > offset + limit}


def _json(status: int, body: object) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")
