"""The rule's page beyond its form: history with the way back, and rules that a file keeps."""

import os
from pathlib import Path

import pytest
from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from alerts import rulebook, ruledraft
from alerts.conditions import Threshold
from alerts.ruledraft import RuleDraft
from alerts.rulefolder import RuleFolder
from app import cached_alerts, label_texts, rule_form
from models.tables import Alert
from tests.house import House, house, house_template
from tests.pages import opened, text, toasts
from tests.test_taken import FILE

__all__ = ["house", "house_template"]

SLOW = "Latency p95"


def draft(house: House, name: str = SLOW) -> RuleDraft:
    with Session(house.wiring.db) as session:
        found = {r.name: ruledraft.draft_of(r, p.name) for r, p in rulebook.rules(session)}
    return found[name]


def change(house: House, **changes: object) -> None:
    changed = RuleDraft.model_validate(ruledraft.written(draft(house)) | changes)
    rule_id = house.rule(SLOW).id
    rulebook.save_rule(house.wiring.db, changed, by="grace", now=house.now, rule_id=rule_id)
    cached_alerts.forget()


def page_of(house: House, name: str = SLOW) -> AppTest:
    return opened("rules", rule=str(house.rule(name).id))


def kept_in_a_folder(house: House, folder: Path, files: dict[str, str]) -> None:
    for name, written in files.items():
        (folder / name).write_text(written)
        long_ago = house.now.timestamp() - 60
        os.utime(folder / name, (long_ago, long_ago))
    RuleFolder(house.wiring.db, folder).follow(house.now)
    cached_alerts.forget()


def test_the_history_says_who_changed_what(house: House) -> None:
    change(house, severity="critical")
    said = text(page_of(house))
    assert "Version 1** by grace" in said
    assert "severity: error -> critical" in said


def test_one_click_goes_back(house: House) -> None:
    before = draft(house)
    condition = ruledraft.written(before)["condition"] | {"bound": 9}
    change(house, condition=condition)
    page = page_of(house)
    (button,) = [b for b in page.button if b.label == "Revert"]
    button.click().run()
    assert draft(house) == before
    assert toasts(page) == [f"{SLOW} is again what it was in version 0."]
    keys = f"rules_{house.rule(SLOW).id}"
    assert isinstance(before.condition, Threshold)
    assert page.number_input(key=f"{keys}_bound").value == before.condition.bound


def test_a_rule_that_a_file_keeps_is_shown_and_cannot_be_changed(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "rules").mkdir()
    kept_in_a_folder(house, tmp_path / "rules", {"llm.yml": FILE})
    page = page_of(house, "Errors")
    assert "Kept in llm.yml, line 8" in text(page)
    assert "expression: sum(rate(errors[5m])) > 0.02" in page.code[0].value
    assert [button.label for button in page.button] == ["All rules"]
    listed = opened("rules")
    assert "kept in llm.yml, line 8" in text(listed)
    with pytest.raises(KeyError):
        listed.button(key=f"rules_disable_{house.rule('Errors').id}")


def test_a_broken_file_is_said_on_the_list(house: House, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    kept_in_a_folder(house, tmp_path / "rules", {"llm.yml": FILE, "x.yaml": "a: ["})
    assert "x.yaml was not taken, just now. line 2: not YAML" in text(opened("rules"))


def test_a_prometheus_file_can_be_uploaded(house: House) -> None:
    page = opened("rules")
    page.file_uploader(key="rules_upload").upload("prom.yml", FILE.encode()).run()
    assert "It holds 0 policies and 1 rules: 1 new." in text(page)
    assert "recording rules stay with Prometheus" in text(page)
    page.button(key="rules_import").click().run()
    assert draft(house, "Errors").alertname == "Errors"


def test_annotations_are_typed_as_yaml(house: House) -> None:
    page = page_of(house)
    keys = f"rules_{house.rule(SLOW).id}"
    page.text_area(key=f"{keys}_annotations").set_value("summary: '{{ $value }} s'").run()
    page.button(key="rules_save").click().run()
    assert draft(house).annotations == {"summary": "{{ $value }} s"}


def test_annotations_that_are_no_texts_are_said(house: House) -> None:
    page = page_of(house)
    keys = f"rules_{house.rule(SLOW).id}"
    page.text_area(key=f"{keys}_annotations").set_value("summary: [1]").run()
    assert "annotations: write one name: text a line" in text(page)


def test_what_is_said_of_an_alert_stands_on_its_page(house: House) -> None:
    alert = house.alert(SLOW)
    with Session(house.wiring.db) as session:
        session.get_one(Alert, alert.id).annotations = {
            "summary": "gpt is slow",
            "description": "since ten",
            "dashboard": "copilot",
        }
        session.commit()
    said = text(opened("alerts", alert=str(alert.id)))
    assert "gpt is slow" in said
    assert "since ten" in said
    assert "dashboard: copilot" in said


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"team": "llm", "tier": "1"},
        {"a": "b, c = d"},
        {"a": " x ", "b": ""},
        {"a": "{{ if eq $labels.a `b` }}\n yes\n{{ end }}\n"},
        {"on": "yes", "n": "1", "x": "null", "<<": "~"},
    ],
)
def test_labels_and_annotations_go_through_the_form_unchanged(texts: dict[str, str]) -> None:
    assert label_texts.pairs(label_texts.pairs_text(texts)) == texts
    assert label_texts.annotations(label_texts.lines(texts)) == texts


def test_a_rule_of_prometheus_goes_through_the_form_unchanged() -> None:
    rule = {
        "name": "Errors",
        "owner": "ada",
        "policy": "p",
        "condition": {"kind": "promql", "expression": "up"},
        "labels": {"a": "b, c"},
        "annotations": {"summary": " x\n"},
        "alertname": "E ",
        "group": "g",
        "position": 3,
    }
    found = RuleDraft.model_validate(rule)
    assert rule_form.read(rule_form.of(found)) == found
