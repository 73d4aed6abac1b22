"""LangSmith's runs -> our spans: v1 writes them in lower case, v2 in upper.

Source: `langsmith` 0.15.1 (PyPI), types/run.py, client.py (`default_select`)
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from signals.shapes import items, mapping, text
from signals.traces import Span
from signals.traces.ids import MalformedIdError, span_id, trace_id
from signals.traces.scores import Score
from signals.traces.told import Told, iso_nanoseconds, span_of, status_of

SELECTS_V2 = (
    *("ID", "NAME", "RUN_TYPE", "STATUS", "START_TIME", "END_TIME", "FIRST_TOKEN_TIME", "ERROR"),
    *("TRACE_ID", "PARENT_RUN_IDS", "THREAD_ID", "INPUTS", "OUTPUTS", "METADATA", "TAGS"),
    *("PROMPT_TOKENS", "COMPLETION_TOKENS", "TOTAL_COST", "PROMPT_TOKEN_DETAILS"),
    "FEEDBACK_STATS",
)
SELECTS_V1 = (
    *("id", "name", "run_type", "status", "start_time", "end_time", "first_token_time", "error"),
    *("trace_id", "parent_run_id", "parent_run_ids", "inputs", "outputs", "extra", "tags"),
    *("prompt_tokens", "completion_tokens", "total_cost", "feedback_stats"),
)
_COLUMNS = {
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "total_cost": "gen_ai.usage.cost",
    "thread_id": "session.id",
}
_USAGE = frozenset(("prompt_tokens", "completion_tokens", "total_cost"))
METADATA = {  # what LangSmith's own SDKs call it -> the attribute
    "ls_model_name": "gen_ai.response.model",
    "ls_provider": "gen_ai.provider.name",
    "thread_id": "session.id",
    "conversation_id": "gen_ai.conversation.id",
}


def spans(
    rows: Iterable[Mapping[str, Any]], *, service: str, summed: bool = False
) -> Iterator[Span]:
    """Yield the spans of runs; what is none is left out.

    Args:
        rows: Runs of either API.
        service: The project's name, for LangSmith knows no services.
        summed: The usage of runs above others is the sum of those, as v1 tells it; only model
            calls have their own, and a span must not repeat what others spent.
    """
    for row in rows:
        if summed and str(row.get("run_type")).lower() != "llm":
            row = {key: value for key, value in row.items() if key not in _USAGE}
        told = _told(row, service)
        if told is not None:
            yield span_of(told)


def scores_of(row: Mapping[str, Any]) -> Iterator[Score]:
    """Yield the feedback on a run: the mean of each key."""
    for name, stats in mapping(row.get("feedback_stats")).items():
        mean = mapping(stats).get("avg")
        if mean is not None:
            yield Score(name=str(name), value=mean, span_id=span_id(row.get("id")))


def _told(row: Mapping[str, Any], service: str) -> Told | None:
    try:
        trace, own = trace_id(text(row["trace_id"])), span_id(row["id"])
        start = iso_nanoseconds(row["start_time"])
        end = iso_nanoseconds(row["end_time"]) if row.get("end_time") else start - 1
        first = row.get("first_token_time")
        first_ms = (iso_nanoseconds(first) - start) / 1e6 if first else None
    except (KeyError, ValueError, MalformedIdError):
        return None
    if own is None:
        return None
    said = _said(row)
    if first_ms is not None:
        said["ttft_ms"] = first_ms
    return Told(
        trace_id=trace,
        span_id=own,
        parent_id=_parent(row),
        name=text(row.get("name")),
        start_ns=start,
        duration_ms=(end - start) / 1e6,
        status=status_of(row.get("status")),
        message=text(row.get("error")),
        attributes=said,
        service=service,
    )


def _parent(row: Mapping[str, Any]) -> str | None:
    """Return the parent: by its name in v1, the last of all ancestors in v2."""
    if row.get("parent_run_id"):
        return span_id(row["parent_run_id"])
    ancestors = items(row.get("parent_run_ids"))
    return span_id(ancestors[-1]) if ancestors else None


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    metadata = row.get("metadata") or mapping(row.get("extra")).get("metadata")
    said: dict[str, Any] = {}
    for key, value in mapping(metadata).items():
        said[METADATA.get(key, key)] = value
    said |= {key: row[column] for column, key in _COLUMNS.items() if row.get(column) is not None}
    kind = text(row.get("run_type")).lower()
    said["openinference.span.kind"] = kind
    if kind == "tool":
        said.setdefault("tool.name", row.get("name"))
    cached = mapping(mapping(row.get("prompt_token_details")).get("raw")).get("cache_read")
    if cached is not None:
        said["gen_ai.usage.cache_read.input_tokens"] = cached
    for name, key in (("inputs", "input.value"), ("outputs", "output.value")):
        if row.get(name):
            said[key] = json.dumps(row[name], ensure_ascii=False)
    if row.get("tags"):
        said["tag.tags"] = row["tags"]
    return said
