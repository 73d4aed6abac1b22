"""Group commit: one thread writes what many threads hand in, and answers after the commit.

Whoever writes waits for its own commit, so an answer means that the rows survive SIGKILL. While
one commit runs, the next batches gather and share the next one.

A row that is already stored is left out, so that an exporter that repeats a request it got no
answer for doubles nothing, however late it repeats it. That is done here, on writing, because
then no reader has to think of it; it is cheap because equal rows have equal times, and DuckDB
skips the row groups of other times.
"""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from signals.traces import BusyError
from signals.traces.embedded import narrow, sampling
from signals.traces.embedded.database import Database

logger = logging.getLogger(__name__)

MAX_WAITING_BYTES = 64 * 2**20
MAX_GROUP_ROWS = 20_000
CHECKPOINT_BYTES = 192 * 2**20
CHECKPOINT_EVERY = timedelta(minutes=5)

# What tells two rows of a table apart, the column that bounds the search first.
KEYS = {
    "spans": ("started_at", "trace_id", "span_id"),
    "logs": ("at", "trace_id", "span_id", "service", "body"),
    "outcomes": ("trace_id", "outcome"),
}


Work = Callable[[duckdb.DuckDBPyConnection], None]


@dataclass(slots=True)
class _Batch:
    """Rows for a table, or work of another kind on the file."""

    table: str
    rows: pa.Table
    work: Work | None = None
    done: "Future[None]" = field(default_factory=Future)


class Writer:
    """The one thread that writes to a `Database`."""

    def __init__(self, database: Database, *, max_waiting_bytes: int = MAX_WAITING_BYTES) -> None:
        """Start the thread."""
        self._database = database
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: deque[_Batch] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self._checkpointed_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="trace-store-writer", daemon=True)
        self._thread.start()

    def write(self, table: str, rows: pa.Table) -> None:
        """Store `rows` in `table` and return after the commit.

        Raises:
            BusyError: Too much is waiting already, the store is closing, or the disk refuses.
        """
        batch = _Batch(table, rows)
        with self._changed:
            if self._closing:
                raise BusyError("the trace store is closing")
            if self._waiting and self._waiting_bytes + rows.nbytes > self._max_waiting_bytes:
                raise BusyError("the trace store has more to write than it can; send again soon")
            self._waiting.append(batch)
            self._waiting_bytes += rows.nbytes
            self._changed.notify()
        batch.done.result()

    def run(self, work: Work) -> None:
        """Do `work` within a transaction, between two commits of rows; return after it.

        What updates rows is done here, or else it and a commit could refuse each other.

        Raises:
            BusyError: The store is closing, or it failed; nothing of it was done.
        """
        batch = _Batch("", pa.table({}), work)
        with self._changed:
            if self._closing:
                raise BusyError("the trace store is closing")
            self._waiting.append(batch)
            self._changed.notify()
        batch.done.result()

    def close(self) -> None:
        """Write what waits, fold it into the file, and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            group = self._next_group()
            if group:
                self._settle(group)
            closing = self._closing and not self._waiting
            if closing or self._is_checkpoint_due():
                self._checkpoint()
            if closing:
                return

    def _next_group(self) -> list[_Batch]:
        """Return the batches to commit together; empty when there is something else to do."""
        group: list[_Batch] = []
        with self._changed:
            if not self._waiting and not self._closing:
                self._changed.wait(timeout=CHECKPOINT_EVERY.total_seconds())
            rows = 0
            while self._waiting and (not group or rows < MAX_GROUP_ROWS):
                batch = self._waiting.popleft()
                self._waiting_bytes -= batch.rows.nbytes
                rows += batch.rows.num_rows
                group.append(batch)
        return group

    def _settle(self, group: Sequence[_Batch]) -> None:
        """Commit `group`; where that fails, each batch by itself, so that one spoils no other."""
        try:
            self._commit(group)
        except Exception as error:  # noqa: BLE001  the top of a thread: every waiting caller must be answered
            logger.warning("trace_store_write_failed batches=%d error=%r", len(group), error)
            if len(group) > 1 and not isinstance(error, duckdb.FatalException):
                for batch in group:
                    self._settle([batch])
                return
            refusal = BusyError("the trace store could not write; the log says why")
            refusal.__cause__ = error
            for batch in group:
                batch.done.set_exception(refusal)
            return
        for batch in group:
            batch.done.set_result(None)

    def _commit(self, group: Sequence[_Batch]) -> None:
        with self._database.cursor() as cursor:
            cursor.begin()
            try:
                for table in KEYS:
                    batches = [batch.rows for batch in group if batch.table == table]
                    if batches:
                        _insert(cursor, table, batches, self._database)
                for batch in group:
                    if batch.work is not None:
                        batch.work(cursor)
                cursor.commit()
                self._database.note_change()
                self._database.is_weighed |= any(
                    batch.table == "spans" and _is_weighed(batch.rows) for batch in group
                )
            except BaseException:
                with contextlib.suppress(duckdb.Error):  # a failed commit has done so itself
                    cursor.rollback()
                raise

    def _is_checkpoint_due(self) -> bool:
        size = self._database.wal_bytes()
        age = time.monotonic() - self._checkpointed_at
        return size > CHECKPOINT_BYTES or (size > 0 and age > CHECKPOINT_EVERY.total_seconds())

    def _checkpoint(self) -> None:
        self._checkpointed_at = time.monotonic()
        try:
            with self._database.cursor() as cursor:
                cursor.execute("CHECKPOINT store")
        except duckdb.Error as error:
            logger.warning("trace_store_checkpoint_failed error=%r", error)


def _is_weighed(spans: pa.Table) -> bool:
    """Say whether some span stands for several: its sender sampled."""
    return (pc.max(spans["weight"]).as_py() or 1) > 1


def _insert(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    batches: Sequence[pa.Table],
    database: Database,
) -> None:
    """Insert the rows that are not in `table` yet; spans that come late follow what was decided.

    Lines repeated within one batch are an application that says so twice; spans that are
    repeated, or lines repeated from batch to batch, are an exporter that tries again.
    """
    key = KEYS[table]
    rows = _without_repeats(key, batches)
    bounds = pc.min_max(rows[key[0]])
    within = {"first": bounds["min"].as_py(), "last": bounds["max"].as_py()}
    rows = _without_stored(cursor, table, rows, within)
    if table == "spans" and rows.num_rows:
        if database.is_weighed or _is_weighed(rows):
            rows = sampling.agreed(cursor, rows, within, known=database.is_weighed)
        if database.has_decisions:
            rows = sampling.followed(cursor, rows)
    if not rows.num_rows:
        return
    cursor.register("batch", rows)
    cursor.execute(f"INSERT INTO store.{table} BY NAME FROM batch")
    if table == "spans":
        narrow.add(cursor, "batch", **within)


def _without_stored(
    cursor: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, within: dict[str, Any]
) -> pa.Table:
    """Return the rows that `table` does not hold; usually that is all of them, untouched."""
    key = KEYS[table]
    same = " AND ".join(f'old."{column}" IS NOT DISTINCT FROM new."{column}"' for column in key)
    places = pa.array(range(rows.num_rows), pa.int64())
    cursor.register("keys", rows.select(key).append_column("place", places))
    stored = cursor.execute(
        "SELECT new.place FROM keys AS new WHERE EXISTS "  # noqa: S608  names are ours
        f'(SELECT 1 FROM store.{table} AS old WHERE old."{key[0]}" BETWEEN $first AND $last '
        f"AND {same})",
        within,
    ).fetchall()
    if not stored:
        return rows
    repeated = pa.array([place for (place,) in stored], pa.int64())
    return rows.filter(pc.invert(pc.is_in(places, repeated)))


def _without_repeats(key: Sequence[str], batches: Sequence[pa.Table]) -> pa.Table:
    """Return the batches as one table, each without the rows of an earlier one."""
    if len(batches) == 1:
        return batches[0]
    joined = pa.concat_tables(batches)
    # Span ids are nearly always all different, which Arrow says in a fifth of the time.
    if pc.count_distinct(joined[key[-1]], mode="all").as_py() == joined.num_rows:
        return joined
    seen: set[tuple[object, ...]] = set()
    kept: list[pa.Table] = []
    for rows in batches:
        first = rows[key[0]]
        if pa.types.is_timestamp(first.type):
            first = first.cast(pa.int64())  # quicker than a datetime for each
        keys = list(zip(first.to_pylist(), *(rows[n].to_pylist() for n in key[1:]), strict=True))
        fresh = [k not in seen for k in keys]
        kept.append(rows if all(fresh) else rows.filter(pa.array(fresh)))
        seen.update(keys)
    return pa.concat_tables(kept)
