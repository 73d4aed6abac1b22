"""Conditions of Langfuse's v2 observations, as they stand in its `filter`.

Source: langfuse/langfuse, fern/apis/server/definition/observations.yml, read 2026-11
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from signals.traces import TraceQuery

Condition = Mapping[str, Any]


def roots(query: TraceQuery) -> list[Condition]:
    """Return the conditions on the roots of traces, as far as Langfuse can compare them."""
    found = [*within(query.start, query.end), condition("isRootObservation", "=", True, "boolean")]
    if query.errors_only:
        found.append(any_of("level", ["ERROR"]))
    if query.min_duration_ms is not None:
        found.append(condition("latency", ">=", query.min_duration_ms / 1000, "number"))
    if query.max_duration_ms is not None:
        found.append(condition("latency", "<", query.max_duration_ms / 1000, "number"))
    if query.scope.get("environment"):
        found.append(any_of("environment", [query.scope["environment"]]))
    return found


def within(start: datetime, end: datetime) -> list[Condition]:
    """Return the conditions that an observation started in [start, end)."""
    return [
        condition("startTime", ">=", iso(start), "datetime"),
        condition("startTime", "<", iso(end), "datetime"),
    ]


def any_of(column: str, values: Sequence[str]) -> Condition:
    """Return the condition that a column has one of `values`."""
    return condition(column, "any of", list(values), "stringOptions")


def metadata(key: str, value: str) -> Condition:
    """Return the condition that metadata says so; what is nested has a path for its key."""
    return {**condition("metadata", "=", value, "stringObject"), "key": key}


def condition(column: str, operator: str, value: object, kind: str) -> dict[str, Any]:
    """Return one condition."""
    return {"type": kind, "column": column, "operator": operator, "value": value}


def iso(at: datetime) -> str:
    """Return a time as Langfuse reads it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
