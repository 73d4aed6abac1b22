"""A panel from its PromQL to the page and back: a real server's series, a real browser."""

import re

from playwright.sync_api import Browser, expect

from tests.journey import PATIENCE_MS, PHONE, Person, Product, card, settled, shows

pytest_plugins = ["tests.story"]

PROMQL = 'sum by (feature) (rate(llm_requests_total{feature=~"$feature"}[$window]))'
TITLE = "Requests of mine"
# A phone far from its mast: 400 ms, 1.6 Mbit/s.
SLOW_LINE = {"offline": False, "latency": 400, "downloadThroughput": 2e5, "uploadThroughput": 1e5}
DRAWN = re.compile(f"^{TITLE} over the last 1 h. Latest: feature ")


def test_a_panel_is_previewed_saved_seen_and_taken_back(grace: Person, product: Product) -> None:
    page = settled(grace.open(product.page("/dashboards?dashboard=quality-and-safety")))
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("button", name="Add panel").click()
    form = card(page, "builder_form")
    form.get_by_text("PromQL", exact=True).click()
    typed = form.get_by_role("textbox", name="PromQL")
    typed.fill(PROMQL.replace("$window", "$windo"))
    typed.press("Control+Enter")
    shows(form, "$windo stands for nothing")
    typed.fill(PROMQL)
    typed.press("Control+Enter")
    expect(form.locator("canvas, svg.marks").first).to_be_visible(timeout=PATIENCE_MS)
    form.get_by_role("textbox", name="Title").fill(TITLE)
    form.get_by_role("textbox", name="Title").press("Enter")
    drawn = page.get_by_label(DRAWN)
    expect(drawn).to_be_visible(timeout=PATIENCE_MS)
    form.get_by_role("button", name="Keep panel").click()
    shows(card(page, "builder_list"), TITLE)
    page.get_by_role("button", name="Save").click()

    shows(page.get_by_test_id("stMain"), "answers for this dashboard")
    expect(drawn).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Edit", exact=True).click()
    history = card(page, "builder_history")
    shows(history, "Version 2", "panels.Requests of mine.promql")
    history.get_by_role("button", name="Revert").click()
    shows(page.get_by_test_id("stMain"), "answers for this dashboard")
    expect(drawn).to_have_count(0, timeout=PATIENCE_MS)


def test_on_a_slow_line_a_hasty_press_empties_no_field(browser: Browser, product: Product) -> None:
    person = Person(browser, size=PHONE)
    page = person.new_tab()
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", SLOW_LINE)
    page.goto(product.page("/dashboards?dashboard=cost&edit=1"))
    page.get_by_role("button", name="Add panel").click()
    card(page, "builder_form").get_by_role("button", name="Back").click()
    shows(card(page, "builder_whole"), "Preview")

    expect(settled(page).get_by_role("textbox", name="Title")).to_have_value("Cost")
    expect(page.get_by_test_id("stMultiSelect")).to_contain_text("feature")
    person.leave()
