"""Narrow copies of the spans, which lists and charts read instead: an eighth of the rows.

roots     a row a root: what the request was, how it ended, the labels it says itself
charges   a row for each span that tells a cost or tokens; where its root came in the same commit,
          with the labels that the root says (`of_…`), which spares a join
parts     a row a trace and commit: what its spans of that commit say together

They are written in the transaction of their spans, so that no reader has to think of them, and
are only ever added to: a trace that comes in many commits has many parts, and whatever is asked
of a trace is a sum, an extreme or an `arg_max` over them. Trace ids are UUIDs here, which join in
half the time of text.
"""

from datetime import datetime, timedelta
from typing import Any

import duckdb

from signals.traces import FILTERS
from signals.traces.costs import BILLABLE

TABLES = ("roots", "charges", "parts")
LABELS = tuple(label for label in FILTERS if label != "outcome")
TOLD = (*LABELS, "provider")  # what a request has of its longest span that says
TRACE_ID = "CAST({s}.trace_id AS UUID)"
TEXT = "replace(CAST({s}.trace_id AS VARCHAR), '-', '')"

PAID = "{s}.kind IN (" + ", ".join(sorted(f"'{kind.value}'" for kind in BILLABLE)) + ")"
_TOKENS = "coalesce(s.input_tokens + s.output_tokens, s.input_tokens, s.output_tokens)"
_IS_PAID, _IS_ROOT = PAID.format(s="s"), "s.parent_id IS NULL"
# How far a cost is to be trusted: 3 is unpriced, 2 computed. See `costs.weakest`.
_DOUBT = "list_position(['reported', 'computed', 'unpriced'], s.cost_source)"
_OWN = ", ".join(f"s.{name}" for name in ("status", "outcome", *TOLD))

_SELECTS = {
    "roots": f"""
        SELECT {TRACE_ID.format(s="s")} AS trace_id, s.started_at, s.ended_at, s.name,
            s.duration_ms, s.cache_hit, {_OWN}, s.weight, true AS is_first
        FROM {{spans}} AS s WHERE {_IS_ROOT} AND {{which}}
    """,  # noqa: S608  names are ours
    "charges": f"""
        SELECT {TRACE_ID.format(s="s")} AS trace_id, s.started_at, s.ended_at,
            {_IS_ROOT} AS is_root, {_IS_PAID} AS is_paid, s.cost_usd, s.cost_source,
            {_TOKENS} AS tokens, s.weight, s.outcome, {", ".join(f"s.{label}" for label in LABELS)},
            {", ".join(f"r.{label} AS of_{label}" for label in LABELS)}
        FROM {{spans}} AS s LEFT JOIN (
            SELECT s.trace_id, {", ".join(f"any_value(s.{label}) AS {label}" for label in LABELS)}
            FROM {{spans}} AS s WHERE {_IS_ROOT} AND {{which}}
            GROUP BY s.trace_id HAVING count(*) = 1
        ) AS r ON r.trace_id = s.trace_id
        WHERE (s.cost_usd IS NOT NULL OR {_TOKENS} IS NOT NULL OR s.cost_source = 'unpriced')
            AND {{which}}
    """,  # noqa: S608
    "parts": f"""
        SELECT {TRACE_ID.format(s="s")} AS trace_id, min(s.started_at) AS started_at,
            max(s.ended_at) AS ended_at, count(*) AS spans,
            count(*) FILTER (s.status = 'error') AS errors,
            sum(s.cost_usd) FILTER ({_IS_PAID}) AS paid_usd,
            sum(s.cost_usd) FILTER ({_IS_ROOT}) AS root_usd,
            CAST(sum({_TOKENS}) FILTER ({_IS_PAID}) AS BIGINT) AS paid_tokens,
            CAST(sum({_TOKENS}) FILTER ({_IS_ROOT}) AS BIGINT) AS root_tokens,
            CAST(max({_DOUBT}) FILTER ({_IS_PAID}) AS TINYINT) AS paid_doubt,
            CAST(max({_DOUBT}) FILTER ({_IS_ROOT} AND s.cost_usd IS NOT NULL) AS TINYINT)
                AS root_doubt,
            list(DISTINCT s.tool) FILTER (s.tool IS NOT NULL) AS tools,
            min(s.eval_score) AS worst_score,
            bool_or(s.guardrail_triggered) AS guardrail_triggered,
            {", ".join(f"arg_max(s.{label}, s.duration_ms) AS {label}" for label in TOLD)},
            {
        ", ".join(
            f"max(s.duration_ms) FILTER (s.{label} IS NOT NULL) AS {label}_ms" for label in TOLD
        )
    }
        FROM {{spans}} AS s WHERE {{which}} GROUP BY s.trace_id
    """,  # noqa: S608
}
_NEAR = timedelta(days=1)  # as far apart as two roots of a trace may start
_CHUNK = "INTERVAL 6 HOUR"  # of spans that are copied at a time: bounds the memory it takes


def create(cursor: duckdb.DuckDBPyConnection) -> None:
    """Create the tables unless they exist, and fill them from spans that were there before."""
    held = (
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'store' AND table_name = $name"
    )
    if all(cursor.execute(held, {"name": name}).fetchall() == [(1,)] for name in TABLES):
        return
    cursor.begin()
    for name in TABLES:
        cursor.execute(f"DROP TABLE IF EXISTS store.{name}")
        empty = _SELECTS[name].format(spans="store.spans", which="false")
        cursor.execute(f"CREATE TABLE store.{name} AS {empty}")
    fill(cursor)
    cursor.commit()


def fill(cursor: duckdb.DuckDBPyConnection) -> None:
    """Copy all spans into the empty tables, from the oldest on."""
    edges = cursor.execute(
        "SELECT unnest(generate_series(min(started_at), max(started_at), "  # noqa: S608  names are ours
        f"{_CHUNK})) FROM store.spans"
    ).fetchall()
    for (edge,) in edges:
        which = f"s.started_at >= $edge AND s.started_at < $edge + {_CHUNK}"
        for name in TABLES:
            _copy(cursor, name, "store.spans", which, {"edge": edge})
    if edges:
        last = edges[-1][0] + timedelta(days=1)
        _mark_first(cursor, "SELECT trace_id FROM store.roots", edges[0][0], last)


def add(cursor: duckdb.DuckDBPyConnection, spans: str, *, first: datetime, last: datetime) -> None:
    """Copy the rows of `spans`, a relation like the table of spans none of which is stored yet.

    Args:
        cursor: Within a transaction.
        spans: The relation.
        first: When the earliest of them started.
        last: And the latest. A root more than a day from them is not looked for.
    """
    for name in TABLES:
        _copy(cursor, name, spans, "true", {})
    trace_ids = f"SELECT {TRACE_ID.format(s='s')} FROM {spans} AS s WHERE s.parent_id IS NULL"  # noqa: S608  names are ours
    _mark_first(cursor, trace_ids, first - _NEAR, last + _NEAR)


def _copy(
    cursor: duckdb.DuckDBPyConnection, name: str, spans: str, which: str, values: dict[str, Any]
) -> None:
    order = " ORDER BY started_at" if name == "parts" else ""
    select = _SELECTS[name].format(spans=spans, which=which)
    cursor.execute(f"INSERT INTO store.{name} {select}{order}", values)


def _mark_first(
    cursor: duckdb.DuckDBPyConnection, traces: str, since: datetime, until: datetime
) -> None:
    """Say of the traces of `traces` that have several roots which is the first, by start.

    A trace with two roots is one request when its cost is asked for, or else each would have it.
    """
    within = {"since": since, "until": until}
    several = cursor.execute(
        "SELECT trace_id, arg_min(rowid, (started_at, rowid)) "  # noqa: S608  names are ours
        f"FROM store.roots WHERE trace_id IN ({traces}) "
        "AND started_at BETWEEN $since AND $until GROUP BY trace_id HAVING count(*) > 1",
        within,
    ).fetchall()
    if not several:
        return
    trace_ids, first_ids = zip(*several, strict=True)
    cursor.execute(
        "UPDATE store.roots SET is_first = (rowid IN (SELECT unnest($first_ids))) "
        "WHERE trace_id IN (SELECT unnest($trace_ids)) AND started_at BETWEEN $since AND $until",
        {**within, "trace_ids": list(trace_ids), "first_ids": list(first_ids)},
    )
    # Which root speaks for them may have changed: that is looked up again when asked.
    forgotten = ", ".join(f"of_{label} = NULL" for label in LABELS)
    cursor.execute(
        f"UPDATE store.charges SET {forgotten} WHERE trace_id IN (SELECT unnest($trace_ids)) "  # noqa: S608  names are ours
        "AND started_at BETWEEN $since AND $until",
        {**within, "trace_ids": list(trace_ids)},
    )
