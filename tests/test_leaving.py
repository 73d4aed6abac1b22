"""Drafts as Prometheus rules: what was imported comes out again, and what was changed since."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from alerts import rulegroups
from alerts.rulecode import promreading
from alerts.rulecode.leaving import leave
from alerts.rulecode.promfile import PromFile, PromRule
from alerts.rulecode.taken import to_drafts
from alerts.ruledraft import RuleDraft, written
from tests import made_rules
from tests.test_taken import DEFAULTS, FILE


def through(file: PromFile, changes: Mapping[str, Any] | None = None) -> PromFile:
    """Return a file after it was taken, its drafts changed, and everything written again."""
    found = to_drafts(file, DEFAULTS)
    drafts = [
        written(RuleDraft.model_validate(t.draft | (changes or {}))) for t in found if t.draft
    ]
    kept = [
        rulegroups.kept(rulegroups.from_taken(g, [t for t in found if t.group.name == g.name]))
        for g in file.groups
    ]
    left = leave(drafts, kept)
    assert left.left_out == {}
    return left.file


def only(file: PromFile) -> PromRule:
    return file.groups[0].rules[0]


def drafts(*rules: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    common = {"owner": "ada", "policy": "p", "condition": {"kind": "promql", "expression": "up"}}
    return [written(RuleDraft.model_validate(common | dict(rule))) for rule in rules]


def test_nothing_of_any_file_is_lost_on_the_way_through_drafts() -> None:
    for file in made_rules.some_files():
        assert through(file) == file


def test_labels_of_a_group_stay_the_groups() -> None:
    file = promreading.parse(FILE).file
    assert through(file) == file


def test_a_label_of_the_group_that_a_rule_gave_up_is_no_longer_the_groups() -> None:
    file = promreading.parse(FILE).file
    left = through(file, {"labels": {"severity": "page", "team": "search"}})
    assert left.groups[0].labels == {}
    assert [rule.labels for rule in left.groups[0].rules] == [
        {"severity": "page", "team": "search"},
        {"dc": "eu"},
    ]


def test_what_was_changed_here_is_what_leaves() -> None:
    changes = {"severity": "info", "owner": "bob", "summary": "Worse", "for": "1m"}
    rule = only(through(promreading.parse(FILE).file, changes))
    assert (rule.labels["severity"], rule.labels["team"]) == ("info", "bob")
    assert rule.annotations["summary"] == "Worse"
    assert rule.hold.total_seconds() == 60


def test_a_rule_evaluated_at_another_interval_leaves_its_group() -> None:
    left = through(promreading.parse(FILE).file, {"interval": "15s"})
    assert [(g.name, g.interval.total_seconds()) for g in left.groups] == [
        ("llm", 60),
        ("llm every 15s", 15),
    ]


def test_a_rule_made_here_says_how_bad_whose_and_what_to_do() -> None:
    rule = {"name": "Down", "summary": "It is down", "runbook_url": "https://r.example.org"}
    left = leave(drafts(rule)).file
    assert left.groups[0].name == "wakeful every 30s"
    assert only(left) == PromRule(
        alert="Down",
        expr="up",
        labels={"severity": "warning", "owner": "ada"},
        annotations={"summary": "It is down", "runbook_url": "https://r.example.org"},
    )


def test_what_prometheus_cannot_say_is_left_out_by_name() -> None:
    signal = {"kind": "threshold", "signal": "error_ratio", "bound": 0.1}
    found = drafts({"name": "a", "condition": signal}, {"name": "b", "enabled": False})
    left = leave(found)
    assert left.file == replace(left.file, groups=())
    assert left.left_out == {
        "a": "it watches a golden signal, not PromQL",
        "b": "it is switched off",
    }
