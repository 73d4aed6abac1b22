"""From a complaint to its request: lists, waterfalls and spans in Chromium, and what pages ask."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from app.cached_heat import COLUMNS
from bench import finding_browser, made_spans, wakeful
from bench.finding_browser import Found
from bench.report import Table, judged, number
from models.clock import utc_now
from signals.traces import TraceQuery
from signals.traces.embedded import EmbeddedStore
from signals.traces.heat import HeatQuery
from signals.traces.sessions import SessionQuery
from signals.traces.tools import ToolQuery
from tests.made_traces import START, agent_trace, moved

SIZES = (2_000, 10_000)  # spans of a trace
EACH = 5
CHUNK = 2_000
TENANTS = 20
WINDOWS = {"24 h": timedelta(hours=24), "7 d": timedelta(days=7)}
# Milliseconds: of issue 5.
MOST_LIST_MS = 1_000
MOST_TRACE_MS = {2_000: 1_500, 10_000: 3_000}
MOST_CLICK_MS = 200
Ask = Callable[[EmbeddedStore, TraceQuery], object]


def measure(folder: Path, *, large: bool) -> list[Table]:
    """Return the figures on 1,000,000 spans; `large` adds 10,000,000."""
    tables = []
    for size in (1_000_000, 10_000_000) if large else (1_000_000,):
        data = folder / str(size)
        data.mkdir()
        path = data / "traces.duckdb"
        made_spans.fill(path, size, end=utc_now())
        traces = {spans: _ids(spans) for spans in SIZES}
        store = EmbeddedStore.open(path)
        try:
            _write(store, traces, now=utc_now())
            asked = _questions(store, now=utc_now())
        finally:
            store.close()
        with wakeful.up(data) as server:
            found = finding_browser.find(server.url, traces)
        tables += [_seen(found, size), _asked(asked, size)]
    return tables


def _ids(spans: int) -> list[str]:
    return [UUID(int=(spans << 64) + n).hex for n in range(1, EACH + 1)]


def _write(store: EmbeddedStore, traces: dict[int, list[str]], *, now: datetime) -> None:
    """Store an agent's run under each id, ten minutes old."""
    for spans, ids in traces.items():
        run = agent_trace(spans)
        for trace_id in ids:
            made = moved(run, trace_id, now - START - timedelta(minutes=10)).spans
            for first in range(0, spans, CHUNK):
                store.write(made[first : first + CHUNK])


def _sessions(store: EmbeddedStore, asked: TraceQuery) -> object:
    query = SessionQuery(start=asked.start, end=asked.end, scope=tuple(asked.scope.items()))
    return store.sessions(query, now=asked.end)


def _tools(store: EmbeddedStore, asked: TraceQuery) -> object:
    query = ToolQuery(start=asked.start, end=asked.end, scope=tuple(asked.scope.items()))
    return store.tools(query)


def _heat(store: EmbeddedStore, asked: TraceQuery) -> object:
    return store.heat(HeatQuery(traces=asked, step=(asked.end - asked.start) / COLUMNS))


QUESTIONS: dict[str, Ask] = {"Sessions": _sessions, "Tools": _tools, "heat map": _heat}


def _questions(store: EmbeddedStore, *, now: datetime) -> dict[tuple[str, str, str], list[float]]:
    """Return milliseconds by page, window and traffic, warm."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for page, ask in QUESTIONS.items():
        for window, span in WINDOWS.items():
            for traffic, scopes in _scopes().items():
                queries = [TraceQuery(start=now - span, end=now, scope=scope) for scope in scopes]
                ask(store, queries[0])
                found[page, window, traffic] = [_timed(ask, store, query) for query in queries]
    return found


def _scopes() -> dict[str, Sequence[dict[str, str]]]:
    tenants = [{"tenant": f"tenant-{n}"} for n in range(1, TENANTS + 1)]
    return {"all": [{}] * TENANTS, "of a tenant": tenants}


def _timed(ask: Ask, store: EmbeddedStore, query: TraceQuery) -> float:
    started = time.perf_counter()
    ask(store, query)
    return (time.perf_counter() - started) * 1000


def _seen(found: Found, size: int) -> Table:
    rows = [["a filter changed, to its list", *_figures(found.lists, MOST_LIST_MS)]]
    rows += [["a link in a new tab, to its list", *_figures(found.links)]]
    for spans in SIZES:
        taken = _figures(found.traces[spans], MOST_TRACE_MS[spans])
        rows.append([f"a trace of {spans:,} spans, to its waterfall", *taken])
        clicked = _figures(found.clicks[spans], MOST_CLICK_MS)
        rows.append(["… a press on a span, to its detail", *clicked])
    return Table(
        title=f"Finding, on {size:,} spans: in the browser, milliseconds",
        columns=["what", "median", "p95", "tries"],
        rows=rows,
        notes=[
            "The real `wakeful up`, its engine ticking, and Chromium, which shares its cores; "
            "timed in the page, from the press to the frame that shows it.",
            "Each filter and each trace is asked for the first time; the links are of a tenant's "
            "failed traces of seven days, and their time holds the start of the page.",
        ],
    )


def _asked(asked: dict[tuple[str, str, str], list[float]], size: int) -> Table:
    return Table(
        title=f"Finding, on {size:,} spans: what pages ask, milliseconds",
        columns=["page", "range", "traffic", "median", "p95"],
        rows=[[*question, *list(_figures(taken))[:2]] for question, taken in asked.items()],
        notes=["In process, warm, the store's memory limit 512 MB."],
    )


def _figures(taken: Sequence[float], most: float | None = None) -> Iterator[str]:
    """Yield the median, held against the most it may be if there is one, p95, and how many."""
    ordered = sorted(taken)
    middle = ordered[len(ordered) // 2]
    yield number(middle) if most is None else judged(middle, most)
    yield number(ordered[round(0.95 * (len(ordered) - 1))])
    yield str(len(ordered))
