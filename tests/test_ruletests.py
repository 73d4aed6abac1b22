"""Unit tests of rules in promtool's format: our evaluation decides, promtool's PromQL answers."""

from pathlib import Path

import pytest

from alerts import promtool, ruletests
from alerts.rulecode import promreading, promtest
from alerts.rulecode.complaints import RuleCodeError
from alerts.rulecode.promfile import PromFile
from tests.prometheus import program

RULES = """
groups:
  - name: g
    labels: {team: llm}
    rules:
      - record: job:up:min
        expr: min by (job) (up)
      - alert: Down
        expr: job:up:min == 0
        for: 2m
        keep_firing_for: 3m
        annotations: {summary: "{{ $labels.job }} is down"}
      - alert: Late
        expr: lag > 5
        annotations: {summary: "late by {{ $value }}"}
"""
SERIES = """
    input_series:
      - {series: 'up{job="a"}', values: 1 0x4 1x10}
      - {series: 'lag', values: 0 6 7 0 6 0 6 0 6 0 0}
"""
DOWN = "exp_alerts: [{exp_labels: {job: a, team: llm}, exp_annotations: {summary: a is down}}]"


@pytest.fixture
def tool() -> Path:
    return program("promtool")


def rules(text: str = RULES) -> PromFile:
    return promreading.parse(text).file


def failures_of(tests: str, tool: Path, *, more: str = "") -> list[str]:
    text = f"tests:\n  - interval: 1m\n    name: one{SERIES}    alert_rule_test:\n{tests}{more}"
    return list(ruletests.run(promtest.parse(text), rules(), program=tool).failures)


@pytest.mark.parametrize(
    ("time", "fires"), [("2m", False), ("3m", True), ("8m59s", True), ("9m", False)]
)
def test_holding_and_keeping_are_ours_over_what_is_recorded(
    time: str, fires: bool, tool: Path
) -> None:
    test = f"      - {{eval_time: {time}, alertname: Down, {DOWN}}}\n"
    assert bool(failures_of(test, tool)) is not fires


def test_a_failure_says_what_was_expected_and_what_came(tool: Path) -> None:
    assert failures_of("      - {eval_time: 4m, alertname: Down}\n", tool) == [
        'name: one, alertname: Down, time: 4m, exp:[], got:[Labels:{job="a", team="llm"} '
        'Annotations:{summary="a is down"}]'
    ]


def test_where_we_differ_from_prometheus_our_alert_is_what_counts(tool: Path) -> None:
    """Alerts that flap are held, and words are of when the alert began to fire."""
    late = "exp_alerts: [{exp_labels: {team: llm}, exp_annotations: {summary: late by %s}}]"
    ours = (
        f"      - {{eval_time: 2m, alertname: Late, {late % 6}}}\n"
        f"      - {{eval_time: 9m, alertname: Late, {late % 6}}}\n"
    )
    assert failures_of(ours, tool) == []
    text = f"tests:\n  - interval: 1m{SERIES}    alert_rule_test:\n{ours}"
    theirs = promtool.run(promtest.parse(text), rules=rules(), program=tool).failures
    assert len(theirs) == 2


def test_expressions_are_tested_beside_alerts(tool: Path) -> None:
    more = """
    promql_expr_test:
      - {expr: "job:up:min", eval_time: 1m, exp_samples: [{labels: 'job:up:min{job="a", team="llm"}', value: 1}]}
"""  # noqa: E501
    (failure,) = failures_of(
        f"      - {{eval_time: 3m, alertname: Down, {DOWN}}}\n", tool, more=more
    )
    assert "expr:" in failure


def test_an_alert_of_a_name_that_no_rule_has_never_fires(tool: Path) -> None:
    assert failures_of("      - {eval_time: 3m, alertname: Other}\n", tool) == []


def test_rules_that_are_no_promql_and_endless_tests_are_one_sentence(tool: Path) -> None:
    broken = rules(RULES.replace("lag > 5", "lag >"))
    with pytest.raises(RuleCodeError, match="parse error"):
        ruletests.run(promtest.parse("tests: []"), broken, program=tool)
    with pytest.raises(RuleCodeError, match="evaluations are more than"):
        failures_of("      - {eval_time: 500d, alertname: Down}\n", tool)
