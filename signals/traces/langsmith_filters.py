"""LangSmith's filter language for our questions.

Source: https://docs.langchain.com/langsmith/trace-query-syntax; `langsmith` 0.15.1 (PyPI),
types/run_query_v2_params.py (`filter`, `tree_filter`), client.py (`list_runs`)
"""

import json
from collections.abc import Sequence
from typing import Final

from signals.attributes import ALIASES
from signals.traces.langsmith_runs import METADATA
from signals.traces.narrowing import FIELDS, WORKED_OUT

# Fields of Span that no run tells in its metadata.
UNTOLD: Final = WORKED_OUT | {"service", "status"}


def equals(name: str, value: str) -> str:
    """Return the filter that some metadata says so; empty for what is compared here alone."""
    if name in WORKED_OUT:
        return ""
    keys = [key for key, (field, _) in ALIASES.items() if field == name and "metadata." not in key]
    keys += [key for key, said in METADATA.items() if ALIASES[said][0] == name and key not in keys]
    return joined("or", [_metadata(key, value) for key in keys])


def tells(name: str, value: str) -> str:
    """Return the filter that a run has a value under any name."""
    if name == "name":
        return f"eq(name, {_quoted(value)})"
    if name == "tool":  # a run of a tool is called as the tool
        called = f'and(eq(run_type, "tool"), eq(name, {_quoted(value)}))'
        return joined("or", [equals(name, value), called])
    return equals(name, value) if name in FIELDS else _metadata(name, value)


def slower(duration_ms: float, *, is_v2: bool) -> str:
    """Return the filter that a run took at least so long."""
    return f"gte(latency, {_latency(duration_ms, is_v2=is_v2)})"


def faster(duration_ms: float, *, is_v2: bool) -> str:
    """Return the filter that a run took less."""
    return f"lt(latency, {_latency(duration_ms, is_v2=is_v2)})"


def joined(operator: str, conditions: Sequence[str]) -> str:
    """Return one filter of several."""
    return conditions[0] if len(conditions) == 1 else f"{operator}({', '.join(conditions)})"


def _metadata(key: str, value: str) -> str:
    return f"and(eq(metadata_key, {_quoted(key)}), eq(metadata_value, {_quoted(value)}))"


def _latency(duration_ms: float, *, is_v2: bool) -> str:
    seconds = f"{duration_ms / 1000:.12g}"
    return seconds if is_v2 else f'"{seconds}s"'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
