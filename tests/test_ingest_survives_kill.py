"""SIGKILL in the middle of ingest: every answered batch is there, whole and once."""

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from signals.traces.embedded import EmbeddedStore
from tests.conftest import free_port
from tests.spans import opened, trace_id, until

BATCH = 20
SERVER = """
import sys
import uvicorn
from starlette.applications import Starlette
from app.http.otlp import otlp_routes
from models.clock import utc_now
from signals.traces.embedded import EmbeddedStore

store = EmbeddedStore.open(sys.argv[1])
app = Starlette(routes=otlp_routes(store, store.logs, token="", clock=utc_now))
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""


class Sender:
    """Sends batches, each a trace of `BATCH` spans, until nobody answers."""

    def __init__(self, url: str, first: int, repeat: list[int]) -> None:
        self._url = url
        self._next = first
        self._repeat = repeat
        self.answered: list[int] = []
        self.unanswered: list[int] = []
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        session = requests.Session()
        while True:
            number = self._repeat.pop() if self._repeat else self._next
            self._next += number == self._next
            try:
                answer = session.post(f"{self._url}/v1/traces", json=batch(number), timeout=10)
            except requests.RequestException:
                self.unanswered.append(number)
                return
            assert answer.status_code == 200
            self.answered.append(number)


def batch(number: int) -> dict[str, Any]:
    spans = [
        {
            "traceId": trace_id(number),
            "spanId": f"{span + 1:016x}",
            "name": f"span {span}",
            "startTimeUnixNano": str(1_700_000_000 * 10**9 + number * 10**6),
            "endTimeUnixNano": str(1_700_000_001 * 10**9 + number * 10**6),
        }
        for span in range(BATCH)
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/v1/traces", timeout=1).status_code == 405
    except requests.RequestException:
        return False


def ingest_until_killed(path: Path, first: int, repeat: list[int]) -> list[Sender]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", SERVER, str(path / "traces.duckdb"), str(port)]
    with subprocess.Popen(command) as server:
        until(lambda: is_up(url))
        senders = [Sender(url, first + number * 100_000, repeat) for number in range(4)]
        for sender in senders:
            sender.thread.start()
        until(lambda: sum(len(sender.answered) for sender in senders) > 30)
        server.send_signal(signal.SIGKILL)
        for sender in senders:
            sender.thread.join()
    return senders


def sizes(store: EmbeddedStore, numbers: list[int]) -> set[int]:
    """Return how many spans the traces of these batches have."""
    traces = [store.trace(trace_id(number)) for number in numbers]
    return {len(trace.spans) if trace else 0 for trace in traces}


@pytest.mark.parametrize("trial", range(3))
def test_no_answered_span_is_lost_to_sigkill(tmp_path: Path, trial: int) -> None:
    answered: list[int] = []
    unanswered: list[int] = []
    for life in range(2):
        # What got no answer in the first life is sent again in the second, as an exporter would.
        senders = ingest_until_killed(tmp_path, 1 + life * 1_000_000, unanswered)
        answered += [number for sender in senders for number in sender.answered]
        unanswered = [number for sender in senders for number in sender.unanswered]
    with opened(tmp_path) as store:
        assert sizes(store, answered) == {BATCH}
        assert sizes(store, unanswered) <= {0, BATCH}
        # What lists and charts read is of the same commits.
        ((spans,),) = store._database.ask("SELECT count(*) FROM store.spans", {})
        counted = "SELECT sum(spans), (SELECT count(*) FROM store.roots) FROM store.parts"
        assert store._database.ask(counted, {}) == [(spans, spans)]


# A limit on the size of files stands for the full disk: it hits DuckDB's own writes alike.
FULL_DISK = """
import random, resource, signal, sys
from signals.traces import BusyError
from signals.traces.embedded import EmbeddedStore
from tests.spans import root

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def batch():
    return [root(input_text=random.randbytes(500).hex()) for _ in range(100)]

def refused(spans):
    try:
        store.write(spans)
    except BusyError:
        return True
    stored.append(spans)
    return False

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store, stored = EmbeddedStore.open(sys.argv[1]), []
for _ in range(20):
    assert not refused(batch())
limit(1_500_000)
assert any(refused(batch()) for _ in range(20))  # the write-ahead log cannot grow
assert store.trace(stored[0][0].trace_id)
store._writer._checkpoint()  # what the writer does by itself after 5 minutes; DuckDB gives up
assert refused(batch())
assert store.trace(stored[0][0].trace_id)
limit(resource.RLIM_INFINITY)
assert not refused(batch())
store.close()
store = EmbeddedStore.open(sys.argv[1])
assert all(store.trace(spans[-1].trace_id) for spans in stored)
store.close()
"""


def test_a_full_disk_refuses_more_and_loses_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "traces.duckdb")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
