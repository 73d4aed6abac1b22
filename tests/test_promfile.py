import re
import subprocess
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from hypothesis import given, settings

from alerts.rulecode import promfile, promreading
from alerts.rulecode.complaints import RuleCodeError
from alerts.rulecode.promfile import PROMETHEUS_2_42, PromFile, PromGroup, PromRule
from tests import made_rules
from tests.prometheus import program, running

FILE = """
groups:
  - name: llm
    interval: 30s
    rules:
      - alert: Errors
        expr: sum(rate(errors[5m])) > 0.02
        for: 1h30m
        keep_firing_for: 5m
        labels: {severity: page, team: "{{ $labels.team }}"}
        annotations:
          summary: "{{ $value | humanizePercentage }} of requests fail"
      - record: errors:rate5m
        expr: sum(rate(failures[5m]))
"""
RULE = "group 'llm', rule 1 (Errors): "


def refusal(text: str, **options: Any) -> str:
    with pytest.raises(RuleCodeError) as raised:
        promreading.parse(text, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def accepted_by_promtool(folder: Path, texts: Sequence[str]) -> list[bool]:
    """Return for each file whether promtool takes it, all asked in one call."""
    names = [f"{number}.yml" for number in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        (folder / name).write_text(text, encoding="utf-8", newline="")
    done = subprocess.run(
        [program("promtool"), "check", "rules", "--lint=none", *names],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    parts = re.split(r"^Checking \d+\.yml\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(parts) == len(texts), done.stderr
    return ["SUCCESS" in part for part in parts]


def test_a_rule_is_read_as_it_is_written() -> None:
    (group,) = promreading.parse(FILE).file.groups
    alert, record = group.rules
    assert (group.name, group.interval) == ("llm", timedelta(seconds=30))
    assert (alert.hold, alert.keep_firing) == (timedelta(minutes=90), timedelta(minutes=5))
    assert alert.labels == {"severity": "page", "team": "{{ $labels.team }}"}
    assert alert.annotations == {"summary": "{{ $value | humanizePercentage }} of requests fail"}
    assert (alert.line, record.name) == (6, "errors:rate5m")


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("for: 1h", "fro: 1h", f"line 8, {RULE}a rule has no field 'fro'; did you mean 'for'?"),
        ("interval:", "intervall:", "line 4, group 'llm': a group has no field 'intervall'"),
        ("1h30m", "an hour", f"line 8, {RULE}'for': 'an hour' is not a duration"),
        ("1h30m", "400y", "longer than 292 years"),
        ("severity", "se-verity", f"line 10, {RULE}'se-verity' is no name for a label"),
        ("severity: page", "severity: [page]", "'severity' must be a text, not a list"),
        ("severity: page", "team: a", f"line 10, {RULE}'team' is there twice: first on line 10"),
        ("alert: Errors", "record: a:b", "a recording rule has no 'for'"),
        ("errors:rate5m", "errors rate", "rule 2 (errors rate): 'errors rate' is no name for a"),
        ("record: errors:rate5m", "labels: {}", "a rule needs 'record' or 'alert'"),
        ("sum(rate(failures[5m]))", "", "rule 2 (errors:rate5m): a rule needs 'expr'"),
        ("humanizeP", "x", f"line 12, {RULE}annotation 'summary': template: __alert_Errors:1: fu"),
        ("name: llm", "name:", "line 3: a group needs a name"),
        ("groups:\n", "groups:\n  - name: llm\n", "there is a group of that name on line 3 too"),
        ("groups:", "rules:", "line 2: a rule file has no field 'rules'"),
        ("interval: 30s", "limit: many", "'limit' must be a number"),
        ("interval: 30s", "\tlimit: 1", "line 4: not YAML: found"),
        ("expr: sum", "expr: {{ sum", "not YAML"),
        ("interval: 30s", "labels: {a: b}", "Prometheus 2.42 has no 'labels' of a group"),
        ("interval: 30s", "query_offset: 1m", "Prometheus 2.42 has no 'query_offset' of a group"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_rule(
    before: str, after: str, complaint: str
) -> None:
    assert complaint in refusal(FILE.replace(before, after, 1), dialect=PROMETHEUS_2_42)


def test_every_complaint_is_kept() -> None:
    text = FILE.replace("1h30m", "x").replace("severity", "a-b").replace("30s", "y")
    with pytest.raises(RuleCodeError) as raised:
        promreading.parse(text, dialect=PROMETHEUS_2_42)
    assert [complaint.line for complaint in raised.value.complaints] == [4, 8, 10]
    assert str(raised.value).endswith("(and 2 more)")


def test_what_is_sound_is_taken_if_asked() -> None:
    reading = promreading.parse(FILE.replace("1h30m", "soon"), lenient=True)
    assert [rule.name for group in reading.file.groups for rule in group.rules] == ["errors:rate5m"]
    assert [complaint.rule for complaint in reading.complaints] == ["Errors"]


def test_a_group_with_a_wrong_interval_is_left_out_whole() -> None:
    text = FILE.replace("30s", "often") + "  - name: other\n    rules: []\n"
    reading = promreading.parse(text, lenient=True)
    assert [group.name for group in reading.file.groups] == ["other"]


def test_a_second_document_is_remarked_on_as_prometheus_ignores_it() -> None:
    reading = promreading.parse(FILE + "---\n: [ broken")
    assert len(reading.file.groups) == 1
    assert [remark.line for remark in reading.remarks] == [15]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("a: " + "x" * 50_000_000, "larger than 5 MB", id="50 MB"),
        pytest.param("a: " + "[" * 100_000, "nested more than 50 deep", id="deep"),
        pytest.param("- " * 100_000, "nested more than 50 deep", id="deep in blocks"),
        pytest.param("a: &a [*a]", "anchor 'a' contains itself", id="endless"),
        pytest.param("a: *b", "not YAML", id="no anchor"),
        pytest.param(
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)),
            "line 6: more than 500,000 values",
            id="bomb",
        ),
        pytest.param("a: \0", "not YAML", id="NUL"),
        pytest.param("a: \ud800", "not YAML", id="surrogate"),
    ],
)
def test_a_hostile_file_is_refused_at_once(text: str, complaint: str) -> None:
    begin = time.perf_counter()
    assert complaint in refusal(text, lenient=True)
    assert time.perf_counter() - begin < 2


def test_aliases_and_merges_are_followed() -> None:
    text = """
groups:
  - name: g
    rules:
      - &a {alert: A, expr: up, labels: &l {team: x, severity: page}}
      - {<<: *a, alert: B, labels: {<<: *l, team: y}}
"""
    first, second = promreading.parse(text).file.groups[0].rules
    assert (second.alert, second.expr) == ("B", "up")
    assert (first.labels, second.labels) == (
        {"team": "x", "severity": "page"},
        {"team": "y", "severity": "page"},
    )


def test_group_labels_are_written_into_the_rules_of_an_old_prometheus() -> None:
    rule = PromRule(alert="A", expr="up", labels={"team": "own"})
    group = PromGroup(name="g", rules=(rule,), labels={"team": "shared", "dc": "eu"})
    text = promfile.write(PromFile(groups=(group,)), dialect=PROMETHEUS_2_42)
    (read,) = promreading.parse(text, dialect=PROMETHEUS_2_42).file.groups
    assert (read.labels, read.rules[0].labels) == ({}, {"team": "own", "dc": "eu"})


@pytest.mark.parametrize(
    "group",
    [
        PromGroup(name="g", query_offset=timedelta(minutes=1)),
        PromGroup(name="g", rules=(PromRule(alert="A", expr="up", labels={"a-b": "c"}),)),
        PromGroup(name="g", rules=(PromRule(record="a b", expr="up"),)),
    ],
)
def test_what_an_old_prometheus_cannot_say_is_not_written(group: PromGroup) -> None:
    with pytest.raises(RuleCodeError, match=r"group 'g'.*Prometheus 2\.42 has no "):
        promfile.write(PromFile(groups=(group,)), dialect=PROMETHEUS_2_42)
    read = promreading.parse(promfile.write(PromFile(groups=(group,)))).file
    assert read.groups == (group,)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(made_rules.files())
def test_what_is_written_reads_the_same(file: PromFile) -> None:
    assert promreading.parse(promfile.write(file), dialect=PROMETHEUS_2_42).file == file


def test_promtool_accepts_what_is_written(tmp_path: Path) -> None:
    texts = [promfile.write(f, dialect=PROMETHEUS_2_42) for f in made_rules.some_files()]
    assert all(accepted_by_promtool(tmp_path, texts))


def test_a_file_is_taken_if_and_only_if_promtool_takes_it(tmp_path: Path) -> None:
    texts = made_rules.examples(made_rules.near_misses(), 400)
    theirs = accepted_by_promtool(tmp_path, texts)
    ours = [is_taken(text) for text in texts]
    assert [t for t, a, b in zip(texts, ours, theirs, strict=True) if a != b] == []
    assert 50 < sum(theirs) < 350


def is_taken(text: str) -> bool:
    try:
        promreading.parse(text, dialect=PROMETHEUS_2_42)
    except RuleCodeError:
        return False
    return True


def test_a_real_prometheus_sees_no_difference_after_import_and_export(tmp_path: Path) -> None:
    folder, files = tmp_path, made_rules.some_files()
    for number, file in enumerate(files):
        original = promfile.write(file, dialect=PROMETHEUS_2_42)
        (folder / f"{number}.in.yml").write_text(original, encoding="utf-8")
        read = promreading.parse(as_flow(original), dialect=PROMETHEUS_2_42).file
        exported = promfile.write(read, dialect=PROMETHEUS_2_42)
        (folder / f"{number}.out.yml").write_text(exported, encoding="utf-8")
    config = f"rule_files: ['{folder}/*.in.yml', '{folder}/*.out.yml']\nscrape_configs: []\n"
    with running(folder, config=config) as server:
        answer = requests.get(f"{server.url}/api/v1/rules", timeout=10).json()
    seen: dict[str, list[Any]] = {}
    for group in answer["data"]["groups"]:
        seen.setdefault(Path(group["file"]).name, []).append(lasting(group))
    for number, file in enumerate(files):
        assert len(seen.get(f"{number}.in.yml", [])) == len(file.groups)
        assert seen.get(f"{number}.in.yml") == seen.get(f"{number}.out.yml")


def as_flow(text: str) -> str:
    """Return the same file in another notation: in braces, and in ASCII."""
    return yaml.safe_dump(yaml.safe_load(text), default_flow_style=True, allow_unicode=False)


def lasting(group: dict[str, Any]) -> dict[str, Any]:
    """Return what a rule file decides about a group, without what evaluation adds."""
    volatile = {"lastEvaluation", "evaluationTime", "health", "lastError", "state", "alerts"}
    rules = [{k: v for k, v in rule.items() if k not in volatile} for rule in group["rules"]]
    kept = {k: v for k, v in group.items() if k in ("name", "interval", "limit")}
    return {**kept, "rules": rules}
