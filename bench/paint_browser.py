"""What a page takes in Chromium until it is there, timed in the page, from its address on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Error, sync_playwright

from bench.finding_browser import FLAGS, PATIENCE_MS
from bench.processes import BenchError
from scripts import servers

QUIET_MS = 300  # without a change of the document: nothing more is being drawn
POLL_MS = 50
# Notes the first frame that holds something, the frame after the last change of the document or
# stroke on a canvas so far, and on which canvases there were strokes.
WATCH = """(() => {
  const seen = window.benchPaint = {first: 0, drawn: 0, canvases: new WeakSet()};
  new PerformanceObserver((list) => {
    for (const one of list.getEntriesByName("first-contentful-paint")) seen.first = one.startTime;
  }).observe({type: "paint", buffered: true});
  let waits = false;
  const changed = () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => { waits = false; seen.drawn = performance.now(); });
  };
  new MutationObserver(changed).observe(
    document, {attributes: true, characterData: true, childList: true, subtree: true});
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (...path) {
    seen.canvases.add(this.canvas);
    changed();
    return stroke.apply(this, path);
  };
})()"""
SETTLED = f"() => (%s) && performance.now() - benchPaint.drawn > {QUIET_MS}"
FETCHED = """[...performance.getEntriesByType("navigation"),
  ...performance.getEntriesByType("resource")].reduce((sum, one) => sum + one.transferSize, 0)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page to open.

    Attributes:
        whole: JavaScript that holds once everything is there.
    """

    title: str
    address: str
    whole: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """One opening of a page; times are milliseconds since the address was entered.

    Attributes:
        first: When the first frame held something.
        settled: The frame after the last change, everything being there.
        cpu_ms: That the tab's process took until then.
        fetched_kb: Over HTTP, as transferred; without what came by websocket.
    """

    first: float
    settled: float
    cpu_ms: float
    fetched_kb: float


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium while the block lasts."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(servers.ensure("chromium")), headless=True, args=FLAGS
        )
        yield started
        started.close()


def paint(browser: Browser, page: Page) -> tuple[Painted, Painted]:
    """Return what `page` takes in a browser that has nothing of it, and then once more.

    Raises:
        BenchError: It did not come to show everything.
    """
    # A context has a cache and a process of its own.
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    try:
        return _open(context, page), _open(context, page)
    except Error as error:
        raise BenchError(f"{page.title} was not whole in time: {error.message[:300]}") from error
    finally:
        context.close()


def _open(context: BrowserContext, page: Page) -> Painted:
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE_MS)
    tab.add_init_script(WATCH)
    metrics = context.new_cdp_session(tab)
    metrics.send("Performance.enable")
    tab.goto(page.address, wait_until="commit")
    tab.wait_for_function(SETTLED % page.whole, polling=POLL_MS)
    first, drawn = tab.evaluate("[benchPaint.first, benchPaint.drawn]")
    taken = {one["name"]: one["value"] for one in metrics.send("Performance.getMetrics")["metrics"]}
    fetched = float(tab.evaluate(FETCHED)) / 1000
    tab.close()
    return Painted(
        first=float(first),
        settled=float(drawn),
        cpu_ms=float(taken["ProcessTime"]) * 1000,
        fetched_kb=fetched,
    )
