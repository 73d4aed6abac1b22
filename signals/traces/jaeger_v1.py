"""Jaeger's older JSON -> our spans: microseconds, tags with types, references for parents.

Source: jaeger-idl, proto/api_v2/model.proto; Jaeger 1.x `GET /api/traces/{id}`
"""

from collections.abc import Iterator, Mapping
from typing import Any

from models.vocabulary import SpanStatus
from signals import attributes
from signals.attribute_values import Value
from signals.shapes import mapping, mappings, text
from signals.traces import Span
from signals.traces.ids import MalformedIdError, span_id, trace_id
from signals.traces.otlp_json import whole
from signals.traces.told import Told, is_server, span_of, status_of


def spans_of_v1(trace: object) -> Iterator[Span]:
    """Yield the spans of one trace of `GET /api/traces/{id}`."""
    found = mapping(trace)
    resources = {
        name: attributes.of_resource(
            {**_tags(process.get("tags")), "service.name": process.get("serviceName")}
        )
        for name, process in mapping(found.get("processes")).items()
        if isinstance(process, Mapping)
    }
    for span in mappings(found.get("spans")):
        told = _told(span, resources)
        if told is not None:
            yield span_of(told)


def _told(span: Mapping[str, Any], resources: Mapping[str, attributes.Found]) -> Told | None:
    try:
        trace = trace_id(text(span.get("traceID")))
    except MalformedIdError:
        return None
    own = span_id(span.get("spanID"))
    if own is None:
        return None
    tags = _tags(span.get("tags"))
    status = status_of(tags.pop("otel.status_code", None))
    if str(tags.pop("error", "")).lower() == "true":
        status = SpanStatus.ERROR
    return Told(
        trace_id=trace,
        span_id=own,
        parent_id=_parent(span),
        name=text(span.get("operationName")),
        start_ns=whole(span.get("startTime")) * 1_000,
        duration_ms=whole(span.get("duration")) / 1_000,
        status=status,
        message=str(tags.pop("otel.status_description", "")),
        is_server=is_server(tags.pop("span.kind", None)),
        attributes=tags,
        resource=resources.get(str(span.get("processID"))),
        events=[_event(log) for log in mappings(span.get("logs"))],
    )


def _parent(span: Mapping[str, Any]) -> str | None:
    for reference in mappings(span.get("references")):
        if reference.get("refType") == "CHILD_OF":
            return span_id(reference.get("spanID"))
    return span_id(span.get("parentSpanID"))


def _event(log: Mapping[str, Any]) -> tuple[int, str, dict[str, Value]]:
    fields = _tags(log.get("fields"))
    return whole(log.get("timestamp")) * 1_000, str(fields.pop("event", "log")), fields


def _tags(found: object) -> dict[str, Value]:
    """Return tags by key; numbers beyond a browser's precision come as text of a type."""
    told: dict[str, Value] = {}
    for tag in mappings(found):
        if "key" in tag:
            value = tag.get("value")
            told[str(tag["key"])] = whole(value) if tag.get("type") == "int64" else value
    return told
