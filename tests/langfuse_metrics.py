"""Langfuse's v2 metrics, computed over rows in memory, with what it refuses.

Source: `langfuse` 5.0.4 (PyPI), api/metrics/client.py
"""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

DIMENSIONS = frozenset(
    (
        *("environment", "type", "name", "level", "version", "tags", "release", "traceName"),
        *("providedModelName", "promptName", "promptVersion", "isRootObservation"),
    )
)
STEPS = {"minute": 60, "hour": 3600, "day": 86400}
QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class RefusedError(Exception):
    """Langfuse would answer 400."""


def compute(
    query: dict[str, Any], rows: list[dict[str, Any]], scores: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    start, end = (_at(query[key]) for key in ("fromTimestamp", "toTimestamp"))
    dimensions = [each["field"] for each in query.get("dimensions", ())]
    granularity = (query.get("timeDimension") or {}).get("granularity")
    row_limit = query.get("config", {}).get("row_limit", 100)
    _check(query, dimensions, granularity, row_limit)
    facts = rows if query["view"] == "observations" else scores
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in facts:
        at = _at(row.get("startTime") or row["timestamp"])
        if start <= at < end and all(_fits(row, each) for each in query["filters"]):
            bucket = _bucket(at, granularity) if granularity else None
            groups[(bucket, *(row.get(name) for name in dimensions))].append(row)
    if not groups and not dimensions and not granularity:
        groups[(None,)] = []
    found = [_line(query, dimensions, place, held) for place, held in groups.items()]
    for order in query.get("orderBy") or ():
        found.sort(
            key=lambda line: float(line[order["field"]]), reverse=order["direction"] == "desc"
        )
    return found[:row_limit]


def _line(
    query: dict[str, Any], dimensions: list[str], place: tuple[Any, ...], held: list[dict[str, Any]]
) -> dict[str, Any]:
    bucket, *values = place
    line = dict(zip(dimensions, values, strict=True))
    if bucket:
        line["time_dimension"] = bucket
    for metric in query["metrics"]:
        name = f"{metric['aggregation']}_{metric['measure']}"
        line[name] = _measure(metric["measure"], metric["aggregation"], held)
    return line


def _check(query: dict[str, Any], dimensions: list[str], granularity: Any, rows: int) -> None:
    start, end = (_at(query[key]) for key in ("fromTimestamp", "toTimestamp"))
    if query["view"] == "traces" or end <= start:
        raise RefusedError("Invalid query")
    if not set(dimensions) <= DIMENSIONS:
        raise RefusedError(f"High cardinality or unknown dimension in {dimensions}")
    if not 1 <= rows <= 1000:
        raise RefusedError("row_limit must be 1 to 1000")
    if granularity and granularity not in STEPS:
        raise RefusedError("Invalid granularity")


def _fits(row: dict[str, Any], condition: dict[str, Any]) -> bool:
    if condition["column"] not in DIMENSIONS | {"traceId", "userId", "sessionId"}:
        raise RefusedError(f"Invalid filter column {condition['column']}")
    value = row.get(condition["column"])
    if condition["operator"] == "any of":
        return value in condition["value"]
    return bool(value == condition["value"])


def _measure(measure: str, aggregation: str, rows: list[dict[str, Any]]) -> Any:
    if aggregation == "count":
        return str(len(rows))  # 64 bits, as text
    values = sorted(value for row in rows if (value := _value(measure, row)) is not None)
    if aggregation == "sum":
        return sum(values)
    if not values:
        return None
    if aggregation in QUANTILES:
        place = QUANTILES[aggregation] * (len(values) - 1)
        low = int(place)
        high = min(low + 1, len(values) - 1)
        return values[low] + (values[high] - values[low]) * (place - low)
    return {"avg": sum(values) / len(values), "min": values[0], "max": values[-1]}[aggregation]


def _value(measure: str, row: dict[str, Any]) -> float | None:
    match measure:
        case "latency":
            return float(row["latency"]) * 1000
        case "totalCost":
            return None if row["totalCost"] is None else float(row["totalCost"])
        case "totalTokens":
            return float(sum(row["usageDetails"].values())) if row["usageDetails"] else None
        case "value":
            return float(row["value"])
    raise RefusedError(f"Invalid measure {measure}")


def _bucket(at: datetime, granularity: str) -> str:
    step = STEPS[granularity]
    start = datetime.fromtimestamp(at.timestamp() // step * step, tz=UTC)
    return start.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
