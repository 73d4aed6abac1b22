"""SQL for what traces are searched by besides labels: speed, score, and any attribute."""

from typing import Any

from signals.attributes import ALIASES
from signals.traces import NARROWING, TraceQuery, people
from signals.traces.embedded.narrow import TRACE_ID
from signals.traces.narrowing import FIELDS


def is_narrowed(query: TraceQuery) -> bool:
    """Say whether `query` narrows by any of `NARROWING`."""
    return any(getattr(query, field) not in (None, ()) for field in NARROWING)


def narrowed(query: TraceQuery, within: str) -> tuple[list[str], dict[str, Any]]:
    """Return conditions on a root `{s}`, and their parameters.

    Args:
        query: What is looked for.
        within: The time in which other spans of a request are looked up, as a condition on `{s}`.
    """
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    if query.max_duration_ms is not None:
        conditions.append("{s}.duration_ms < $max_duration_ms")
        parameters["max_duration_ms"] = query.max_duration_ms
    if query.max_score is not None:
        conditions.append(_some_span("n.eval_score <= $max_score", within))
        parameters["max_score"] = query.max_score
    for place, (name, value) in enumerate(query.attributes):
        said, asked = _says(place, name, value)
        conditions.append(_some_span(said, within))
        parameters |= asked
    return conditions, parameters


def _some_span(said: str, within: str) -> str:
    return (
        f"{{s}}.trace_id IN (SELECT {TRACE_ID.format(s='n')} FROM store.spans AS n "  # noqa: S608  names are ours
        f"WHERE {within.format(s='n')} AND {said})"
    )


def _says(place: int, name: str, value: str) -> tuple[str, dict[str, Any]]:
    """Return the condition that a span `n` tells `name` with that value, and its parameters."""
    parameters: dict[str, Any] = {f"value_{place}": value}
    if name == "user_id" and people.is_mark(value):
        hashed = f"'user ' || sha256(n.user_id)[:{people.DIGITS}]"
        return f"{hashed} = $value_{place}", parameters
    if name in FIELDS:
        return f"n.{name} = $value_{place}", parameters
    parameters[f"name_{place}"] = name
    said = f"n.attributes[$name_{place}] = $value_{place}"
    field, _ = ALIASES.get(name, ("", 0))
    if field in FIELDS:  # that is where it went, unless another attribute was there first
        went, more = _says(place, field, value)
        return f"coalesce({said}, {went})", parameters | more
    return said, parameters
