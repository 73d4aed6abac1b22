"""What is counted for a signal, as SQL: rows of (end_ns, x, n, labels) over the collector's table.

As in the embedded store, a request counts at the instant it ends, and has the label of its root
or, where the root does not say, that of the longest of its other spans that does, looked up within
an hour. A span has its request's label, or else its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from signals import Query
from signals.traces.clickhouse.expressions import END_NS, ROOT, Columns
from signals.traces.told import nanoseconds

HOUR = timedelta(hours=1)
_PERIOD = "end_ns > {from:Int64} AND end_ns <= {to:Int64}"
_AROUND = "end_ns > {early:Int64} AND end_ns <= {late:Int64}"
_SINCE = "Timestamp > fromUnixTimestamp64Nano({early:Int64})"
_UNTIL = "Timestamp <= fromUnixTimestamp64Nano({to:Int64})"
_LATE = "Timestamp <= fromUnixTimestamp64Nano({late:Int64})"

Facts = Callable[["Table", Sequence[str]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where spans are, and how their attributes are held."""

    name: str
    columns: Columns


def of_requests(x: Callable[[Table], str]) -> Facts:
    """Return facts of one row a request; where `x` is NULL there is none."""

    def facts(table: Table, labels: Sequence[str]) -> str:
        shown = "".join(f", {label}" for label in labels)
        return (
            f"{_requests(table, labels, x(table), _PERIOD)}, all_facts AS "  # noqa: S608  names are ours
            f"(SELECT end_ns, toFloat64(x) AS x, 1 AS n{shown} FROM requests WHERE x IS NOT NULL)"
        )

    return facts


def of_spans(x: Callable[[Table], str]) -> Facts:
    """Return facts of one row a span that has an `x`."""

    def facts(table: Table, labels: Sequence[str]) -> str:
        ctes = _joined(table, labels, f"{x(table)} AS x, 1 AS n", "x IS NOT NULL")
        return f"{ctes[0]}, all_facts AS ({ctes[1]})"

    return facts


def of_tokens(table: Table, labels: Sequence[str]) -> str:
    """Return the tokens of spans that count, each split by the model that used them."""
    columns = table.columns
    ctes, spans = _joined(
        table,
        labels,
        f"{columns.tokens()} AS x, 0 AS n",
        f"x IS NOT NULL AND {_counts(table, columns.tokens())}",
        own=("model",),
    )
    return f"{ctes}, all_facts AS ({spans})"


def of_costs(table: Table, labels: Sequence[str]) -> str:
    """Return what was reported as spent (x) and the requests (n), as rows of one relation."""
    columns = table.columns
    cost = columns.number("cost_usd")
    # What is known of a span: its cost, or that it can be computed, for its model is sold.
    is_sold = f"{_sold(columns)} NOT IN {{unsold:Array(String)}}"
    known = f"coalesce({cost}, if({columns.tokens()} > 0 AND {is_sold}, 0., NULL))"
    ctes, spans = _joined(
        table, labels, f"{cost} AS x, 0 AS n", f"x IS NOT NULL AND {_counts(table, known)}"
    )
    shown = "".join(f", {label}" for label in labels)
    counted = _requests(table, labels, "1", _PERIOD, "ended")
    before = f"{ctes}, {counted.removeprefix('WITH ')}" if ctes else counted
    return (
        f"{before}, all_facts AS ({spans} UNION ALL "  # noqa: S608  names are ours
        f"SELECT end_ns, NULL AS x, 1 AS n{shown} FROM ended)"
    )


def of_unpriced(table: Table, labels: Sequence[str]) -> str:
    """Return the tokens of calls that report no cost, with what their price depends on."""
    columns = table.columns
    counts = {
        name: f"coalesce({columns.number(f'{name}_tokens')}, 0)"
        for name in ("input", "output", "cache_read", "cache_write")
    }
    told = ", ".join(f"{sql} AS t_{name}" for name, sql in counts.items())
    ctes, spans = _joined(
        table,
        labels,
        f"1. AS x, 0 AS n, {told}, {_sold(columns)} AS sold",
        f"{columns.number('cost_usd')} IS NULL AND {columns.is_paid()} AND {columns.tokens()} > 0",
        more=(*(f"t_{name}" for name in counts), "sold"),
    )
    return f"{ctes}, all_facts AS ({spans})" if ctes else f"WITH all_facts AS ({spans})"


def _sold(columns: Columns) -> str:
    """Return what a price depends on, as one text: provider, a line end, model."""
    provider, model = columns.field("provider"), columns.field("model")
    return f"concat(coalesce({provider}, ''), '\\n', coalesce({model}, ''))"


def in_scope(
    facts: str, query: Query, start: datetime, end: datetime
) -> tuple[str, dict[str, object]]:
    """Return CTEs whose last, `facts`, is in scope of `query`, and the parameters of all."""
    scope = dict(query.scope)
    conditions = [f"coalesce({label}, '') = {{scope_{label}:String}}" for label in scope]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"{facts}, facts AS (SELECT * FROM all_facts{where})", {  # noqa: S608  names are ours
        **{f"scope_{label}": value for label, value in scope.items()},
        **bounds(start, end),
    }


def bounds(start: datetime, end: datetime) -> Mapping[str, int]:
    """Return the parameters of a period (start, end] and of an hour around it."""
    return {
        "early": nanoseconds(start - HOUR),
        "from": nanoseconds(start),
        "to": nanoseconds(end),
        "late": nanoseconds(end + HOUR),
    }


def _requests(
    table: Table, labels: Sequence[str], x: str, ended: str, name: str = "requests"
) -> str:
    """Return the CTEs whose last, called `name`, holds (id, end_ns, x, labels) of requests."""
    columns = table.columns
    inherited = [label for label in labels if label != "outcome"]
    own = "".join(f", {columns.field(label)} AS own_{label}" for label in labels)
    until = _UNTIL if ended is _PERIOD else _LATE
    ctes = (
        f"WITH {name}_roots AS (SELECT TraceId AS id, {END_NS} AS end_ns, {x} AS x{own} "  # noqa: S608  names are ours
        f"FROM {table.name} WHERE {_SINCE} AND {until} AND {ROOT} AND {ended})"
    )
    join = ""
    if inherited:
        silent = " OR ".join(f"own_{label} IS NULL" for label in inherited)
        values = ", ".join(f"{columns.field(label)} AS v_{label}" for label in inherited)
        longest = ", ".join(
            f"argMaxIf(v_{label}, Duration, v_{label} IS NOT NULL) AS {label}"
            for label in inherited
        )
        ctes += (
            f", {name}_told AS (SELECT id, {longest} FROM ("  # noqa: S608  names are ours
            f"SELECT TraceId AS id, Duration, {values} FROM {table.name} "
            f"WHERE {_SINCE} AND {_LATE} AND NOT ({ROOT}) AND TraceId IN "
            f"(SELECT id FROM {name}_roots WHERE {silent})) GROUP BY id)"
        )
        join = f" LEFT JOIN {name}_told AS told ON told.id = roots.id"
    merged = "".join(
        f", roots.own_{label} AS {label}"
        if label == "outcome"
        else f", coalesce(roots.own_{label}, nullIf(told.{label}, '')) AS {label}"
        for label in labels
    )
    return (
        f"{ctes}, {name} AS (SELECT roots.id AS id, roots.end_ns AS end_ns, roots.x AS x{merged} "  # noqa: S608  names are ours
        f"FROM {name}_roots AS roots{join})"
    )


def _joined(
    table: Table,
    labels: Sequence[str],
    shown: str,
    where: str,
    *,
    own: Sequence[str] = (),
    more: Sequence[str] = (),
) -> tuple[str, str]:
    """Return CTEs of requests, and a SELECT of spans with their requests' labels.

    Without labels there are no CTEs.
    """
    columns = table.columns
    kept = "".join(f", {columns.field(label)} AS s_{label}" for label in labels)
    spans = (
        f"SELECT TraceId AS id, {END_NS} AS end_ns, {shown}{kept} FROM {table.name} "  # noqa: S608  names are ours
        f"WHERE {_SINCE} AND {_UNTIL} AND {_PERIOD} AND {where}"
    )
    extra = "".join(f", {name}" for name in more)
    if not labels:
        return "", f"SELECT end_ns, x, n{extra} FROM ({spans})"  # noqa: S608  names are ours
    merged = "".join(
        f", coalesce(s.s_{label}, nullIf(q.{label}, '')) AS {label}"
        if label in own
        else f", coalesce(nullIf(q.{label}, ''), s.s_{label}) AS {label}"
        for label in labels
    )
    extra = "".join(f", s.{name} AS {name}" for name in more)
    return (
        _requests(table, labels, "1", _AROUND),
        f"SELECT s.end_ns AS end_ns, s.x AS x, s.n AS n{extra}{merged} FROM ({spans}) AS s "  # noqa: S608  names are ours
        "ANY LEFT JOIN requests AS q ON q.id = s.id",
    )


def _counts(table: Table, known: str) -> str:
    """Return whether a span's own is counted, by the rule of `signals.traces.costs`.

    That is what spans of kinds that buy say, and what a root says none of whose spans does.
    """
    paid = table.columns.is_paid()
    repeated = (
        f"SELECT TraceId FROM {table.name} WHERE {_SINCE} AND {_LATE} AND {paid} "  # noqa: S608  names are ours
        f"AND {known} IS NOT NULL"
    )
    return f"({paid} OR ({ROOT} AND TraceId NOT IN ({repeated})))"
