"""People at work in PagerDuty, whose webhooks reach our real door."""

import hashlib
import hmac
import itertools
import json
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from alerts import incidents
from app.http.pagerduty import pagerduty_routes
from tests.world import World

SECRET = "a-webhook-secret"
ADA = "Ada Lovelace"
INTEGRATION = "events_api_v2_inbound_integration_reference"
SECOND = timedelta(seconds=1)


class People:
    """What they do is told to the door at once, or kept in `late` for a test to tell."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.late: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        routes = pagerduty_routes(
            [SECRET], lambda told: incidents.follow(world.db, told, now=world.now)
        )
        self._client = TestClient(Starlette(routes=routes))

    def do(self, verb: str, **changes: Any) -> str:
        """Return how the door answers to the webhook about it."""
        return self.tell(self.webhook(verb, **changes))

    def webhook(
        self,
        verb: str,
        *,
        key: str = "",
        by: str | None = ADA,
        at: datetime | None = None,
        incident: str = "Q1",
        **data: Any,
    ) -> dict[str, Any]:
        """Return what PagerDuty sends, by default about the incident that was opened last."""
        kind = INTEGRATION if by == "us" else "user_reference"
        agent = None if by is None else {"id": "P1", "type": kind, "summary": by}
        shown = {"id": incident, "type": "incident", "incident_key": key or self.key}
        return {
            "event": {
                "id": f"01EVENT{next(self._numbers)}",
                "event_type": f"incident.{verb}",
                "resource_type": "incident",
                "occurred_at": (at or self.world.now).isoformat(),
                "agent": agent,
                "client": None,
                "data": shown | data,
            }
        }

    def note(self, text: str, *, incident: str = "Q1") -> str:
        """A note names its incident by PagerDuty's id alone."""
        shown = {"id": incident, "type": "incident_reference", "summary": "Errors"}
        data = {"id": "N1", "type": "incident_note", "content": text, "incident": shown}
        webhook = self.webhook("annotated")
        webhook["event"]["data"] = data | {"trimmed": False}
        return self.tell(webhook)

    def tell(self, webhook: dict[str, Any]) -> str:
        body = json.dumps(webhook).encode()
        signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        answer = self._client.post(
            "/pagerduty/webhooks", content=body, headers={"X-PagerDuty-Signature": f"v1={signed}"}
        )
        assert answer.status_code == 202, answer.text
        return answer.text.strip()

    @property
    def key(self) -> str:
        opened = [e for e in self.world.pagerduty.events if e["event_action"] == "trigger"]
        return str(opened[-1]["dedup_key"])
