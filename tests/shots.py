"""The pictures of the documentation, taken of the real thing: `make screenshots`.

They show the demo with its own rules and its whole history, while the model is slow.
"""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from examples.copilot.commands import RULES
from examples.copilot.past import LASTS
from scripts import servers
from tests.journey import (
    PATIENCE_MS,
    PHONE,
    QUIET,
    ROOT,
    Person,
    Product,
    card,
    running,
    settled,
    shows,
    until,
)

DOCS = ROOT / "docs"
PAGES = {
    "overview": "/",
    "alerts": "/alerts",
    "dashboards": "/dashboards?range=15m",
    "traces": "/traces",
    "investigate": "/investigate",
    "sessions": "/sessions",
    "tools": "/tools",
    "cost": "/cost",
    "quality": "/quality",
    "reports": "/reports",
    "rules": "/rules",
    "new-rule": "/rules?rule=new",
    "slos": "/slos",
    "policies": "/policies",
    "oncall": "/oncall",
    "silences": "/silences",
    "deliveries": "/deliveries",
    "fatigue": "/fatigue",
    "sources": "/sources",
}
COLOURS = 128  # enough for pages and charts, at a third of the size
LONG_MS = 4 * PATIENCE_MS  # the demo's rules are more patient than the tests'


def main() -> None:
    """Take every picture."""
    DOCS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(servers.ensure("chromium")), headless=True, args=QUIET
        )
        with running(history=LASTS, rules=RULES.read_text()) as product:
            _take_all(browser, product)
        browser.close()


def _take_all(browser: Browser, product: Product) -> None:
    desk = Person(browser, size=(1400, 1120))
    phone = Person(browser, size=PHONE, dark=True)
    copilot = desk.open(product.url("copilot"))
    copilot.locator(".card", has_text="Slow model").get_by_role("button", name="Break").click()
    copilot.close()

    inbox = settled(desk.open(product.page("/alerts")))
    found = inbox.locator("[class*=st-key-alert_]", has_text="Slow answers")
    expect(found).to_contain_text("firing", timeout=LONG_MS)
    until(product.incidents, "PagerDuty's incident")
    found.get_by_role("link", name="Open").click()
    shows(card(inbox, "alert_timeline"), "PagerDuty: delivered")
    alert = settled(phone.open(inbox.url))
    shows(card(alert, "alert_chart"), "Latency p95")
    _take(alert, "alert")

    until(lambda: product.posts(to_user="U0ADA"), "the direct message to Ada")
    _take(settled(desk.open(product.page("/"))), "overview")
    _take(settled(desk.open(product.page("/dashboards?range=15m"))), "dashboard")
    card(inbox, "alert_traces").get_by_role("link").first.click()
    inbox.locator("[role=treegrid] .body .row").first.wait_for()
    _take(settled(inbox), "trace")
    looks = {
        "light": Person(browser, size=(1400, 1120)),
        "dark": Person(browser, size=(1400, 1120), dark=True),
        "phone": phone,
    }
    for name, path in PAGES.items():
        for look, person in looks.items():
            page = settled(person.open(product.page(path)))
            _take(page, f"pages/{name}-{look}")
            page.close()


def _take(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    path: Path = DOCS / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    with Image.open(io.BytesIO(page.screenshot())) as taken:
        taken.convert("RGB").quantize(COLOURS).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
