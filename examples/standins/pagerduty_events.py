"""PagerDuty's Events API v2: what it takes, and what comes of it a moment later.

Source: https://developer.pagerduty.com/docs/events-api-v2-overview
"""

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.standins.pagerduty_service import (
    ACKNOWLEDGED,
    INTEGRATION,
    RESOLVED,
    Account,
)

LIMIT_BYTES = 512 * 1024
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
KEY = 32
DEDUP_KEY = 255
SUMMARY = 1024
MINUTE = 60.0


class EventsApi:
    """The doors of the Events API, for the integrations with the given routing keys."""

    def __init__(
        self,
        account: Account,
        routing_keys: tuple[str, ...],
        *,
        delay_seconds: float,
        events_per_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = account
        self._keys = routing_keys
        self._delay_seconds = delay_seconds
        self._events_per_minute = events_per_minute
        self._clock = clock
        self._arrivals: defaultdict[str, deque[float]] = defaultdict(deque)
        self.received: list[dict[str, Any]] = []
        self.dropped: list[dict[str, Any]] = []

    def routes(self) -> list[Route]:
        """Return the two doors."""
        return [
            Route("/v2/enqueue", self._enqueue, methods=["POST"]),
            Route("/v2/change/enqueue", self._change, methods=["POST"]),
        ]

    async def _enqueue(self, request: Request) -> Response:
        event, refusal = await self._read(request)
        if refusal is not None:
            return refusal
        if found := list(event_faults(event, self._keys)):
            return _invalid(found)
        if self._too_many(event["routing_key"]):
            answer = {"status": "throttle exceeded", "message": "Requests for this service are"}
            return JSONResponse(answer, 429, headers={"Retry-After": "30"})
        event.setdefault("dedup_key", uuid4().hex)
        self.received.append(event)
        if self._delay_seconds:
            asyncio.get_running_loop().call_later(self._delay_seconds, self._apply, event)
        else:
            self._apply(event)
        said = {"status": "success", "message": "Event processed"}
        return JSONResponse(said | {"dedup_key": event["dedup_key"]}, 202)

    async def _change(self, request: Request) -> Response:
        event, refusal = await self._read(request)
        if refusal is not None:
            return refusal
        payload = event.get("payload")
        if not isinstance(payload, dict) or not payload.get("summary"):
            return _invalid(["'payload.summary' is missing or blank"])
        self.received.append(event)
        return JSONResponse({"status": "success", "message": "Change event processed"}, 202)

    async def _read(self, request: Request) -> tuple[dict[str, Any], Response | None]:
        body = await request.body()
        if len(body) > LIMIT_BYTES:
            return {}, JSONResponse({"status": "event too large", "message": "over 512 KB"}, 413)
        try:
            event = json.loads(body)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            return {}, _invalid(["the body is not a JSON object"])
        return event, None

    def _too_many(self, routing_key: str) -> bool:
        if not self._events_per_minute:
            return False
        now, arrivals = self._clock(), self._arrivals[routing_key]
        while arrivals and arrivals[0] <= now - MINUTE:
            arrivals.popleft()
        arrivals.append(now)
        return len(arrivals) > self._events_per_minute

    def _apply(self, event: dict[str, Any]) -> None:
        # A key belongs to the integration that opened it: under another it means nothing.
        key = f"{event['routing_key']}/{event['dedup_key']}"
        account, shown = self._account, event["dedup_key"]
        incident = account.open_incident(shown)
        if event["event_action"] == "trigger":
            payload = event["payload"]
            opened = account.trigger(shown, payload["summary"], dict(payload), INTEGRATION)
            opened.opened_under = opened.opened_under or key
        elif incident is None or incident.opened_under != key:
            self.dropped.append(event)
        else:
            status = ACKNOWLEDGED if event["event_action"] == "acknowledge" else RESOLVED
            account.move(incident, status, INTEGRATION)


def event_faults(event: dict[str, Any], routing_keys: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with an event, as PagerDuty says it."""
    routing_key = event.get("routing_key")
    if not isinstance(routing_key, str) or len(routing_key) != KEY:
        yield f"Length of 'routing_key' is incorrect (should be {KEY} characters)"
    elif routing_key not in routing_keys:
        yield "'routing_key' is not the key of any integration"
    action = event.get("event_action")
    if action not in ACTIONS:
        yield f"'event_action' must be one of {', '.join(ACTIONS)}"
    dedup_key = event.get("dedup_key")
    if dedup_key is not None and not (isinstance(dedup_key, str) and len(dedup_key) <= DEDUP_KEY):
        yield f"'dedup_key' must be text of at most {DEDUP_KEY} characters"
    if action == "trigger":
        yield from _payload_faults(event.get("payload"))
        yield from _link_faults(event)
    elif not dedup_key:
        yield "'dedup_key' is missing or blank"


def _payload_faults(payload: Any) -> Iterator[str]:
    if not isinstance(payload, dict):
        yield "'payload' is missing or blank"
        return
    for name in ("summary", "source", "severity"):
        if not isinstance(payload.get(name), str) or not payload[name].strip():
            yield f"'payload.{name}' is missing or blank"
    if len(str(payload.get("summary", ""))) > SUMMARY:
        yield f"'payload.summary' is too long (at most {SUMMARY} characters)"
    if payload.get("severity") not in SEVERITIES:
        yield f"'payload.severity' is invalid (must be one of {', '.join(SEVERITIES)})"
    if "timestamp" in payload:
        try:
            datetime.fromisoformat(str(payload["timestamp"]))
        except ValueError:
            yield "'payload.timestamp' is not ISO 8601"


def _link_faults(event: dict[str, Any]) -> Iterator[str]:
    for link in event.get("links") or []:
        if not isinstance(link, dict) or not str(link.get("href", "")).startswith("http"):
            yield "'links' must hold objects with an 'href'"
    for image in event.get("images") or []:
        if not isinstance(image, dict) or not str(image.get("src", "")).startswith("https://"):
            yield "'images' must hold objects with an https 'src'"


def _invalid(errors: list[str]) -> Response:
    said = {"status": "invalid event", "message": "Event object is invalid"}
    return JSONResponse(said | {"errors": errors}, 400)
