"""What PagerDuty sends to us: v3 webhooks. Pure.

Source: https://developer.pagerduty.com/docs/webhooks-overview,
https://developer.pagerduty.com/docs/verifying-webhook-signatures
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerts.notifiers.answers import plain

NOTE_LIMIT = 2000  # PagerDuty's own
NOBODY = "PagerDuty"  # did it, where it names no person: a time ran out


class Happening(StrEnum):
    """What happened to an incident."""

    OPENED = "opened"  # which tells the incident's id for our key
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"  # by a person, or because its time ran out
    REASSIGNED = "reassigned"  # to people, or to another escalation policy
    ANNOTATED = "annotated"
    RESOLVED = "resolved"
    MERGED = "merged"  # into another incident, where its alerts go on


_EVENTS = {
    "incident.triggered": Happening.OPENED,
    "incident.acknowledged": Happening.ACKNOWLEDGED,
    "incident.unacknowledged": Happening.UNACKNOWLEDGED,
    "incident.reassigned": Happening.REASSIGNED,
    "incident.delegated": Happening.REASSIGNED,
    "incident.annotated": Happening.ANNOTATED,
    "incident.resolved": Happening.RESOLVED,
}


class MalformedWebhookError(ValueError):
    """Signed, but not what PagerDuty documents; the message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Something happened to an incident, which may be one that we opened.

    Attributes:
        event_id: The same on every repetition.
        incident_id: PagerDuty's.
        key: The dedup key of the event that opened it; empty where PagerDuty does not say.
        at: When it happened, by PagerDuty's clock.
        by: Who did it.
        status: The incident's from then on; empty where PagerDuty does not say.
        text: The note; the people or the policy that have the incident now.
    """

    event_id: str
    happening: Happening
    incident_id: str
    key: str
    at: datetime
    by: str
    status: str = ""
    text: str = ""


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
    happening = _EVENTS.get(event["event_type"])
    agent = event.get("agent")
    if happening is None or (happening is not Happening.OPENED and _is_integration(agent)):
        return None
    data = event.get("data")
    if not isinstance(data, dict):
        raise MalformedWebhookError("the event has no `data`")
    if happening is Happening.RESOLVED and is_merge(data):
        happening = Happening.MERGED
    incident = _object(data.get("incident")) if happening is Happening.ANNOTATED else data
    incident_id = _text(incident.get("id"))
    if not incident_id:
        return None
    return Reply(
        event_id=event["id"],
        happening=happening,
        incident_id=incident_id,
        key=_text(data.get("incident_key")),
        at=_instant(event.get("occurred_at")),
        by=name(agent) or NOBODY,
        status=_text(data.get("status")),
        text=_words(event["event_type"], happening, data),
    )


def is_merge(incident: dict[str, Any]) -> bool:
    """Say whether a resolved incident was merged into another; the REST API tells it alike."""
    return _object(incident.get("resolve_reason")).get("type") == "merge_resolve_reason"


def name(agent: object) -> str:
    """Return what someone is called in PagerDuty; empty if it does not say."""
    return plain(_text(_object(agent).get("summary")))


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


def _instant(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(_text(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise MalformedWebhookError("the event has no `occurred_at`")
    return at


def _words(event_type: str, happening: Happening, data: dict[str, Any]) -> str:
    if happening is Happening.ANNOTATED:
        return plain(_text(data.get("content")), limit=NOTE_LIMIT)
    if happening is Happening.MERGED:
        return name(_object(data["resolve_reason"]).get("incident"))
    if happening is not Happening.REASSIGNED:
        return ""
    assignees = data.get("assignees")
    people = [name(one) for one in assignees] if isinstance(assignees, list) else []
    policies = [name(data.get("escalation_policy"))] if event_type.endswith("delegated") else []
    return ", ".join(filter(None, [*policies, *people])) or "nobody"


def _is_integration(agent: object) -> bool:
    return "integration" in str(_object(agent).get("type"))


def _object(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""
