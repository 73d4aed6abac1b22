"""What Langfuse takes as filters of observations and as parameters of scores, and refuses.

Source: langfuse/langfuse, fern/apis/server/definition/observations.yml (types and operators),
packages/shared/src/server/otel/utils.ts (flattenJsonToPathArrays); `langfuse` 5.0.4 (PyPI),
api/scores/client.py (`get_many`); read 2026-11
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.langfuse_metrics import RefusedError

OPERATORS = {
    "datetime": (">", "<", ">=", "<="),
    "number": ("=", ">", "<", ">=", "<="),
    "string": ("=", "contains", "does not contain", "starts with", "ends with", "matches"),
    "stringObject": ("=", "contains", "does not contain", "starts with", "ends with", "matches"),
    "stringOptions": ("any of", "none of"),
    "boolean": ("=", "<>"),
}


def matches(row: dict[str, Any], condition: dict[str, Any]) -> bool:
    column, operator, kind = condition["column"], condition["operator"], condition["type"]
    if operator not in OPERATORS.get(kind, ()):
        raise RefusedError(f"Invalid operator {operator} of type {kind}")
    if column not in row or column == "projectId" or (column == "metadata") != ("key" in condition):
        raise RefusedError(f"Invalid filter column {column}")
    if column == "metadata":
        said = paths(row["metadata"]).get(condition["key"])
        return bool(said == condition["value"])
    if column in ("input", "output") and operator != "matches":
        raise RefusedError("Use matches on input and output")
    value, wanted = row[column], condition["value"]
    if kind == "datetime":
        value, wanted = instant(value), instant(wanted)
    if kind == "stringOptions":
        return (value in wanted) == (operator == "any of")
    return bool(
        {
            "=": value == wanted,
            ">=": operator == ">=" and value >= wanted,
            "<": operator == "<" and value < wanted,
            ">": operator == ">" and value > wanted,
        }[operator]
    )


def paths(metadata: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return metadata as Langfuse keeps it: flat, as texts, by paths of names."""
    found: dict[str, str] = {}
    for key, value in metadata.items():
        if isinstance(value, dict):
            found |= paths(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return found


def fits(score: dict[str, Any], params: Mapping[str, str]) -> bool:
    """Say whether a score is one that the parameters ask for."""
    kinds = params.get("dataType", "").upper().split(",")
    if {"valueMin", "valueMax"} & params.keys() and kinds != ["NUMERIC"]:
        raise RefusedError("valueMin and valueMax require dataType=NUMERIC")
    if "value" in params and kinds not in (["NUMERIC"], ["BOOLEAN"], ["CATEGORICAL"]):
        raise RefusedError("value requires a single dataType")
    if "dataType" in params and score["dataType"] not in kinds:
        return False
    if "traceId" in params and score["traceId"] not in params["traceId"].split(","):
        return False
    if "fromTimestamp" in params and instant(score["timestamp"]) < instant(params["fromTimestamp"]):
        return False
    value = score.get("value")
    written = (
        str(bool(value)).lower()
        if score["dataType"] == "BOOLEAN"
        else score.get("stringValue", value)
    )
    if "value" in params and written not in params["value"].split(","):
        return False
    least, most = float(params.get("valueMin", "-inf")), float(params.get("valueMax", "inf"))
    return score["dataType"] != "NUMERIC" or least <= float(value or 0) <= most


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
