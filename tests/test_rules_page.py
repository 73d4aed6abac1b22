"""Rules: the list, the form with the last day under its threshold, files both ways."""

from datetime import timedelta
from typing import cast

import pytest
import yaml
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from alerts import pings, rulebook, ruledraft, rulefile
from alerts.conditions import (
    PAGE_WINDOWS,
    Absence,
    Budget,
    BurnRate,
    Composite,
    Drift,
    Threshold,
    Window,
)
from alerts.ruledraft import RuleDraft
from models.tables import Alert, Rule
from models.vocabulary import AlertState
from tests.house import MINUTE, VIEWER, House, empty_house, house, house_template
from tests.pages import opened, text, toasts

__all__ = ["empty_house", "house", "house_template"]

ERRORS = "Errors of a single feature"


def drafts(house: House) -> dict[str, RuleDraft]:
    with Session(house.wiring.db) as session:
        return {r.name: ruledraft.draft_of(r, p.name) for r, p in rulebook.rules(session)}


def editing(house: House, name: str) -> tuple[AppTest, str]:
    """Open the form of a rule; return it with the start of its widgets' keys."""
    rule_id = house.rule(name).id
    return opened("rules", rule=str(rule_id)), f"rules_{rule_id}"


def choose_kind(page: AppTest, keys: str, kind: str) -> None:
    control = cast(ButtonGroup[str], page.get_by_key(f"{keys}_kind"))
    control.set_value(kind).run()


def _keys(page: AppTest) -> list[str]:
    return [one.key for one in page.number_input if one.key]


def test_the_list_says_what_each_rule_watches_and_how_it_fares(house: House) -> None:
    card = opened("rules").container(key=f"rule_{house.rule('Latency p95').id}")
    said = "\n".join(line.value for line in card.markdown).replace("\\", "")
    assert "Latency p95 above 5 s over 5 min, for each model, once it lasts 2 min" in said
    assert "owner grace · policy standard · evaluated just now, every 30 s" in said
    assert ":material/check_circle: ok" in said
    assert "/alerts?alert=" in said


def test_a_blind_rule_says_why(house: House) -> None:
    with Session(house.wiring.db) as session:
        rule = session.exec(select(Rule).where(Rule.name == ERRORS)).one()
        rule.error = "prometheus did not answer within 5 s"
        session.commit()
    assert "prometheus did not answer within 5 s" in text(opened("rules"))


@pytest.mark.parametrize(
    ("words", "found"),
    [("latency", 1), ("GRACE standard", 4), ("team=platform", 1), ("nothing of that", 0)],
)
def test_the_search_wants_every_word(house: House, words: str, found: int) -> None:
    said = text(opened("rules", rules_search=words))
    assert said.count("owner grace") == found
    assert ("No rule matches" in said) is (found == 0)


def test_without_rules_the_page_offers_the_seeds(empty_house: House) -> None:
    said = text(opened("rules"))
    assert "No rule yet" in said
    assert "template=Latency+p95" in said


def test_disabling_asks_first_and_says_what_ends(house: House) -> None:
    rule = house.rule(ERRORS)
    page = opened("rules")
    page.button(key=f"rules_disable_{rule.id}").click().run()
    assert house.rule(ERRORS).enabled
    assert "Its 1 open alert ends now" in text(page)
    page.button(key="rules_disable_yes").click().run()
    assert not house.rule(ERRORS).enabled
    assert house.alert(ERRORS).state is AlertState.RESOLVED


def test_a_rule_can_be_switched_on_again(house: House) -> None:
    rule = house.rule(ERRORS)
    rulebook.set_enabled(house.wiring.db, rule.id or 0, False, by="grace", now=house.now)
    page = opened("rules")
    page.button(key=f"rules_enable_{rule.id}").click().run()
    assert house.rule(ERRORS).enabled
    assert toasts(page) == ["Switched on. It is evaluated at once."]


def test_a_template_becomes_a_rule_with_one_click(house: House) -> None:
    page = opened("rules", rule="new", template="Approval queue depth")
    page.button(key="rules_save").click().run()
    saved = drafts(house)["Approval queue depth"]
    assert isinstance(saved.condition, Threshold)
    assert (saved.condition.bound, saved.owner) == (200, VIEWER)
    assert toasts(page) == ["Saved Approval queue depth. It is evaluated at once."]


def test_a_blank_rule_says_what_is_still_missing(house: House) -> None:
    page = opened("rules", rule="new")
    assert "name: is needed" in text(page)
    assert page.button(key="rules_save").disabled


def test_an_edited_threshold_is_saved_as_a_ratio(house: House) -> None:
    page, keys = editing(house, ERRORS)
    assert page.number_input(key=f"{keys}_bound").value == 3.0
    page.number_input(key=f"{keys}_bound").set_value(4.5).run()
    page.button(key="rules_save").click().run()
    condition = drafts(house)[ERRORS].condition
    assert isinstance(condition, Threshold)
    assert condition.bound == 0.045


def test_saving_a_rule_unchanged_changes_nothing_in_it(house: House) -> None:
    before = drafts(house)
    for name in before:
        page, _ = editing(house, name)
        page.button(key="rules_save").click().run()
    assert drafts(house) == before


def test_choosing_a_signal_brings_its_own_threshold(house: House) -> None:
    page, keys = editing(house, ERRORS)
    page.selectbox(key=f"{keys}_signal").select("cost_per_request").run()
    assert page.number_input(key=f"{keys}_bound").value == 0.08
    assert page.number_input(key=f"{keys}_bound").label == "Threshold (USD)"


def test_the_last_day_is_drawn_under_the_threshold(house: House) -> None:
    page, _ = editing(house, "Latency p95")
    (chart,) = page.get("vega_lite_chart")
    assert '"datum":5' in chart.proto.spec.replace(" ", "")
    assert "Over the last 24 h this would have been beyond the threshold once" in text(page)


def test_moving_the_threshold_asks_nobody_again(house: House) -> None:
    page, keys = editing(house, "Latency p95")
    asked = len(house.source.asked)
    page.number_input(key=f"{keys}_bound").set_value(9.0).run()
    assert "this would never have been beyond the threshold" in text(page)
    assert len(house.source.asked) == asked


def test_a_down_source_leaves_the_form_usable(house: House) -> None:
    house.source.down = "prometheus did not answer within 5 s"
    page, _ = editing(house, ERRORS)
    assert "prometheus did not answer within 5 s" in text(page)
    page.button(key="rules_save").click().run()
    assert toasts(page) == [f"Saved {ERRORS}. It is evaluated at once."]


def test_promql_without_a_prometheus_says_what_to_set(house: House) -> None:
    page, keys = editing(house, ERRORS)
    choose_kind(page, keys, "promql")
    page.text_area(key=f"{keys}_expression").set_value("up == 0").run()
    assert "set WAKEFUL_PROMETHEUS_URL" in text(page)


def test_a_burn_rate_can_only_watch_a_ratio(house: House) -> None:
    page, keys = editing(house, "Latency p95")
    choose_kind(page, keys, "burn_rate")
    assert page.selectbox(key=f"{keys}_signal").value == "error_ratio"
    page.button(key="rules_save").click().run()
    assert isinstance(drafts(house)["Latency p95"].condition, BurnRate)


def test_windows_can_be_added_and_removed(house: House) -> None:
    page, keys = editing(house, "Error budget burns too fast")
    page.button(key=f"{keys}_add_pair").click().run()
    page.selectbox(key=f"{keys}_long_2").select("1d").run()
    page.button(key="rules_save").click().run()
    condition = drafts(house)["Error budget burns too fast"].condition
    assert isinstance(condition, BurnRate)
    added = Window(long=timedelta(days=1), short=timedelta(minutes=30), factor=6)
    assert condition.windows == (*PAGE_WINDOWS, added)


def test_a_heartbeat_from_the_template_has_an_address_to_call(house: House) -> None:
    page = opened("rules", rule="new", template="A heartbeat stopped")
    page.button(key="rules_save").click().run()
    page, _ = editing(house, "A heartbeat stopped")
    (address,) = [code.value for code in page.code if "/ping/" in code.value]
    pings.heard(house.wiring.db, address.rsplit("/", 1)[1], now=house.now)
    house.passes(MINUTE)
    page, _ = editing(house, "A heartbeat stopped")
    assert "last 1 min ago" in text(page)


def test_a_drift_is_drawn_beside_last_week_and_saved(house: House) -> None:
    page, keys = editing(house, "Latency p95")
    choose_kind(page, keys, "drift")
    assert page.number_input(key=f"{keys}_change").label == "by more than (%)"
    (chart,) = page.get("vega_lite_chart")
    assert "gpt-4.1-mini, 7 d before" in chart.proto.spec
    page.number_input(key=f"{keys}_change").set_value(25.0).run()
    page.button(key="rules_save").click().run()
    assert drafts(house)["Latency p95"].condition == Drift(
        signal="latency_p95", bound=0.25, by=("model",)
    )


def test_a_budget_of_each_tenant_is_made_from_the_template(house: House) -> None:
    page = opened("rules", rule="new", template="Tenant over its daily budget")
    assert "never have been over the budget" in text(page)
    page.number_input(key=next(k for k in _keys(page) if k.endswith("_amount"))).set_value(20).run()
    assert "this would have been over the budget" in text(page)
    page.button(key="rules_save").click().run()
    assert drafts(house)["Tenant over its daily budget"].condition == Budget(
        amount_usd=20, by=("tenant",)
    )


def test_a_composite_is_made_of_rules_that_are_there(house: House) -> None:
    page, keys = editing(house, "Guardrail trigger rate")
    choose_kind(page, keys, "composite")
    assert "rules: say which it is made of" in text(page)
    page.multiselect(key=f"{keys}_rules").set_value([ERRORS, "Latency p95"]).run()
    assert "found its rules firing once" in text(page)
    page.button(key="rules_save").click().run()
    assert drafts(house)["Guardrail trigger rate"].condition == Composite(
        rules=(ERRORS, "Latency p95")
    )


def test_an_absence_says_itself_what_silence_means(house: House) -> None:
    page, keys = editing(house, "Latency p95")
    choose_kind(page, keys, "absence")
    assert page.selectbox(key=f"{keys}_on_no_series").disabled
    page.selectbox(key=f"{keys}_absent_for").set_value("15m").run()
    assert "this would never have found it gone" in text(page)
    page.button(key="rules_save").click().run()
    assert drafts(house)["Latency p95"].condition == Absence(
        signal="latency_p95", by=("model",), window=timedelta(minutes=15)
    )


def test_a_scope_offers_what_the_store_has_seen(house: House) -> None:
    page, keys = editing(house, "Cost per request")
    page.multiselect(key=f"{keys}_scope").set_value(["tenant"]).run()
    assert "scope: say which tenant" in text(page)
    assert "acme" in page.selectbox(key=f"{keys}_scope_tenant").options
    page.selectbox(key=f"{keys}_scope_tenant").select("acme").run()
    page.button(key="rules_save").click().run()
    condition = drafts(house)["Cost per request"].condition
    assert isinstance(condition, Threshold)
    assert condition.scope == {"tenant": "acme"}


def test_a_name_that_is_taken_is_refused_and_nothing_typed_is_lost(house: House) -> None:
    page, keys = editing(house, ERRORS)
    page.text_input(key=f"{keys}_name").set_value("Latency p95").run()
    page.button(key="rules_save").click().run()
    assert toasts(page) == ["Not saved: there is already a rule named 'Latency p95'"]
    assert page.text_input(key=f"{keys}_name").value == "Latency p95"


def test_someone_elses_change_is_said_before_it_is_replaced(house: House) -> None:
    page, keys = editing(house, ERRORS)
    page.text_input(key=f"{keys}_summary").set_value("Mine").run()
    rule = house.rule(ERRORS)
    theirs = drafts(house)[ERRORS].model_copy(update={"summary": "Theirs"})
    rulebook.save_rule(house.wiring.db, theirs, by="ada", now=house.now, rule_id=rule.id)
    house.passes(timedelta(minutes=2))
    page.run()
    assert "ada changed this rule 2 min ago" in text(page)
    page.button(key="rules_start_over").click().run()
    assert page.text_input(key=f"{keys}_summary").value == "Theirs"


def test_editing_says_that_open_alerts_may_end(house: House) -> None:
    page, keys = editing(house, ERRORS)
    assert "Open alerts: 1." in text(page)
    page.multiselect(key=f"{keys}_by").set_value(["feature", "model"]).run()
    page.button(key="rules_save").click().run()
    assert house.alert(ERRORS).state is AlertState.RESOLVED


@pytest.mark.parametrize("asked", ["999", "abc", "<b>"])
def test_an_unknown_rule_gets_a_sentence(house: House, asked: str) -> None:
    assert f"There is no rule {asked}" in text(opened("rules", rule=asked))


def test_a_rule_needs_a_policy_first(empty_house: House) -> None:
    assert "A rule needs a policy" in text(opened("rules", rule="new"))


def test_a_rule_that_this_version_cannot_read_is_still_listed(house: House) -> None:
    with Session(house.wiring.db) as session:
        rule = session.exec(select(Rule).where(Rule.name == "Guardrail trigger rate")).one()
        rule.condition = {"kind": "from the future"}
        session.commit()
        rule_id = rule.id
    assert "This version cannot read its condition" in text(opened("rules"))
    assert "write it anew" in text(opened("rules", rule=str(rule_id)))


def test_what_is_exported_can_be_imported(house: House) -> None:
    before = drafts(house)
    with Session(house.wiring.db) as session:
        content = rulefile.dump(session)
        for alert in session.exec(select(Alert)):
            alert.state = AlertState.RESOLVED
        session.commit()
    page = opened("rules")
    page.file_uploader(key="rules_upload").upload("rules.yaml", content.encode()).run()
    assert "2 policies and 6 rules" in text(page)
    page.button(key="rules_import").click().run()
    assert toasts(page) == ["Took 2 policies and 6 rules."]
    assert drafts(house) == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"rules: [", "not YAML"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (
            yaml.safe_dump({"version": 1, "rules": [{"name": "x"}]}).encode(),
            "owner: Field required",
        ),
    ],
)
def test_a_broken_file_is_refused_in_one_sentence(
    house: House, content: bytes, reason: str
) -> None:
    before = drafts(house)
    page = opened("rules")
    page.file_uploader(key="rules_upload").upload("rules.yaml", content).run()
    assert reason in text(page)
    assert drafts(house) == before
