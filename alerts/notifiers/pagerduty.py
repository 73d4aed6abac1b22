"""PagerDuty services, by Events API v2.

An answer of 202 means that PagerDuty accepted the event, not that an incident exists yet.

Source: https://developer.pagerduty.com/docs/events-api-v2-overview
"""

import hashlib
import json
from collections.abc import Mapping
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
    """Services by name, each addressed by its routing key; "default" is the one set up."""

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

        The receipt's external id tells the routing key that opened the incident: PagerDuty
        drops the end of an incident silently when it arrives under another key.
        """
        name = self._service(target, message)
        properties = _trigger(message) if message.event is Event.TRIGGER else {}
        with asking(f"the {message.event.value} of {target}", self._keys[name]):
            self._clients[name].send_event(
                message.event.value, dedup_key=message.dedup_key, **properties
            )
        return Receipt(answer="accepted", external_id=_print(self._keys[name]))

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
        return f"{httpx2.URL(self._url).host} answers (HTTP {reply.status_code}); keys untested"

    def _service(self, target: str, message: Message) -> str:
        """Return the name of the service that `message` must go to.

        Raises:
            NotifyError: No key is known for it.
        """
        if message.event is not Event.TRIGGER and message.external_id:
            names = [n for n, key in self._keys.items() if _print(key) == message.external_id]
            if not names:
                raise NotifyError(
                    f"the routing key of {target} was changed while this incident was open, and "
                    "PagerDuty ignores what comes under another: end it there by hand",
                    permanent=True,
                )
            return target if target in names else names[0]
        if target not in self._keys:
            raise NotifyError(
                f"no routing key is known for the PagerDuty service {target}: set "
                "WAKEFUL_PAGERDUTY_ROUTING_KEY and name the channel pagerduty:default",
                permanent=True,
            )
        return target


def _trigger(message: Message) -> dict[str, Any]:
    """Return what opens an incident, beside the action and the key."""
    payload: dict[str, Any] = {
        "summary": cut(message.summary or message.title, SUMMARY_LIMIT),
        "source": message.source or "wakeful",
        "severity": message.severity.value,
        "timestamp": message.fired_at.isoformat(),
        "class": message.title,
        "custom_details": {"rule": message.title, "labels": dict(message.labels)},
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


def _print(key: str) -> str:
    """Return a fingerprint that recognises `key` without telling it."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]
