"""Finding traces in the embedded store."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from models.vocabulary import CostSource, SpanStatus
from signals.traces import FILTERS, ON_ANY_SPAN, Order, TraceQuery, TraceSummary, people
from signals.traces.embedded.database import Database
from signals.traces.embedded.narrow import TRACE_ID
from signals.traces.embedded.narrowing import is_narrowed, narrowed
from signals.traces.embedded.requests import FAILED, checked, matches, roots
from signals.traces.embedded.schema import aware, naive

MAX_LIMIT = 1_000
MAX_VALUES = 200
BEFORE = timedelta(hours=1)  # spans that start before their root: clocks differ
AFTER = timedelta(days=1)  # spans that start long after their root
ROOTLESS_FOR = timedelta(hours=1)  # how long a trace is listed while its root has not arrived

_STARTED = "{s}.started_at >= $from_at AND {s}.started_at < $to_at"
_SHOWN = ("feature", "tenant", "model", "prompt_version", "session_id", "provider")
_COLUMNS = (
    ", r.started_at, r.name, r.duration_ms, r.status, r.outcome AS ended_as, r.weight, "
    + ", ".join(f"r.{label} AS own_{label}" for label in _SHOWN)
)
_ORDERS = {
    Order.NEWEST: "started_at DESC",
    Order.SLOWEST: "duration_ms DESC, started_at DESC",
    Order.DEAREST: "cost_usd DESC NULLS LAST, started_at DESC",
    Order.WORST: "worst_score ASC NULLS LAST, started_at DESC",
}
_HEAD = "trace_id, started_at, name, duration_ms, status, ended_as, weight, " + ", ".join(
    f"own_{label}" for label in _SHOWN
)
DOUBTS = {1: CostSource.REPORTED, 2: CostSource.COMPUTED, 3: CostSource.UNPRICED}
_WIDELY = (
    "{s}.started_at >= $from_at - INTERVAL 1 HOUR AND {s}.started_at < $to_at + INTERVAL 1 DAY"
)
_SCORES = (
    "scores AS (SELECT s.trace_id, min(s.worst_score) AS worst_score FROM store.parts AS s "  # noqa: S608  names are ours
    f"WHERE {_WIDELY.format(s='s')} AND s.worst_score IS NOT NULL GROUP BY s.trace_id)"
)
# The rule of `signals.traces.costs`: spans of kinds that spend are summed; where none of them has
# a cost, or tokens, the root's stand for the trace.
_SUMS = """
    SELECT s.trace_id,
        coalesce(sum(s.paid_usd), sum(s.root_usd)) AS cost_usd,
        coalesce(sum(s.paid_tokens), sum(s.root_tokens)) AS tokens,
        sum(s.spans) AS spans,
        sum(s.errors) AS errors,
        CASE WHEN count(s.paid_usd) = 0 AND count(s.root_usd) > 0 THEN max(s.root_doubt)
            ELSE max(s.paid_doubt)
        END AS doubt
        {told}
    FROM store.parts AS s
    WHERE {within} AND {which}
    GROUP BY s.trace_id
"""
# Of the traces listed only: over all that match, a list of tools costs too much.
_TOLD = (
    "list_distinct(flatten(list(s.tools))) AS tools",
    "min(s.worst_score) AS worst_score",
)


class Head(NamedTuple):
    """What a list takes from a request's root; `labels` are those that it says itself."""

    trace_id: UUID
    started_at: datetime
    name: str
    duration_ms: float
    status: str
    outcome: str | None
    weight: int | None
    labels: dict[str, str]


class Matching(NamedTuple):
    """SQL for the requests that match: the CTEs, and what stands after FROM, alias `q`."""

    ctes: str
    requests: str
    parameters: dict[str, Any]


def search(database: Database, query: TraceQuery) -> list[TraceSummary]:
    """Return the traces that match; see `signals.traces.TraceStore.search`.

    A trace whose root has not arrived is listed by its earliest span, for an hour.
    A trace some of whose cost is unknown says `unpriced`; its cost is then a lower bound.
    """
    heads = _heads(database, query)
    plain = not query.scope and query.min_duration_ms is None and query.min_cost_usd is None
    if query.order is Order.NEWEST and plain and not is_narrowed(query):
        heads += _rootless(database, query)
        heads.sort(key=lambda head: head.started_at, reverse=True)
    # A trace with two roots is one line.
    heads = list({head.trace_id: head for head in heads}.values())[: _limit(query)]
    if not heads:
        return []
    sums = _sums(database, heads)
    return [_summary(head, sums[head.trace_id]) for head in heads if head.trace_id in sums]


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


def matching(query: TraceQuery, columns: str) -> Matching:
    """Return the requests that match, each with `columns` of its root."""
    told = {name: value for name, value in query.scope.items() if name not in ON_ANY_SPAN}
    labels = checked(label for label in FILTERS if label in told)
    checked(told)
    condition, parameters = matches(told, "q")
    # What a root says itself is asked of it at once: every later step has fewer rows.
    when = [
        _STARTED,
        *(f"({{s}}.{name} = $scope_{name} OR {{s}}.{name} IS NULL)" for name in labels),
    ]
    named = {name: query.scope[name] for name in ON_ANY_SPAN if name in query.scope}
    when += [_on_any_span(name, value) for name, value in named.items()]
    parameters |= {f"on_{name}": value for name, value in named.items() if value}
    if query.errors_only:
        when.append(FAILED)
    if query.min_duration_ms is not None:
        when.append("{s}.duration_ms >= $min_duration_ms")
        parameters["min_duration_ms"] = query.min_duration_ms
    more_when, more_parameters = narrowed(query, _WIDELY)
    when += more_when
    parameters |= more_parameters
    parameters |= {"from_at": naive(query.start), "to_at": naive(query.end)}
    ctes = roots(" AND ".join(when), labels, columns, around=("$from_at", "$to_at"))
    more, join = "", ""
    if query.order is Order.DEAREST or query.min_cost_usd is not None:
        which = "s.trace_id IN (SELECT trace_id FROM requests)"
        more = ", sums AS (" + sums_sql(_WIDELY.format(s="s"), which) + ")"
        join = "JOIN sums ON sums.trace_id = q.trace_id"
    if query.min_cost_usd is not None:
        condition += " AND sums.cost_usd >= $min_cost_usd"
        parameters["min_cost_usd"] = query.min_cost_usd
    if query.order is Order.WORST:
        more += f", {_SCORES}"
        join += " LEFT JOIN scores ON scores.trace_id = q.trace_id"
    return Matching(f"{ctes}{more}", f"requests AS q {join} WHERE {condition}", parameters)


def _heads(database: Database, query: TraceQuery) -> list[Head]:
    columns = ", ".join(f"q.{column.strip()}" for column in _HEAD.split(","))
    found = matching(query, _COLUMNS)
    rows = database.ask(
        f"WITH {found.ctes} SELECT {columns} FROM {found.requests} "  # noqa: S608  labels are checked
        f"ORDER BY {_ORDERS[query.order]} LIMIT {_limit(query)}",
        found.parameters,
    )
    return [_head(row) for row in rows]


def _on_any_span(name: str, value: str) -> str:
    """Return the condition that some span says `$on_name`; for an empty value, that none does."""
    if not value:
        said = f"n.{name} IS NOT NULL"
    elif name == "user_id" and people.is_mark(value):
        said = f"'user ' || sha256(n.user_id)[:{people.DIGITS}] = $on_user_id"
    else:
        said = f"n.{name} = $on_{name}"
    within = _WIDELY.format(s="n")
    trace_id = TRACE_ID.format(s="n")
    spans = f"SELECT {trace_id} FROM store.spans AS n WHERE {within} AND {said}"  # noqa: S608  names are ours
    return f"{{s}}.trace_id {'IN' if value else 'NOT IN'} ({spans})"


def _head(row: Sequence[Any]) -> Head:
    """Return a head from its seven columns and the labels of `_SHOWN`."""
    labels = zip(_SHOWN, row[7:], strict=True)
    said = {name: value for name, value in labels if value is not None}
    return Head._make((*row[:7], said))


def _rootless(database: Database, query: TraceQuery) -> list[Head]:
    """Return the earliest span of each recent trace that has no root yet."""
    failed = f"status = '{SpanStatus.ERROR.value}'" if query.errors_only else "true"
    rows = database.ask(
        f"SELECT {TRACE_ID.format(s='s')} AS trace_id, min(s.started_at) AS started_at, "  # noqa: S608  no outside text
        "arg_min(s.name, s.started_at) AS name, "
        "(epoch_us(max(s.ended_at)) - epoch_us(min(s.started_at))) / 1000 AS duration_ms, "
        "arg_min(s.status, s.started_at) AS status, NULL AS outcome, NULL AS weight "
        f"FROM store.spans AS s WHERE {_STARTED.format(s='s')} "
        f"AND {TRACE_ID.format(s='s')} NOT IN (SELECT r.trace_id FROM store.roots AS r "
        "WHERE r.started_at >= $from_at - INTERVAL 1 DAY) "
        f"GROUP BY s.trace_id HAVING {failed} ORDER BY started_at DESC LIMIT {_limit(query)}",
        {
            "from_at": naive(max(query.start, query.end - ROOTLESS_FOR)),
            "to_at": naive(query.end),
        },
    )
    return [Head._make((*row, {})) for row in rows]


def _sums(database: Database, heads: Sequence[Head]) -> dict[UUID, dict[str, Any]]:
    """Return what the spans of each trace say together, by trace_id."""
    starts = [head.started_at for head in heads]
    # Only the labels that some head does not say itself: each costs time.
    missing = [label for label in _SHOWN if any(label not in head.labels for head in heads)]
    rows = database.ask(
        sums_sql(
            "s.started_at >= $from_at AND s.started_at < $to_at",
            "s.trace_id IN (SELECT unnest($ids))",
            (*_TOLD, *map(_longest, missing)),
        ),
        {
            "ids": [head.trace_id for head in heads],
            "from_at": min(starts) - BEFORE,
            "to_at": max(starts) + AFTER,
        },
    )
    names = ("cost_usd", "tokens", "spans", "errors", "doubt", "tools", "worst_score", *missing)
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def _longest(label: str) -> str:
    return f"arg_max(s.{label}, s.{label}_ms) AS {label}"


def sums_sql(within: str, which: str, more: Iterable[str] = ()) -> str:
    """Return the SELECT of the sums of each trace; `within` and `which` are about a span `s`."""
    told = "".join(f", {column}" for column in more)
    return _SUMS.format(told=told, within=within, which=which)


def _summary(head: Head, sums: Mapping[str, Any]) -> TraceSummary:
    return TraceSummary(
        trace_id=head.trace_id.hex,
        name=head.name,
        started_at=aware(head.started_at),
        duration_ms=head.duration_ms,
        status=SpanStatus(head.status),
        outcome=head.outcome,
        tokens=int(sums["tokens"]) if sums["tokens"] is not None else None,
        cost_usd=sums["cost_usd"],
        cost_source=DOUBTS.get(sums["doubt"], CostSource.NONE),
        span_count=int(sums["spans"]),
        error_count=int(sums["errors"]),
        tools=tuple(sorted(sums["tools"] or ())),
        worst_score=sums["worst_score"],
        weight=head.weight or 1,
        **{label: head.labels.get(label, sums.get(label)) for label in _SHOWN},
    )


def _limit(query: TraceQuery) -> int:
    return max(1, min(query.limit, MAX_LIMIT))
