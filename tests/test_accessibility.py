"""Every page as axe sees it, in the light and in the dark, with data; the keys in a real browser.

The library is a file of the package: nothing is asked of the net.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journey import Person, Product, card, settled

pytest_plugins = ["tests.story"]

PAGES: Final = (
    *("/", "/alerts", "/alerts?alert=1", "/dashboards", "/dashboards?wall=1", "/traces", "/cost"),
    *("/rules", "/rules?rule=new", "/slos", "/policies", "/policies?policy=new", "/oncall"),
    *("/silences", "/silences?silence=new", "/deliveries", "/fatigue", "/sources"),
    *("/sessions", "/tools", "/quality", "/reports", "/investigate"),
)
# The dark differs in its colours alone: the pages that have most kinds of them.
DARK: Final = frozenset(
    ("/", "/alerts?alert=1", "/dashboards", "/rules?rule=new", "/oncall", "/cost", "/quality")
)
GRAVE: Final = ("serious", "critical")
HELD: Final = ("heading-order",)  # not grave, but what a screen reader goes by
# Streamlit's own, which no page can mend: the rule, where it is broken, and why.
FOREIGN: Final = {
    # The line in `st.metric` is drawn by Streamlit, which names none of its marks; the rectangle
    # that selects is Vega's own, whose marks take no setting.
    "svg-img-alt": "[data-testid=stMetric], [class*=brush_]",
    # The dark theme's primary colour is the ground of white text on a button and the text on a
    # tint of itself on what is chosen: 4.6:1 and 3.6:1, and no colour has 4.5:1 as both.
    "color-contrast": "[data-testid=stButtonGroup]",
}


def violations(page: Page, schemes: Sequence[str]) -> Iterator[str]:
    """Yield the grave violations that are ours, in each scheme of colours."""
    for scheme in schemes:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", scheme)
        answer = Axe().run(page).response["violations"]
        for found in (one for one in answer if one["impact"] in GRAVE or one["id"] in HELD):
            nodes = [node for node in found["nodes"] if not foreign(page, found["id"], node)]
            if nodes:
                where = f"{nodes[0]['target'][0]} {nodes[0]['html'][:100]}"
                yield f"{page.url} {scheme} {found['id']}, {len(nodes)} times: {where}"


def foreign(page: Page, rule: str, node: dict[str, Any]) -> bool:
    """Say whether that is Streamlit's own."""
    place = page.locator(node["target"][0]).first
    return rule in FOREIGN and bool(place.evaluate("(e, s) => !!e.closest(s)", FOREIGN[rule]))


def test_no_page_keeps_anybody_out(told: Product, grace: Person) -> None:
    found: list[str] = []
    for path in PAGES:
        page = settled(grace.open(told.page(path)))
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
        found += violations(page, ("light", "dark") if path in DARK else ("light",))
        page.close()
    assert not found, "\n".join(found)


def test_an_alert_is_taken_by_keys_alone(told: Product, grace: Person) -> None:
    page = settled(grace.open(told.page("/alerts")))
    expect(page.get_by_role("button", name="Open the first")).to_be_visible()
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(r"alert=\d+"))
    expect(card(page, "alert_buttons").get_by_role("button", name="Acknowledge")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_test_id("stMain")).to_contain_text("grace has it")
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile("/traces"))
