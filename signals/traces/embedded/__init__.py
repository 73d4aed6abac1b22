"""Traces and logs in one DuckDB file that this process owns: nothing else to install.

schema      the tables, and the way of our values into Arrow and back
database    the file: opening, asking within bounds, reopening
writer      group commit
requests    SQL for requests and their labels
search      lists of traces; heat counts them by time and latency
answering   signals, in the SQL of `signals.traces.from_spans`
spending    what requests cost
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from signals import Query, Reading, Series
from signals.logs.embedded import EmbeddedLogs
from signals.traces import (
    FILTERS,
    NARROWING,
    SEARCHED,
    Abilities,
    Order,
    Span,
    Trace,
    TraceQuery,
    TraceSummary,
)
from signals.traces.bounds import MAX_SPANS, check, check_values
from signals.traces.embedded import answering, heat, search, spending
from signals.traces.embedded.database import Database
from signals.traces.embedded.schema import aware, naive, outcomes_table, span_of, spans_table
from signals.traces.embedded.writer import Writer
from signals.traces.from_spans import ANSWERS
from signals.traces.heat import Cell, HeatQuery
from signals.traces.outcomes import OutcomeEvent
from signals.traces.rows import SPAN_FIELDS, SpanRows, rows_of
from signals.traces.spending import Bar, Bill, SpendQuery

__all__ = ["EmbeddedStore"]

PATIENCE = timedelta(seconds=10)
SWEEP_PATIENCE = timedelta(minutes=5)


class EmbeddedStore:
    """`TraceStore`, `SpanSink`, `Source`, `SpendStore`, … over one file.

    Its `logs` are a store of their own.
    """

    name = "traces"

    def __init__(self, database: Database, *, retention: timedelta | None = None) -> None:
        self._database = database
        self.abilities = Abilities(
            filters=frozenset(SEARCHED),
            values=frozenset(FILTERS),
            orders=tuple(Order),
            narrows=frozenset(NARROWING),
            signals=frozenset(ANSWERS),
            retention=retention,
        )
        self._writer = Writer(database)
        self.logs = EmbeddedLogs(database, self._writer)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        memory_mb: int = 512,
        patience: timedelta = PATIENCE,
        retention: timedelta | None = None,
    ) -> "EmbeddedStore":
        """Open the file at `path`, creating it if need be. Never fork afterwards.

        Args:
            path: The DuckDB file.
            memory_mb: What DuckDB may take for data; Python's own comes on top.
            patience: After how long a question is given up.
            retention: How long traces are kept, for whoever looks for one that is gone.

        Raises:
            StoreError: Another process holds the file, or it is no DuckDB file.
        """
        database = Database(Path(path), memory_mb=memory_mb, patience=patience)
        return cls(database, retention=retention)

    def close(self) -> None:
        """Write what waits, fold it into the file and close it."""
        self._writer.close()
        self._database.close()

    def write(self, spans: Sequence[Span]) -> None:
        """Store `spans`, durably before it returns; see `SpanSink`."""
        once = {(row["trace_id"], row["span_id"]): row for row in rows_of(spans)}
        if once:
            self._writer.write("spans", spans_table(SpanRows(list(once.values()))))

    def record(self, events: Sequence[OutcomeEvent]) -> None:
        """Store what became of requests; see `OutcomeSink`."""
        once = {(event.trace_id, event.outcome): event for event in reversed(events)}
        if once:
            self._writer.write("outcomes", outcomes_table(list(once.values())))

    def trace(self, trace_id: str) -> Trace | None:
        """Return a trace, or None if it is not held; see `TraceStore`."""
        rows = self._database.ask(
            f"SELECT {', '.join(SPAN_FIELDS)} FROM store.spans "  # noqa: S608  names are ours
            f"WHERE trace_id = $trace_id ORDER BY started_at, ended_at DESC LIMIT {MAX_SPANS + 1}",
            {"trace_id": trace_id},
        )
        spans = {span.span_id: span for span in map(span_of, rows[:MAX_SPANS])}
        cut = len(rows) > MAX_SPANS
        return Trace(trace_id=trace_id, spans=tuple(spans.values()), cut=cut) if spans else None

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return the traces that match; see `TraceStore`."""
        check(query, self.abilities, "the embedded store")
        return search.search(self._database, query)

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        """Return the values of one of `FILTERS`, most frequent first; see `TraceStore`."""
        check_values(field, start, end, self.abilities, "the embedded store")
        return search.values(self._database, field, start=start, end=end)

    def heat(self, query: HeatQuery) -> list[Cell]:
        """Return how many traces took how long, when; see `HeatStore`."""
        check(query.traces, self.abilities, "the embedded store")
        return heat.cells(self._database, query)

    def web_url(self, trace_id: str) -> str | None:  # noqa: ARG002  the protocol's
        """Return None: its traces are shown here; see `TraceStore`."""
        return None

    def check(self) -> str:
        """Return one line that says how much is held; see `TraceStore`."""
        ((traces,),) = self._database.ask(
            "SELECT count(*) FROM store.spans WHERE parent_id IS NULL", {}
        )
        return f"embedded; {traces} traces"

    def answers(self, query: Query) -> bool:
        """Say whether spans can answer for the signal, with these labels; see `Source`."""
        labels = {*query.by, *dict(query.scope)}
        return query.signal in ANSWERS and labels <= set(FILTERS)

    def read(self, query: Query, *, at: datetime) -> Reading:
        """Return the values over the window that ends at `at`; see `Source`."""
        return answering.read(self._database, query, at=at)

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return the values at each step; see `Source`."""
        return answering.read_range(self._database, query, start=start, end=end, step=step)

    def newest(self, *, at: datetime) -> datetime | None:
        """Return when the newest span up to `at` ended; see `Source`."""
        ((ended_at,),) = self._database.ask(
            "SELECT max(ended_at) FROM store.spans WHERE ended_at <= $at", {"at": naive(at)}
        )
        return aware(ended_at) if ended_at else None

    def spend(self, query: SpendQuery) -> Bill:
        """Return what was spent, by value; see `SpendStore`."""
        return spending.spend(self._database, query)

    def bars(self, query: SpendQuery, shown: Sequence[str | None]) -> list[Bar]:
        """Return what was spent from edge to edge; see `SpendStore`."""
        return spending.bars(self._database, query, shown)

    def held_since(self) -> datetime | None:
        """Return when the oldest span that is held ended; see `SpendStore`."""
        return spending.held_since(self._database)

    def sweep(self, *, now: datetime, traces: timedelta, logs: timedelta) -> None:
        """Delete spans that ended, outcomes told and lines written longer ago than that.

        The file does not shrink; the space is used again.

        Raises:
            SignalError: The store could not do it; the next sweep will.
        """
        for table, column, cutoff in (
            ("spans", "ended_at", now - traces),
            ("logs", '"at"', now - logs),
            ("outcomes", "told_at", now - traces),
        ):
            self._database.ask(
                f"DELETE FROM store.{table} WHERE {column} < $cutoff",  # noqa: S608  names are ours
                {"cutoff": naive(cutoff)},
                patience=SWEEP_PATIENCE,
            )
