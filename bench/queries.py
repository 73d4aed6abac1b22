"""The questions that STORE.md asks of a trace store, in a process of their own.

Prints one line of JSON: see `Measured`.
"""

import argparse
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from statistics import median

import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench import otlp
from bench.processes import resident_mb
from models.clock import utc_now
from signals import Query
from signals.catalog import LATENCY
from signals.otlp.spans import spans_of
from signals.traces import TraceQuery
from signals.traces.embedded import PATIENCE, EmbeddedStore
from signals.traces.embedded.database import Database
from signals.traces.embedded.schema import naive

REPEATS = 9
MEMORY_MB = 512  # as WAKEFUL_TRACE_MEMORY_MB by default
BUSY_SECONDS = 10
BATCHES_PER_SECOND = 4
THINKING_SECONDS = 0.05
LINES = (*LATENCY, "error_ratio", "cost_per_request", "cache_hit_ratio")
A_DAY = (timedelta(hours=24), timedelta(minutes=1))
BY_ATTRIBUTE = """
    SELECT attributes['app.experiment'] AS experiment, count(*), quantile_cont(duration_ms, 0.95),
        avg(CAST(status = 'error' AS DOUBLE))
    FROM store.spans WHERE parent_id IS NULL AND started_at >= $since GROUP BY ALL
"""
BY_SESSION = """
    WITH sessions AS (
        SELECT session_id, count(*) AS turns, min(started_at) AS began, max(ended_at) AS ended
        FROM store.roots WHERE started_at >= $since GROUP BY session_id ORDER BY ended DESC LIMIT 50
    ),
    paid AS (
        SELECT session_id, sum(cost_usd) AS usd FROM store.charges
        WHERE session_id IN (SELECT session_id FROM sessions) AND started_at >= $since GROUP BY ALL
    )
    SELECT s.*, p.usd FROM sessions AS s LEFT JOIN paid AS p ON p.session_id = s.session_id
    ORDER BY s.ended DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the questions took.

    Attributes:
        milliseconds: Median of each question, warm.
        cpu_ms: What each took of the processors, on average.
        resident_mb: After them.
        busy: Sorted milliseconds of single questions while spans came in.
    """

    milliseconds: dict[str, float]
    cpu_ms: dict[str, float]
    resident_mb: float
    busy: list[float]


class Questions:
    """The questions, each for other traces and tenants every time."""

    def __init__(self, database: Database, store: EmbeddedStore, *, now: datetime) -> None:
        self._database, self._store, self._now = database, store, now
        self._rng = Random(7)
        rows = database.ask("SELECT trace_id FROM store.spans USING SAMPLE 200", {})
        self._trace_ids = [trace_id for (trace_id,) in rows]

    def all(self) -> dict[str, Callable[[], object]]:
        """Return every question by its letter."""
        return {
            "a": lambda: self._lines(*A_DAY),
            "b": lambda: self._lines(timedelta(days=7), timedelta(hours=1), by="prompt_version"),
            "c": self._trace,
            "d": self._search,
            "e": self._cost,
            "f": lambda: self._sql(BY_ATTRIBUTE),
            "g": lambda: self._sql(BY_SESSION),
        }

    def single(self) -> Iterator[Callable[[], object]]:
        """Yield questions as a page asks them, one line of a chart at a time."""
        for signal in itertools.cycle(LINES):
            yield partial(self._line, signal, *A_DAY)
            yield from (self._search, self._trace, self._cost, lambda: self._sql(BY_SESSION))

    def _lines(self, span: timedelta, step: timedelta, by: str = "") -> None:
        self._later()
        for signal in LINES:
            self._line(signal, span, step, by)

    def _line(self, signal: str, span: timedelta, step: timedelta, by: str = "") -> None:
        query = Query(signal=signal, window=step, by=(by,) if by else ())
        found = self._store.read_range(query, start=self._now - span, end=self._now, step=step)
        assert found, signal

    def _trace(self) -> None:
        assert self._store.trace(self._rng.choice(self._trace_ids))

    def _search(self) -> None:
        tenant = f"tenant-{self._rng.randint(1, 20)}"
        found = self._store.search(
            TraceQuery(
                start=self._now - timedelta(days=7),
                end=self._now,
                scope={"tenant": tenant},
                errors_only=True,
            )
        )
        assert found, tenant

    def _later(self) -> None:
        """Go on to the next instant, as pages do: what was answered is answered anew."""
        self._now += timedelta(seconds=1)

    def _cost(self) -> None:
        self._later()
        self._line("cost_per_request", timedelta(days=6), timedelta(days=1), by="tenant")

    def _sql(self, sql: str) -> None:
        since = naive(self._now - timedelta(days=7))
        assert self._database.ask(sql, {"since": since})


def main() -> None:
    """Open the store, ask, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="of the DuckDB file")
    options = parser.parse_args()
    database = Database(options.path, memory_mb=MEMORY_MB, patience=PATIENCE)
    store = EmbeddedStore(database)
    questions = Questions(database, store, now=utc_now())
    milliseconds, cpu_ms = {}, {}
    for name, ask in questions.all().items():
        ask()
        before = time.process_time()
        milliseconds[name] = median([_timed(ask) for _ in range(REPEATS)])
        cpu_ms[name] = (time.process_time() - before) * 1000 / REPEATS
    measured = Measured(
        milliseconds=milliseconds,
        cpu_ms=cpu_ms,
        resident_mb=resident_mb(psutil.Process()),
        busy=_while_busy(store, questions.single()),
    )
    store.close()
    print(json.dumps(asdict(measured)))


def _while_busy(store: EmbeddedStore, questions: Iterator[Callable[[], object]]) -> list[float]:
    """Return what questions take while 2,000 spans come in each second."""
    batches = otlp.batches(2, now=utc_now())
    done = threading.Event()

    def come_in() -> None:
        number, due = 0, time.monotonic()
        while not done.wait(max(0.0, due - time.monotonic())):
            body = batches[number % 2].renewed(number, ends_at=time.time())
            store.write(spans_of(ExportTraceServiceRequest.FromString(body), now=utc_now()).spans)
            number, due = number + 1, due + 1 / BATCHES_PER_SECOND

    thread = threading.Thread(target=come_in)
    thread.start()
    taken: list[float] = []
    ends = time.monotonic() + BUSY_SECONDS
    while time.monotonic() < ends:
        taken.append(_timed(next(questions)))
        time.sleep(THINKING_SECONDS)
    done.set()
    thread.join()
    return sorted(taken)


def _timed(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
