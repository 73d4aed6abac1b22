"""The OTLP door and the trace store: spans per second, memory, and the questions of STORE.md."""

import http.client
import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import made_spans, otlp, processes, wakeful
from bench.otlp import Batch
from bench.processes import BenchError, cpu_seconds, resident_mb
from bench.report import Table, judged, number
from models.clock import utc_now
from signals.traces.embedded import PATIENCE
from signals.traces.embedded.database import Database

CONNECTIONS = 8
SECONDS = 20
DIFFERENT_BATCHES = 20
SLOWEST_SPANS_PER_SECOND = 15_000
MOST_RESIDENT_MB = 1_000
MOST_BUSY_MS = 150
MEANINGS = {
    "a": "24 h by the minute: p50, p95, p99, errors, cost, cache; six questions",
    "b": "7 days by the hour and prompt version: the same six",
    "c": "one trace",
    "d": "newest 100 failed traces of a tenant, 7 days",
    "e": "cost by tenant and day, 6 days",
    "f": "p95 and errors by an attribute that is no column, 7 days; SQL",
    "g": "newest 50 sessions with turns and cost, 7 days; SQL",
}
# Milliseconds, by the size of the store.
TARGETS = {
    1_000_000: {"a": 10, "b": 20, "c": 15, "d": 10, "e": 20, "f": 80, "g": 30},
    10_000_000: {"a": 30, "b": 100, "c": 50, "d": 15, "e": 60, "f": 500, "g": 200},
}


@dataclass(slots=True, kw_only=True)
class Sent:
    """What the door answered.

    Attributes:
        spans: In batches that were answered with 200: durable.
        milliseconds: From a batch to its answer.
        refused: Batches answered with 503.
    """

    spans: int = 0
    milliseconds: list[float] = field(default_factory=list)
    refused: int = 0


def measure(folder: Path, *, large: bool) -> list[Table]:
    """Return the figures on 1,000,000 spans; `large` makes it 10,000,000."""
    size = 10_000_000 if large else 1_000_000
    path = folder / "traces.duckdb"
    started = time.monotonic()
    made_spans.fill(path, size, end=utc_now())
    filled = time.monotonic() - started
    megabytes = path.stat().st_size / 1e6
    asked = processes.module("bench.queries", str(path))
    before = _count(path)
    batches = otlp.batches(DIFFERENT_BATCHES, now=utc_now())
    with wakeful.up(folder) as server:
        door = Door(host=server.host, port=server.port, batches=batches)
        cpu, begun = cpu_seconds(server.process), time.monotonic()
        sent = door.press(SECONDS)
        elapsed = time.monotonic() - begun
        cpu = cpu_seconds(server.process) - cpu
        resident = resident_mb(server.process)
    stored = _count(path) - before
    if stored != sent.spans:
        raise BenchError(f"{sent.spans} spans were answered for, {stored} are stored")
    note = (
        f"{size:,} spans of seven days, made in {filled:.0f} s, {megabytes:.0f} MB; "
        "memory limit of the store 512 MB."
    )
    return [_door(sent, elapsed, cpu, resident, batches, note), _questions(asked, size, note)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The OTLP door, pressed by many connections at a time."""

    host: str
    port: int
    batches: Sequence[Batch]

    def press(self, seconds: float) -> Sent:
        """Send as much as is answered for `seconds`; return what that was."""
        numbers = itertools.count(1)
        ends = time.monotonic() + seconds
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            parts = list(threads.map(lambda _: self._send(numbers, ends), range(CONNECTIONS)))
        return Sent(
            spans=sum(part.spans for part in parts),
            milliseconds=sorted(ms for part in parts for ms in part.milliseconds),
            refused=sum(part.refused for part in parts),
        )

    def _send(self, numbers: Iterator[int], ends: float) -> Sent:
        sent = Sent()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        headers = {"Content-Type": "application/x-protobuf"}
        while time.monotonic() < ends:
            n = next(numbers)
            batch = self.batches[n % len(self.batches)]
            body = batch.renewed(n, ends_at=time.time())
            begun = time.monotonic()
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            said = answer.read()
            match answer.status:
                case 200:
                    sent.spans += batch.count
                    sent.milliseconds.append((time.monotonic() - begun) * 1000)
                case 503:
                    sent.refused += 1
                    time.sleep(float(answer.headers.get("Retry-After", 1)))
                case status:
                    raise BenchError(f"the door answered {status}: {said[:200]!r}")
        connection.close()
        return sent


def _count(path: Path) -> int:
    database = Database(path, memory_mb=512, patience=PATIENCE)
    try:
        # Not all rows: what is older than the retention may be swept meanwhile.
        sql = "SELECT count(*) FROM store.spans WHERE trace_id < '0000000001'"
        ((count,),) = database.ask(sql, {})
        return int(count)
    finally:
        database.close()


def _door(
    sent: Sent, elapsed: float, cpu: float, resident: float, batches: Sequence[Batch], note: str
) -> Table:
    rate, times = sent.spans / elapsed, sent.milliseconds
    met = "met" if rate >= SLOWEST_SPANS_PER_SECOND else "**missed**"
    return Table(
        title="Ingest",
        columns=["what", "measured"],
        rows=[
            [
                "spans per second, sustained",
                f"{number(rate)} (at least {SLOWEST_SPANS_PER_SECOND:,}: {met})",
            ],
            ["answer to a batch, p50 / p95 / max", _spread(times)],
            ["batches refused (503)", str(sent.refused)],
            ["server CPU-s per 100,000 spans", number(cpu / sent.spans * 1e5)],
            ["server resident, MB", judged(resident, MOST_RESIDENT_MB)],
        ],
        notes=[
            f"`wakeful up` on a store that already holds {note}",
            f"{CONNECTIONS} connections send batches of {batches[0].count} spans of the demo's "
            f"application (protobuf, {batches[0].size / batches[0].count:.0f} bytes a span) for "
            f"{SECONDS} s, each the next when the last was answered, which is after the commit.",
            "Afterwards the store is opened and counted: it holds exactly what was answered for.",
            "The senders share the machine's cores with the server.",
        ],
    )


def _questions(asked: dict[str, Any], size: int, note: str) -> Table:
    rows = []
    for name, milliseconds in asked["milliseconds"].items():
        most = TARGETS[size][name]
        rows.append(
            [name, MEANINGS[name], judged(milliseconds, most), number(asked["cpu_ms"][name])]
        )
    busy = asked["busy"]
    p95 = judged(_percentile(busy, 0.95), MOST_BUSY_MS)
    rows += [
        ["", "one question while 2,000 spans/s come in, p50 / p95 / max", _spread(busy), ""],
        ["", "… p95", p95, ""],
        ["", "resident after a … g, MB", number(asked["resident_mb"]), ""],
    ]
    return Table(
        title="Questions to the trace store, milliseconds",
        columns=["", "what", "measured", "CPU"],
        rows=rows,
        notes=[
            note,
            "In process, warm, the median of nine; through the store's own interface, as pages "
            "and rules ask, unless it says SQL. The targets of a and b are for one statement that "
            "returns all six lines; the interface takes a question per line.",
        ],
    )


def _spread(times: Sequence[float]) -> str:
    return f"{_percentile(times, 0.5):.0f} / {_percentile(times, 0.95):.0f} / {times[-1]:.0f} ms"


def _percentile(times: Sequence[float], q: float) -> float:
    """Return the `q` quantile of sorted `times`, by nearest rank."""
    return times[min(len(times) - 1, round(q * (len(times) - 1)))]
