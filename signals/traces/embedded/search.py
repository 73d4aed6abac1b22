"""Finding traces in the embedded store."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from models.vocabulary import CostSource, SpanStatus
from signals.traces import FILTERS, Order, TraceQuery, TraceSummary
from signals.traces.costs import weakest
from signals.traces.embedded.database import Database
from signals.traces.embedded.requests import FAILED, PAID, checked, matches, roots
from signals.traces.embedded.schema import aware, naive

MAX_LIMIT = 1_000
MAX_VALUES = 200
BEFORE = timedelta(hours=1)  # spans that start before their root: clocks differ
AFTER = timedelta(days=1)  # spans that start long after their root
ROOTLESS_FOR = timedelta(hours=1)  # how long a trace is listed while its root has not arrived

_STARTED = "{s}.started_at >= $from_at AND {s}.started_at < $to_at"
_SHOWN = ("feature", "tenant", "model", "prompt_version", "session_id")
_COLUMNS = (
    "r.started_at, r.name, r.duration_ms, r.status, r.outcome AS ended_as, "
    + FAILED.format(s="r")
    + " AS failed, "
    + ", ".join(f"r.{label} AS own_{label}" for label in _SHOWN)
)
_ORDERS = {
    Order.NEWEST: "started_at DESC",
    Order.SLOWEST: "duration_ms DESC, started_at DESC",
    Order.DEAREST: "cost_usd DESC NULLS LAST, started_at DESC",
}
_HEAD = "trace_id, started_at, name, duration_ms, status, ended_as, " + ", ".join(
    f"own_{label}" for label in _SHOWN
)
# Sums count each cost once: see `requests.PAID`. A root that alone has a cost stands for its trace.
_SUMS = """
    SELECT s.trace_id,
        coalesce(
            sum(s.cost_usd) FILTER (WHERE {paid}),
            max(s.cost_usd) FILTER (WHERE s.parent_id IS NULL)
        ) AS cost_usd,
        coalesce(
            sum(coalesce(s.input_tokens, 0) + coalesce(s.output_tokens, 0))
                FILTER (WHERE {paid} AND coalesce(s.input_tokens, s.output_tokens) IS NOT NULL),
            max(coalesce(s.input_tokens, 0) + coalesce(s.output_tokens, 0)) FILTER (
                WHERE s.parent_id IS NULL AND coalesce(s.input_tokens, s.output_tokens) IS NOT NULL
            )
        ) AS tokens,
        count(*) AS spans,
        count(*) FILTER (WHERE s.status = 'error') AS errors,
        list(DISTINCT s.cost_source) FILTER (WHERE s.cost_source <> 'none') AS sources,
        {told}
    FROM store.spans AS s
    WHERE {within} AND {which}
    GROUP BY s.trace_id
"""


def search(database: Database, query: TraceQuery) -> list[TraceSummary]:
    """Return the traces that match; see `signals.traces.TraceStore.search`.

    A trace whose root has not arrived is listed by its earliest span, for an hour.
    A trace some of whose cost is unknown says `unpriced`; its cost is then a lower bound.
    """
    heads = _heads(database, query)
    if query.order is Order.NEWEST and not query.scope and query.min_duration_ms is None:
        heads += _rootless(database, query)
        heads.sort(key=lambda head: head[1], reverse=True)
    first = {head[0]: head for head in reversed(heads)}  # a trace with two roots is one line
    heads = [head for head in heads if first[head[0]] is head][: _limit(query)]
    if not heads:
        return []
    sums = _sums(database, heads)
    return [_summary(head, sums[head[0]]) for head in heads if head[0] in sums]


def values(database: Database, field: str, *, start: datetime, end: datetime) -> list[str]:
    """Return the values of a label among the spans of a period, the most frequent first."""
    (label,) = checked((field,))
    rows = database.ask(
        f"SELECT s.{label} FROM store.spans AS s "  # noqa: S608  the label is checked
        f"WHERE {_STARTED.format(s='s')} AND s.{label} IS NOT NULL "
        f"GROUP BY s.{label} ORDER BY count(*) DESC, s.{label} LIMIT {MAX_VALUES}",
        {"from_at": naive(start), "to_at": naive(end)},
    )
    return [value for (value,) in rows]


def _heads(database: Database, query: TraceQuery) -> list[tuple[Any, ...]]:
    labels = checked(label for label in FILTERS if label in query.scope)
    checked(query.scope)
    condition, parameters = matches(query.scope, "q")
    if query.errors_only:
        condition += " AND q.failed"
    if query.min_duration_ms is not None:
        condition += " AND q.duration_ms >= $min_duration_ms"
        parameters["min_duration_ms"] = query.min_duration_ms
    parameters |= {"from_at": naive(query.start), "to_at": naive(query.end)}
    ctes = roots(_STARTED, labels, _COLUMNS, around=("$from_at", "$to_at"))
    by_cost, join = "", ""
    if query.order is Order.DEAREST:
        within = (
            "s.started_at >= $from_at - INTERVAL 1 HOUR AND s.started_at < $to_at + INTERVAL 1 DAY"
        )
        which = "s.trace_id IN (SELECT trace_id FROM requests)"
        by_cost = ", sums AS (" + _sums_sql(within, which) + ")"
        join = "JOIN sums ON sums.trace_id = q.trace_id"
    columns = ", ".join(f"q.{column.strip()}" for column in _HEAD.split(","))
    return database.ask(
        f"WITH {ctes}{by_cost} SELECT {columns} FROM requests AS q {join} WHERE {condition} "  # noqa: S608  labels are checked
        f"ORDER BY {_ORDERS[query.order]} LIMIT {_limit(query)}",
        parameters,
    )


def _rootless(database: Database, query: TraceQuery) -> list[tuple[Any, ...]]:
    """Return the earliest span of each recent trace that has no root yet."""
    failed = f"status = '{SpanStatus.ERROR.value}'" if query.errors_only else "true"
    label_columns = ", ".join(f"NULL AS own_{label}" for label in _SHOWN)
    return database.ask(
        "SELECT s.trace_id, min(s.started_at) AS started_at, "  # noqa: S608  no outside text
        "arg_min(s.name, s.started_at) AS name, "
        "(epoch_us(max(s.ended_at)) - epoch_us(min(s.started_at))) / 1000 AS duration_ms, "
        f"arg_min(s.status, s.started_at) AS status, NULL AS ended_as, {label_columns} "
        f"FROM store.spans AS s WHERE {_STARTED.format(s='s')} AND s.trace_id NOT IN ("
        "SELECT r.trace_id FROM store.spans AS r WHERE r.parent_id IS NULL "
        "AND r.started_at >= $from_at - INTERVAL 1 DAY) "
        f"GROUP BY s.trace_id HAVING {failed} "
        f"ORDER BY started_at DESC LIMIT {_limit(query)}",
        {
            "from_at": naive(max(query.start, query.end - ROOTLESS_FOR)),
            "to_at": naive(query.end),
        },
    )


def _sums(database: Database, heads: Sequence[tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    starts = [head[1] for head in heads]
    rows = database.ask(
        _sums_sql(
            "s.started_at >= $from_at AND s.started_at < $to_at",
            "s.trace_id IN (SELECT unnest($ids))",
        ),
        {
            "ids": [head[0] for head in heads],
            "from_at": min(starts) - BEFORE,
            "to_at": max(starts) + AFTER,
        },
    )
    return {row[0]: row for row in rows}


def _sums_sql(within: str, which: str) -> str:
    told = ", ".join(f"arg_max(s.{label}, s.duration_ms) AS {label}" for label in _SHOWN)
    return _SUMS.format(paid=PAID.format(s="s"), told=told, within=within, which=which)


def _summary(head: Sequence[Any], sums: Sequence[Any]) -> TraceSummary:
    trace_id, started_at, name, duration_ms, status, outcome, *own = head
    _, cost_usd, tokens, spans, errors, sources, *told = sums
    return TraceSummary(
        trace_id=trace_id,
        name=name,
        started_at=aware(started_at),
        duration_ms=duration_ms,
        status=SpanStatus(status),
        outcome=outcome,
        tokens=int(tokens) if tokens is not None else None,
        cost_usd=cost_usd,
        cost_source=weakest(CostSource(source) for source in sources or ()),
        span_count=spans,
        error_count=errors,
        **{
            label: mine if mine is not None else theirs
            for label, mine, theirs in zip(_SHOWN, own, told, strict=True)
        },
    )


def _limit(query: TraceQuery) -> int:
    return max(1, min(query.limit, MAX_LIMIT))
