"""Budgets on the Cost page: the rules that keep them, burn-down, forecast, and the way to more."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import policies, rulebook
from alerts.conditions import Budget
from alerts.policies import PolicyDraft
from alerts.rulebook import RuleDraft
from app import budget_words, cached_budgets, cached_cost, wired
from app.cached_budgets import Part, Standing
from signals.routing import Sources
from tests.house import COMMON, POLICIES, House, empty_house, forget, house, house_template
from tests.memory_source import NOON
from tests.pages import opened, text
from tests.spans import HOUR, bill, child, root

__all__ = ["empty_house", "house", "house_template"]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    for cache in (cached_budgets, cached_cost):
        cache.clear()
    yield
    for cache in (cached_budgets, cached_cost):
        cache.clear()


@pytest.fixture
def shop(empty_house: House) -> House:
    """A house whose cost is answered by its traces."""
    assert empty_house.wiring.store is not None
    wiring = replace(empty_house.wiring, signals=Sources((empty_house.wiring.store,)))
    empty_house.wiring = wiring
    wired.set_current(wiring)
    for policy in POLICIES:
        policies.save_policy(wiring.db, PolicyDraft.model_validate(policy))
    return empty_house


def budget(db: Engine, **condition: Any) -> None:
    rule = {
        **COMMON,
        "name": "Tenant budget",
        "severity": "info",
        "condition": {"kind": "budget", "amount_usd": 10, **condition},
    }
    rulebook.save_rule(db, RuleDraft.model_validate(rule), by="grace", now=NOON)
    forget()


def pays(house: House, usd: float, at: datetime, **labels: Any) -> None:
    request = root(at, **labels)
    assert house.wiring.store is not None
    house.wiring.store.write([request, child(request, **bill(usd))])


def test_a_budget_is_the_rule_that_keeps_it(shop: House) -> None:
    budget(shop.wiring.db, by=["tenant"])
    pays(shop, 4.0, NOON - 5 * HOUR, tenant="acme")
    said = text(opened("cost"))
    assert "within budget" in said
    assert "$10.00 in any 1 d for each tenant · grace is told · from traces" in said
    assert "acme: $4.00 spent, $6.00 left; heads for $4.00" in said


def test_a_budget_that_is_spent_is_over(shop: House) -> None:
    budget(shop.wiring.db, by=["tenant"])
    pays(shop, 12.0, NOON - 5 * HOUR, tenant="acme")
    said = text(opened("cost"))
    assert "over budget" in said
    assert "$2.00 over" in said


def test_the_pace_of_lately_tells_where_it_heads(shop: House) -> None:
    budget(shop.wiring.db, by=["tenant"])
    pays(shop, 1.0, NOON - timedelta(minutes=30), tenant="acme")
    said = text(opened("cost"))
    assert "heads over" in said
    assert "heads for $24.00, at the pace of the last 1 h" in said


def test_the_parts_are_held_against_the_window_before(shop: House) -> None:
    budget(shop.wiring.db, by=["tenant"])
    pays(shop, 4.0, NOON - 5 * HOUR, tenant="acme")
    pays(shop, 1.0, NOON - 29 * HOUR, tenant="acme")
    assert "Moved most against the window before: acme +$3.00." in text(opened("cost"))


def test_of_a_calendar_day_the_hour_is_said_at_which_it_is_used_up(shop: House) -> None:
    budget(shop.wiring.db, zone="UTC")
    pays(shop, 2.0, NOON - timedelta(minutes=30))
    said = text(opened("cost"))
    assert "used up at 16:00" in said
    assert "heads for $26.00" in said


def test_where_nothing_was_spent_nothing_is_known(shop: House) -> None:
    budget(shop.wiring.db, by=["tenant"])
    assert "nothing known" in text(opened("cost"))


def test_without_a_budget_there_is_a_way_to_one(shop: House) -> None:
    said = text(opened("cost"))
    assert "rule=new&template=Tenant+heads+over+its+daily+budget" in said
    assert "rule=new&template=Feature+heads+over+its+daily+budget" in said


def test_the_forecast_of_a_rule_without_one_is_the_pages_alone() -> None:
    kept = Budget(amount_usd=10)
    assert kept.pace == timedelta()
    assert cached_budgets.paced(kept).pace == timedelta(hours=1)


@pytest.mark.parametrize(
    ("spent", "heads_for", "word"),
    [(11, 11, "over budget"), (5, 12, "heads over"), (5, 9, "within budget")],
)
def test_the_state_is_that_of_the_worst_part(spent: float, heads_for: float, word: str) -> None:
    part = Part(labels={}, spent=spent, heads_for=heads_for, before=None, spent_up_at=None)
    standing = Standing(parts=(part,), pace=timedelta(hours=1))
    assert budget_words.state(Budget(amount_usd=10), standing)[0] == word
