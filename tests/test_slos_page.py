"""SLOs: what is left in words, what is not known, and what was agreed on for when it is spent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from alerts import rulebook, ruledraft
from alerts.conditions import BurnRate
from alerts.ruledraft import RuleDraft
from alerts.slos import Watcher, slos
from app import cached_slos, wired
from models.vocabulary import Period
from signals.routing import Sources
from tests.house import House, empty_house, house, house_template
from tests.pages import opened, text

__all__ = ["empty_house", "house", "house_template"]

RULE = "Error budget burns too fast"
FREEZE = "Only fixes go out until the budget is back."
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def fresh() -> None:
    cached_slos.clear()


def save(house: House, name: str = RULE, **changes: Any) -> int:
    """Save a burn-rate rule, of that name and otherwise as it is."""
    rule = house.rule(RULE)
    condition = BurnRate(signal="error_ratio", objective=0.99).model_copy(update=changes)
    draft = RuleDraft(name=name, owner="grace", policy="standard", condition=condition)
    rule_id = rule.id if name == RULE else None
    return rulebook.save_rule(house.wiring.db, draft, by="ana", now=house.now, rule_id=rule_id)


def failing(house: House, ratio: float | None, rate: float | None = 1.0) -> None:
    house.source.wave = lambda signal, *_: rate if signal == "request_rate" else ratio


def test_what_is_left_is_said_with_what_it_rests_on(house: House) -> None:
    failing(house, 0.0059)
    said = text(opened("slos"))
    assert "41 % of the budget is left; at this rate it lasts." in said
    assert "15,293 of 2,592,000 requests were bad, 25,920 may be" in said
    assert "99 % good by error rate, over the last 30 days" in said
    assert "within budget" in said


def test_a_spent_budget_shows_what_was_agreed_on(house: House) -> None:
    save(house, policy_when_spent=FREEZE)
    failing(house, 0.02)
    said = text(opened("slos"))
    assert "The budget is spent, 100 % over." in said
    assert FREEZE in said


def test_the_freeze_is_not_shown_while_there_is_budget(house: House) -> None:
    save(house, policy_when_spent=FREEZE)
    failing(house, 0.001)
    assert FREEZE not in text(opened("slos"))


def test_no_data_is_not_a_full_budget(house: House) -> None:
    failing(house, None, None)
    said = text(opened("slos"))
    assert "what is left of the budget cannot be said" in said
    assert "100 %" not in said


def test_a_burst_says_when_the_budget_is_gone(house: House) -> None:
    began = (house.now - 5 * HOUR).timestamp()
    house.source.wave = lambda signal, _, second: (
        1.0 if signal == "request_rate" else 0.3 * (second > began)
    )
    said = text(opened("slos"))
    assert "at this rate gone tomorrow" in said
    assert "burning too fast" in said


def test_each_tenant_has_a_budget_and_the_worst_is_told_first(house: House) -> None:
    save(house, by=("tenant",))
    house.source.wave = lambda signal, labels, _: (
        1.0 if signal == "request_rate" else 0.02 if labels["tenant"] == "acme" else 0.001
    )
    said = text(opened("slos"))
    assert "acme: The budget is spent" in said
    assert "The worst of 2; 1 spent theirs." in said
    page = opened("slos", slo=str(house.rule(RULE).id))
    assert list(page.dataframe[0].value["Of"]) == ["acme", "globex"]


def test_a_source_that_is_down_is_said_to_be(house: House) -> None:
    house.source.down = "prometheus did not answer within 5 s"
    assert "prometheus did not answer within 5 s" in text(opened("slos"))


def test_the_trace_store_answers_where_metrics_cannot(house: House) -> None:
    assert house.wiring.store is not None
    wired.set_current(replace(house.wiring, signals=Sources((house.wiring.store,))))
    said = text(opened("slos"))
    assert "requests were bad" in said
    assert "data only since" in said


def test_without_a_rule_the_page_says_how_to_make_one(empty_house: House) -> None:
    assert "No SLO yet" in text(opened("slos"))


def test_rules_of_one_objective_on_the_same_traffic_are_one_slo() -> None:
    def watcher(rule_id: int, **fields: Any) -> Watcher:
        condition = BurnRate(signal="error_ratio", **{"objective": 0.99, **fields})
        return Watcher(
            rule_id=rule_id, name=f"rule {rule_id}", owner="", enabled=True, condition=condition
        )

    found = slos(
        [
            watcher(1, policy_when_spent=FREEZE),
            watcher(2, zone="Asia/Tokyo"),  # of no month
            watcher(3, objective=0.999),
            watcher(4, period=Period.MONTH, zone="Asia/Tokyo"),
            watcher(5, period=Period.MONTH),
        ]
    )
    assert [[rule.rule_id for rule in slo.watchers] for slo in found] == [[1, 2], [3], [4], [5]]
    assert found[0].policies_when_spent == (FREEZE,)


def test_the_form_keeps_what_the_budget_is_for(house: House) -> None:
    save(house, period=Period.MONTH, zone="Europe/Berlin", policy_when_spent=FREEZE)
    rule_id = house.rule(RULE).id
    page = opened("rules", rule=str(rule_id))
    assert page.selectbox(key=f"rules_{rule_id}_period").value == Period.MONTH
    page.text_area(key=f"rules_{rule_id}_policy_when_spent").set_value("Freeze.").run()
    page.button(key="rules_save").click().run()
    with Session(house.wiring.db) as session:
        rule, policy = next(p for p in rulebook.rules(session) if p[0].name == RULE)
        condition = ruledraft.draft_of(rule, policy.name).condition
    assert isinstance(condition, BurnRate)
    assert (condition.zone, condition.policy_when_spent) == ("Europe/Berlin", "Freeze.")


def test_one_page_asks_each_source_once_a_minute(house: House) -> None:
    opened("slos")
    asked = len(house.source.asked)
    opened("slos")
    assert len(house.source.asked) == asked
