"""OTLP -> rows as the collector's exporter for ClickHouse writes them.

Source: opentelemetry-collector-contrib, exporter/clickhouseexporter/exporter_traces.go
"""

import json
from typing import Any

import httpx2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from signals.otlp import wire
from tests.clickhouse_server import ADMIN


def insert(url: str, database: str, message: ExportTraceServiceRequest) -> None:
    """Insert into `database`, spelled as the exporter of its age does."""
    lines = "\n".join(json.dumps(row) for row in rows(message, database))
    answer = httpx2.post(
        url,
        params={"database": database},
        content=f"INSERT INTO otel_traces FORMAT JSONEachRow {lines}",
        headers={ADMIN: "1"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def rows(message: ExportTraceServiceRequest, database: str) -> list[dict[str, Any]]:
    found = []
    for group in message.resource_spans:
        resource = _texts(wire.attributes(group.resource.attributes))
        for scope in group.scope_spans:
            found += [_row(span, resource, database) for span in scope.spans]
    return found


def _row(span: Span, resource: dict[str, str], database: str) -> dict[str, Any]:
    told = wire.attributes(span.attributes)
    kind, code = Span.SpanKind.Name(span.kind), Status.StatusCode.Name(span.status.code)
    if not database.endswith("old"):
        kind = kind.removeprefix("SPAN_KIND_").capitalize()
        code = code.removeprefix("STATUS_CODE_").capitalize()
    return {
        "Timestamp": _seconds(span.start_time_unix_nano),
        "TraceId": span.trace_id.hex(),
        "SpanId": span.span_id.hex(),
        "ParentSpanId": span.parent_span_id.hex(),
        "SpanName": span.name,
        "SpanKind": kind,
        "ServiceName": resource.get("service.name", ""),
        "ResourceAttributes": resource,
        "SpanAttributes": told if database.endswith("json") else _texts(told),
        # The exporter subtracts in unsigned numbers: a negative duration wraps round.
        "Duration": (span.end_time_unix_nano - span.start_time_unix_nano) % 2**64,
        "StatusCode": code,
        "StatusMessage": span.status.message,
        "Events.Timestamp": [_seconds(event.time_unix_nano) for event in span.events],
        "Events.Name": [event.name for event in span.events],
        "Events.Attributes": [_texts(wire.attributes(e.attributes)) for e in span.events],
    }


def _texts(told: dict[str, Any]) -> dict[str, str]:
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in told.items()}


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
