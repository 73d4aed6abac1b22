"""`Source` over the collector's tables: the golden signals of requests, exact.

As in the embedded store, a request counts at the instant it ends, and has the label of its root
or, where the root does not say, that of the longest of its other spans that does, looked up within
an hour. Quantiles are `quantileExactInclusive`, never `quantile`, which samples.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from signals import Query, QueryError, Reading, Sample, Series
from signals.traces.clickhouse.expressions import END_NS, ROOT, Columns
from signals.traces.clickhouse.server import Server
from signals.traces.told import nanoseconds

HOUR = timedelta(hours=1)
KNOWN_FOR = HOUR  # how long a series is remembered after its last fact
MAX_INSTANTS = 11_000  # of one chart, as Prometheus allows
MAX_OVERLAP = 120  # windows that one fact may be in

LabelValues = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """How one signal is answered.

    Attributes:
        x: What of a root's row is counted; NULL leaves it out.
        value: The aggregate of x; `{o}` is the condition that a row is inside the window, `{w}`
            the window's seconds.
        is_rate: Nothing happening is zero per second, not the lack of an answer.
    """

    x: str
    value: str
    is_rate: bool = False


SIGNALS: dict[str, Signal] = {
    **{
        f"latency_p{percent}": Signal(
            x="Duration / 1e9", value=f"quantileExactInclusiveIf({percent / 100})(x, {{o}})"
        )
        for percent in (50, 95, 99)
    },
    "error_ratio": Signal(x="{failed}", value="avgIf(x, {o})"),
    "cache_hit_ratio": Signal(x="{cache_hit}", value="avgIf(x, {o})"),
    "request_rate": Signal(x="1", value="countIf({o}) / {w}", is_rate=True),
}


def read(server: Server, query: Query, *, at: datetime) -> Reading:
    """Return the values over the window that ends at `at`; see `signals.Source.read`.

    A label set without a value is named as without traffic for an hour after its last fact.
    """
    signal = _signal(query)
    opened_at = at - query.window
    start = min(opened_at, at - KNOWN_FOR)
    value = signal.value.format(o="end_ns > {opened:Int64}", w=query.window.total_seconds())
    facts, parameters = _facts(server, signal, query, start, at)
    rows = server.ask(
        f"{facts} SELECT {_columns(query, f'{value} AS value')} FROM facts"  # noqa: S608  names are ours
        f"{_grouped(query)} HAVING count() > 0",
        {**parameters, "opened": nanoseconds(opened_at)},
    )
    samples, silent = [], []
    for row in rows:
        labels = _named(query, [row[label] for label in query.by])
        number = _number(row["value"])
        if number is None:
            silent.append(labels)
        else:
            samples.append(Sample(labels=labels, value=number, at=at))
    return Reading(samples=tuple(samples), no_traffic=tuple(silent))


def read_range(
    server: Server, query: Query, *, start: datetime, end: datetime, step: timedelta
) -> list[Series]:
    """Return the values at each step, each over the window; see `signals.Source.read_range`."""
    signal = _signal(query)
    if step <= timedelta() or end < start:
        raise QueryError("a period needs an end after its start and a step above zero")
    last = (end - start) // step
    if last >= MAX_INSTANTS:
        raise QueryError(f"{last + 1} points are more than {MAX_INSTANTS}: ask for a longer step")
    if query.window > MAX_OVERLAP * step:
        raise QueryError(f"a window may be at most {MAX_OVERLAP} steps long: ask for a longer step")
    facts, parameters = _facts(server, signal, query, start - query.window, start + last * step)
    value = signal.value.format(o="true", w=query.window.total_seconds())
    # A fact is in every window from the first instant after it until its window has passed.
    since = "end_ns - {first:Int64}"
    first = f"greatest(0, toInt64(ceil(({since}) / {{step:Int64}})))"
    after = (
        f"least({{last:Int64}} + 1, toInt64(ceil(({since} + {{window:Int64}}) / {{step:Int64}})))"
    )
    rows = server.ask(
        f"{facts}, placed AS (SELECT *, arrayJoin(range({first}, {after})) AS i FROM facts) "  # noqa: S608  names are ours
        f"SELECT {_columns(query, 'i', f'{value} AS value')} FROM placed "
        f"GROUP BY {', '.join((*_keys(query), 'i'))} ORDER BY i",
        {
            **parameters,
            "first": nanoseconds(start),
            "step": step // timedelta(microseconds=1) * 1000,
            "window": query.window // timedelta(microseconds=1) * 1000,
            "last": last,
        },
    )
    found: dict[LabelValues, dict[int, float]] = defaultdict(dict)
    for row in rows:
        number = _number(row["value"])
        if number is not None:
            found[tuple(row[label] for label in query.by)][int(row["i"])] = number
    if signal.is_rate:
        known = _known(server, signal, query, start)
        found = defaultdict(
            dict,
            {
                names: _filled(found.get(names, {}), last, known=names in known)
                for names in {*found, *known}
            },
        )
    return [
        _series(_named(query, names), points, start, step)
        for names, points in sorted(found.items(), key=lambda item: str(item[0]))
        if points
    ]


def _facts(
    server: Server, signal: Signal, query: Query, start: datetime, end: datetime
) -> tuple[str, dict[str, object]]:
    """Return CTEs whose last, `facts`, holds requests that ended in (start, end], in scope."""
    columns, table = server.columns(), server.table
    labels = tuple(dict.fromkeys((*query.by, *dict(query.scope))))
    inherited = [label for label in labels if label != "outcome"]
    x = signal.x.format(failed=columns.failed(), cache_hit=columns.truth("cache_hit"))
    own = "".join(f", {columns.field(label)} AS own_{label}" for label in labels)
    ctes = (
        f"WITH roots AS (SELECT TraceId AS id, {END_NS} AS end_ns, {x} AS x{own} FROM {table} "  # noqa: S608  names are ours
        f"WHERE {_within('{early:Int64}', '{to:Int64}')} AND {ROOT} "
        "AND end_ns > {from:Int64} AND end_ns <= {to:Int64})"
    )
    if inherited:
        ctes += _told(columns, table, inherited)
        join = " LEFT JOIN told ON told.id = roots.id"
    else:
        join = ""
    values = "".join(
        f", own_{label} AS {label}"
        if label == "outcome"
        else f", coalesce(own_{label}, nullIf(told.{label}, '')) AS {label}"
        for label in labels
    )
    scope = dict(query.scope)
    conditions = ["x IS NOT NULL"]
    conditions += [f"coalesce({label}, '') = {{scope_{label}:String}}" for label in scope]
    ctes += (
        f", facts AS (SELECT end_ns, x{values} FROM roots{join} WHERE {' AND '.join(conditions)})"  # noqa: S608  names are ours
    )
    return ctes, {
        **{f"scope_{label}": value for label, value in scope.items()},
        "early": nanoseconds(start - HOUR),
        "from": nanoseconds(start),
        "to": nanoseconds(end),
        "late": nanoseconds(end + HOUR),
    }


def _told(columns: Columns, table: str, labels: Sequence[str]) -> str:
    """Return the CTE of what the other spans say about requests whose roots do not say."""
    silent = " OR ".join(f"own_{label} IS NULL" for label in labels)
    values = ", ".join(f"{columns.field(label)} AS v_{label}" for label in labels)
    longest = ", ".join(
        f"argMaxIf(v_{label}, Duration, v_{label} IS NOT NULL) AS {label}" for label in labels
    )
    return (
        f", told AS (SELECT id, {longest} FROM (SELECT TraceId AS id, Duration, {values} "  # noqa: S608  names are ours
        f"FROM {table} WHERE {_within('{early:Int64}', '{late:Int64}')} AND NOT ({ROOT}) "
        f"AND TraceId IN (SELECT id FROM roots WHERE {silent})) GROUP BY id)"
    )


def _known(server: Server, signal: Signal, query: Query, start: datetime) -> set[LabelValues]:
    """Return the label sets that had facts in the hour up to `start`."""
    facts, parameters = _facts(server, signal, query, start - KNOWN_FOR, start)
    rows = server.ask(
        f"{facts} SELECT {_columns(query, 'count() AS n')} FROM facts"  # noqa: S608  names are ours
        f"{_grouped(query)} HAVING n > 0",
        parameters,
    )
    return {tuple(row[label] for label in query.by) for row in rows}


def _within(start: str, end: str) -> str:
    return (
        f"Timestamp > fromUnixTimestamp64Nano({start}) "
        f"AND Timestamp <= fromUnixTimestamp64Nano({end})"
    )


def _keys(query: Query) -> list[str]:
    return list(query.by)


def _columns(query: Query, *more: str) -> str:
    return ", ".join((*query.by, *more))


def _grouped(query: Query) -> str:
    return f" GROUP BY {', '.join(query.by)}" if query.by else ""


def _signal(query: Query) -> Signal:
    signal = SIGNALS.get(query.signal)
    if signal is None:
        raise QueryError(f"ClickHouse cannot answer for the signal {query.signal!r}")
    if query.window < timedelta(milliseconds=1):
        raise QueryError("a window must be longer than a millisecond")
    return signal


def _number(value: Any) -> float | None:
    """Return a finite number; ClickHouse writes what is not one as null or text."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _filled(points: Mapping[int, float], last: int, *, known: bool) -> dict[int, float]:
    """Return a rate with its zeros: from the first instant if it was known, else from its first."""
    first = 0 if known else min(points, default=last + 1)
    return {number: points.get(number, 0.0) for number in range(first, last + 1)}


def _named(query: Query, values: Iterable[str | None]) -> dict[str, str]:
    split = zip(query.by, values, strict=True)
    return {name: value for name, value in (*query.scope, *split) if value}


def _series(
    labels: Mapping[str, str], points: Mapping[int, float], start: datetime, step: timedelta
) -> Series:
    numbers = sorted(points)
    return Series(
        labels=labels,
        seconds=[(start + number * step).timestamp() for number in numbers],
        values=[points[number] for number in numbers],
    )
