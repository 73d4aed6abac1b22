"""A panel from its PromQL to the page and back: a real server's series, a real browser."""

import re

from playwright.sync_api import Browser, Locator, Page, expect

from tests.journey import PATIENCE_MS, PHONE, Person, Product, card, settled, shows, until

pytest_plugins = ["tests.story"]

PROMQL = 'sum by (feature) (rate(llm_requests_total{feature=~"$feature"}[$window]))'
TITLE = "Requests of mine"
Place = tuple[float, float]
# A phone far from its mast: 400 ms, 1.6 Mbit/s.
SLOW_LINE = {"offline": False, "latency": 400, "downloadThroughput": 2e5, "uploadThroughput": 1e5}
DRAWN = re.compile(f"^{TITLE} over the last 1 h. Latest: feature ")


def drag(page: Page, what: Locator, start: Place, end: Place) -> None:
    """Press the mouse at one place of `what`, in shares of its size, and let go at another."""
    box = what.bounding_box()
    assert box
    (x, y), (to_x, to_y) = (
        (box["x"] + box["width"] * along, box["y"] + box["height"] * down)
        for along, down in (start, end)
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(to_x, to_y, steps=5)
    page.mouse.up()


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


def test_a_chart_is_seen_on_the_whole_screen_and_kept_as_png_and_csv(
    grace: Person, product: Product
) -> None:
    page = settled(grace.open(product.page("/dashboards?dashboard=service-health")))
    panel = card(page, "dashboards_panel_0")
    chart = panel.get_by_test_id("stVegaLiteChart")
    expect(chart.locator("canvas")).to_be_visible(timeout=PATIENCE_MS)

    chart.hover()
    with page.expect_download() as picture:
        panel.get_by_role("button", name="Download as PNG").click()
    assert picture.value.path().read_bytes().startswith(b"\x89PNG")

    panel.get_by_role("button", name="more_vert").click()
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV").click()
    assert table.value.path().read_text().startswith("at,")
    page.keyboard.press("Escape")

    chart.hover()
    panel.get_by_role("button", name="Fullscreen").click()
    expect(panel.get_by_role("button", name="Close fullscreen")).to_be_visible()
    width = chart.evaluate("(drawn) => drawn.clientWidth / innerWidth")
    assert width > 0.9
    page.keyboard.press("Escape")


def test_back_leads_to_the_request_that_was_left(grace: Person, product: Product) -> None:
    until(lambda: product.lines("copilot"), "the copilot's first request")
    trace_id = product.lines("copilot")[-1]["trace_id"]
    page = settled(grace.open(product.page(f"/traces?trace={trace_id}")))
    waterfall = page.get_by_role("treegrid")
    expect(waterfall).to_be_visible(timeout=PATIENCE_MS)
    request = page.url
    card(page, "traces_links").get_by_role("link", name="Find the cause").click()
    around = card(page, "investigate_around")
    expect(around.get_by_role("link", name="Overview")).to_be_visible(timeout=PATIENCE_MS)
    case = settled(page).url
    around.get_by_role("link", name="Overview").click()
    overview = page.get_by_role("heading", name="Overview")
    expect(overview).to_be_visible(timeout=PATIENCE_MS)
    settled(page).go_back()
    expect(page).to_have_url(case, timeout=PATIENCE_MS)
    expect(around).to_be_visible(timeout=PATIENCE_MS)
    settled(page).go_back()
    expect(page).to_have_url(request, timeout=PATIENCE_MS)
    expect(waterfall).to_be_visible(timeout=PATIENCE_MS)


def test_a_point_leads_to_its_traces_and_a_rectangle_to_those_within(
    grace: Person, product: Product
) -> None:
    page = settled(grace.open(product.page("/dashboards?dashboard=service-health")))
    latency = page.get_by_label(re.compile("^Latency over .+ Latest: "))
    expect(latency).to_be_visible(timeout=PATIENCE_MS)
    dashboard = settled(page).url
    drag(page, latency, (0.6, 0.5), (0.6, 0.5))
    expect(page).to_have_url(re.compile("/traces.+order=Slowest"), timeout=PATIENCE_MS)
    shows(page.get_by_test_id("stMain"), "traces, looked up")
    settled(page).go_back()
    expect(page).to_have_url(dashboard, timeout=PATIENCE_MS)
    expect(latency).to_be_visible(timeout=PATIENCE_MS)
    settled(page).go_forward()

    heat = card(page, "traces_heat").locator("svg.marks")
    expect(heat).to_be_visible(timeout=PATIENCE_MS)
    drag(settled(page), heat, (0.3, 0.1), (0.95, 0.6))
    expect(page).to_have_url(re.compile("slower=.+faster=.+shared="), timeout=PATIENCE_MS)
    slower, faster = re.findall("(?:slower|faster)=([^&]+)", page.url)
    shows(page.get_by_test_id("stMain"), f"(slower than {slower} s, faster than {faster} s)")
