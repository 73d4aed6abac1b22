"""What finding a request takes in Chromium, timed in the page: from the press to the frame."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

from playwright.sync_api import Error, Page, sync_playwright

from bench.processes import BenchError
from scripts import servers

PATIENCE_MS = 60_000  # in TIMER too
SEARCHES = 20
CLICKS = 20
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
ROWS = "[role=treegrid] .body .row"
# The waterfall has a document of its own within the page's.
DRAWN = (
    "[...document.querySelectorAll('[class*=st-key-traces_waterfall] *')]"
    ".some((one) => one.shadowRoot?.querySelectorAll('.body .row').length > 20)"
)
# From the press (a key, or a button of the mouse) until the frame after `seen()` holds.
TIMER = """([event, seen]) => {
  const holds = new Function("return " + seen);
  window.benchTimed = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("not seen in time: " + seen)), 60_000);
    addEventListener(event, () => {
      const began = performance.now();
      const look = () => holds()
        ? requestAnimationFrame(() => resolve(performance.now() - began))
        : requestAnimationFrame(look);
      look();
    }, {once: true, capture: true});
  });
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Milliseconds of each try, as they came.

    Attributes:
        lists: From Enter in a filter to the list that it narrows, each filter for the first time.
        links: From the address of a tenant's failed traces, opened in a new tab, to their list.
        traces: From Enter in the box to the waterfall, each trace for the first time; by spans.
        clicks: From the press on a span of the last trace to its detail; by spans.
    """

    lists: list[float]
    links: list[float]
    traces: dict[int, list[float]]
    clicks: dict[int, list[float]]


def find(url: str, traces: dict[int, list[str]]) -> Found:
    """Return what finding takes on a Wakeful at `url`.

    Args:
        url: Its base URL.
        traces: Ids of traces that nobody opened yet, by their number of spans.

    Raises:
        BenchError: A page did not come to show what it should.
    """
    try:
        with _tab() as page:
            links = [_link(page, f"{url}/traces?range=7d", f"tenant-{n}") for n in range(1, 6)]
            lists = _lists(page, f"{url}/traces?range=7d")
            opened: dict[int, list[float]] = {}
            clicks: dict[int, list[float]] = {}
            for spans, ids in traces.items():
                opened[spans] = [_trace(page, f"{url}/traces", one) for one in ids]
                clicks[spans] = [_click(page, 2 + number % 15) for number in range(CLICKS)]
    except Error as error:
        raise BenchError(f"a page did not come to show it: {error.message[:300]}") from error
    return Found(lists=lists, links=links, traces=opened, clicks=clicks)


@contextmanager
def _tab() -> Iterator[Page]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(servers.ensure("chromium")), headless=True, args=FLAGS
        )
        page = chromium.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE_MS)
        yield page
        chromium.close()


def _link(page: Page, address: str, tenant: str) -> float:
    page.goto("about:blank")
    page.goto(f"{address}&tenant={quote(tenant)}&errors=true", wait_until="commit")
    page.wait_for_function(_says(tenant), polling="raf")
    taken = float(page.evaluate("performance.now()"))  # since the navigation began
    _settle(page)
    return taken


def _lists(page: Page, address: str) -> list[float]:
    page.goto(address)
    field = page.locator(".st-key-slower input")
    field.wait_for()
    taken = []
    for number in range(SEARCHES):
        _settle(page)
        seconds = f"{1.01 + number / 50:.2f}".rstrip("0")
        field.fill(seconds)
        page.evaluate(TIMER, ["keydown", _says(f"slower than {seconds} s")])
        field.press("Enter")
        taken.append(_timed(page))
    return taken


def _trace(page: Page, address: str, trace_id: str) -> float:
    page.goto(address)
    box = page.get_by_role("textbox", name="One request")
    box.fill(trace_id)
    page.locator(".st-key-traces_found").wait_for()
    _settle(page)
    page.evaluate(TIMER, ["keydown", DRAWN])
    box.press("Enter")
    return _timed(page)


def _click(page: Page, row: int) -> float:
    _settle(page)
    at = page.locator(ROWS).nth(row)
    name = at.locator(".label").inner_text()
    before = page.locator(".st-key-traces_span").inner_text()
    shown = (
        "(() => { const text = document.querySelector('.st-key-traces_span').innerText;"
        f" return text.includes({json.dumps(name)}) && text !== {json.dumps(before)}; }})()"
    )
    page.evaluate(TIMER, ["pointerdown", shown])
    at.click()
    return _timed(page)


def _says(words: str) -> str:
    """Return the JavaScript that holds once the list of what `words` narrow it to is drawn."""
    return (
        "[...document.querySelectorAll('[data-testid=stMarkdownContainer] p')].some((one) =>"
        f" one.textContent.includes('looked up') && one.textContent.includes('{words}'))"
        " && document.querySelector('.st-key-traces_found canvas') !== null"
    )


def _settle(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def _timed(page: Page) -> float:
    return float(page.evaluate("window.benchTimed"))
