"""The overview and a dashboard of twelve charts over seven days, for more and more viewers."""

import asyncio
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

import psutil
import yaml

from bench import prometheus, viewer, wakeful
from bench.processes import BenchError, cpu_seconds
from bench.report import Table, judged, number
from bench.viewer import Run, Watched
from examples.copilot.backfill import BackfillError, write_blocks
from models.clock import utc_now
from scripts.servers import find

CROWDS = (20, 50, 200)
REFRESHES = 4  # every 10 s: a load of 40 s
OPENED = 10
AT_REST_SECONDS = 10
IMPORT_SECONDS = 60
MOST_CPU_MS = 40
MOST_KB = 150
MOST_P95_MS = {50: 100, 200: 1_000}
MOST_CORE = {50: 20}  # percent
DASHBOARD = "twelve-charts"
# Each chart of its own question: none is spared because another one asked the same.
CHARTS = (
    {"signals": ["latency_p50", "latency_p95", "latency_p99"]},
    {"signals": ["error_ratio"]},
    {"signals": ["cost_per_request"]},
    {"signals": ["request_rate"]},
    {"signals": ["cache_hit_ratio"]},
    {"signals": ["token_rate"]},
    {"signals": ["latency_p95"], "by": ["model"]},
    {"signals": ["error_ratio"], "by": ["feature"]},
    {"signals": ["request_rate"], "by": ["feature"]},
    {"signals": ["cost_per_request"], "by": ["model"]},
    {"signals": ["eval_score"]},
    {"signals": ["guardrail_ratio"]},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """A page that is measured: how it is called, its address and what it is asked for."""

    title: str
    page: str
    query: str


PAGES = (
    Watching(title="overview, 7d", page="", query="range=7d"),
    Watching(
        title=f"dashboard of {len(CHARTS)}, 7d",
        page="dashboards",
        query=f"dashboard={DASHBOARD}&range=7d",
    ),
)
MOVING = Watching(
    title=f"dashboard of {len(CHARTS)}, 1h",
    page="dashboards",
    query=f"dashboard={DASHBOARD}&range=1h",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What it takes to open a page that the server has drawn for others before.

    Attributes:
        coldest: The very first run.
        runs: The first run of the viewers after it.
        cpu_ms: Of the server, for one of them.
    """

    coldest: Run
    runs: list[Run]
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One page.

    Attributes:
        rest: Share of a core that the server takes while nobody looks.
        crowds: What each of the `CROWDS` saw.
    """

    watching: Watching
    rest: float
    opened: Opened
    crowds: list[Watched]


def measure(folder: Path, *, large: bool) -> list[Table]:
    """Return the figures; `large` adds a range that moves with every few refreshes."""
    write_past(folder)
    seen = []
    with prometheus.running(folder) as metrics:
        for count, watching in enumerate((*PAGES, MOVING) if large else PAGES):
            # A process each: it keeps the sessions of viewers who left for five minutes.
            data = folder / f"wakeful-{count}"
            data.mkdir()
            save_dashboard(data)
            with wakeful.up(data, prometheus_url=metrics.url, user="bench") as server:
                seen.append(_see(server, watching))
    return [_opened_table(seen), _crowds_table(seen)]


def write_past(folder: Path) -> None:
    """Write seven days of the demo's metrics into `folder`/storage, for a Prometheus."""
    promtool = find("promtool")
    if promtool is None:
        raise BenchError("promtool is missing: run python scripts/servers.py prometheus")
    try:
        write_blocks(promtool, folder / "storage", now=utc_now())
    except BackfillError as error:
        raise BenchError(str(error)) from error


def save_dashboard(data: Path) -> None:
    """Take the dashboard as an operator would: from a file."""
    panels = [{"width": "half", **chart} for chart in CHARTS]
    title = DASHBOARD.replace("-", " ").capitalize()
    dashboard = {"title": title, "owner": "bench", "purpose": "To be watched", "panels": panels}
    file = data / "dashboards.yaml"
    file.write_text(yaml.safe_dump({"version": 1, "dashboards": [dashboard]}))
    done = subprocess.run(
        [wakeful.PROGRAM, "dashboards", "import", file],
        env={**os.environ, "WAKEFUL_DATA_DIR": str(data), "WAKEFUL_USER": "bench"},
        capture_output=True,
        text=True,
        check=False,
        timeout=IMPORT_SECONDS,
    )
    if done.returncode:
        raise BenchError(f"the dashboard was not taken: {done.stderr[-500:]}")


def _rest(server: psutil.Process) -> float:
    """Return what Wakeful takes of a core while nobody looks: its engine ticks."""
    before = cpu_seconds(server)
    time.sleep(AT_REST_SECONDS)
    return (cpu_seconds(server) - before) / AT_REST_SECONDS


def _see(server: wakeful.Running, watching: Watching) -> Seen:
    rest = _rest(server.process)
    return Seen(
        watching=watching,
        rest=rest,
        opened=asyncio.run(_open(server, watching, rest)),
        crowds=[asyncio.run(_watch(server, watching, viewers)) for viewers in CROWDS],
    )


async def _watch(server: wakeful.Running, watching: Watching, viewers: int) -> Watched:
    return await viewer.watch(
        server.url,
        page=watching.page,
        query=watching.query,
        viewers=viewers,
        refreshes=REFRESHES,
        server=server.process,
    )


async def _open(server: wakeful.Running, watching: Watching, rest: float) -> Opened:
    page, query = watching.page, watching.query
    first, coldest = await viewer.open_page(server.url, page, query)
    # The first answers may come while the page says that it is asking: then they are cached.
    await asyncio.sleep(timedelta(seconds=5).total_seconds())
    await first.run()
    before, began = cpu_seconds(server.process), time.monotonic()
    opened = [await viewer.open_page(server.url, page, query) for _ in range(OPENED)]
    cpu = cpu_seconds(server.process) - before - rest * (time.monotonic() - began)
    for one in (first, *(found for found, _ in opened)):
        await one.connection.close()
    return Opened(coldest=coldest, runs=[run for _, run in opened], cpu_ms=cpu / OPENED * 1000)


def _opened_table(pages: Sequence[Seen]) -> Table:
    rows = [
        [
            seen.watching.title,
            _run(seen.opened.coldest),
            number(median(run.seconds for run in seen.opened.runs) * 1000),
            judged(seen.opened.cpu_ms, MOST_CPU_MS),
            judged(median(run.payload_bytes / 1000 for run in seen.opened.runs), MOST_KB),
        ]
        for seen in pages
    ]
    return Table(
        title="Pages, opened",
        columns=["page", "first of all", "again: until drawn, ms", "server CPU, ms", "kB"],
        rows=rows,
        notes=[
            "The real `wakeful up`, its engine ticking, over a Prometheus with seven days of the "
            f"demo's metrics; a process of its own for each page. The dashboard has {len(CHARTS)} "
            "charts, each of its own question.",
            f"Again: the whole page, all charts with their data, the median of {OPENED}. CPU is "
            "without what the server takes at rest.",
        ],
    )


def _crowds_table(pages: Sequence[Seen]) -> Table:
    return Table(
        title="Pages, watched",
        columns=[
            *("page", "viewers", "rerun p50, ms", "p95, ms", "share of a core, %"),
            *("server CPU a rerun, ms", "kB a rerun, median / max", "resident, MB"),
        ],
        rows=[_row(seen, crowd) for seen in pages for crowd in seen.crowds],
        notes=[
            "Viewers are websocket clients that do what a browser does, except to draw: each "
            f"refreshes every 10 s, {REFRESHES} times, spread over the interval, after all have "
            "opened the page. Crowd follows crowd on one process.",
            "A refresh draws what has moved: over seven days a point is twenty minutes, and the "
            "rest goes as references.",
            "The share of a core is all that the process took; the CPU of a rerun is without what "
            "it takes at rest.",
        ],
    )


def _row(seen: Seen, crowd: Watched) -> list[str]:
    times = sorted(run.seconds * 1000 for run in crowd.refreshes)
    sizes = [run.payload_bytes / 1000 for run in crowd.refreshes]
    used = crowd.cpu_seconds or 0.0
    cpu_ms = (used - seen.rest * crowd.elapsed_seconds) / len(crowd.refreshes) * 1000
    return [
        seen.watching.title,
        str(crowd.viewers),
        number(median(times)),
        _held(times[round(0.95 * (len(times) - 1))], MOST_P95_MS.get(crowd.viewers)),
        _held(100 * used / crowd.elapsed_seconds, MOST_CORE.get(crowd.viewers)),
        judged(cpu_ms, MOST_CPU_MS),
        f"{median(sizes):.1f} / {judged(max(sizes), MOST_KB)}",
        number(crowd.resident_mb or 0),
    ]


def _held(value: float, target: float | None) -> str:
    """Return `value`, beside the most that it may be if there is such."""
    return number(value) if target is None else judged(value, target)


def _run(run: Run) -> str:
    return f"{run.seconds * 1000:.0f} ms, {run.payload_bytes / 1000:.0f} kB"
