"""Arize Phoenix beside us: the same spans by OTLP, as many as it can take, and like questions.

Phoenix answers before it writes; so what counts as taken is what its pages can show.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench import otlp, processes, wakeful
from bench.processes import BenchError, cpu_seconds, free_port, resident_mb, wait_until
from bench.report import Table, number
from models.clock import utc_now
from signals import Query
from signals.traces import TraceQuery
from signals.traces.embedded import EmbeddedStore

PHOENIX = Path(__file__).resolve().parent.parent / ".ready" / "phoenix" / "bin" / "phoenix"
BATCHES, MORE_BATCHES = 10, 40  # of 500 spans
REPEATS = 7
START_SECONDS, STORE_SECONDS = 180, 600
HEADERS = {"Content-Type": "application/x-protobuf"}
_COUNT = "{ projects { edges { node { recordCount } } } }"
_FAILED = """{ projects { edges { node { spans(first: 100,
    filterCondition: "status_code == 'ERROR'", sort: {col: startTime, dir: desc})
    { edges { node { name spanId latencyMs } } } } } } }"""
_QUANTILES = """{ projects { edges { node { p50: spanLatencyMsQuantile(probability: 0.5)
    p95: spanLatencyMsQuantile(probability: 0.95)
    p99: spanLatencyMsQuantile(probability: 0.99) } } } }"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a store did with the spans.

    Attributes:
        seconds: Until the last of them could be seen.
        cpu_seconds: That its process took for it.
        failed_ms, quantiles_ms: Median of the two questions.
    """

    seconds: float
    cpu_seconds: float
    resident_mb: float
    failed_ms: float
    quantiles_ms: float


def measure(folder: Path, *, large: bool) -> list[Table]:
    """Return both stores side by side; `large` sends four times as many spans."""
    bodies, spans = _made(MORE_BATCHES if large else BATCHES)
    (folder / "phoenix").mkdir()
    return [_table(spans, _phoenix(folder / "phoenix", bodies, spans), _wakeful(folder, bodies))]


@contextmanager
def filled(folder: Path) -> Iterator[str]:
    """Run Phoenix with the spans of `measure` while the block lasts; yield its project's URL."""
    bodies, spans = _made(BATCHES)
    with _served(folder) as (_, port):
        _send("127.0.0.1", port, bodies)
        wait_until(
            lambda: _held(port) >= spans, what="Phoenix shows every span", seconds=STORE_SECONDS
        )
        (project,) = _ask(port, "{ projects { edges { node { id } } } }")["projects"]["edges"]
        yield f"http://127.0.0.1:{port}/projects/{project['node']['id']}"


def _made(batches: int) -> tuple[list[bytes], int]:
    """Return the bodies of so many batches, and how many spans are in them."""
    made = otlp.batches(BATCHES, now=utc_now())
    ends_at = time.time() - 60
    bodies = [made[n % BATCHES].renewed(n + 1, ends_at=ends_at) for n in range(batches)]
    return bodies, sum(made[n % BATCHES].count for n in range(batches))


def _phoenix(folder: Path, bodies: Sequence[bytes], spans: int) -> Taken:
    with _served(folder) as (process, port):
        begun, cpu = time.monotonic(), cpu_seconds(process)
        _send("127.0.0.1", port, bodies)
        wait_until(
            lambda: _held(port) >= spans, what="Phoenix shows every span", seconds=STORE_SECONDS
        )
        return Taken(
            seconds=time.monotonic() - begun,
            cpu_seconds=cpu_seconds(process) - cpu,
            resident_mb=resident_mb(process),
            failed_ms=_median(lambda: _ask(port, _FAILED)),
            quantiles_ms=_median(lambda: _ask(port, _QUANTILES)),
        )


def _wakeful(folder: Path, bodies: Sequence[bytes]) -> Taken:
    with wakeful.up(folder) as server:
        begun, cpu = time.monotonic(), cpu_seconds(server.process)
        _send(server.host, server.port, bodies)
        seconds = time.monotonic() - begun
        cpu = cpu_seconds(server.process) - cpu
        resident = resident_mb(server.process)
    store = EmbeddedStore.open(folder / "traces.duckdb")
    now, hour = utc_now(), timedelta(hours=1)
    search = TraceQuery(start=now - hour, end=now, errors_only=True)
    lines = [Query(signal=f"latency_p{percent}", window=hour) for percent in (50, 95, 99)]
    try:
        return Taken(
            seconds=seconds,
            cpu_seconds=cpu,
            resident_mb=resident,
            failed_ms=_median(lambda: store.search(search)),
            quantiles_ms=_median(lambda: [store.read(line, at=now) for line in lines]),
        )
    finally:
        store.close()


def _send(host: str, port: int, bodies: Sequence[bytes]) -> None:
    """Send each body until it is answered with 200, one after the other."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    for body in bodies:
        while (status := _status(connection, body)) != 200:
            if status != 503:
                raise BenchError(f"port {port} answered {status} to a batch")
            time.sleep(1)
    connection.close()


def _status(connection: http.client.HTTPConnection, body: bytes) -> int:
    connection.request("POST", "/v1/traces", body, HEADERS)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@contextmanager
def _served(folder: Path) -> Iterator[tuple[psutil.Process, int]]:
    """Run Phoenix on SQLite, its default, while the block lasts."""
    if not PHOENIX.exists():
        raise BenchError("Phoenix is not here: run `make .ready/phoenix/bin/phoenix`")
    port = free_port()
    env = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    }
    log = folder / "phoenix.log"
    with processes.running([PHOENIX, "serve"], log=log, env=env) as process:
        wait_until(lambda: _answers(port), what="Phoenix answers", seconds=START_SECONDS)
        yield process, port


def _answers(port: int) -> bool:
    try:
        _ask(port, _COUNT)
    except (OSError, http.client.HTTPException):
        return False
    return True


def _held(port: int) -> int:
    edges = _ask(port, _COUNT)["projects"]["edges"]
    return sum(int(edge["node"]["recordCount"]) for edge in edges)


def _ask(port: int, question: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        body = json.dumps({"query": question})
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if answer.get("errors"):
        raise BenchError(f"Phoenix refused a question: {str(answer['errors'])[:300]}")
    return answer["data"]


def _median(ask: Callable[[], object]) -> float:
    ask()
    return median(_timed(ask) for _ in range(REPEATS))


def _timed(ask: Callable[[], object]) -> float:
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * 1000


def _table(spans: int, theirs: Taken, ours: Taken) -> Table:
    def row(what: str, one: float, other: float) -> list[str]:
        return [what, number(one), number(other), f"{number(one / other)}"]

    return Table(
        title="Beside Phoenix",
        columns=["what", "Phoenix", "Wakeful", "ratio"],
        rows=[
            row("seconds until all spans can be seen", theirs.seconds, ours.seconds),
            row("CPU-s for them", theirs.cpu_seconds, ours.cpu_seconds),
            row("resident, MB", theirs.resident_mb, ours.resident_mb),
            row("newest 100 that failed, ms", theirs.failed_ms, ours.failed_ms),
            row("p50, p95 and p99 of latency, ms", theirs.quantiles_ms, ours.quantiles_ms),
        ],
        notes=[
            f"{spans:,} spans of the demo's application, in batches of 500, one after the other.",
            "Phoenix runs on SQLite, its default, and answers before it writes; Wakeful answers "
            "after the commit. Phoenix is asked by GraphQL over HTTP, of spans; Wakeful in "
            "process, of requests.",
        ],
    )
