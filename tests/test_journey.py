"""The product as its users meet it: real servers, a real browser, nothing of ours replaced.

The servers, the people and what happens to them are fixtures of `tests.story`.
"""

import re
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from signals.catalog import CATALOG
from tests.journey import (
    ADA,
    ADA_IN_SLACK,
    PATIENCE_MS,
    VIEWER,
    Person,
    Product,
    card,
    settled,
    shows,
    until,
)

pytest_plugins = ["tests.story"]

GOLDEN = [signal for signal in CATALOG.values() if signal.golden]
PAGES = (
    *("", "alerts", "dashboards", "traces", "rules", "policies", "silences", "deliveries"),
    *("cost", "fatigue", "reports", "quality", "investigate"),
)
RULE = "Errors of answers"


def choose(box: Locator, value: str) -> None:
    """Write into a box with a list under it, and take what the list offers."""
    box.fill(value)
    box.page.get_by_role("option", name=value).first.wait_for()
    box.press("Enter")


def column(table: Locator, number: int) -> Locator:
    """Return a column of a table as a screen reader is told it: it is drawn on a canvas."""
    return table.locator(f"canvas td[aria-colindex='{number}']")


# --- a healthy day


def test_the_overview_shows_every_golden_signal_with_value_state_and_source(
    grace: Person, product: Product
) -> None:
    page = settled(grace.open(product.page("/")))
    for signal in GOLDEN:
        found = card(page, f"overview_{signal.name}")
        shows(found, signal.title, "from prometheus")
        expect(found.get_by_test_id("stMetricValue")).to_have_text(
            re.compile(r"\d"), timeout=PATIENCE_MS
        )
        expect(found.get_by_test_id("stMetricDelta")).to_have_text(
            re.compile("ok|target|beyond"), timeout=PATIENCE_MS
        )
    shows(page.get_by_test_id("stMain"), "nothing is firing", "fresh")


def test_the_chosen_range_and_scope_stand_in_the_address(grace: Person, product: Product) -> None:
    page = settled(grace.open(product.page("/overview?feature=answers")))
    expect(page.get_by_role("dialog")).to_have_count(0)  # "Page not found"
    card(page, "range").get_by_role("radio", name="6h").click()
    expect(page).to_have_url(re.compile("range=6h"), timeout=PATIENCE_MS)
    shows(page.get_by_test_id("stMain"), "of the last 6 h")
    again = settled(grace.open(page.url))
    shows(again.get_by_test_id("stMain"), "of the last 6 h")
    expect(again.get_by_role("combobox", name="Feature")).to_have_value("answers")


def test_a_dashboard_shows_latency_with_errors_and_cost_and_who_answers_for_it(
    grace: Person, product: Product
) -> None:
    page = settled(grace.open(product.page("/dashboards")))
    for said in (
        "^Latency over .+ Latest: p50 .+ s, p95 .+ s, p99 .+ s",
        "^Error rate over .+ Latest: Error rate .+ %",
        r"^Cost per request over .+ Latest: Cost per request \$",
    ):
        expect(page.get_by_label(re.compile(said))).to_be_visible(timeout=PATIENCE_MS)
    shows(page.get_by_test_id("stMain"), f"{VIEWER} answers for this dashboard")


def test_a_dashboard_is_offered_to_someone_and_never_to_nobody(
    grace: Person, product: Product
) -> None:
    page = settled(grace.open(product.page("/dashboards?dashboard=cost")))
    page.get_by_role("button", name="Hand over").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Offer").click()
    shows(dialog, "owner")
    expect(dialog.get_by_role("alert")).to_be_visible(timeout=PATIENCE_MS)
    dialog.get_by_label("New owner").fill("Katherine Johnson")
    dialog.get_by_label("New owner").press("Enter")
    dialog.get_by_role("button", name="Offer").click()
    expect(dialog).to_be_hidden(timeout=PATIENCE_MS)
    again = settled(grace.open(product.page("/dashboards?dashboard=cost")))
    # Nobody owns what they did not accept.
    shows(again.get_by_test_id("stMain"), "Offered to Katherine Johnson")
    shows(again.get_by_test_id("stMain"), f"{VIEWER} answers for this dashboard")


def test_a_rule_is_drawn_under_the_last_day_then_saved_and_evaluated(
    grace: Person, product: Product
) -> None:
    page = settled(grace.open(product.page("/rules")))
    page.get_by_role("button", name="New rule").click()
    page.get_by_role("link", name="Error rate").click()
    choose(page.get_by_label("Only traffic where"), "feature")
    choose(page.get_by_label("feature is"), "answers")
    page.get_by_label("Threshold (%)").fill("90")
    page.get_by_label("Threshold (%)").press("Enter")
    page.get_by_label("Name").fill(RULE)
    page.get_by_label("Name").press("Enter")
    preview = card(page, "rules_preview")
    shows(preview, "Over the last 24 h", "this would never have been beyond the threshold")
    drawn = preview.get_by_label(re.compile("^Error rate, .+, the past, threshold 90 % drawn$"))
    expect(drawn).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Save rule").click()
    listed = page.locator("[class*=st-key-rule_]").filter(has_text=RULE)
    shows(listed, "Error rate above 90 %", "where feature = answers")

    def is_evaluated() -> bool:
        settled(page).reload()
        return "ok" in listed.inner_text()

    until(is_evaluated, "the rule's first evaluation")


# --- the story of one alert


def test_slack_hears_first_then_pagerduty_then_the_person_on_call(told: Product) -> None:
    (post,) = told.posts(channel="llm-alerts")
    (incident,) = told.incidents()
    (direct,) = told.posts(to_user="U0ADA")
    assert "Slow answers" in post["text"]
    assert "Latency p95" in incident["title"]
    until(lambda: told.assignees() == [ADA], "the incident's assignment to Ada")
    paged_at = datetime.fromisoformat(incident["created_at"]).timestamp()
    assert float(post["ts"]) < paged_at < float(direct["ts"])


def test_the_alert_page_tells_the_same_story(told: Product, alert: Page) -> None:
    timeline = card(alert, "alert_timeline")
    shows(timeline, "Slack #llm-alerts: delivered", "PagerDuty: delivered", "Ada Lovelace")


def test_taken_in_slack_it_shows_in_another_browser_within_one_refresh(
    taken: Product, onlooker: Person
) -> None:
    assert 1 <= onlooker.waited <= 2  # one may have been under way


def test_the_alert_leads_to_the_slow_span_its_line_its_prompt_and_back(
    taken: Product, grace: Person, alert: Page
) -> None:
    page = settled(grace.open(alert.url))
    card(page, "alert_traces").get_by_role("link").first.click()
    slowest = page.locator("[role=treegrid] .body .row").filter(has=page.get_by_text("slowest"))
    expect(slowest).to_have_count(1, timeout=PATIENCE_MS)
    shows(slowest, "chat ")
    slowest.click()
    expect(page).to_have_url(re.compile("span=[0-9a-f]{16}"), timeout=PATIENCE_MS)
    shows(card(page, "traces_span"), "the request waited", "first token after")
    trace_id = re.findall("trace=([0-9a-f]{32})", page.url)[0]
    logged = [line["msg"] for line in taken.lines("copilot") if line["trace_id"] == trace_id]
    assert logged
    lines = column(card(page, "traces_logs"), 4)
    expect(lines).to_have_text(logged, timeout=PATIENCE_MS)
    card(page, "traces_links").get_by_role("link", name="Find the cause").click()
    shows(card(page, "investigate_prompt"), "has the version")
    shows(card(page, "investigate_logs"), f"{len(logged)} log lines")
    shared = grace.open(page.url)
    around = card(page, "investigate_around")
    shows(around, "Slow answers was acknowledged")
    around.get_by_role("link", name="Open").first.click()
    expect(page).to_have_url(alert.url, timeout=PATIENCE_MS)
    shows(page.get_by_test_id("stMain"), "Slow answers")
    prompt = card(settled(shared), "investigate_prompt")
    prompt.get_by_role("link", name="Traces of prompt").click()
    expect(shared).to_have_url(re.compile("prompt_version="), timeout=PATIENCE_MS)
    shows(shared.get_by_test_id("stMain"), "prompt version")


def test_on_a_phone_the_alert_begins_with_what_since_when_who_and_why(
    taken: Product, stranger: Person, alert: Page
) -> None:
    page = settled(stranger.open(alert.url))
    top = card(page, "alert_" + alert.url.split("=")[-1])
    shows(top, "Slow answers", "firing for", f"{ADA_IN_SLACK} has it", "Latency p95 above 5 s")
    text = top.inner_text()
    places = [text.index(said) for said in ("Slow answers", "firing for", ADA_IN_SLACK, "Rule:")]
    assert places == sorted(places)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    expect(top).to_be_in_viewport()


def test_its_story_is_saved_as_a_file(taken: Product, grace: Person, alert: Page) -> None:
    page = settled(grace.open(alert.url))
    page.get_by_role("button", name="Export").click()
    with page.expect_download(timeout=PATIENCE_MS) as saving:
        page.get_by_role("button", name="Markdown").click()
    told = saving.value.path().read_text()
    assert told.startswith("# Slow answers\n")
    assert f"acknowledged by {ADA_IN_SLACK}" in told


def test_healing_resolves_it_on_the_page_in_slack_and_in_pagerduty(
    healed: Product, alert: Page
) -> None:
    shows(alert.get_by_test_id("stMain"), "resolved by itself")
    until(lambda: healed.incidents()[0]["status"] == "resolved", "PagerDuty's end of it")
    until(lambda: "Resolved" in healed.posts(channel="llm-alerts")[0]["text"], "Slack's end of it")
    until(lambda: "Resolved" in healed.posts(to_user="U0ADA")[0]["text"], "Ada's end of it")
    until(lambda: "resolved: it no longer holds" in healed.thread(), "the thread's end of it")
    for said in ("firing: Latency p95", "step 2: pagerduty", f"acknowledged by {ADA_IN_SLACK}"):
        assert said in healed.thread()


def test_whom_the_policy_names_after_that_is_left_alone(healed: Product) -> None:
    until(lambda: healed.seconds_since_paged() > 45, "the time of the step that must not come")
    assert healed.posts(channel="general") == []
    events = [event["event_action"] for event in healed.state("pagerduty")["events"]]
    assert events == ["trigger", "acknowledge", "resolve"]


# --- links, and a bad day


def test_the_first_request_after_a_start_may_be_a_link_to_an_alert(
    anew: Product, alert: Page, stranger: Person
) -> None:
    page = settled(stranger.open(alert.url))
    shows(page.get_by_test_id("stMain"), "Slow answers", "resolved by itself", "Slack #llm-alerts")


def test_a_link_to_a_trace_opens_it(anew: Product, stranger: Person) -> None:
    trace_id = anew.lines("copilot")[0]["trace_id"]
    page = settled(stranger.open(anew.page(f"/traces?trace={trace_id}")))
    shows(page.locator("[role=treegrid]"), "POST /v1/", "cache lookup")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/alerts?alert=999999", "There is no alert 999999"),
        ("/alerts?alert=<b>x", "There is no alert <b>x"),
        (f"/traces?trace={'ab' * 16}", f"Trace {'ab' * 16} is not here"),
        ("/traces?trace=nonsense", "There is no trace id in that"),
    ],
)
def test_an_unknown_link_says_so(product: Product, grace: Person, path: str, said: str) -> None:
    page = settled(grace.open(product.page(path)))
    shows(page.get_by_test_id("stMain"), said)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_nobody_but_wakeful(product: Product, grace: Person, path: str) -> None:
    page = settled(grace.open(product.page(f"/{path}")))
    names = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert {urlsplit(name).netloc for name in names} == {urlsplit(product.page("/")).netloc}


def test_a_source_that_is_down_is_named_and_its_last_data_stay(
    product: Product, grace: Person
) -> None:
    page = settled(grace.open(product.page("/")))
    value = card(page, "overview_latency_p95").get_by_test_id("stMetricValue")
    expect(value).to_have_text(re.compile(r"\d"), timeout=PATIENCE_MS)
    product.stop_one("prometheus")
    main = page.get_by_test_id("stMain")
    shows(main, "Prometheus", "What you see is its last answer, from", "A source is silent")
    shows(card(page, "overview_latency_p95"), "as of", "ago, from prometheus")
    expect(value).to_have_text(re.compile(r"\d"))
    shows(main, "unreachable last answered")


def test_no_program_logged_a_failure_of_its_own(product: Product) -> None:
    for name in ("wakeful", "copilot", "slack", "pagerduty"):
        assert "Traceback" not in product.said(name)
