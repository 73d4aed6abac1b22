"""Rows of the collector's `otel_traces` -> our spans."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from signals import attributes as aliases
from signals.attribute_values import as_object
from signals.shapes import items, text
from signals.traces import Span
from signals.traces.ids import MalformedIdError, span_id, trace_id
from signals.traces.otlp_json import whole
from signals.traces.told import Told, is_server, span_of, status_of


def hex_id(written: str) -> str:
    """Return a trace id in our form; empty for what is none."""
    try:
        return trace_id(written)
    except MalformedIdError:
        return ""


def spans_of(rows: Sequence[Mapping[str, Any]]) -> Iterator[Span]:
    """Yield the spans of rows; what is no span is left out."""
    for row in rows:
        own, trace = span_id(row.get("SpanId")), hex_id(text(row.get("TraceId")))
        if own is None or not trace:
            continue
        service = text(row.get("ServiceName")) or "unknown"
        resource = aliases.of_resource(_flat(row.get("resource")))
        if resource.fields["service"] == "unknown":
            resource.fields["service"] = service
        yield span_of(
            Told(
                trace_id=trace,
                span_id=own,
                parent_id=span_id(row.get("ParentSpanId")),
                name=text(row.get("SpanName")),
                start_ns=whole(row.get("start_ns")),
                duration_ms=_signed(whole(row.get("Duration"))) / 1e6,
                status=status_of(row.get("StatusCode")),
                message=text(row.get("StatusMessage")),
                is_server=is_server(row.get("SpanKind")),
                attributes=_flat(row.get("attributes")),
                resource=resource,
                events=_events(row),
            )
        )


def _events(row: Mapping[str, Any]) -> list[tuple[int, str, dict[str, Any]]]:
    columns = (items(row.get(f"event_{name}")) for name in ("times", "names", "attributes"))
    return [(whole(at), str(name), _flat(said)) for at, name, said in zip(*columns, strict=False)]


def _signed(duration: int) -> int:
    """Return a duration that wrapped round below zero, for the exporter subtracts unsigned."""
    return duration - 2**64 if duration >= 2**63 else duration


def _flat(found: object, prefix: str = "") -> dict[str, Any]:
    """Return attributes by their dotted keys; the type JSON nests them."""
    held = as_object(found) or {}
    flat: dict[str, Any] = {}
    for key, value in held.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
