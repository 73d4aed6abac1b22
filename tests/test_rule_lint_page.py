"""The rule form objects while one types: from the rule alone, from the others, from the past."""

from datetime import timedelta

from streamlit.testing.v1 import AppTest

from alerts import rulebook
from tests.house import House, empty_house, house, house_template
from tests.pages import text, toasts
from tests.test_rules_page import ERRORS, drafts, editing

__all__ = ["empty_house", "house", "house_template"]


def lint(page: AppTest) -> str:
    """Return what the form objects to."""
    lines = page.container(key="rules_lint").markdown
    return "\n".join(line.value for line in lines).replace("\\", "")


def test_the_form_says_what_may_be_wrong_while_one_types(house: House) -> None:
    page, keys = editing(house, ERRORS)
    assert "can never fire" not in lint(page)
    page.number_input(key=f"{keys}_bound").set_value(100.0).run()
    assert "It can never fire: Error rate never goes above 100 %" in lint(page)
    page.button(key="rules_save").click().run()
    assert toasts(page) == [f"Saved {ERRORS}. It is evaluated at once."], "advice, no lock"


def test_the_form_holds_the_threshold_against_what_was_seen(house: House) -> None:
    page, keys = editing(house, "Cost per request")
    assert "Nothing reached it" not in lint(page)
    page.number_input(key=f"{keys}_bound").set_value(50.0).run()
    assert "Nothing reached it in the last 24 h: the highest was $0.1" in lint(page)
    assert "is it in another unit?" in lint(page)


def test_the_form_counts_the_requests_behind_a_ratio(house: House) -> None:
    house.source.wave = lambda signal, labels, seconds: 0.02 if signal == "request_rate" else 0.01
    page, keys = editing(house, ERRORS)
    assert "One failed request pages for feature = chat" in lint(page)
    assert "there are about 6 requests in 5 min" in lint(page)
    page.selectbox(key=f"{keys}_window").select("1h").run()
    assert "One failed request" not in lint(page)


def test_the_form_finds_the_same_rule_twice_and_not_itself(house: House) -> None:
    page, keys = editing(house, ERRORS)
    assert "watches exactly the same" not in lint(page)
    page.multiselect(key=f"{keys}_by").set_value([]).run()
    other = drafts(house)[ERRORS].model_copy(update={"name": "Copy"})
    rulebook.save_rule(house.wiring.db, other, by="ada", now=house.now)
    page, _ = editing(house, ERRORS)
    house.passes(timedelta(minutes=1))
    page.run()
    assert "The rule 'Copy' watches exactly the same" in lint(page)


def test_moving_the_threshold_asks_nobody_about_the_lint_either(house: House) -> None:
    page, keys = editing(house, ERRORS)
    assert lint(page)
    asked = len(house.source.asked)
    page.number_input(key=f"{keys}_bound").set_value(9.0).run()
    assert len(house.source.asked) == asked


def test_a_rule_without_fault_says_so(house: House) -> None:
    page, _ = editing(house, ERRORS)
    assert lint(page).endswith("Nothing to object to.]]")


def test_a_missing_runbook_is_said_until_it_is_typed(house: House) -> None:
    page, keys = editing(house, "Latency p95")
    assert "It has no runbook" in lint(page)
    page.text_input(key=f"{keys}_runbook_url").set_value("https://example.org/slow").run()
    assert "It has no runbook" not in lint(page)


def test_a_condition_that_cannot_be_read_yet_is_not_judged(house: House) -> None:
    page, keys = editing(house, ERRORS)
    page.multiselect(key=f"{keys}_scope").set_value(["tenant"]).run()
    assert "Before you save" not in text(page)


def test_a_source_that_is_down_leaves_what_the_rule_alone_tells(house: House) -> None:
    house.source.down = "prometheus did not answer within 5 s"
    page, keys = editing(house, ERRORS)
    page.number_input(key=f"{keys}_bound").set_value(100.0).run()
    assert "It can never fire" in lint(page)
