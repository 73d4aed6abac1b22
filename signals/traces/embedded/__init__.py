"""Traces and logs in one DuckDB file that this process owns: nothing else to install.

schema      the tables, and the way of our values into Arrow and back
database    the file: opening, asking within bounds, reopening
writer      group commit
narrow      copies of the spans that lists and charts read, kept up with them
sampling    which traces stay
requests    SQL for requests and their labels
search      lists of traces; heat counts them by time and latency
answering   signals, in the SQL of `signals.traces.from_spans`; together, several by one statement
measuring   measures of one's own
spending    what requests cost
quality     scores, feedback, guardrails, approvals, retrieval
sessions    the requests of one conversation
tools       what an agent's tools did
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from signals import Query, Reading, Series
from signals.logs.embedded import EmbeddedLogs
from signals.measures import attribute_of
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
from signals.traces.embedded import (
    answering,
    heat,
    narrow,
    quality,
    search,
    sessions,
    spending,
    tools,
)
from signals.traces.embedded.database import Database
from signals.traces.embedded.sampling import Decided, TailSampling, decide
from signals.traces.embedded.schema import aware, naive, outcomes_table, span_of, spans_table
from signals.traces.embedded.writer import Writer
from signals.traces.from_spans import ANSWERS
from signals.traces.heat import Cell, HeatQuery
from signals.traces.outcomes import OutcomeEvent
from signals.traces.quality import (
    Approver,
    Feedback,
    Guard,
    QualityQuery,
    Queue,
    Scores,
    Searches,
    Stop,
)
from signals.traces.recomputing import ReportedUses
from signals.traces.rows import SPAN_FIELDS, SpanRows, rows_of
from signals.traces.sessions import SessionQuery, Sessions, Turn
from signals.traces.spending import Bar, Bill, SpendQuery
from signals.traces.tools import ToolQuery, ToolReport

__all__ = ["EmbeddedStore", "TailSampling"]

PATIENCE = timedelta(seconds=10)
SWEEP_PATIENCE = timedelta(minutes=5)


class EmbeddedStore:
    """`TraceStore`, `SpanSink`, `Source`, `SpendStore`, … over one file.

    It is a `SessionStore` and a `ToolStore` too; its `logs` are a store of their own.
    """

    name = "traces"

    def __init__(
        self,
        database: Database,
        *,
        retention: timedelta | None = None,
        sampling: TailSampling | None = None,
    ) -> None:
        self._database = database
        self._sampling = sampling
        self._abilities = Abilities(
            filters=frozenset(SEARCHED),
            values=frozenset(FILTERS),
            orders=tuple(Order),
            narrows=frozenset(NARROWING),
            signals=frozenset(ANSWERS),
            retention=retention,
        )
        self._writer = Writer(database)
        self.logs = EmbeddedLogs(database, self._writer)

    @property
    def abilities(self) -> Abilities:
        """Return what it can do; of sampled traces, everything is an estimate."""
        is_estimate = self._sampling is not None or self._database.is_weighed
        estimates = frozenset(ANSWERS) if is_estimate else frozenset()
        return replace(self._abilities, estimates=estimates)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        memory_mb: int = 512,
        patience: timedelta = PATIENCE,
        retention: timedelta | None = None,
        sampling: TailSampling | None = None,
    ) -> "EmbeddedStore":
        """Open the file at `path`, creating it if need be. Never fork afterwards.

        Args:
            path: The DuckDB file.
            memory_mb: What DuckDB may take for data; Python's own comes on top.
            patience: After how long a question is given up.
            retention: How long traces are kept, for whoever looks for one that is gone.
            sampling: Which traces stay; None for all. Carried out by `sample`.

        Raises:
            StoreError: Another process holds the file, or it is no DuckDB file.
        """
        database = Database(Path(path), memory_mb=memory_mb, patience=patience)
        return cls(database, retention=retention, sampling=sampling)

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
        # When it was is found in an eighth of the rows, and spares most of the others.
        ((first, last),) = self._database.ask(
            "SELECT min(started_at), max(ended_at) FROM store.parts "
            "WHERE trace_id = TRY_CAST($trace_id AS UUID)",
            {"trace_id": trace_id},
        )
        rows = self._database.ask(
            f"SELECT {', '.join(SPAN_FIELDS)} FROM store.spans "  # noqa: S608  names are ours
            "WHERE trace_id = $trace_id AND started_at BETWEEN $first AND $last "
            f"ORDER BY started_at, ended_at DESC LIMIT {MAX_SPANS + 1}",
            {"trace_id": trace_id, "first": first, "last": last},
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
        ((traces,),) = self._database.ask("SELECT count(*) FROM store.roots", {})
        return f"embedded; {traces} traces"

    def answers(self, query: Query) -> bool:
        """Say whether spans can answer the question, with these labels; see `Source`."""
        labels = {*query.by, *dict(query.scope)}
        if query.measure is not None:
            return all(label in FILTERS or attribute_of(label) for label in labels)
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

    def reported(self, query: SpendQuery) -> ReportedUses:
        """Return what calls with a reported cost used; see `SpendStore`."""
        return spending.reported(self._database, query)

    def sessions(self, query: SessionQuery, *, now: datetime) -> Sessions:
        """Return the sessions that match; see `SessionStore`."""
        return sessions.sessions(self._database, query, now=now)

    def turns(self, session_id: str, *, start: datetime, end: datetime) -> list[Turn]:
        """Return the turns of a session; see `SessionStore`."""
        return sessions.turns(self._database, session_id, start=start, end=end)

    def tools(self, query: ToolQuery) -> ToolReport:
        """Return what tools did; see `ToolStore`."""
        return tools.report(self._database, query)

    def held_since(self) -> datetime | None:
        """Return when the oldest span that is held ended; see `SpendStore`."""
        return spending.held_since(self._database)

    def sample(self, *, now: datetime) -> Decided:
        """Decide which of the traces that have ended stay; see `sampling`. None goes without it.

        Raises:
            BusyError: The store could not do it, and has done nothing; the next call will.
        """
        rules = self._sampling
        if rules is None:
            return Decided()
        self._database.has_decisions = True
        done: list[Decided] = []
        self._writer.run(lambda cursor: done.append(decide(cursor, rules, now=naive(now))))
        self._database.note_weights()
        return done[-1]

    def sampled_out(self, trace_id: str) -> bool:
        """Say whether the trace was here, some hours ago at most, and was not kept."""
        sql = "SELECT 1 FROM store.decisions WHERE trace_id = TRY_CAST($id AS UUID) AND weight = 0"
        return bool(self._database.ask(sql, {"id": trace_id}))

    def scores(self, query: QualityQuery) -> list[Scores]:
        """Return what was judged; see `QualityStore`."""
        return quality.scores(self._database, query)

    def feedback(self, query: QualityQuery) -> list[Feedback]:
        """Return what people made of the answers; see `QualityStore`."""
        return quality.feedback(self._database, query)

    def guards(self, query: QualityQuery) -> list[Guard]:
        """Return what guardrails did; see `QualityStore`."""
        return quality.guards(self._database, query)

    def stops(self, query: QualityQuery, guardrail: str, reason: str) -> list[Stop]:
        """Return the newest times that a guardrail triggered; see `QualityStore`."""
        return quality.stops(self._database, query, guardrail, reason)

    def approvers(self, query: QualityQuery) -> list[Approver]:
        """Return what was decided, by person; see `QualityStore`."""
        return quality.approvers(self._database, query)

    def queue(self, query: QualityQuery) -> Queue | None:
        """Return the queue of approvals as last told; see `QualityStore`."""
        return quality.queue(self._database, query)

    def searches(self, query: QualityQuery) -> list[Searches]:
        """Return what retrieval did; see `QualityStore`."""
        return quality.searches(self._database, query)

    def sweep(self, *, now: datetime, traces: timedelta, logs: timedelta) -> None:
        """Delete spans that ended, outcomes told and lines written longer ago than that.

        The file does not shrink; the space is used again.

        Raises:
            SignalError: The store could not do it; the next sweep will.
        """
        for table, column, cutoff in (
            *((table, "ended_at", now - traces) for table in ("spans", *narrow.TABLES)),
            ("logs", '"at"', now - logs),
            ("outcomes", "told_at", now - traces),
        ):
            self._database.ask(
                f"DELETE FROM store.{table} WHERE {column} < $cutoff",  # noqa: S608  names are ours
                {"cutoff": naive(cutoff)},
                patience=SWEEP_PATIENCE,
            )
        self._database.note_change()
