"""What a rule would have done in 30 days: how long its form takes to show it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import processes, prometheus
from bench.processes import BenchError, cpu_seconds
from bench.report import Table, judged, number
from examples.copilot.backfill import BackfillError, write_blocks
from models.clock import utc_now
from scripts.servers import find

PAST = timedelta(days=30)
# Source: the issue: from the first query to the chart, and when only the threshold moves.
FIRST_SECONDS, MOVED_MS = 2.0, 300.0


def measure(folder: Path, *, large: bool) -> list[Table]:  # noqa: ARG001 - as all parts have it
    """Return the figures."""
    promtool = find("promtool")
    if promtool is None:
        raise BenchError("promtool is missing: run python scripts/servers.py prometheus")
    try:
        samples = write_blocks(promtool, folder / "storage", now=utc_now(), lasts=PAST)
    except BackfillError as error:
        raise BenchError(str(error)) from error
    data = folder / "wakeful"
    data.mkdir()
    with prometheus.running(folder) as metrics:
        before = cpu_seconds(metrics.process)
        looks: list[dict[str, Any]] = processes.module("bench.looking_back", str(data), metrics.url)
        peer = cpu_seconds(metrics.process) - before
    return [_table(looks, samples, peer)]


def _table(looks: list[dict[str, Any]], samples: int, peer_cpu: float) -> Table:
    rows = []
    for look in looks:
        first = judged(look["first_seconds"], FIRST_SECONDS)
        moved = judged(look["moved_seconds"] * 1000, MOVED_MS)
        rows.append([look["rule"], "30 days, nothing known, seconds", first])
        rows.append(["", "the threshold moved, ms", moved])
    return Table(
        title="Backtest",
        columns=["rule", "what", "until the page with its chart is made"],
        rows=rows,
        notes=[
            f"The demo's past, made 30 days long: {number(samples)} samples in one Prometheus. The "
            "values are read a minute apart, 43,201 a series; for a split rule, five.",
            "The form of a saved rule, in Streamlit's own test harness, in one process: questions, "
            "backtest, words, findings, chart, and the rule as saved beside it once it differs. "
            "What the browser then takes is not in it.",
            f"Prometheus took {number(peer_cpu)} s of CPU for all of it. A month by the minute is "
            "four queries a question, asked side by side: with more cores it is sooner there.",
        ],
    )
