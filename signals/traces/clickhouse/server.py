"""Asking ClickHouse over HTTP: read-only, bounded, with parameters, and its errors in a sentence.

Source: https://clickhouse.com/docs/interfaces/http, src/Common/ErrorCodes.cpp
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from threading import Lock
from typing import Any

from models.clock import Clock
from signals import QueryError, SignalError, UnreachableError
from signals.address import Address, AddressError
from signals.traces.clickhouse.expressions import Columns, words
from signals.wire import Reply, Terms, Wire

ROWS = 50_000
_ERRORS = frozenset({400, 404, 408, 500, 503})
_TOO_SLOW = {"159", "160", "209"}  # TIMEOUT_EXCEEDED, TOO_SLOW, SOCKET_TIMEOUT
_TOO_LARGE = {"241", "307", "396", "158"}  # memory, bytes, result rows, rows
_NO_TABLE = {"60", "81"}  # UNKNOWN_TABLE, UNKNOWN_DATABASE


class Server:
    """One database of a ClickHouse server; the table's name is `?table=` of the address."""

    def __init__(self, address: Address, *, patience: timedelta, clock: Clock) -> None:
        self.table = _identifier(address.params.get("table", "otel_traces"))
        self._database = address.path or address.params.get("database", "default")
        # The path of the address names the database, and is no part of the URL.
        root = address.url.removesuffix(f"/{address.path}") if address.path else address.url
        plain = Address(
            kind=address.kind,
            url=root,
            place=address.place,
            username=address.username or "default",
            password=address.password,
        )
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        self._wire = Wire("ClickHouse", plain, headers=headers, patience=patience, clock=clock)
        self.who = self._wire.who
        self._seconds = max(1, int(patience.total_seconds()))
        self._columns: Columns | None = None
        self._has_index = False
        self._lock = Lock()

    @property
    def index(self) -> str:
        """Return the table that knows when a trace was, by its id; empty without one."""
        self.columns()
        return f"{self.table}_trace_id_ts" if self._has_index else ""

    def columns(self) -> Columns:
        """Return how the table holds attributes; asked once."""
        with self._lock:
            if self._columns is None:
                rows = self.ask(
                    "SELECT table, name, type FROM system.columns "
                    "WHERE database = currentDatabase() AND table IN ({t:String}, {i:String})",
                    {"t": self.table, "i": f"{self.table}_trace_id_ts"},
                )
                types = {row["name"]: row["type"] for row in rows if row["table"] == self.table}
                if "SpanAttributes" not in types:
                    raise self._no_table()
                self._has_index = any(row["table"] != self.table for row in rows)
                self._columns = Columns(is_json=str(types["SpanAttributes"]).startswith("JSON"))
            return self._columns

    def ask(self, sql: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
        """Return the rows of the answer by column; 64-bit numbers may come as text.

        Raises:
            UnreachableError: No answer, or it took too long.
            QueryError: It was refused, or has more than `ROWS` rows.
        """
        rows, cut = self.ask_some(sql, parameters)
        if cut or len(rows) > ROWS:
            raise QueryError(
                f"{self.who} has more than {ROWS:,} rows to say: ask for less time or fewer labels"
            )
        return rows

    def ask_some(
        self, sql: str, parameters: Mapping[str, object]
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return the rows of the answer and whether it was cut for its size; raises as `ask`."""
        settings = {
            "database": self._database,
            "readonly": 1,
            "max_execution_time": self._seconds,
            "max_result_rows": ROWS + 1,
            "result_overflow_mode": "break",
            "wait_end_of_query": 1,  # or an error comes in the middle of a 200
            "default_format": "JSON",
            **{f"param_{name}": _parameter(value) for name, value in parameters.items()},
        }
        reply = self._wire.ask(
            "POST",
            "/",
            params=settings,
            content=sql.encode(),
            terms=Terms(answers=_ERRORS, cut=True),
        )
        if reply.status in _ERRORS:
            raise self._fault(reply)
        try:
            return list(reply.data["data"]), reply.cut
        except (KeyError, TypeError) as error:
            raise self._wire.malformed() from error

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _fault(self, reply: Reply) -> SignalError:
        code = reply.headers.get("x-clickhouse-exception-code", "")
        if code in _TOO_SLOW:
            return UnreachableError(
                f"{self.who} took longer than {self._seconds} s: ask for less time or fewer labels"
            )
        if code in _TOO_LARGE:
            return QueryError(f"{self.who} has too much to read: ask for less time or fewer labels")
        if code in _NO_TABLE:
            return self._no_table()
        if code in ("192", "193", "194", "516"):
            return UnreachableError(f"{self.who} does not accept our user and password")
        if not code:
            return UnreachableError(f"{self.who} answered {reply.status}: check the URL")
        return QueryError(f"{self.who} refused the question (code {code})")

    def _no_table(self) -> SignalError:
        return UnreachableError(
            f"{self.who} has no table {self.table} with the collector's columns in this database: "
            "set ?table= of its address"
        )


def _identifier(name: str) -> str:
    if not name.replace("_", "").replace(".", "").isalnum():
        raise AddressError("the address of clickhouse names no table in ?table=")
    return name


def _parameter(value: object) -> str:
    if isinstance(value, str):
        # ClickHouse reads parameters as it reads tab-separated values.
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    if isinstance(value, Sequence):
        return _parameter(f"[{words(str(item) for item in value)}]")
    return str(value)
