"""Log lines in the embedded store's file."""

from collections.abc import Sequence
from datetime import datetime

from signals.logs import LogRecord
from signals.traces.embedded.database import Database
from signals.traces.embedded.schema import LOG_FIELDS, log_of, logs_table
from signals.traces.embedded.writer import Writer

MAX_LINES = 10_000
_COLUMNS = ", ".join(f'"{name}"' for name in LOG_FIELDS)  # `at` is a word of SQL


class EmbeddedLogs:
    """`LogStore` and `LogSink` on the file that `EmbeddedStore` opened."""

    name = "traces"

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def lines(
        self,
        trace_id: str,
        *,
        limit: int = 500,
        start: datetime | None = None,  # noqa: ARG002  the protocol's
        end: datetime | None = None,  # noqa: ARG002
    ) -> list[LogRecord]:
        """Return the lines of one trace, oldest first, at most `limit`; see `LogStore`."""
        rows = self._database.ask(
            f"SELECT {_COLUMNS} FROM store.logs "  # noqa: S608  names are ours
            'WHERE trace_id = $trace_id ORDER BY "at" LIMIT $limit',
            {"trace_id": trace_id, "limit": max(1, min(limit, MAX_LINES))},
        )
        return [log_of(row) for row in rows]

    def check(self) -> str:
        """Return one line that says how much is held; see `LogStore`."""
        ((lines,),) = self._database.ask("SELECT count(*) FROM store.logs", {})
        return f"embedded; {lines} lines"

    def write(self, records: Sequence[LogRecord]) -> None:
        """Store `records`, durably before it returns; see `LogSink`."""
        if records:
            self._writer.write("logs", logs_table(records))
