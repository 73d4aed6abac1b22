"""A page of eight charts over seven days: one viewer, then fifty that refresh it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

import psutil

from bench import prometheus, viewer, wakeful
from bench.processes import BenchError, cpu_seconds
from bench.report import Table, judged, number
from bench.viewer import Run, Watched
from examples.copilot.backfill import BackfillError, write_blocks
from models.clock import utc_now
from scripts.servers import find

VIEWERS = 50
REFRESHES = 4
OPENED = 10
AT_REST_SECONDS = 10
MOST_CPU_MS = 40
MOST_KB = 150
MOST_P95_MS = 150
MOST_RESIDENT_MB = 300
PAGE = "dashboards"
DASHBOARD = "service-health"  # comes with Wakeful
CHARTS = 8


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
    """One range of the page.

    Attributes:
        watched: What fifty viewers saw.
        cpu_ms: Of the server, for one refresh of one viewer.
        core: Share of a core that the server took while they refreshed.
    """

    range: str
    opened: Opened
    watched: Watched
    cpu_ms: float
    core: float


def measure(folder: Path, *, large: bool) -> list[Table]:
    """Return the figures; `large` adds a range that moves with every few refreshes."""
    promtool = find("promtool")
    if promtool is None:
        raise BenchError("promtool is missing: run python scripts/servers.py prometheus")
    try:
        write_blocks(promtool, folder / "storage", now=utc_now())
    except BackfillError as error:
        raise BenchError(str(error)) from error
    data = folder / "wakeful"
    data.mkdir()
    with (
        prometheus.running(folder) as metrics,
        wakeful.up(data, prometheus_url=metrics.url, user="bench") as server,
    ):
        rest = _rest(server.process)
        ranges = ("7d", "1h") if large else ("7d",)
        seen = [
            asyncio.run(_see(server, f"dashboard={DASHBOARD}&range={span}", span, rest))
            for span in ranges
        ]
    return [_table(seen)]


def _rest(server: psutil.Process) -> float:
    """Return what Wakeful takes of a core while nobody looks: its engine ticks."""
    before = cpu_seconds(server)
    time.sleep(AT_REST_SECONDS)
    return (cpu_seconds(server) - before) / AT_REST_SECONDS


async def _see(server: wakeful.Running, query: str, span: str, rest: float) -> Seen:
    opened = await _open(server, query, rest)
    watched = await viewer.watch(
        server.url,
        page=PAGE,
        query=query,
        viewers=VIEWERS,
        refreshes=REFRESHES,
        server=server.process,
    )
    used = watched.cpu_seconds or 0.0
    return Seen(
        range=span,
        opened=opened,
        watched=watched,
        cpu_ms=(used - rest * watched.elapsed_seconds) / len(watched.refreshes) * 1000,
        core=used / watched.elapsed_seconds,
    )


async def _open(server: wakeful.Running, query: str, rest: float) -> Opened:
    first, coldest = await viewer.open_page(server.url, PAGE, query)
    # The first answers may come while the page says that it is asking: then they are cached.
    await asyncio.sleep(timedelta(seconds=5).total_seconds())
    await first.run()
    before, began = cpu_seconds(server.process), time.monotonic()
    opened = [await viewer.open_page(server.url, PAGE, query) for _ in range(OPENED)]
    cpu = cpu_seconds(server.process) - before - rest * (time.monotonic() - began)
    for one in (first, *(found for found, _ in opened)):
        await one.connection.close()
    return Opened(coldest=coldest, runs=[run for _, run in opened], cpu_ms=cpu / OPENED * 1000)


def _table(ranges: Sequence[Seen]) -> Table:
    rows: list[list[str]] = []
    for seen in ranges:
        times = sorted(run.seconds * 1000 for run in seen.watched.refreshes)
        sizes = [run.payload_bytes / 1000 for run in seen.watched.refreshes]
        full = [run.payload_bytes / 1000 for run in seen.opened.runs]
        p95 = times[round(0.95 * (len(times) - 1))]
        rows += [
            [seen.range, "opened, first of all", _run(seen.opened.coldest)],
            ["", "opened again: server CPU, ms", judged(seen.opened.cpu_ms, MOST_CPU_MS)],
            ["", "… payload, kB", judged(median(full), MOST_KB)],
            ["", "… until drawn, ms", number(median(r.seconds for r in seen.opened.runs) * 1000)],
            ["", "refreshed: server CPU, ms", judged(seen.cpu_ms, MOST_CPU_MS)],
            ["", "… payload, kB, median / max", f"{median(sizes):.1f} / {max(sizes):.1f}"],
            ["", f"{VIEWERS} viewers: refresh p50, ms", number(median(times))],
            ["", "… p95, ms", judged(p95, MOST_P95_MS)],
            ["", "… server, share of one core", f"{seen.core:.0%}"],
            ["", "… server resident, MB", judged(seen.watched.resident_mb or 0, MOST_RESIDENT_MB)],
        ]
    return Table(
        title="Pages",
        columns=["range", "what", "measured"],
        rows=rows,
        notes=[
            f"The real `wakeful up`, its engine ticking, over a Prometheus with seven days of the "
            f"demo's metrics; the dashboard `{DASHBOARD}` that comes with it, of {CHARTS} charts.",
            f"Viewers are websocket clients that do what a browser does, except to draw: {VIEWERS} "
            f"of them refresh every 10 s, {REFRESHES} times, spread over the interval.",
            "A refresh draws what has moved: over seven days a point is twenty minutes, and the "
            "rest goes as references. Opened again is the whole page, all charts with their data.",
            "CPU is without what the server takes at rest.",
        ],
    )


def _run(run: Run) -> str:
    return f"{run.seconds * 1000:.0f} ms, {run.payload_bytes / 1000:.0f} kB"
