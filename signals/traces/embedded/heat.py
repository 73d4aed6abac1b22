"""Counting the traces of the embedded store by time and latency: see `signals.traces.heat`."""

from dataclasses import replace
from datetime import timedelta

from signals import QueryError
from signals.traces import Order
from signals.traces.embedded.database import Database
from signals.traces.embedded.requests import FAILED
from signals.traces.embedded.search import matching
from signals.traces.heat import LEAST_MS, MOST_COLUMNS, PER_DECADE, Cell, HeatQuery

_COLUMNS = (
    ", r.started_at, r.duration_ms, r.is_first, coalesce(r.weight, 1) AS weight, "
    f"{FAILED.format(s='r')} AS failed"
)


def cells(database: Database, query: HeatQuery) -> list[Cell]:
    """Return the cells; see `HeatStore.heat`."""
    span = query.traces.end - query.traces.start
    if query.step <= timedelta() or span > MOST_COLUMNS * query.step:
        raise QueryError(f"a heat map has at most {MOST_COLUMNS} columns: take longer steps")
    found = matching(replace(query.traces, order=Order.NEWEST), _COLUMNS)
    rows = database.ask(
        f"WITH {found.ctes} SELECT "  # noqa: S608  labels are checked
        "(epoch_us(q.started_at) - epoch_us(CAST($from_at AS TIMESTAMP))) // $step_us AS col, "
        f"CAST(floor(log10(greatest(q.duration_ms, {LEAST_MS})) * {PER_DECADE}) AS INTEGER), "
        "CAST(sum(q.weight) AS BIGINT), "
        "CAST(coalesce(sum(q.weight) FILTER (WHERE q.failed), 0) AS BIGINT) "
        # A trace with two roots is one.
        f"FROM {found.requests} AND q.is_first GROUP BY ALL",
        {**found.parameters, "step_us": query.step // timedelta(microseconds=1)},
    )
    return [
        Cell(column=column, row=row, traces=traces, failed=failed)
        for column, row, traces, failed in rows
    ]
