"""What PagerDuty sends to us: v3 webhooks. Pure.

Source: https://developer.pagerduty.com/docs/webhooks-overview,
https://developer.pagerduty.com/docs/verifying-webhook-signatures
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alerts.notifiers.answers import plain
from models.vocabulary import Event

_EVENTS = {
    "incident.acknowledged": Event.ACKNOWLEDGE,
    "incident.resolved": Event.RESOLVE,
}


class MalformedWebhookError(ValueError):
    """Signed, but not what PagerDuty documents; the message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Someone did something to an incident that we opened.

    Attributes:
        event_id: The same on every repetition of this webhook.
        event: ACKNOWLEDGE or RESOLVE.
        dedup_key: Of the alert, if it is one of ours.
        by: Who did it.
    """

    event_id: str
    event: Event
    dedup_key: str
    by: str


def signature_flaw(secrets: Sequence[str], header: str, body: bytes) -> str | None:
    """Return what is wrong with `X-PagerDuty-Signature` in a word; None if PagerDuty signed.

    The words: "missing", "malformed", "wrong". The header lists one signature per secret in use,
    and any of ours may match any of theirs, so that a secret can be changed without a gap.
    """
    if not header:
        return "missing"
    given = [part.strip()[3:] for part in header.split(",") if part.strip().startswith("v1=")]
    if not given or not header.isascii():
        return "malformed"
    expected = [hmac.new(secret.encode(), body, "sha256").hexdigest() for secret in secrets]
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in given]
    return None if any(matches) else "wrong"


def reply(body: bytes) -> Reply | None:
    """Return what a webhook asks of us; None where it asks nothing.

    What an integration did is our own event coming back, perhaps late: it asks nothing.

    Raises:
        MalformedWebhookError: It is not a v3 webhook.
    """
    event = _event(body)
    told = _EVENTS.get(event["event_type"])
    agent = event.get("agent")
    if told is None or _is_integration(agent):
        return None
    data = event.get("data")
    if not isinstance(data, dict):
        raise MalformedWebhookError("the event has no `data`")
    key = data.get("incident_key")
    if not isinstance(key, str) or not key:
        return None
    return Reply(event_id=event["id"], event=told, dedup_key=key, by=_name(agent))


def _event(body: bytes) -> dict[str, Any]:
    try:
        webhook = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedWebhookError("the body is not JSON") from error
    event = webhook.get("event") if isinstance(webhook, dict) else None
    if not isinstance(event, dict):
        raise MalformedWebhookError("the body has no `event`")
    for field in ("id", "event_type"):
        if not isinstance(event.get(field), str) or not event[field]:
            raise MalformedWebhookError(f"the event has no `{field}`")
    return event


def _is_integration(agent: object) -> bool:
    return isinstance(agent, dict) and "integration" in str(agent.get("type"))


def _name(agent: object) -> str:
    summary = agent.get("summary") if isinstance(agent, dict) else None
    return plain(summary) if isinstance(summary, str) and summary.strip() else "PagerDuty"
