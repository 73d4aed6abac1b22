"""Spans for the tests of the embedded store, and a store served over HTTP."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from app.http.otlp import otlp_routes
from models.clock import Clock
from models.vocabulary import CostSource, SpanKind
from signals.traces import Span
from signals.traces.embedded import EmbeddedStore

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_ids = itertools.count(1)


def trace_id(number: int) -> str:
    return f"{number:032x}"


def root(ended_at: datetime = NOON, **changes: Any) -> Span:
    """Return the root of a new trace: one second long, ended at `ended_at`."""
    number = next(_ids)
    duration_ms = changes.get("duration_ms", 1000.0)
    fields: dict[str, Any] = {
        "trace_id": trace_id(number),
        "span_id": f"{number:016x}",
        "parent_id": None,
        "name": "POST /chat",
        "kind": SpanKind.HTTP,
        "service": "copilot",
        "started_at": ended_at - timedelta(milliseconds=duration_ms),
        "duration_ms": duration_ms,
    }
    return Span(**{**fields, **changes})


def child(parent: Span, **changes: Any) -> Span:
    """Return a model call below `parent` that ends with it."""
    fields: dict[str, Any] = {
        "trace_id": parent.trace_id,
        "span_id": f"{next(_ids):016x}",
        "parent_id": parent.span_id,
        "name": "chat",
        "kind": SpanKind.LLM,
        "service": "copilot",
        "started_at": parent.started_at,
        "duration_ms": parent.duration_ms,
    }
    return Span(**{**fields, **changes})


def bill(usd: float | None, source: CostSource = CostSource.REPORTED) -> dict[str, Any]:
    """Return the fields of a span that cost `usd`."""
    return {"cost_usd": usd, "cost_source": source if usd is not None else CostSource.UNPRICED}


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore.open(path / "traces.duckdb", **options)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def served(store: EmbeddedStore, *, token: str = "", clock: Clock = lambda: NOON) -> Iterator[str]:
    """Serve the OTLP door of `store` on a free loopback port; yield its URL."""
    app = Starlette(routes=otlp_routes(store, store.logs, token=token, clock=clock))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Return when `condition` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
