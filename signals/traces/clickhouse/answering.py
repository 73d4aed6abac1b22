"""`Source` over the collector's tables: the golden signals, exact.

Quantiles are `quantileExactInclusive`, never `quantile`, which samples. A cost that nobody reported
is computed here from the tokens of each model and the price list.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from signals import Query, QueryError, Reading, Sample, Series, prices
from signals.traces.clickhouse import facts
from signals.traces.clickhouse.facts import Facts, Table
from signals.traces.clickhouse.server import Server
from signals.traces.told import nanoseconds

KNOWN_FOR = timedelta(hours=1)  # how long a series is remembered after its last fact
MAX_INSTANTS = 11_000  # of one chart, as Prometheus allows
MAX_OVERLAP = 120  # windows that one fact may be in

LabelValues = tuple[str | None, ...]
Place = tuple[LabelValues, int]  # labels, and the number of the instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """How one signal is answered.

    Attributes:
        facts: Returns the CTEs whose last, `all_facts`, holds (end_ns, x, n, labels).
        value: The aggregate; `{o}` is the condition that a fact is inside the window, `{w}` the
            window's seconds.
        is_rate: Nothing happening is zero per second, not the lack of an answer.
    """

    facts: Facts
    value: str
    is_rate: bool = False


def _guardrail(table: Table) -> str:
    """Return 1 for a request that a guardrail stopped; NULL for all where there are none."""
    verdict = table.columns.truth("guardrail_triggered")
    within = (
        "Timestamp > fromUnixTimestamp64Nano({early:Int64}) "
        "AND Timestamp <= fromUnixTimestamp64Nano({late:Int64})"
    )
    spans = f"FROM {table.name} WHERE {within} AND {verdict}"
    return (
        f"if((SELECT count() {spans} IS NOT NULL) > 0, "
        f"toFloat64(TraceId IN (SELECT TraceId {spans} = 1)), NULL)"
    )


SIGNALS: dict[str, Signal] = {
    **{
        f"latency_p{percent}": Signal(
            facts=facts.of_requests(lambda _: "Duration / 1e9"),
            value=f"quantileExactInclusiveIf({percent / 100})(x, {{o}})",
        )
        for percent in (50, 95, 99)
    },
    "error_ratio": Signal(
        facts=facts.of_requests(lambda table: table.columns.failed()), value="avgIf(x, {o})"
    ),
    "cache_hit_ratio": Signal(
        facts=facts.of_requests(lambda table: table.columns.truth("cache_hit")),
        value="avgIf(x, {o})",
    ),
    "guardrail_ratio": Signal(facts=facts.of_requests(_guardrail), value="avgIf(x, {o})"),
    "request_rate": Signal(
        facts=facts.of_requests(lambda _: "1"), value="countIf({o}) / {w}", is_rate=True
    ),
    "token_rate": Signal(facts=facts.of_tokens, value="sumIf(x, {o}) / {w}", is_rate=True),
    "eval_score": Signal(
        facts=facts.of_spans(lambda table: table.columns.points()), value="avgIf(x, {o})"
    ),
    "approval_queue_depth": Signal(
        facts=facts.of_spans(lambda table: table.columns.number("queue_depth")),
        value="if(countIf({o}) = 0, NULL, argMaxIf(x, end_ns, {o}))",
    ),
    "cost_per_request": Signal(facts=facts.of_costs, value="sumIf(x, {o})"),
    "cost": Signal(facts=facts.of_costs, value="sumIf(x, {o})"),
}
_PER_REQUEST, _TOTAL = "cost_per_request", "cost"


def read(server: Server, query: Query, *, at: datetime) -> Reading:
    """Return the values over the window that ends at `at`; see `signals.Source.read`.

    A label set without a value is named as without traffic for an hour after its last fact.
    """
    signal = _signal(query)
    opened_at = at - query.window
    start = min(opened_at, at - KNOWN_FOR)
    value = signal.value.format(o="end_ns > {opened:Int64}", w=query.window.total_seconds())
    counted = "sumIf(n, end_ns > {opened:Int64})"
    ctes, parameters = _facts(server, signal.facts, query, start, at)
    rows = server.ask(
        f"{ctes} SELECT {_columns(query, f'{value} AS value', f'{counted} AS requests')} "  # noqa: S608  names are ours
        f"FROM facts{_grouped(query)} HAVING count() > 0",
        {**parameters, "opened": nanoseconds(opened_at)},
    )
    values = {(_names(query, row), 0): _number(row["value"]) for row in rows}
    if query.signal in (_PER_REQUEST, _TOTAL):
        spent = _computed(server, query, opened_at, at)
        requests = {(_names(query, row), 0): int(row["requests"]) for row in rows}
        values = _with_computed(query, values, spent, requests)
    samples, silent = [], []
    for (names, _), number in values.items():
        labels = _named(query, names)
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
    value = signal.value.format(o="true", w=query.window.total_seconds())
    instants = (start, last, step)
    rows = _placed(server, signal.facts, query, instants, f"{value} AS value, sum(n) AS requests")
    values = {(_names(query, row), int(row["i"])): _number(row["value"]) for row in rows}
    if query.signal in (_PER_REQUEST, _TOTAL):
        spent = _computed(server, query, start, start + last * step, instants)
        requests = {(_names(query, row), int(row["i"])): int(row["requests"]) for row in rows}
        values = _with_computed(query, values, spent, requests)
    found: dict[LabelValues, dict[int, float]] = defaultdict(dict)
    for (names, number), each in values.items():
        if each is not None:
            found[names][number] = each
    if signal.is_rate:
        for names, first in _known(server, signal, query, instants).items():
            points = found.get(names, {})
            found[names] = {number: points.get(number, 0.0) for number in range(first, last + 1)}
    return [
        _series(_named(query, names), points, start, step)
        for names, points in sorted(found.items(), key=lambda item: str(item[0]))
        if points
    ]


def _placed(
    server: Server,
    counted: Facts,
    query: Query,
    instants: tuple[datetime, int, timedelta],
    shown: str,
) -> list[dict[str, Any]]:
    """Return `shown` of the facts in each window, by labels and the number `i` of its instant."""
    start, last, step = instants
    ctes, parameters = _facts(server, counted, query, start - query.window, start + last * step)
    # A fact is in every window from the first instant after it until its window has passed.
    since = "end_ns - {first:Int64}"
    first = f"greatest(0, toInt64(ceil(({since}) / {{step:Int64}})))"
    after = (
        f"least({{last:Int64}} + 1, toInt64(ceil(({since} + {{window:Int64}}) / {{step:Int64}})))"
    )
    split, _, keys = shown.partition(" BY ")
    by = ", ".join((*query.by, "i", *([keys] if keys else [])))
    return server.ask(
        f"{ctes}, placed AS (SELECT *, arrayJoin(range({first}, {after})) AS i FROM facts) "  # noqa: S608  names are ours
        f"SELECT {by}, {split} FROM placed GROUP BY {by}",
        {
            **parameters,
            "first": nanoseconds(start),
            "step": step // timedelta(microseconds=1) * 1000,
            "window": query.window // timedelta(microseconds=1) * 1000,
            "last": last,
        },
    )


def _computed(
    server: Server,
    query: Query,
    start: datetime,
    end: datetime,
    instants: tuple[datetime, int, timedelta] | None = None,
) -> dict[Place, float]:
    """Return what calls that reported no cost have cost, in (start, end] or at each instant."""
    sums = ", ".join(
        f"sum(t_{name}) AS {name}" for name in ("input", "output", "cache_read", "cache_write")
    )
    shown = f"count() AS calls, {sums}"
    if instants is not None:
        rows = _placed(server, facts.of_unpriced, query, instants, f"{shown} BY sold")
    else:
        ctes, parameters = _facts(server, facts.of_unpriced, query, start, end)
        by = _columns(query, "sold")
        rows = server.ask(f"{ctes} SELECT {by}, {shown} FROM facts GROUP BY {by}", parameters)  # noqa: S608  names are ours
    found: dict[Place, float] = defaultdict(float)
    for row in rows:
        tokens = prices.Tokens(*(int(float(row[name])) for name in prices.Tokens._fields))
        cost = _price(str(row["sold"]), tokens, int(row["calls"]), end)
        if cost is not None:
            found[_names(query, row), int(row.get("i", 0))] += cost
    return found


def _unsold(server: Server, start: datetime, end: datetime) -> list[str]:
    """Return the models of calls without a cost that have no price either, as `sold` texts."""
    everything = Query(signal=_PER_REQUEST, window=KNOWN_FOR)
    ctes, parameters = _facts(
        server, facts.of_unpriced, everything, start - KNOWN_FOR, end + KNOWN_FOR
    )
    rows = server.ask(f"{ctes} SELECT DISTINCT sold FROM facts", parameters)  # noqa: S608  names are ours
    told = [str(row["sold"]) for row in rows]
    return [each for each in told if _price(each, prices.Tokens(input=1), 1, end) is None]


def _price(sold: str, tokens: prices.Tokens, calls: int, at: datetime) -> float | None:
    provider, _, model = sold.partition("\n")
    if not model:
        return None
    return prices.price_together(model, provider or None, tokens, calls=calls, at=at)


def _with_computed(
    query: Query,
    reported: Mapping[Place, float | None],
    computed: Mapping[Place, float],
    requests: Mapping[Place, int],
) -> dict[Place, float | None]:
    """Return what was spent, or that per request; None where nobody knows of any cost."""
    spent = {
        place: None
        if reported.get(place) is None and place not in computed
        else (reported.get(place) or 0.0) + computed.get(place, 0.0)
        for place in {*reported, *computed}
    }
    if query.signal == _TOTAL:
        return spent
    return {
        place: None if (cost := spent[place]) is None or not count else cost / count
        for place, count in requests.items()
    }


def _facts(
    server: Server, counted: Facts, query: Query, start: datetime, end: datetime
) -> tuple[str, dict[str, object]]:
    labels = tuple(dict.fromkeys((*query.by, *dict(query.scope))))
    table = Table(name=server.table, columns=server.columns())
    ctes = counted(table, labels)
    ctes = ctes if ctes.startswith("WITH ") else f"WITH {ctes.removeprefix(', ')}"
    ctes, parameters = facts.in_scope(ctes, query, start, end)
    if counted is facts.of_costs:
        parameters["unsold"] = _unsold(server, start, end)
    return ctes, parameters


def _known(
    server: Server, signal: Signal, query: Query, instants: tuple[datetime, int, timedelta]
) -> dict[LabelValues, int]:
    """Return the first instant at which each label set is known: it had a fact by then.

    Facts are remembered from an hour before the first instant.
    """
    start, last, step = instants
    ctes, parameters = _facts(server, signal.facts, query, start - KNOWN_FOR, start + last * step)
    rows = server.ask(
        f"{ctes} SELECT {_columns(query, 'min(end_ns) AS first')} FROM facts"  # noqa: S608  names are ours
        f"{_grouped(query)} HAVING count() > 0",
        parameters,
    )
    step_ns = step // timedelta(microseconds=1) * 1000
    return {
        _names(query, row): max(0, -(-(int(row["first"]) - nanoseconds(start)) // step_ns))
        for row in rows
    }


def _columns(query: Query, *more: str) -> str:
    return ", ".join((*query.by, *more))


def _grouped(query: Query) -> str:
    return f" GROUP BY {', '.join(query.by)}" if query.by else ""


def _names(query: Query, row: Mapping[str, Any]) -> LabelValues:
    return tuple(row[label] for label in query.by)


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


def _named(query: Query, values: Iterable[str | None]) -> dict[str, str]:
    split = zip(query.by, values, strict=True)
    return {name: value for name, value in (*query.scope, *split) if value}


def _series(
    labels: Mapping[str, str], points: Mapping[int, float], start: datetime, step: timedelta
) -> Series:
    numbers: Sequence[int] = sorted(points)
    return Series(
        labels=labels,
        seconds=[(start + number * step).timestamp() for number in numbers],
        values=[points[number] for number in numbers],
    )
