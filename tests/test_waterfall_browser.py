"""The waterfall in a real browser: what is drawn, what keys and clicks do, what it costs."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from urllib3 import Retry

from scripts import servers
from tests.conftest import free_port
from tests.made_traces import ODD_ID, SEED_ID, agent_trace, span_id

ROOT = Path(__file__).parent.parent
PATIENCE_MS = 60_000  # the machine may be busy
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The Traces page over a filled store; its address."""
    folder, port = tmp_path_factory.mktemp("traces"), free_port()
    options = {"server.port": port, "server.address": "127.0.0.1", "server.headless": "true"}
    flags = [f"--{name}={value}" for name, value in options.items()]
    script = ROOT / "tests" / "traces_server.py"
    command = [sys.executable, "-m", "streamlit", "run", str(script), *flags, "--", str(folder)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    with requests.Session() as session:
        again = Retry(total=8, backoff_factor=0.5)
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=again))
        session.get(f"{address}/_stcore/health", timeout=10).raise_for_status()
    yield address
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(servers.ensure("chromium")), headless=True, args=QUIET
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One profile for most tests: Streamlit's own scripts are fetched once."""
    made = profile(browser)
    yield made
    made.close()


def profile(browser: Browser, *, width: int = 1400, dark: bool = False) -> BrowserContext:
    return browser.new_context(
        viewport={"width": width, "height": 1000},
        color_scheme="dark" if dark else "light",
        timezone_id="Europe/Berlin",
    )


class Visit:
    """One visitor's tab, with what it asked for and what went wrong in it."""

    def __init__(self, context: BrowserContext, server: str):
        self.server = server
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.hosts: set[str | None] = set()
        self.received = 0
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._count))

    def _count(self, frame: str | bytes) -> None:
        self.received += len(frame)

    def open(self, trace_id: str = SEED_ID) -> "Visit":
        """Open a trace and wait until it is drawn."""
        self.page.goto(f"{self.server}/traces?trace={trace_id}")
        self.rows.first.wait_for()
        self.settle()
        return self

    def settle(self) -> None:
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()

    @property
    def grid(self) -> Locator:
        return self.page.get_by_role("treegrid")

    @property
    def rows(self) -> Locator:
        return self.page.locator("[role=treegrid] .body .row")

    def row(self, name: str) -> Locator:
        return self.rows.filter(has=self.page.get_by_text(name, exact=True))

    @property
    def names(self) -> list[str]:
        return self.page.locator("[role=treegrid] .body .label").all_inner_texts()

    @property
    def details(self) -> Locator:
        return self.page.locator(".st-key-traces_span")

    def close(self) -> None:
        self.page.close()
        assert self.errors == []


@pytest.fixture
def visit(context: BrowserContext, server: str) -> Iterator[Visit]:
    tab = Visit(context, server)
    yield tab
    tab.close()


def test_every_span_shows_its_time_its_cost_and_its_share_of_both(visit: Visit) -> None:
    llm = visit.open().row("LLM call")
    cells = llm.get_by_role("gridcell").all_inner_texts()
    assert cells[1:] == ["2 s", "77.5 %", "≈$0.025", "98.6 %"]
    assert llm.locator(".chip").all_inner_texts() == ["slowest", "dearest"]


def test_a_pasted_log_line_opens_its_trace_and_stays_in_the_url(visit: Visit) -> None:
    visit.page.goto(f"{visit.server}/traces")
    box = visit.page.get_by_placeholder("Paste a trace, request, session or user id")
    box.fill(f"ERROR [copilot] trace_id={SEED_ID} upstream timed out")
    box.press("Enter")
    expect(visit.row("LLM call")).to_be_visible()
    expect(visit.page).to_have_url(re.compile(f"trace=.*{SEED_ID}"))


def test_a_click_shows_the_span_and_puts_it_in_the_url(visit: Visit) -> None:
    visit.open().row("vector search").click()
    expect(visit.details).to_contain_text("vector search")
    expect(visit.row("vector search")).to_have_attribute("aria-selected", "true")
    expect(visit.page).to_have_url(re.compile(f"span={span_id('vector search')}"))


def test_a_press_on_the_run_of_an_agent_shows_the_first_call_that_failed(visit: Visit) -> None:
    visit.open(agent_trace(200).trace_id)
    nodes = visit.page.locator(".st-key-traces_agents .node")
    expect(nodes).to_have_count(5)
    visit.page.locator(".st-key-traces_agents .node.failed").first.press("Enter")
    expect(visit.details).to_contain_text("upstream timed out")


def test_keys_move_fold_and_choose(visit: Visit) -> None:
    visit.open().grid.focus()
    visit.page.keyboard.press("Home")
    visit.page.keyboard.press("ArrowDown")
    expect(visit.row("Auth and rate limit")).to_have_class(re.compile("active"))
    visit.page.keyboard.press("End")
    visit.page.keyboard.press("Enter")
    expect(visit.details).to_contain_text("Output guardrails")
    visit.page.keyboard.press("ArrowLeft")
    visit.page.keyboard.press("ArrowLeft")
    assert visit.names == ["HTTP request"]
    expect(visit.row("HTTP request")).to_have_attribute("aria-expanded", "false")
    visit.page.keyboard.press("ArrowRight")
    assert len(visit.names) == 9


def test_the_active_row_is_told_to_a_screen_reader(visit: Visit) -> None:
    visit.open().grid.focus()
    visit.page.keyboard.press("Home")
    active = visit.grid.get_attribute("aria-activedescendant")
    assert active == visit.row("HTTP request").get_attribute("id")
    assert visit.row("rerank").get_attribute("aria-level") == "3"


def test_a_folded_branch_stays_folded_while_spans_are_chosen(visit: Visit) -> None:
    visit.open().row("Retrieval").locator(".twist").click()
    assert "rerank" not in visit.names
    visit.row("Input guardrails").click()
    expect(visit.details).to_contain_text("Input guardrails")
    assert "rerank" not in visit.names


def test_collapse_all_leaves_the_first_level_and_expand_all_shows_every_span(
    visit: Visit,
) -> None:
    visit.open().page.get_by_label("Collapse all").click()
    assert visit.names == [
        "HTTP request",
        "Auth and rate limit",
        "Input guardrails",
        "Retrieval",
        "LLM call",
        "Output guardrails",
    ]
    visit.page.get_by_label("Expand all").click()
    assert len(visit.names) == 9


def test_a_pressed_hint_unfolds_and_marks_its_span(visit: Visit) -> None:
    visit.open(f"{200:032x}").page.get_by_label("Collapse all").click()
    assert "chat claude-sonnet-4" not in visit.names
    visit.page.locator(".st-key-traces_hint_0 button").click()
    marked = visit.page.locator("[role=treegrid] .row[aria-selected=true]")
    expect(marked).to_contain_text("chat claude-sonnet-4")


def test_trouble_is_told_in_words_not_by_colour_alone(visit: Visit) -> None:
    visit.open(ODD_ID)
    assert visit.row("rerank").locator(".chip").all_inner_texts() == ["error"]
    assert visit.row("Output guardrails").locator(".chip").all_inner_texts() == ["orphan"]
    assert visit.row("embed query").locator(".chip").all_inner_texts() == ["clock"]
    expect(visit.row("LLM call")).to_contain_text("no price")


def test_markup_in_a_span_is_shown_as_text(visit: Visit) -> None:
    visit.open(ODD_ID)
    assert "<b>vector</b> search" in visit.names
    assert visit.rows.locator("b").count() == 0


def test_of_ten_thousand_spans_only_those_in_view_are_in_the_document(visit: Visit) -> None:
    visit.open(f"{10_000:032x}")
    assert visit.grid.get_attribute("aria-rowcount") == "10001"
    assert visit.rows.count() < 60
    visit.grid.focus()
    visit.page.keyboard.press("End")
    expect(visit.rows.last).to_have_attribute("aria-rowindex", "10001")


def test_a_click_does_not_send_ten_thousand_spans_again(visit: Visit) -> None:
    visit.open(f"{10_000:032x}")
    opened = visit.received
    visit.rows.nth(2).click()
    expect(visit.rows.nth(2)).to_have_attribute("aria-selected", "true")
    expect(visit.page).to_have_url(re.compile("span="))
    visit.settle()
    assert opened > 500_000
    assert visit.received - opened < 50_000


def test_the_page_asks_nobody_else(visit: Visit) -> None:
    visit.open().row("LLM call").click()
    assert visit.hosts <= {"127.0.0.1", None}


def test_a_line_of_the_list_opens_its_trace(visit: Visit) -> None:
    visit.open().page.get_by_role("button", name="All traces").click()
    table = visit.page.locator(".st-key-traces_found").get_by_test_id("stDataFrame")
    table.wait_for()
    visit.settle()
    table.click(position={"x": 60, "y": 52})  # drawn on a canvas: the first line's button
    expect(visit.page).to_have_url(re.compile("trace=[0-9a-f]{32}"))
    visit.rows.first.wait_for()


@pytest.mark.parametrize("dark", [False, True])
def test_the_waterfall_takes_the_colours_of_the_theme(
    browser: Browser, server: str, dark: bool
) -> None:
    tab = Visit(profile(browser, dark=dark), server).open()
    colour = tab.row("LLM call").evaluate("row => getComputedStyle(row).color")
    brightness = sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3
    assert (brightness > 128) is dark
    tab.close()


def test_on_a_phone_shares_give_way_to_bars_time_and_cost(browser: Browser, server: str) -> None:
    tab = Visit(profile(browser, width=390), server).open()
    cells = tab.row("LLM call").get_by_role("gridcell")
    assert [cell for cell in cells.all_inner_texts() if cell] == ["2 s", "≈$0.025"]
    width = tab.page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= 390
    tab.close()
