"""Langfuse's observations and scores -> our spans.

A duration is the end less the start: `latency` is seconds in one API and milliseconds in another.
Spans that came by OpenTelemetry keep what Langfuse has no column for in their metadata, under
`attributes` and `resourceAttributes`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from models.vocabulary import SpanStatus
from signals import attributes
from signals.attribute_values import as_number, as_object
from signals.shapes import items, mapping, text
from signals.traces import Span
from signals.traces.ids import MalformedIdError, span_id
from signals.traces.ids import trace_id as normal
from signals.traces.scores import Score
from signals.traces.told import Told, iso_nanoseconds, span_of

TENANT_TAG = "tenant:"
_COLUMNS = {  # column of a row -> the attribute that says the same
    "providedModelName": "langfuse.observation.model.name",
    "model": "langfuse.observation.model.name",
    "promptName": "langfuse.observation.prompt.name",
    "promptVersion": "langfuse.observation.prompt.version",
    "usageDetails": "langfuse.observation.usage_details",
    "totalCost": "gen_ai.usage.cost",
    "calculatedTotalCost": "gen_ai.usage.cost",
    "sessionId": "langfuse.session.id",
    "userId": "langfuse.user.id",
    "environment": "langfuse.environment",
    "traceName": "langfuse.trace.name",
    "input": "langfuse.observation.input",
    "output": "langfuse.observation.output",
    "level": "langfuse.observation.level",
    "version": "langfuse.version",
    "release": "langfuse.release",
}


def spans(rows: Iterable[Mapping[str, Any]]) -> Iterator[Span]:
    """Yield the spans of observations; what is no span is left out."""
    for row in rows:
        told = _told(row)
        if told is not None:
            yield span_of(told)


def score_of(row: Mapping[str, Any]) -> Score:
    """Return the score that a row of v3, or of a v1 trace, tells."""
    subject = mapping(row.get("subject"))
    observation = subject.get("id") if subject.get("kind") == "observation" else None
    value = row.get("value")
    label = row.get("stringValue")
    return Score(
        name=text(row.get("name")) or "score",
        value=(value == 1 if row.get("dataType") == "BOOLEAN" else value)
        if value is not None
        else label,
        label=text(label),
        comment=text(row.get("comment")),
        span_id=span_id(observation or row.get("observationId")),
    )


def _told(row: Mapping[str, Any]) -> Told | None:
    try:
        trace, own = normal(text(row["traceId"])), span_id(row["id"])
        start = iso_nanoseconds(row["startTime"])
        end = iso_nanoseconds(row["endTime"]) if row.get("endTime") else start - 1
    except (KeyError, ValueError, MalformedIdError):
        return None
    if own is None:
        return None
    said, resource = _said(row)
    return Told(
        trace_id=trace,
        span_id=own,
        parent_id=span_id(row.get("parentObservationId")),
        name=text(row.get("name")),
        start_ns=start,
        duration_ms=(end - start) / 1e6,
        status=SpanStatus.ERROR if row.get("level") == "ERROR" else SpanStatus.UNSET,
        message=text(row.get("statusMessage")),
        attributes=said,
        resource=attributes.of_resource(resource) if resource else None,
    )


def _said(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a row says as attributes, and what its metadata says of the resource."""
    metadata = dict(as_object(row.get("metadata")) or {})
    said = dict(as_object(metadata.pop("attributes", None)) or {})
    resource = dict(as_object(metadata.pop("resourceAttributes", None)) or {})
    metadata.pop("scope", None)
    said |= {f"metadata.{key}": value for key, value in metadata.items()}
    said |= {key: row[column] for column, key in _COLUMNS.items() if _is_told(row.get(column))}
    kind = text(row.get("type")).lower()
    said["langfuse.observation.type"] = kind
    if kind == "tool":
        said.setdefault("tool.name", row.get("name"))
    first = as_number(row.get("timeToFirstToken"))
    if first is not None:
        said["ttft_ms"] = first * 1000
    for tag in map(text, items(row.get("tags"))):
        if tag.startswith(TENANT_TAG):
            said.setdefault("tenant", tag.removeprefix(TENANT_TAG))
    return said, resource


def _is_told(value: object) -> bool:
    """Say whether a column holds something; v1 writes -1 for a cost that it was not asked for."""
    return value not in (None, "", {}, -1)


def hex_id(written: str) -> str:
    """Return a trace id as ours; empty if it is none."""
    try:
        return normal(written)
    except MalformedIdError:
        return ""
