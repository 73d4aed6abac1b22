"""One DuckDB file: opened once per process, asked by any thread, reopened after a fatal error.

StoreError   another process holds the file, or it is no DuckDB file

A cursor is made per question: that costs 8 µs, and spares every worry about threads but one. The
connection itself takes one call at a time and refuses a second, so cursors are handed out in turn.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from signals import QueryError, UnreachableError
from signals.traces import StoreError
from signals.traces.embedded import narrow, sampling, schema
from signals.traces.embedded.together import Together

logger = logging.getLogger(__name__)

MAX_ROWS = 200_000
CLOSING_SECONDS = 10  # for questions under way to end

# The file stays readable by DuckDB 1.5, and small row groups keep checkpoints short.
_ATTACH = "ATTACH '{path}' AS store (STORAGE_VERSION 'v1.5.0', ROW_GROUP_SIZE 30720)"
# Files from before there was tail sampling.
_WEIGHED = "ALTER TABLE store.spans ADD COLUMN IF NOT EXISTS weight INTEGER"


class Database:
    """The file and the questions to it."""

    def __init__(self, path: Path, *, memory_mb: int, patience: timedelta) -> None:
        """Open `path`, creating it if need be.

        Args:
            path: The file; its folder is created.
            memory_mb: What DuckDB may take for data.
            patience: After how long a question is given up.

        Raises:
            StoreError: Another process holds the file, or it is no DuckDB file.
        """
        self.path = path
        self._memory_mb = memory_mb
        self._patience = patience
        self._mending = threading.Lock()
        self._handing = threading.Condition()
        self._handed: set[duckdb.DuckDBPyConnection] = set()
        self._closed = False
        self._changes = 0
        self.together = Together(lambda: self._changes)
        self._connection = self._open()
        self.is_weighed = False
        self.has_decisions = False
        self.note_weights()

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Any],
        *,
        at_most: int = MAX_ROWS,
        patience: timedelta | None = None,
    ) -> list[tuple[Any, ...]]:
        """Return all rows of the answer.

        The answer is bounded here, not by a LIMIT: DuckDB 2.0.0 waits for ever on some SELECT
        DISTINCT … LIMIT over a WITH.

        Raises:
            UnreachableError: It took too long, or the store is closed or broken.
            QueryError: The store refused the question, or has more than `at_most` rows to say.
        """
        connection = self._connection
        seconds = (patience or self._patience).total_seconds()
        try:
            with self._cursor_of(connection) as cursor, _bounded(cursor, seconds):
                rows = cursor.execute(sql, dict(parameters)).fetchmany(at_most + 1)
        except duckdb.InterruptException as error:
            if self._closed:
                raise UnreachableError("the trace store is closed") from error
            raise UnreachableError(
                f"the trace store took longer than {seconds:g} s: ask for less time or fewer labels"
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise QueryError(
                "the question needs more memory than the trace store may take: ask for less time, "
                "or raise WAKEFUL_TRACE_MEMORY_MB"
            ) from error
        except duckdb.Error as error:
            if self._mend(connection, error):
                raise UnreachableError("the trace store had to be opened again") from error
            if self._closed:
                raise UnreachableError("the trace store is closed") from error
            logger.exception("trace_store_query_failed")
            raise QueryError("the trace store refused the question; the log says why") from error
        if len(rows) > at_most:
            raise QueryError(
                f"the answer has more than {at_most} values: split by fewer labels, or narrow "
                "the scope"
            )
        return rows

    @contextlib.contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor for writing; raises what DuckDB raises."""
        connection = self._connection
        try:
            with self._cursor_of(connection) as cursor:
                yield cursor
        except duckdb.Error as error:
            self._mend(connection, error)
            raise

    @contextlib.contextmanager
    def _cursor_of(
        self, connection: duckdb.DuckDBPyConnection
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._handing:
            cursor = connection.cursor()
            self._handed.add(cursor)
        try:
            with cursor:
                yield cursor
        finally:
            with self._handing:
                self._handed.discard(cursor)
                self._handing.notify_all()

    def _mend(self, broken: duckdb.DuckDBPyConnection, error: duckdb.Error) -> bool:
        """Open the file again if `error` says that `broken` is of no more use; say whether so.

        A checkpoint on a full disk ends so, for one. Nothing is lost: what was committed is in
        the write-ahead log. While the file cannot be opened, every question tries again.
        """
        if not isinstance(error, duckdb.FatalException | duckdb.ConnectionException) and (
            "has been invalidated" not in str(error)
        ):
            return False
        with self._mending:
            if self._closed:
                return False
            if self._connection is broken:
                logger.error("trace_store_failed path=%s error=%s", self.path, error)
                with contextlib.suppress(duckdb.Error):
                    broken.close()
                try:
                    self._connection = self._open()
                except StoreError as refusal:
                    logger.error("trace_store_not_reopened reason=%s", refusal)  # noqa: TRY400  one sentence says it
                else:
                    logger.info("trace_store_reopened path=%s", self.path)
        return True

    def note_change(self) -> None:
        """Say that something was written: no answer from before is given again."""
        self._changes += 1

    def note_weights(self) -> None:
        """Look again whether tail sampling has decided anything, and some trace stands for several.

        If not, nothing is weighed, and what comes in is not looked up.
        """
        self.has_decisions |= bool(self.ask("SELECT 1 FROM store.decisions LIMIT 1", {}))
        self.is_weighed = bool(self.ask("SELECT 1 FROM store.roots WHERE weight > 1 LIMIT 1", {}))

    def wal_bytes(self) -> int:
        """Return the size of what is committed but not yet part of the file."""
        try:
            return Path(f"{self.path}.wal").stat().st_size
        except OSError:
            return 0

    def close(self) -> None:
        """Close the file; questions under way fail, and are waited for."""
        with self._mending, self._handing:
            self._closed = True
            for cursor in self._handed:
                cursor.interrupt()
            self._handing.wait_for(lambda: not self._handed, timeout=CLOSING_SECONDS)
            self._connection.close()

    def _open(self) -> duckdb.DuckDBPyConnection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(
            config={
                "memory_limit": f"{self._memory_mb}MB",
                "temp_directory": f"{self.path}.tmp",
                "checkpoint_threshold": "1GB",  # the writer checkpoints, between its commits
                "autoinstall_known_extensions": "false",  # nothing is fetched from anywhere
                "autoload_known_extensions": "false",
            }
        )
        try:
            connection.execute(_ATTACH.format(path=str(self.path).replace("'", "''")))
            connection.execute(schema.create("spans", schema.SPAN_TYPES))
            connection.execute(schema.create("logs", schema.LOG_TYPES))
            connection.execute(schema.create("outcomes", schema.OUTCOME_TYPES))
            connection.execute(_WEIGHED)
            sampling.create(connection)
            narrow.create(connection)
        except duckdb.Error as error:
            connection.close()
            raise StoreError(_sentence(self.path, str(error))) from error
        return connection


@contextlib.contextmanager
def _bounded(cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt `cursor` unless the block ends in time."""
    timer = threading.Timer(seconds, cursor.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _sentence(path: Path, error: str) -> str:
    if "lock" in error.lower() or "already attached" in error:
        return (
            f"{path} is in use by another process: one process owns the trace store, stop the "
            "other one or set another WAKEFUL_DATA_DIR"
        )
    return f"{path} cannot be opened as the trace store: {error.splitlines()[0]}"
