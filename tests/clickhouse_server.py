"""ClickHouse's HTTP interface over chDB, which is ClickHouse itself as a library.

    python -m tests.clickhouse_server PORT FOLDER

A process of its own: chDB takes one folder per process, and its process must not fork. Whoever
asks without the header of the tests must ask read-only and bounded in time, or is refused.

The tables are those that the collector's exporter creates, once with Map and once with JSON
attributes, without what makes no difference to a reader (codecs, TTL, skipping indexes).

Source: opentelemetry-collector-contrib, exporter/clickhouseexporter/internal/sqltemplates
(traces_table.sql, traces_json_table.sql, traces_id_ts_lookup_*.sql), read 2026-11; ClickHouse,
src/Server/HTTP/exceptionCodeToHTTPStatus.cpp;
https://clickhouse.com/docs/interfaces/http
"""

import base64
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from chdb import session

USER, PASSWORD = "reader", "pass:word/with@signs"
ADMIN = "X-Test-Admin"
MAP = "Map(LowCardinality(String), String)"
DATABASES = {
    "little_map": MAP,
    "little_old": MAP,
    "little_json": "JSON",
    "narrow_map": MAP,
    "narrow_old": MAP,
    "narrow_json": "JSON",
    "many_map": MAP,
    "traps": MAP,
    "signals_map": MAP,
    "signals_json": "JSON",
}
TRACES = """
CREATE TABLE {database}.otel_traces (
    Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String,
    SpanName LowCardinality(String), SpanKind LowCardinality(String),
    ServiceName LowCardinality(String), ResourceAttributes {attributes}, ScopeName String,
    ScopeVersion String, SpanAttributes {attributes}, Duration UInt64,
    StatusCode LowCardinality(String), StatusMessage String,
    Events Nested (
        Timestamp DateTime64(9), Name LowCardinality(String), Attributes {attributes}
    ),
    Links Nested (TraceId String, SpanId String, TraceState String, Attributes {attributes})
) ENGINE = MergeTree PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), Timestamp)
"""
LOOKUP = """
CREATE TABLE {database}.otel_traces_trace_id_ts (
    TraceId String, Start SimpleAggregateFunction(min, DateTime),
    End SimpleAggregateFunction(max, DateTime)
) ENGINE = AggregatingMergeTree PARTITION BY toStartOfWeek(Start) ORDER BY (TraceId)
"""
VIEW = """
CREATE MATERIALIZED VIEW {database}.otel_traces_trace_id_ts_mv
TO {database}.otel_traces_trace_id_ts AS SELECT TraceId, min(Timestamp) AS Start,
max(Timestamp) AS End FROM {database}.otel_traces WHERE TraceId != '' GROUP BY TraceId
"""
# As ClickHouse's HTTP server answers them.
STATUSES = {"60": 404, "81": 404, "62": 400, "47": 400, "516": 403, "159": 408, "164": 500}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chdb: ClassVar[Any]
    lock: ClassVar[Lock] = Lock()
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        params = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if ADMIN not in self.headers:
            pair = f"{USER}:{PASSWORD}".encode()
            if self.headers.get("Authorization") != f"Basic {base64.b64encode(pair).decode()}":
                return self._answer(403, b"Code: 516. DB::Exception: Authentication failed", "516")
            if params.get("readonly") != "1" or not int(params.get("max_execution_time", 0)):
                return self._answer(500, b"Code: 164. DB::Exception: ask read-only", "164")
            self.asked.append(sql)
            names = ("readonly", "max_execution_time", "max_result_rows", "result_overflow_mode")
            settings = [f"{name} = {_literal(params[name])}" for name in names if name in params]
            sql = f"{sql} SETTINGS {', '.join(settings)}"
        values = {key[6:]: value for key, value in params.items() if key.startswith("param_")}
        try:
            with self.lock:
                self.chdb.query(f"USE {params.get('database', 'default')}")
                form = params.get("default_format", "TabSeparated")
                body = self.chdb.query(sql, form, params=values).bytes()
        except Exception as error:  # noqa: BLE001  whatever chDB raises is told as ClickHouse does
            text = str(error)
            code = (re.search(r"Code: (\d+)", text) or ["", "0"])[1]
            return self._answer(STATUSES.get(code, 500), text.encode(), code)
        return self._answer(200, body)

    def do_GET(self) -> None:
        self._answer(200, "\n;;\n".join(self.asked).encode())

    def _answer(self, status: int, body: bytes, code: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _literal(value: str) -> str:
    return value if value.isdigit() else f"'{value}'"


def main(port: int, folder: str) -> None:
    Handler.chdb = session.Session(folder)
    for database, attributes in DATABASES.items():
        names = {"database": database, "attributes": attributes}
        Handler.chdb.query(f"CREATE DATABASE IF NOT EXISTS {database}")
        Handler.chdb.query(TRACES.format(**names))
        if not database.endswith("old"):  # older set-ups have no helper table
            Handler.chdb.query(LOOKUP.format(**names))
            Handler.chdb.query(VIEW.format(**names))
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
