"""The list of rules: narrowed, switched all at once, and how late each is."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest

from alerts import rulebook, ruledraft, switching
from alerts.conditions import Promql
from alerts.rulebook import Origin
from alerts.ruledraft import RuleDraft
from app import cached_alerts, rule_words
from models.tables import Rule, RuleVersion
from tests.house import VIEWER, House, house, house_template
from tests.pages import opened, text, toasts

__all__ = ["house", "house_template"]

SECOND = timedelta(seconds=1)
CACHE = "Cache hit rate"


def listed(page: AppTest) -> int:
    """Return how many rules there are cards of."""
    return text(page).count(" · policy ")


def enabled(house: House) -> set[str]:
    with Session(house.wiring.db) as session:
        return {rule.name for rule in session.exec(select(Rule)) if rule.enabled}


def keep_in_file(house: House, name: str) -> None:
    rule = house.rule(name)
    with Session(house.wiring.db) as session:
        [(row, policy)] = [p for p in rulebook.rules(session) if p[0].name == name]
        draft = ruledraft.draft_of(row, policy.name)
        origin = Origin(file="llm.yaml", line=3)
        rulebook.put_rule(session, draft, by="git", now=house.now, rule_id=rule.id, origin=origin)
        session.commit()
    cached_alerts.clear()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"rules_kind": "Burn rate"}, 1),
        ({"rules_owner": "grace"}, 6),
        ({"rules_state": "off"}, 0),
        ({"rules_state": "alerts open"}, 2),
        ({"rules_kept_in": "made here"}, 6),
        ({"rules_answered_by": "prometheus"}, 6),
        ({"rules_answered_by": "nobody"}, 0),
        ({"rules_kind": "Threshold", "rules_search": "cost"}, 1),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, dict) else str(value),
)
def test_the_list_is_narrowed_to_what_the_address_says(
    house: House, query: dict[str, str], found: int
) -> None:
    assert listed(opened("rules", **query)) == found


def test_a_file_is_a_place_to_narrow_to(house: House) -> None:
    keep_in_file(house, CACHE)
    page = opened("rules", rules_kept_in="llm.yaml")
    assert listed(page) == 1
    assert "1 is kept in files: changed there" in text(page)
    assert "rules_bulk_disable" not in [button.key for button in page.button]


def test_a_dashboard_is_about_the_signals_that_it_shows(house: House) -> None:
    wanted = rule_words.Wanted(signals={"cache_hit_ratio"})
    with Session(house.wiring.db) as session:
        found = rule_words.matching(rulebook.rules(session), wanted, {}, now=house.now)
    assert [rule.name for rule, _ in found] == [CACHE]


def test_all_that_is_listed_is_switched_off_after_a_question(house: House) -> None:
    page = opened("rules", rules_search="latency")
    page.button(key="rules_bulk_disable").click().run()
    assert enabled(house) >= {"Latency p95"}
    page.button(key="rules_bulk_yes").click().run()
    assert "Latency p95" not in enabled(house)
    assert CACHE in enabled(house)
    assert any("Switched off: 1 rule." in said for said in toasts(page))


def test_switching_twice_changes_once_and_what_a_file_keeps_not_at_all(house: House) -> None:
    keep_in_file(house, CACHE)
    ids = [house.rule(name).id or 0 for name in ("Latency p95", CACHE)]

    def switch() -> switching.Switched:
        return switching.switch_all(house.wiring.db, ids, False, by=VIEWER, now=house.now)

    first, second = switch(), switch()
    assert (first.changed, second.changed) == (1, 0)
    assert first.refused == ("'Cache hit rate' is kept in llm.yaml, line 3: change it there",)
    with Session(house.wiring.db) as session:
        asked = select(RuleVersion).where(RuleVersion.rule_id == ids[0])
        assert [row.draft["enabled"] for row in session.exec(asked)][-2:] == [True, False]


def saved(house: House) -> Rule:
    """Return a rule of every 30 s, long there, evaluated this instant, which is a multiple."""
    draft = RuleDraft(
        name="Up", owner="ada", policy="standard", condition=Promql(expression="up == 0")
    )
    rule_id = rulebook.save_rule(house.wiring.db, draft, by=VIEWER, now=house.now)
    with Session(house.wiring.db, expire_on_commit=False) as session:
        rule = session.get_one(Rule, rule_id)
        rule.updated_at = house.now - timedelta(hours=1)
        rule.evaluated_at, rule.next_evaluation_at = house.now, house.now + 30 * SECOND
        session.commit()
        return rule


def test_how_late_a_rule_was_is_told_from_the_grid_it_is_due_on(house: House) -> None:
    rule = saved(house)
    assert rule_words.lag(rule) == timedelta()
    rule.evaluated_at = house.now + 2.5 * SECOND
    assert rule_words.lag(rule) == 2.5 * SECOND
    rule.updated_at = house.now  # then it was due as soon as it was saved
    assert rule_words.lag(rule) is None


def test_a_rule_that_waits_is_late_by_as_long_as_it_waits(house: House) -> None:
    rule = saved(house)
    assert not rule_words.overdue(rule, now=house.now + 31 * SECOND)
    assert rule_words.overdue(rule, now=house.now + 90 * SECOND) == 60 * SECOND
    rule.enabled = False
    assert not rule_words.overdue(rule, now=house.now + 90 * SECOND)
