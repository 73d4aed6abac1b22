"""A rule from a template to its first evaluation: a real server's histogram, a real browser."""

import re

from playwright.sync_api import expect

from tests.journey import PATIENCE_MS, Person, Product, card, settled, shows

pytest_plugins = ["tests.story"]

NAME = "Latency p95 over 8 s"


def test_a_rule_that_cannot_fire_is_mended_saved_and_evaluated(
    grace: Person, product: Product
) -> None:
    page = settled(grace.open(product.page("/rules")))
    page.get_by_test_id("stPopover").get_by_role("button", name="New rule").click()
    page.get_by_role("link", name=NAME).click()
    shows(card(page, "rules_preview"), "this would never have been beyond the threshold")
    lint, bound = card(page, "rules_lint"), page.get_by_role("spinbutton", name="Threshold (s)")
    shows(lint, "It has no runbook")
    bound.fill("100")
    bound.press("Enter")
    shows(lint, "It can never fire: the histogram's last bucket ends at 60 s")
    bound.fill("6")
    bound.press("Enter")
    expect(lint).not_to_contain_text("It can never fire", timeout=PATIENCE_MS)
    runbook = page.get_by_role("textbox", name="Runbook")
    runbook.fill("https://example.org/slow")
    runbook.press("Enter")
    expect(lint).not_to_contain_text("It has no runbook", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Save rule").click()
    saved = page.locator("[class*=st-key-rule_]").filter(has_text=NAME)
    shows(saved, "Latency p95 above 6 s", "ok")
    expect(saved).to_contain_text(re.compile("evaluated (just now|\\d+ s ago)"))


def test_promql_is_held_against_what_the_server_has(grace: Person, product: Product) -> None:
    page = settled(grace.open(product.page("/rules?rule=new")))
    page.get_by_text("PromQL", exact=True).click()
    lint, typed = card(page, "rules_lint"), page.get_by_role("textbox", name="Expression")
    for expression, said in (
        ("rate(llm_request_total[5m]) > 1", "did you mean llm_requests_total?"),
        ("sum by (tenent) (rate(llm_requests_total[5m])) > 1", "has no label tenent"),
        ("sum(rate(llm_requests_total[5m]) > 1", "unclosed left parenthesis"),
    ):
        typed.fill(expression)
        typed.press("Control+Enter")
        shows(lint, said)
    typed.fill('sum by (feature) (rate(llm_requests_total{outcome="error"}[5m])) > 1')
    typed.press("Control+Enter")
    expect(lint).not_to_contain_text("unclosed", timeout=PATIENCE_MS)
    expect(lint).not_to_contain_text("llm_requests_total", timeout=PATIENCE_MS)
