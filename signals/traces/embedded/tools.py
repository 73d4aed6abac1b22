"""What tools did, added up in the embedded store: see `signals.traces.tools`."""

from collections.abc import Mapping, Sequence
from typing import Any

from signals.traces.embedded.database import Database
from signals.traces.embedded.requests import MARGIN, checked, matches, roots
from signals.traces.embedded.schema import aware, naive
from signals.traces.tools import (
    APPROVALS,
    DECIDED,
    ID,
    MAX_TOOLS,
    MAX_WAITING,
    PERMISSIONS,
    REQUESTED,
    Approval,
    ToolQuery,
    ToolReport,
    ToolUse,
    instant,
)

_AROUND = f"{{s}}.ended_at >= $start - {MARGIN} AND {{s}}.ended_at < $end + {MARGIN}"
_COUNTED = ("allowed", "denied", "needs confirmation")
_APPROVED = ("granted", "rejected", "pending")


def report(database: Database, query: ToolQuery) -> ToolReport:
    """Return what tools did; see `ToolStore.tools`."""
    calls, parameters = _calls(query)
    counts = ", ".join(
        f"count(*) FILTER (WHERE {column} = '{word}')"
        for column, words in (("permission", _COUNTED), ("approval", _APPROVED))
        for word in words
    )
    rows = database.ask(
        f"WITH {calls} SELECT tool, count(*) AS calls, "  # noqa: S608  labels are checked
        "count(*) FILTER (WHERE status = 'error'), "
        f"quantile_cont(duration_ms, 0.5), quantile_cont(duration_ms, 0.95), {counts}, "
        "count(*) OVER () FROM calls GROUP BY tool "
        f"ORDER BY calls DESC, tool LIMIT {MAX_TOOLS}",
        parameters,
    )
    if not rows:
        return ToolReport()
    pending = any(row[-2] for row in rows) or rows[0][-1] > len(rows)
    waiting = _waiting(database, calls, parameters) if pending else []
    return ToolReport(
        tools=tuple(ToolUse(**dict(zip(_FIELDS, row[:-1], strict=True))) for row in rows),
        names=rows[0][-1],
        waiting=tuple(map(_approval, waiting)),
        waits=waiting[0][-1] if waiting else 0,
    )


_FIELDS = (
    *("tool", "calls", "errors", "p50_ms", "p95_ms", "allowed", "denied", "confirmed"),
    *("granted", "rejected", "pending"),
)


def _waiting(
    database: Database, calls: str, parameters: Mapping[str, Any]
) -> Sequence[tuple[Any, ...]]:
    # A decision may come after the period: it is looked for up to the newest span.
    return database.ask(
        f"WITH {calls}, decided AS (SELECT DISTINCT d.attributes['{ID}'] AS id "  # noqa: S608  labels are checked
        f"FROM store.spans AS d WHERE d.kind = 'tool' AND d.ended_at >= $start - {MARGIN} "
        f"AND {_word('d.approval', APPROVALS)} IN ('granted', 'rejected') "
        f"AND d.attributes['{ID}'] IS NOT NULL) "
        f"SELECT tool, trace_id, span_id, started_at, requested, decided, count(*) OVER () "
        "FROM calls WHERE approval = 'pending' AND "
        "(id IS NULL OR id NOT IN (SELECT id FROM decided)) "
        f"ORDER BY started_at LIMIT {MAX_WAITING}",
        parameters,
    )


def _approval(row: Sequence[Any]) -> Approval:
    tool, trace_id, span_id, started_at, requested, decided, _ = row
    return Approval(
        tool=tool,
        trace_id=trace_id,
        span_id=span_id,
        outcome="pending",
        requested_at=instant(requested) or aware(started_at),
        decided_at=instant(decided),
    )


def _calls(query: ToolQuery) -> tuple[str, Mapping[str, Any]]:
    """Return the CTEs whose last, `calls`, holds a row for each call, and their parameters."""
    scope = dict(query.scope)
    labels = checked(scope)
    condition, parameters = matches(scope, "c")
    ctes, join, told = "", "", ""
    if labels:
        ctes = f"{roots(_AROUND, labels, '')}, "
        join = " LEFT JOIN requests AS q ON q.trace_id = s.trace_id"
        told = "".join(f", coalesce(q.{label}, s.{label}) AS {label}" for label in labels)
    sql = (
        f"{ctes}calls AS (SELECT * FROM (SELECT coalesce(s.tool, s.name) AS tool, s.trace_id, "  # noqa: S608  labels are checked
        f"s.span_id, s.started_at, s.duration_ms, s.status, "
        f"{_word('s.permission', PERMISSIONS)} AS permission, "
        f"{_word('s.approval', APPROVALS)} AS approval, s.attributes['{ID}'] AS id, "
        f"s.attributes['{REQUESTED}'] AS requested, s.attributes['{DECIDED}'] AS decided{told} "
        f"FROM store.spans AS s{join} WHERE s.kind = 'tool' AND s.ended_at >= $start "
        f"AND s.ended_at < $end) AS c WHERE {condition})"
    )
    return sql, {**parameters, "start": naive(query.start), "end": naive(query.end)}


def _word(column: str, words: Mapping[str, Sequence[str]]) -> str:
    """Return the SQL of `signals.traces.tools.word_of`."""
    cases = " ".join(
        f"WHEN lower(trim({column})) IN ({', '.join(repr(known) for known in spelled)}) "
        f"THEN '{word}'"
        for word, spelled in words.items()
    )
    return f"CASE {cases} END"
