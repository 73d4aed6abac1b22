"""The whole product as real processes, and people with browsers who look at it.

What is started, and how, is the demo's (`examples.copilot`); only ports, folder, rules and the
length of the history are the tests' own.
"""

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import Browser, BrowserContext, Locator, Page, WebSocket, expect

from examples.copilot.children import Children
from examples.copilot.commands import Ports, environment, programs
from examples.copilot.preparation import Folder
from scripts import servers
from tests.conftest import free_port

ROOT = Path(__file__).parent.parent
ADA = "Ada Lovelace"
ADA_IN_SLACK = "Ada Lovelace"  # as Slack, asked, tells
VIEWER = "grace"
HISTORY = timedelta(hours=2)
PHONE = (390, 844)
PATIENCE_SECONDS = 60  # other work may have the machine
PATIENCE_MS = PATIENCE_SECONDS * 1000
# The demo's story in seconds. The last step is what must not happen once someone has the alert.
QUICK_RULES = """
version: 1
policies:
  - name: quick
    steps:
      - {after: 0s, channels: ["slack:#llm-alerts"]}
      - {after: 3s, channels: ["pagerduty:default"]}
      - {after: 3s, channels: ["oncall:PENGIN1"]}
      - {after: 40s, channels: ["slack:#general"]}
  - name: quiet
    steps:
      - {after: 0s, channels: ["slack:#llm-alerts"]}
rules:
  - name: Slow answers
    owner: ada@example.org
    severity: critical
    summary: Users wait. Look for the slow span of a trace.
    runbook_url: https://example.org/runbooks/slow-answers
    condition: {kind: threshold, signal: latency_p95, comparison: above, bound: 5, window: 15s}
    for: 3s
    keep_firing_for: 2s
    interval: 1s
    policy: quick
  - name: A source is silent
    owner: ada@example.org
    severity: error
    summary: Wakeful cannot see.
    condition: {kind: threshold, signal: source_silence, bound: 5, window: 1m, by: [source]}
    interval: 1s
    policy: quiet
"""
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Whenever Streamlit shows its box for an exception, this makes it an error of the page.
NO_EXCEPTION = """
new MutationObserver(() => {
  const box = document.querySelector("[data-testid=stException]");
  if (box) throw new Error("exception on " + location.href + ": " + box.innerText);
}).observe(document, {childList: true, subtree: true});
"""


class Product:
    """The demo's programs on free ports, over a folder of their own."""

    def __init__(self) -> None:
        # Not pytest's folder: what runs beside these tests may clear that.
        self.folder = Path(tempfile.mkdtemp(prefix="wakeful-journey-"))
        self._ports = Ports(**{field.name: free_port() for field in fields(Ports)})
        prometheus = servers.ensure("prometheus")
        self._env = environment(self._ports, self.folder, prometheus) | {"WAKEFUL_USER": VIEWER}
        self._programs = {
            program.name: program for program in programs(self._ports, self.folder, prometheus)
        }
        self._children = Children(self.folder)

    def start(self, *, history: timedelta, rules: str) -> None:
        """Write the history, take the rules, start everything and wait until it answers."""
        book = self.folder / "rules.yaml"
        book.write_text(rules)
        folder = Folder(self.folder)
        folder.clear()
        now = datetime.now(UTC)
        folder.fill(servers.find("promtool"), self._env, now=now, lasts=history, rules=book)
        # Prometheus first: a source that is slow to start is a silent one.
        for name in sorted(self._programs, key=lambda name: name != "prometheus"):
            self._start(name)
            if name == "prometheus":
                self._children.wait_until_ready(threading.Event())
        self._children.wait_until_ready(threading.Event())

    def restart(self, name: str) -> None:
        """Stop one program, start it again and wait until it answers."""
        self._children.stop_one(name)
        self._start(name)
        self._children.wait_until_ready(threading.Event())

    def stop_one(self, name: str) -> None:
        """Stop one program; the others run on."""
        self._children.stop_one(name)

    def close(self) -> None:
        """Stop everything, and leave nothing behind."""
        self._children.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str, path: str = "") -> str:
        """Return an address at one of the programs."""
        return f"{self._ports.url(name)}{path}"

    def page(self, path: str) -> str:
        """Return the address of a page of Wakeful."""
        return self.url("wakeful", path)

    def state(self, name: str) -> dict[str, Any]:
        """Return everything that a stand-in was sent."""
        answer = httpx2.get(self.url(name, "/_state"), trust_env=False, timeout=10)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def posts(self, *, channel: str = "", to_user: str = "") -> list[dict[str, Any]]:
        """Return what stands in a channel of Slack, or in the direct messages of someone."""
        return [
            message
            for message in self.state("slack")["messages"]
            if (message["channel_name"], message["to_user"]) == (channel, to_user)
            and not message.get("thread_ts")
        ]

    def thread(self) -> str:
        """Return everything that was told in threads of Slack."""
        replies = [m for m in self.state("slack")["messages"] if m.get("thread_ts")]
        return "\n".join(reply["text"] for reply in replies)

    def incidents(self) -> list[dict[str, Any]]:
        """Return PagerDuty's incidents."""
        found: list[dict[str, Any]] = self.state("pagerduty")["incidents"]
        return found

    def seconds_since_paged(self) -> float:
        """Return how long ago the person on call got the newest message."""
        return time.time() - max(float(message["ts"]) for message in self.posts(to_user="U0ADA"))

    def assignees(self) -> list[str]:
        """Return who has PagerDuty's newest incident."""
        assigned = self.incidents()[-1]["assignments"]
        return [one["assignee"]["summary"] for one in assigned]

    def said(self, name: str) -> str:
        """Return the log of a program."""
        return (self.folder / "logs" / f"{name}.log").read_text(errors="replace")

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the JSON lines of a program's log."""
        return [json.loads(line) for line in self.said(name).splitlines() if line[:1] == "{"]

    def _start(self, name: str) -> None:
        program = self._programs[name]
        self._children.start(name, program.command, program.ready_url, self._env)


class Person:
    """Someone's browser, with a profile of its own and all that went wrong in its tabs."""

    def __init__(
        self, browser: Browser, *, size: tuple[int, int] = (1400, 1000), dark: bool = False
    ) -> None:
        self._context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=1 if size[0] > PHONE[0] else 2,
            color_scheme="dark" if dark else "light",
            timezone_id="Europe/Berlin",
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self._context.add_init_script(NO_EXCEPTION)
        self._context.on("weberror", lambda error: self.errors.append(str(error.error)))
        self._context.on("request", lambda request: self._called(request.url))
        self.errors: list[str] = []
        self.hosts: set[str | None] = set()
        self.asked = 0  # how often its pages asked to be drawn again
        self.waited = 0  # how often until something was seen

    def new_tab(self) -> Page:
        """Open a tab that shows nothing yet."""
        page = self._context.new_page()
        page.on("websocket", self._listen)
        return page

    def open(self, address: str) -> Page:
        """Open a tab, and wait until the page stands if it is one of Wakeful's."""
        page = self.new_tab()
        page.goto(address)
        return page

    def close_tabs(self) -> None:
        """Close every tab; nothing went wrong in any, and none asked anybody but ourselves."""
        for page in self._context.pages:
            page.close()
        assert self.errors == []
        assert self.hosts <= {"127.0.0.1", None}

    def leave(self) -> None:
        """Close the browser."""
        self.close_tabs()
        self._context.close()

    def _called(self, url: str) -> None:
        self.hosts.add(urlsplit(url).hostname)

    def _listen(self, socket: WebSocket) -> None:
        self._called(socket.url)
        socket.on("framesent", lambda _: self._count())

    def _count(self) -> None:
        self.asked += 1


def card(page: Page, key: str) -> Locator:
    """Return the part of a page of Wakeful that has this key."""
    return page.locator(f".st-key-{key}")


def settled(page: Page) -> Page:
    """Return `page` once its script has run."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    return page


def shows(where: Locator, *texts: str) -> None:
    """Wait until every text stands there."""
    for text in texts:
        expect(where).to_contain_text(text, timeout=PATIENCE_MS)


def until(seen: Callable[[], object], what: str) -> None:
    """Wait until something is seen; `what` says what is missing if it never is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.1)


@contextmanager
def running(*, history: timedelta = HISTORY, rules: str = QUICK_RULES) -> Iterator[Product]:
    """Run the product with that much history and these rules; stop it whatever happens."""
    product = Product()
    try:
        product.start(history=history, rules=rules)
        yield product
    finally:
        product.close()
