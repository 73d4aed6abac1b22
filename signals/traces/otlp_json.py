"""OTLP as JSON, in every dialect that stores answer in -> our spans.

Ids in hexadecimal or base64; enums as numbers or names; 64-bit numbers as text or numbers; keys in
camel or snake case, with nulls for what is not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from signals import attributes
from signals.attribute_values import Value
from signals.shapes import mapping, mappings, text
from signals.traces import Span
from signals.traces.ids import MalformedIdError, span_id, trace_id
from signals.traces.told import Told, is_server, span_of, status_of

_MAX_DEPTH = 16
_LARGEST = 2**64


def spans_of(resource_spans: object) -> Iterator[Span]:
    """Yield the spans of OTLP's `resourceSpans`; what is no span is left out."""
    for group in mappings(resource_spans):
        resource = attributes.of_resource(pairs(_get(_get(group, "resource"), "attributes")))
        scopes = _get(group, "scopeSpans") or _get(group, "instrumentationLibrarySpans")
        for scope in mappings(scopes):
            for span in mappings(_get(scope, "spans")):
                told = _told(span, resource)
                if told is not None:
                    yield span_of(told)


def pairs(found: object) -> dict[str, Value]:
    """Return OTLP's list of key and value as a dict; the last of two equal keys wins."""
    return {
        str(item["key"]): value_of(item.get("value")) for item in mappings(found) if "key" in item
    }


def value_of(value: object, depth: int = 0) -> Value:
    """Return the Python value of OTLP's AnyValue."""
    if not isinstance(value, Mapping):
        return "" if value is None else value
    if depth > _MAX_DEPTH:
        return "[nested too deep]"
    for key, held in value.items():
        if held is None:
            continue
        match key.replace("_", "").lower():
            case "stringvalue" | "boolvalue" | "doublevalue" | "bytesvalue":
                return held
            case "intvalue":
                return whole(held)
            case "arrayvalue":
                return [value_of(item, depth + 1) for item in mappings(mapping(held).get("values"))]
            case "kvlistvalue":
                listed = mappings(mapping(held).get("values"))
                return {str(i.get("key")): value_of(i.get("value"), depth + 1) for i in listed}
            case _:
                continue
    return ""


def whole(number: object) -> int:
    """Return a whole number that JSON wrote as a number or as text; 0 for what is none."""
    try:
        found = int(number) if isinstance(number, float) else int(str(number))
    except (ValueError, OverflowError):
        return 0
    return found if abs(found) <= _LARGEST else 0


def _told(span: Mapping[str, Any], resource: attributes.Found) -> Told | None:
    start = whole(_get(span, "startTimeUnixNano"))
    end = whole(_get(span, "endTimeUnixNano"))
    try:
        trace = trace_id(text(_get(span, "traceId")))
    except MalformedIdError:
        return None
    own = span_id(_get(span, "spanId"))
    if own is None or not start:
        return None
    status = mapping(_get(span, "status"))
    return Told(
        trace_id=trace,
        span_id=own,
        parent_id=span_id(_get(span, "parentSpanId")),
        name=text(span.get("name")),
        start_ns=start,
        duration_ms=(end - start) / 1e6,
        status=status_of(status.get("code")),
        message=text(status.get("message")),
        is_server=is_server(span.get("kind")),
        attributes=pairs(span.get("attributes")),
        resource=resource,
        events=_events(span.get("events")),
    )


def _events(found: object) -> Sequence[tuple[int, str, dict[str, Value]]]:
    return [
        (
            whole(_get(event, "timeUnixNano")),
            text(event.get("name")),
            pairs(event.get("attributes")),
        )
        for event in mappings(found)
    ]


def _get(found: object, name: str) -> Any:
    """Return a field by its name in camel case, or in snake case, or None."""
    if not isinstance(found, Mapping):
        return None
    if name in found:
        return found[name]
    return found.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name))
