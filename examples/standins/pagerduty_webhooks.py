"""PagerDuty's webhooks, version 3: every change of an incident, signed.

Source: https://developer.pagerduty.com/docs/webhooks-overview
"""

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

from examples.standins.pagerduty_service import Account, Agent, Incident, now

DEADLINE_SECONDS = 5.0
# PagerDuty goes on for two days, slower and slower; a demo is over long before.
PAUSES_SECONDS = (1.0, 5.0, 15.0)


def sign(secret: str, body: bytes) -> str:
    """Return the value of `X-PagerDuty-Signature`."""
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass(slots=True)
class Webhooks:
    """Where changes are told; nowhere if `url` is empty."""

    url: str
    secret: str
    sent: list[dict[str, Any]] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def tell(self, kind: str, account: Account, incident: Incident, agent: Agent) -> None:
        """Send one event in the background."""
        if not self.url:
            return
        event = {
            "id": uuid4().hex.upper()[:26],
            "event_type": kind,
            "resource_type": "incident",
            "occurred_at": now(),
            "agent": agent.shown(),
            "client": None,
            "data": note(incident) if kind == "incident.annotated" else data(account, incident),
        }
        task = asyncio.get_running_loop().create_task(self._deliver({"event": event}))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, webhook: dict[str, Any]) -> None:
        """Send until it is taken or refused for good, and keep what was answered."""
        body = json.dumps(webhook).encode()
        headers = {
            "Content-Type": "application/json",
            "X-PagerDuty-Signature": sign(self.secret, body),
            "X-Webhook-Id": uuid4().hex,
        }
        record: dict[str, Any] = {"webhook": webhook, "answers": []}
        self.sent.append(record)
        for pause in (0.0, *PAUSES_SECONDS):
            await asyncio.sleep(pause)
            status = await self._post(body, headers)
            record["answers"].append(status)
            if isinstance(status, int) and status < 500 and status != 429:
                return

    async def _post(self, body: bytes, headers: dict[str, str]) -> int | str:
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=DEADLINE_SECONDS) as client:
                answer = await client.post(self.url, content=body, headers=headers)
        except httpx2.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        return answer.status_code


def data(account: Account, incident: Incident) -> dict[str, Any]:
    """Return the incident as webhooks show one."""
    return {
        "id": incident.id,
        "type": "incident",
        "self": f"https://api.pagerduty.com/incidents/{incident.id}",
        "html_url": f"/#{incident.id}",
        "number": incident.number,
        "status": incident.status,
        "incident_key": incident.key,
        "created_at": incident.created_at,
        "title": incident.title,
        "service": account.service,
        "assignees": [member.reference() for member in incident.assignees],
        "escalation_policy": account.policies[0].reference(),
        "teams": [],
        "priority": None,
        "urgency": incident.urgency,
        "resolve_reason": None,
    }


def note(incident: Incident) -> dict[str, Any]:
    """Return the incident's last note as webhooks show one: without the incident's key."""
    reference = {
        "id": incident.id,
        "type": "incident_reference",
        "self": f"https://api.pagerduty.com/incidents/{incident.id}",
        "html_url": f"/#{incident.id}",
        "summary": incident.title,
    }
    return {
        "id": f"N{len(incident.notes)}",
        "type": "incident_note",
        "incident": reference,
        "content": incident.notes[-1],
        "trimmed": False,
    }
