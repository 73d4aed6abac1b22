"""PagerDuty services, by Events API v2.

An answer of 202 means that PagerDuty accepted the event, not that an incident exists yet.

Source: https://developer.pagerduty.com/docs/events-api-v2-overview
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pagerduty

from alerts.notifiers import Message, NotifyError, Receipt
from alerts.notifiers.answers import cut, linkable, on_loopback
from alerts.notifiers.pagerduty_wire import TIMEOUT_SECONDS, asking, client_options, tame
from models.vocabulary import Event

EVENTS_URL = "https://events.pagerduty.com"
KEY_LENGTH = 32
SUMMARY_LIMIT = 1024
EVENT_LIMIT_BYTES = 512 * 1024


class PagerDutyEvents:
    """Services by name, each addressed by its routing key."""

    def __init__(
        self,
        keys: Mapping[str, str],
        *,
        url: str = EVENTS_URL,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._keys = dict(keys)
        self._url = url
        self._timeout_seconds = timeout_seconds
        options = client_options(url)
        self._clients = {
            name: tame(pagerduty.EventsApiV2Client(key, **options), timeout_seconds)
            for name, key in self._keys.items()
        }

    def send(self, target: str, message: Message) -> Receipt:
        """Send one event to the service named `target`; see `Notifier.send`.

        The receipt's external id tells the routing key and the dedup key of the incident:
        PagerDuty drops the end of an incident silently when it arrives under others.
        """
        told = _Told.read(message.external_id)
        name = self._service(target, message, told)
        begins = message.event is Event.TRIGGER
        key = message.vendor_key if begins else told.dedup_key or message.vendor_key
        self._tell(name, message.event, key, _trigger(message) if begins else {})
        answer, routing = "accepted", _print(self._keys[name])
        if begins and told.dedup_key not in ("", key) and told.routing == routing:
            # Last, so that there is no instant without an incident.
            self._tell(name, Event.RESOLVE, told.dedup_key, {})
            answer = "accepted, in the place of the incident that was acknowledged before"
        return Receipt(answer=answer, external_id=f"{routing}/{key}")

    def check(self) -> str:
        """Return that the host answers; only a real event could prove a routing key."""
        for name, key in self._keys.items():
            if len(key) != KEY_LENGTH or not key.isascii() or not key.isalnum():
                raise NotifyError(
                    f"the routing key of {name} is not {KEY_LENGTH} letters and digits: copy the "
                    "Integration Key of the service's Events API v2 integration",
                    permanent=True,
                )
        with asking("whether it is there"):
            options: dict[str, Any] = {"trust_env": not on_loopback(self._url)}
            reply = httpx2.get(self._url, timeout=self._timeout_seconds, **options)
        host, named = httpx2.URL(self._url).host, ", ".join(self._keys)
        return f"{host} answers (HTTP {reply.status_code}); keys untested: {named}"

    def _tell(self, name: str, event: Event, key: str, properties: dict[str, Any]) -> None:
        with asking(f"the {event.value} of {name}", self._keys[name]):
            self._clients[name].send_event(event.value, dedup_key=key, **properties)

    def _service(self, target: str, message: Message, told: "_Told") -> str:
        """Return the name of the service that `message` must go to.

        Raises:
            NotifyError: No key is known for it.
        """
        if message.event is not Event.TRIGGER and told.routing:
            names = [n for n, key in self._keys.items() if _print(key) == told.routing]
            if not names:
                raise NotifyError(
                    f"the routing key of {target} was changed while this incident was open, and "
                    "PagerDuty ignores what comes under another: end it there by hand",
                    permanent=True,
                )
            return target if target in names else names[0]
        if target not in self._keys:
            raise NotifyError(
                f"no routing key is known for the PagerDuty service {target}, only for "
                f"{', '.join(self._keys)}: add {target}=key to WAKEFUL_PAGERDUTY_ROUTING_KEY, or "
                "correct the policy",
                permanent=True,
            )
        return target


def dedup_key(external_id: str | None) -> str:
    """Return the dedup key of the incident that a receipt is about; empty if about none."""
    return _Told.read(external_id).dedup_key


@dataclass(frozen=True, slots=True)
class _Told:
    """What PagerDuty was told before: under which routing key, and which dedup key."""

    routing: str = ""
    dedup_key: str = ""

    @classmethod
    def read(cls, external_id: str | None) -> "_Told":
        routing, _, dedup_key = (external_id or "").partition("/")
        return cls(routing, dedup_key)


def _trigger(message: Message) -> dict[str, Any]:
    """Return what opens an incident, beside the action and the key."""
    payload: dict[str, Any] = {
        "summary": cut(message.summary or message.title, SUMMARY_LIMIT),
        "source": message.source or "wakeful",
        "severity": message.severity.value,
        "timestamp": message.fired_at.isoformat(),
        "class": message.title,
        "custom_details": _details(message),
    }
    if len(json.dumps(payload)) > EVENT_LIMIT_BYTES - 8 * 1024:
        payload["custom_details"] = {"omitted": "too large for PagerDuty: see the alert's page"}
    links = [
        {"href": href, "text": text}
        for href, text in ((message.url, "Open in Wakeful"), (message.runbook_url, "Runbook"))
        if linkable(href)
    ]
    return {
        "payload": payload,
        "links": links,
        "client": "Wakeful",
        "client_url": message.url,
    }


def _details(message: Message) -> dict[str, Any]:
    details: dict[str, Any] = {"rule": message.title, "labels": dict(message.labels)}
    if message.details:
        details["description"] = message.details
    if message.lines:
        details["alerts"] = [f"{line.state}: {line.text}" for line in message.lines]
    return details | {"more": message.more} if message.more else details


def _print(key: str) -> str:
    """Return a fingerprint that recognises `key` without telling it."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]
