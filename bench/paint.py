"""How soon the overview and a dashboard of twelve charts are there in Chromium; Phoenix beside."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from app import golden
from bench import pages, paint_browser, phoenix, prometheus, wakeful
from bench.paint_browser import QUIET_MS, Page, Painted
from bench.report import Table, judged, number

TRIES = 5
MOST_SETTLED_MS = 2_500
# Every card has its number and its small line.
CARDS = (
    "[...document.querySelectorAll('[data-testid=stMetric]')].filter((one) =>"
    " one.querySelector('[data-testid=stMetricValue]')?.innerText"
    f" && one.querySelector('svg .mark-line path')).length === {len(golden.SIGNALS)}"
)
CHARTS = (
    "[...document.querySelectorAll('[data-testid=stVegaLiteChart] canvas')]"
    f".filter((one) => benchPaint.canvases.has(one)).length === {len(pages.CHARTS)}"
)
# What 20.26.1 shows: a chart above the newest thirty spans, and fifteen charts.
PHOENIX_SPANS = (
    "document.querySelectorAll('tbody tr').length >= 30"
    " && document.querySelector('.recharts-bar-rectangle') !== null"
)
PHOENIX_CHARTS = "document.querySelectorAll('.recharts-wrapper').length >= 15"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How soon a page was there.

    Attributes:
        coldest: The very first time: its server had not drawn it for anybody.
        cold: In a browser that has nothing of it, the server having drawn it before.
        again: In another tab of that browser.
    """

    page: Page
    coldest: Painted
    cold: list[Painted]
    again: list[Painted]


def measure(folder: Path, *, large: bool) -> list[Table]:
    """Return the figures; `large` changes nothing."""
    del large
    loads = [os.getloadavg()[0]]
    pages.write_past(folder)
    data = folder / "wakeful"
    data.mkdir()
    pages.save_dashboard(data)
    with (
        prometheus.running(folder) as metrics,
        wakeful.up(data, prometheus_url=metrics.url, user="bench") as server,
    ):
        watched = [
            _watch(
                Page(title=one.title, address=f"{server.url}/{one.page}?{one.query}", whole=whole)
            )
            for one, whole in zip(pages.PAGES, (CARDS, CHARTS), strict=True)
        ]
    loads.append(os.getloadavg()[0])
    beside = folder / "phoenix"
    beside.mkdir()
    with phoenix.filled(beside) as project:
        watched += [
            _watch(Page(title="Phoenix: spans of a project", address=project, whole=PHOENIX_SPANS)),
            _watch(
                Page(
                    title="Phoenix: metrics of a project, 15 charts",
                    address=f"{project}/metrics",
                    whole=PHOENIX_CHARTS,
                )
            ),
        ]
    loads.append(os.getloadavg()[0])
    return [_table(watched, loads, ours=len(pages.PAGES))]


def _watch(page: Page) -> Watched:
    """Open a page time and again, each time in a browser of its own."""
    with paint_browser.chromium() as browser:
        coldest, _ = paint_browser.paint(browser, page)
    tries = []
    for _ in range(TRIES):
        with paint_browser.chromium() as browser:
            tries.append(paint_browser.paint(browser, page))
    return Watched(
        page=page,
        coldest=coldest,
        cold=[cold for cold, _ in tries],
        again=[two for _, two in tries],
    )


def _table(watched: Sequence[Watched], loads: Sequence[float], *, ours: int) -> Table:
    """Return the table; the first so many are `ours`, and held to the target."""
    return Table(
        title="Pages, painted",
        columns=[
            *("page", "first paint, ms", "settled, ms", "longest", "CPU of its tab, ms"),
            *("fetched, kB", "in another tab: first paint", "settled", "first of all: settled"),
        ],
        rows=[_row(one, is_ours=place < ours) for place, one in enumerate(watched)],
        notes=[
            "The real `wakeful up` over a Prometheus with seven days of the demo's metrics, and "
            "Phoenix with 5,000 spans of its application, on seven days too; Chromium, headless "
            "and without a GPU, shares their cores. Timed in the page, from its address on.",
            f"The median of {TRIES} browsers that have nothing of the page; then in another tab, "
            "which has its files. First of all is a server that has drawn it for nobody yet.",
            "Settled is the frame after the last change of the document or stroke on a canvas: "
            f"everything is there, and nothing changed for {QUIET_MS} ms. Phoenix' charts move "
            "into place, which counts.",
            "The CPU is that of the tab's process, all its threads, until then.",
            f"Load average before, between and after: {', '.join(f'{one:.1f}' for one in loads)}.",
        ],
    )


def _row(one: Watched, *, is_ours: bool) -> list[str]:
    settled = median(each.settled for each in one.cold)
    return [
        one.page.title,
        number(median(each.first for each in one.cold)),
        judged(settled, MOST_SETTLED_MS) if is_ours else number(settled),
        number(max(each.settled for each in one.cold)),
        number(median(each.cpu_ms for each in one.cold)),
        number(median(each.fetched_kb for each in one.cold)),
        number(median(each.first for each in one.again)),
        number(median(each.settled for each in one.again)),
        number(one.coldest.settled),
    ]
