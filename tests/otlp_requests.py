"""Requests in OTLP, and what a store made of them."""

from typing import Any

import requests

from signals.traces import Span
from signals.traces.embedded import EmbeddedStore
from tests.spans import NOON, trace_id

PROTOBUF = {"Content-Type": "application/x-protobuf"}


JSON = {"Content-Type": "application/json"}


NOON_NS = int(NOON.timestamp()) * 10**9


TRACE = trace_id(0xABC)


def otlp_span(**changes: Any) -> dict[str, Any]:
    """Return a valid span of one second, in OTLP's JSON."""
    span = {
        "traceId": TRACE,
        "spanId": "00000000000000aa",
        "name": "chat",
        "kind": 1,
        "startTimeUnixNano": str(NOON_NS - 10**9),
        "endTimeUnixNano": str(NOON_NS),
    }
    return span | changes


def request_of(*spans: dict[str, Any], **resource: str) -> dict[str, Any]:
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": pairs(**{"service.name": "copilot"} | resource)},
                "scopeSpans": [{"spans": list(spans)}],
            }
        ]
    }


def pairs(**attributes: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]


def send(url: str, *spans: dict[str, Any], **resource: str) -> requests.Response:
    return requests.post(f"{url}/v1/traces", json=request_of(*spans, **resource), timeout=10)


def only_span(store: EmbeddedStore) -> Span:
    trace = store.trace(TRACE)
    assert trace is not None
    (span,) = trace.spans
    return span
