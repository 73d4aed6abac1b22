"""A dry run with a test, then a silence from its preview to its end: real servers, real browser."""

import re

from playwright.sync_api import expect

from tests.journey import ADA, PATIENCE_MS, Person, Product, card, settled, shows, until

pytest_plugins = ["tests.story"]

WHY = "Known: the model is being moved"


def test_a_dry_run_names_everyone_and_a_test_reaches_slack(grace: Person, product: Product) -> None:
    page = settled(grace.open(product.page("/policies")))
    quick = page.locator("[class*=st-key-policy_]").filter(has_text="Used by 1 rule: Slow answers")
    quick.get_by_role("link", name="Dry run and test").click()
    expect(page).to_have_url(re.compile(r"walk=\d+"), timeout=PATIENCE_MS)
    steps = card(page, "walk_steps")
    shows(steps, "Step 1, 0 s: Slack #llm-alerts", "Step 2, +3 s: PagerDuty", ADA)
    assert product.posts(channel="llm-alerts") == [], "a dry run tells nobody"
    page.get_by_role("button", name="Send test").click()
    tried = page.locator("[class*=st-key-walk_trial_]")
    shows(tried, "delivered", "told that the test is over")
    (post,) = product.posts(channel="llm-alerts")
    assert "TEST" in post["text"]
    assert product.incidents() == [], "only the channels that were chosen"


def test_a_silence_keeps_quiet_what_it_names_until_it_is_ended(
    grace: Person, product: Product
) -> None:
    page = settled(grace.open(product.page("/silences")))
    page.get_by_role("link", name="New silence").click()
    box = page.get_by_role("combobox", name="Alerts where all of these hold")
    box.fill('rule="Slow answers"')
    page.get_by_role("option").first.wait_for()
    box.press("Enter")
    page.get_by_label("Why").fill(WHY)
    page.get_by_label("Why").press("Enter")
    shows(card(page, "silences_preview"), "It hides nothing that is open now.")
    page.get_by_role("button", name="Silence", exact=True).click()
    kept = page.locator("[class*=st-key-silence_]").filter(has_text=WHY)
    shows(kept, "active", 'rule="Slow answers"')

    copilot = grace.open(product.url("copilot"))
    slow = copilot.locator(".card").filter(has_text="Slow model")
    slow.get_by_role("button", name="Break").click()
    shows(copilot.locator("body"), "Broken: Slow model")
    inbox = settled(grace.open(product.page("/alerts")))
    shows(inbox.get_by_test_id("stMain"), "Muted, nobody is told (1)", f"grace: {WHY}")
    told = len(product.posts(channel="llm-alerts"))
    assert product.incidents() == []

    shows(kept, "1 open alert is muted by it")
    kept.get_by_role("button", name="End now").click()
    shows(page.get_by_test_id("stMain"), "Nothing is silenced")
    until(lambda: len(product.posts(channel="llm-alerts")) > told, "Slack hears of it at last")
    shows(inbox.get_by_test_id("stMain"), "Firing, nobody has it (1)")
