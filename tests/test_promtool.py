from datetime import timedelta
from pathlib import Path

import pytest

from alerts import promtool
from alerts.promtool import Answer, PromtoolError
from alerts.rulecode import promreading, promtest
from alerts.rulecode.promtest import InputSeries
from tests.prometheus import program

MINUTE = timedelta(minutes=1)
RULES = """
groups:
  - name: g
    query_offset: 1m
    labels: {team: llm}
    rules:
      - alert: Down
        expr: up == 0
        for: 1m
        annotations: {summary: "{{ $labels.job }} is down"}
"""
TEST = """
tests:
  - name: one
    interval: 1m
    input_series: [{series: 'up{job="a"}', values: 1 0x5}]
    alert_rule_test:
      - eval_time: 3m
        alertname: Down
        exp_alerts: [{exp_labels: {job: a, team: llm}, exp_annotations: {summary: a is down}}]
      - {eval_time: 1m, alertname: Down}
"""
SERIES = [InputSeries(series='m{a="b", q="x, {y} 1"}', values="0+1x10")]


@pytest.fixture
def tool() -> Path:
    return program("promtool")


def test_promql_that_makes_no_sense_is_said_at_the_rules_line(tool: Path) -> None:
    text = RULES.replace("up == 0", "up ==").replace("name: g", """name: 'a "g"'""")
    text += "      - {record: c, expr: foo(}\n"
    complaints = promtool.check(promreading.parse(text).file, program=tool)
    assert [(c.line, c.rule) for c in complaints] == [(7, "Down"), (11, "c")]
    assert "parse error: unexpected end of input" in str(complaints[0])


def test_sound_rules_pass_whatever_this_promtool_is_too_old_for(tool: Path) -> None:
    assert promtool.check(promreading.parse(RULES).file, program=tool) == []


def test_unit_tests_run_against_given_rules(tool: Path) -> None:
    rules = promreading.parse(RULES.replace("    query_offset: 1m\n", "")).file
    assert promtool.run(promtest.parse(TEST), rules=rules, program=tool).passed


def test_a_test_that_fails_says_what_was_expected_and_what_came(tool: Path) -> None:
    rules = promreading.parse(RULES.replace("    query_offset: 1m\n", "")).file
    outcome = promtool.run(
        promtest.parse(TEST.replace("a is down", "b")), rules=rules, program=tool
    )
    (failure,) = outcome.failures
    assert failure.startswith("name: one, alertname: Down, time: 3m, exp:[")
    assert 'Annotations:{summary="b"}' in failure
    assert 'Annotations:{summary="a is down"}' in failure


def test_unit_tests_run_against_the_files_that_they_name(tool: Path, tmp_path: Path) -> None:
    rules = RULES.replace("    query_offset: 1m\n", "").replace("    labels: {team: llm}\n", "")
    (tmp_path / "alerts.yml").write_text(rules)
    test = promtest.parse("rule_files: ['al*.yml']\n" + TEST.replace(", team: llm", ""))
    assert promtool.run(test, folder=tmp_path, program=tool).passed


def test_a_rule_file_that_is_not_there_fails_the_tests(tool: Path, tmp_path: Path) -> None:
    test = promtest.parse("rule_files: [gone.yml]\n" + TEST)
    failures = promtool.run(test, folder=tmp_path, program=tool).failures
    assert failures[0] == f"no file matches {tmp_path}/gone.yml"


def test_expressions_are_answered_in_the_order_of_the_questions(tool: Path) -> None:
    asked = [
        ("m", MINUTE),
        ("rate(m[2m]) * 60", 3 * MINUTE),
        ("nothing", MINUTE),
        ("7", MINUTE),
        ("m > 100", MINUTE),
    ]
    answers = promtool.evaluate(SERIES, asked, interval=MINUTE, program=tool)
    labels = {"a": "b", "q": "x, {y} 1"}
    assert answers == [
        [Answer({"__name__": "m", **labels}, 1)],
        [Answer(labels, 1)],
        [],
        [Answer({}, 7)],
        [],
    ]


def test_a_question_that_makes_no_sense_is_said(tool: Path) -> None:
    with pytest.raises(PromtoolError, match="unclosed left parenthesis"):
        promtool.evaluate(SERIES, [("m", MINUTE), ("m(", MINUTE)], interval=MINUTE, program=tool)


def test_without_promtool_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PromtoolError, match="install Prometheus"):
        promtool.run(promtest.parse(TEST))


def test_a_promtool_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "promtool"
    broken.write_text("no program")
    with pytest.raises(PromtoolError, match="cannot be started"):
        promtool.run(promtest.parse(TEST), program=broken)


def test_a_promtool_that_hangs_is_left(tmp_path: Path) -> None:
    slow = tmp_path / "promtool"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    with pytest.raises(PromtoolError, match=r"did not end within 0\.2 s"):
        promtool.run(promtest.parse(TEST), program=slow, timeout_seconds=0.2)
