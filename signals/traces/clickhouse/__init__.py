"""Traces in ClickHouse, in the tables of OpenTelemetry's collector: OpenLIT and ClickStack too.

expressions  our fields as SQL
narrowing    what a list is narrowed by besides labels
server       asking within bounds
rows         what comes back, as our spans
answering    signals

A trace is found in two steps, as the tables are made for: when it was, by the helper table, then
its spans with that time as a bound; without it ClickHouse would look through every part.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from models.clock import Clock, utc_now
from signals import Query, Reading, Series
from signals.address import Address
from signals.traces import (
    FILTERS,
    NARROWING,
    ON_ANY_SPAN,
    SEARCHED,
    Abilities,
    Order,
    Span,
    Trace,
    TraceQuery,
    TraceSummary,
)
from signals.traces.bounds import MAX_SPANS, MAX_VALUES, check, check_values
from signals.traces.clickhouse import answering
from signals.traces.clickhouse.expressions import END_NS, ROOT, START_NS, Columns
from signals.traces.clickhouse.narrowing import narrowed
from signals.traces.clickhouse.rows import hex_id, spans_of
from signals.traces.clickhouse.server import ROWS, Server
from signals.traces.otlp_json import whole
from signals.traces.scanning import scan
from signals.traces.summaries import by_trace
from signals.traces.told import assembled, instant, nanoseconds
from signals.wire import PATIENCE

PAGE = 100
BEFORE, AFTER = timedelta(hours=1), timedelta(days=1)
_WITHIN = (
    "Timestamp >= fromUnixTimestamp64Nano({from:Int64}) "
    "AND Timestamp < fromUnixTimestamp64Nano({to:Int64})"
)
_ORDERS = {Order.NEWEST: "Timestamp DESC", Order.SLOWEST: "Duration DESC, Timestamp DESC"}
ABILITIES = Abilities(
    filters=frozenset(SEARCHED),
    values=frozenset(FILTERS) - {"outcome"},
    orders=tuple(_ORDERS),
    narrows=frozenset(NARROWING),
    signals=frozenset(answering.SIGNALS),
    lag=timedelta(seconds=10),
    notes=(
        "ClickHouse cannot sort by cost: costs that are not reported are computed here, later.",
        "ClickHouse compares scores that spans hold as attributes, and not those of their events.",
    ),
)


class ClickHouse:
    """`TraceStore` and `Source` on the collector's tables."""

    def __init__(
        self, address: Address, *, patience: timedelta = PATIENCE, clock: Clock = utc_now
    ) -> None:
        self.name = address.name
        self.abilities = ABILITIES
        self._address = address
        self._clock = clock
        self._server = Server(address, patience=patience, clock=clock)
        self._lookback = address.days(30)

    def trace(self, trace_id: str) -> Trace | None:
        """Return a trace, or None if it is not held; see `TraceStore`."""
        bounds = self._when(trace_id)
        if bounds is None:
            return None
        rows, cut = self._server.ask_some(
            self._spans_sql(light=False)
            + " AND TraceId = {id:String} ORDER BY Timestamp, Duration DESC "
            + f"LIMIT {MAX_SPANS + 1}",
            {**bounds, "id": trace_id},
        )
        return assembled(trace_id, spans_of(rows), cut=cut)

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return the traces that match; see `TraceStore`."""
        check(query, self.abilities, self._server.who)
        return scan(self._pages(query), query, who=self._server.who)

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        """Return the values of one of `FILTERS`, most frequent first; see `TraceStore`."""
        check_values(field, start, end, self.abilities, self._server.who)
        value = self._server.columns().field(field)
        rows = self._server.ask(
            f"SELECT {value} AS value FROM {self._server.table} "  # noqa: S608  names are ours
            f"WHERE {_WITHIN} AND value IS NOT NULL "
            f"GROUP BY value ORDER BY count() DESC, value LIMIT {MAX_VALUES}",
            _bounds(start, end),
        )
        return [str(row["value"]) for row in rows]

    def answers(self, query: Query) -> bool:
        """Say whether the tables can answer for the signal, with these labels; see `Source`."""
        labels = {*query.by, *dict(query.scope)}
        return query.signal in self.abilities.signals and labels <= set(FILTERS)

    def read(self, query: Query, *, at: datetime) -> Reading:
        """Return the values over the window that ends at `at`; see `Source`."""
        return answering.read(self._server, query, at=at)

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return the values at each step; see `Source`."""
        return answering.read_range(self._server, query, start=start, end=end, step=step)

    def newest(self, *, at: datetime) -> datetime | None:
        """Return when the newest span of the last day ended; see `Source`."""
        rows = self._server.ask(
            f"SELECT max({END_NS}) AS newest FROM {self._server.table} WHERE {_WITHIN}",  # noqa: S608  names are ours
            _bounds(at - AFTER, at),
        )
        newest = whole(rows[0]["newest"]) if rows else 0
        return min(instant(newest), at) if newest > 0 else None

    def web_url(self, trace_id: str) -> str | None:
        """Return the trace where `?web=` of the address says; see `TraceStore`."""
        return self._address.web_url(trace_id)

    def check(self) -> str:
        """Return who answers, with its version; see `TraceStore`."""
        rows = self._server.ask("SELECT version() AS version", {})
        columns = "JSON" if self._server.columns().is_json else "Map"
        return (
            f"{self._server.who} answers; version {rows[0]['version']}, {self._server.table} with "
            f"{columns} attributes"
        )

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def _when(self, trace_id: str) -> dict[str, int] | None:
        """Return when a trace was, as bounds; None if the helper table does not know it."""
        index = self._server.index
        if not index:
            now = self._clock()
            return _bounds(now - self._lookback, now + BEFORE)
        rows = self._server.ask(
            "SELECT toUnixTimestamp(min(Start)) AS first, toUnixTimestamp(max(End)) AS last, "  # noqa: S608  names are ours
            f"count() AS n FROM {index} WHERE TraceId = {{id:String}}",
            {"id": trace_id},
        )
        if not rows or not whole(rows[0]["n"]):
            return None
        # The helper table has whole seconds.
        return {
            "from": whole(rows[0]["first"]) * 10**9,
            "to": (whole(rows[0]["last"]) + 1) * 10**9,
        }

    def _pages(self, query: TraceQuery) -> Iterator[Sequence[Sequence[Span]]]:
        columns = self._server.columns()
        conditions, parameters = [_WITHIN, ROOT], dict[str, object](_bounds(query.start, query.end))
        # A user may be told by a mark, which SQL cannot compare: see `signals.traces.people`.
        told = {name: value for name, value in query.scope.items() if name != "user_id"}
        for name, value in told.items():
            conditions.append(self._narrowed(columns, name, value))
            parameters[f"scope_{name}"] = value
        more, values = narrowed(query, columns, self._told_by_some)
        conditions += more
        parameters |= values
        if told or more:
            parameters |= {
                "before": nanoseconds(query.start - BEFORE),
                "after": nanoseconds(query.end + BEFORE),
            }
        if query.errors_only:
            conditions.append(columns.failed())
        if query.min_duration_ms is not None:
            conditions.append("Duration >= {least:UInt64}")
            parameters["least"] = round(query.min_duration_ms * 1e6)
        offset = 0
        while True:
            heads = self._server.ask(
                f"SELECT TraceId, {START_NS} AS start_ns FROM {self._server.table} "  # noqa: S608  names are ours
                f"WHERE {' AND '.join(conditions)} ORDER BY {_ORDERS[query.order]} "
                f"LIMIT {PAGE} OFFSET {offset}",
                parameters,
            )
            yield self._traces(heads, [name for name, _ in query.attributes])
            offset += PAGE
            if len(heads) < PAGE:
                return

    def _narrowed(self, columns: Columns, name: str, value: str) -> str:
        """Return the condition that a root may have the label, by itself or by another span."""
        own = columns.field(name)
        is_so = f"coalesce({own}, '') = {{scope_{name}:String}}"
        if name == "outcome":
            return is_so
        told = self._told_by_some(is_so)
        if name in ON_ANY_SPAN:
            return f"TraceId IN ({told})" if value else is_so
        return f"({is_so} OR ({own} IS NULL AND TraceId IN ({told})))"

    def _told_by_some(self, is_so: str) -> str:
        """Return the traces some span of which, around the time asked for, meets a condition."""
        within = _WITHIN.replace("{from:", "{before:").replace("{to:", "{after:")
        return f"SELECT TraceId FROM {self._server.table} WHERE {within} AND {is_so}"  # noqa: S608  names are ours

    def _traces(
        self, heads: Sequence[Mapping[str, Any]], told: Sequence[str]
    ) -> Sequence[Sequence[Span]]:
        """Return the spans of traces, with what fields take and the attributes called `told`."""
        if not heads:
            return []
        starts = [instant(whole(head["start_ns"])) for head in heads]
        ids = list(dict.fromkeys(str(head["TraceId"]) for head in heads))
        rows = self._server.ask(
            self._spans_sql(light=True, told=told)
            + f" AND TraceId IN ({{ids:Array(String)}}) LIMIT {ROWS + 1}",
            {**_bounds(min(starts) - BEFORE, max(starts) + AFTER), "ids": ids},
        )
        spans = by_trace(spans_of(rows))
        return [spans.get(hex_id(found), []) for found in ids]

    def _spans_sql(self, *, light: bool, told: Sequence[str] = ()) -> str:
        columns = self._server.columns()
        names = {
            "TraceId": "TraceId",
            "SpanId": "SpanId",
            "ParentSpanId": "ParentSpanId",
            "SpanName": "SpanName",
            "SpanKind": "SpanKind",
            "ServiceName": "ServiceName",
            "start_ns": START_NS,
            "Duration": "Duration",
            "StatusCode": "StatusCode",
            "StatusMessage": "StatusMessage",
            "resource": columns.attributes("ResourceAttributes", light=light, beside=told),
            "attributes": columns.attributes("SpanAttributes", light=light, beside=told),
        }
        if not light:
            event = "toString(x)" if columns.is_json else "x"
            names |= {
                "event_names": "Events.Name",
                "event_times": "arrayMap(x -> toUnixTimestamp64Nano(x), Events.Timestamp)",
                "event_attributes": f"arrayMap(x -> {event}, Events.Attributes)",
            }
        shown = ", ".join(f"{sql} AS {name}" for name, sql in names.items())
        return f"SELECT {shown} FROM {self._server.table} WHERE {_WITHIN}"  # noqa: S608  names are ours


def _bounds(start: datetime, end: datetime) -> dict[str, int]:
    return {"from": nanoseconds(start), "to": nanoseconds(end)}
