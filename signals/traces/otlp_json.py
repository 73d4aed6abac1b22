"""OTLP as JSON, in every dialect that stores answer in -> our spans.

Ids in hexadecimal or base64; enums as numbers or names; 64-bit numbers as text or numbers; keys in
camel or snake case, with nulls for what is not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.vocabulary import SpanStatus
from signals import attributes
from signals.attribute_values import Value
from signals.traces import Span
from signals.traces.ids import MalformedIdError, span_id, trace_id
from signals.traces.told import Told, is_server, span_of, status_of

_MAX_DEPTH = 16
_LARGEST = 2**64


def spans_of(resource_spans: object) -> Iterator[Span]:
    """Yield the spans of OTLP's `resourceSpans`; what is no span is left out."""
    for group in _items(resource_spans):
        resource = attributes.of_resource(pairs(_get(_get(group, "resource"), "attributes")))
        scopes = _get(group, "scopeSpans") or _get(group, "instrumentationLibrarySpans")
        for scope in _items(scopes):
            for span in _items(_get(scope, "spans")):
                told = _told(span, resource)
                if told is not None:
                    yield span_of(told)


def pairs(found: object) -> dict[str, Value]:
    """Return OTLP's list of key and value as a dict; the last of two equal keys wins."""
    return {
        str(item["key"]): value_of(item.get("value")) for item in _items(found) if "key" in item
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
                return [value_of(item, depth + 1) for item in _items(held, "values")]
            case "kvlistvalue":
                listed = _items(held, "values")
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
        trace = trace_id(str(_get(span, "traceId") or ""))
    except MalformedIdError:
        return None
    own = span_id(_text(_get(span, "spanId")))
    if own is None or not start:
        return None
    status = _get(span, "status") or {}
    return Told(
        trace_id=trace,
        span_id=own,
        parent_id=span_id(_text(_get(span, "parentSpanId"))),
        name=_text(span.get("name")),
        start_ns=start,
        duration_ms=(end - start) / 1e6,
        status=status_of(status.get("code")) if isinstance(status, Mapping) else SpanStatus.UNSET,
        message=_text(status.get("message")) if isinstance(status, Mapping) else "",
        is_server=is_server(span.get("kind")),
        attributes=pairs(span.get("attributes")),
        resource=resource,
        events=_events(span.get("events")),
    )


def _events(found: object) -> Sequence[tuple[int, str, dict[str, Value]]]:
    return [
        (
            whole(_get(event, "timeUnixNano")),
            _text(event.get("name")),
            pairs(event.get("attributes")),
        )
        for event in _items(found)
    ]


def _get(found: object, name: str) -> Any:
    """Return a field by its name in camel case, or in snake case, or None."""
    if not isinstance(found, Mapping):
        return None
    if name in found:
        return found[name]
    return found.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name))


def _items(found: object, key: str = "") -> list[Mapping[str, Any]]:
    if key:
        found = found.get(key) if isinstance(found, Mapping) else None
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _text(value: object) -> str:
    return "" if value is None else str(value)
