"""`wakeful rules`, as an operator types it: files in and out, compared and tested."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from app import cli
from tests.prometheus import program
from tests.test_cli import RULES
from tests.test_promtool import TEST
from tests.test_sloth import SPEC
from tests.test_taken import FILE

DOWN = """
groups:
  - name: g
    labels: {team: llm}
    rules:
      - alert: Down
        expr: up == 0
        for: 1m
        annotations: {summary: "{{ $labels.job }} is down"}
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Shell:
    """Runs `wakeful rules` in this process: starting one takes longer than all the rest."""

    def __init__(self, folder: Path, screen: pytest.CaptureFixture[str]) -> None:
        self.folder, self._screen = folder, screen

    def __call__(self, *words: str, typed: str = "") -> Done:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", str(program("promtool").parent))
            patch.setenv("WAKEFUL_DATA_DIR", str(self.folder))
            patch.setenv("WAKEFUL_USER", "ada")
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
            with pytest.raises(SystemExit) as ended:
                cli.main(["rules", *words])
        said, code = self._screen.readouterr(), ended.value.code
        if isinstance(code, str):
            return Done(1, said.out, f"{said.err}{code}\n")
        return Done(int(code or 0), said.out, said.err)

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    log = logging.getLogger()
    level, handlers = log.level, list(log.handlers)
    yield Shell(tmp_path, capsys)
    log.setLevel(level)
    log.handlers[:] = handlers


@pytest.fixture
def rules(empty: Shell) -> Shell:
    """Where there is a policy named p, and a rule."""
    assert empty("import", "-", typed=RULES).returncode == 0
    return empty


def test_a_prometheus_file_goes_in_and_comes_out_the_same(rules: Shell) -> None:
    taken = rules("import", "-", typed=FILE)
    assert taken.stdout.splitlines() == [
        "new        Errors (llm)  (line 8)",
        "             note: the group's limit of 5 alerts is not applied",
        "left       line 16, group 'llm', rule 'errors:rate5m': recording rules stay with "
        "Prometheus",
        "Took 1 rule, 1 recording rule kept.",
    ]
    left = rules("export", "--format", "prometheus", "--prometheus", "3")
    assert yaml.safe_load(left.stdout) == yaml.safe_load(FILE)
    assert left.stderr == "left out: Errors: it watches a golden signal, not PromQL\n"


def test_what_is_exported_passes_promtool(rules: Shell) -> None:
    rules("import", "-", typed=FILE)
    file = rules.folder / "out.yml"
    assert rules("export", str(file), "--format", "prometheus").returncode == 0
    tool = [program("promtool"), "check", "rules", file]
    done = subprocess.run(tool, capture_output=True, text=True, timeout=30)
    assert (done.returncode, "2 rules found" in done.stdout) == (0, True)


def test_an_export_of_ours_is_one_import_without_changes(rules: Shell) -> None:
    rules("import", "-", typed=FILE)
    ours = rules("export").stdout
    assert rules("diff", "-", typed=ours).returncode == 0
    again = rules("import", "-", typed=ours)
    assert "unchanged  Errors" in again.stdout


def test_a_dry_run_takes_nothing(rules: Shell) -> None:
    before = rules("export").stdout
    done = rules("import", "--dry-run", "-", typed=FILE)
    assert (done.returncode, "this was a dry run" in done.stdout) == (0, True)
    assert rules("export").stdout == before


def test_of_a_broken_file_nothing_is_taken_unless_asked(rules: Shell) -> None:
    broken = FILE.replace("record: errors:rate5m", "alert: Other\n        fro: 5m")
    done = rules("import", "-", typed=broken)
    assert done.returncode == 1
    assert done.stderr == (
        "refused    line 17, group 'llm', rule 2 (Other): a rule has no field 'fro'; did you "
        "mean 'for'?\n"
    )
    assert "alertname: Errors" not in rules("export").stdout
    asked = rules("import", "--partial", "-", typed=broken)
    assert (asked.returncode, "Took 1 rule." in asked.stdout) == (0, True)
    assert "alertname: Errors" in rules("export").stdout


def test_promql_is_checked_before_it_is_taken(rules: Shell) -> None:
    done = rules("import", "-", typed=FILE.replace("> 0.02", "> ("))
    assert done.returncode == 1
    assert "group 'llm', rule 'Errors': could not parse expression" in done.stderr


def test_a_policy_and_an_owner_can_be_given(rules: Shell) -> None:
    done = rules("import", "--policy", "nobody", "-", typed=FILE)
    assert "there is no policy named 'nobody'" in done.stderr
    rules("import", "--owner", "eve", "--policy", "p", "-", typed=DOWN)
    assert "owner: llm" in rules("export").stdout


def test_slos_become_rules(rules: Shell) -> None:
    done = rules("import", "-", typed=SPEC)
    assert done.stdout.count("new ") == 2
    assert done.returncode == 0


def test_a_difference_says_which_field(rules: Shell) -> None:
    done = rules("diff", "-", typed=RULES.replace("0.03", "0.05"))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "changed    Errors  (line 5)",
        "             condition.bound: 0.03 -> 0.05",
    ]


def test_a_check_needs_no_database_and_names_every_line(empty: Shell) -> None:
    good = empty.write("good.yml", FILE)
    bad = empty.write("bad.yaml", RULES.replace("bound", "bond"))
    done = empty("check", good, bad)
    assert done.returncode == 1
    assert "good.yml: 1 rule, 1 recording rule kept in order (Prometheus)" in done.stdout
    assert "bad.yaml: line 7, rule 1 (Errors): condition.bound: Field required" in done.stderr
    assert not (empty.folder / "wakeful.db").exists()


def test_unit_tests_run_against_the_rules_here(rules: Shell) -> None:
    rules("import", "-", typed=DOWN)
    rules.write("test.yml", TEST)
    done = rules("test", str(rules.folder / "test.yml"))
    assert (done.returncode, done.stdout) == (0, f"{rules.folder}/test.yml: passed\n"), done.stderr


def test_unit_tests_run_against_the_files_they_name_in_any_format(rules: Shell) -> None:
    rules("import", "--policy", "p", "-", typed=DOWN)
    rules.write("ours.yaml", rules("export").stdout)
    rules.write("test.yml", f"rule_files: [our*.yaml]\n{TEST}")
    assert rules("test", str(rules.folder / "test.yml")).returncode == 0
    rules.write("prom.yml", DOWN.replace("for: 1m", "for: 10m"))
    failed = rules(
        "test", str(rules.folder / "test.yml"), "--rules", str(rules.folder / "prom.yml")
    )
    assert failed.returncode == 1
    assert "alertname: Down, time: 3m" in failed.stdout


def test_a_test_of_files_that_are_not_there_says_so(rules: Shell) -> None:
    rules.write("test.yml", f"rule_files: [nope*.yaml]\n{TEST}")
    done = rules("test", str(rules.folder / "test.yml"))
    assert (done.returncode, done.stderr) == (1, "wakeful: no file matches nope*.yaml\n")


@pytest.mark.parametrize("action", ["import", "check", "diff"])
def test_a_huge_file_is_one_sentence(rules: Shell, action: str) -> None:
    rules.write("huge.yaml", "#" * 50_000_000)
    done = rules(action, str(rules.folder / "huge.yaml"))
    assert (done.returncode, done.stderr) == (
        1,
        f"wakeful: {rules.folder}/huge.yaml is larger than 5 MB\n",
    )


TWICE = """
groups:
  - name: g
    rules:
      - {alert: Down, expr: up == 0, labels: {severity: page}}
      - {alert: Gone, expr: "up  == 0", labels: {team: llm}}
"""
NEVER = """
version: 1
rules:
  - name: Budget
    owner: ada
    policy: p
    runbook_url: https://example.org
    condition: {kind: burn_rate, signal: error_ratio, objective: 0.9}
"""


def test_a_check_says_what_may_be_wrong_with_sound_rules(empty: Shell) -> None:
    done = empty("check", empty.write("f.yml", TWICE))
    said = done.stdout.replace(f"{empty.folder}/", "")
    assert done.returncode == 0
    assert "f.yml: line 5, rule 'Down': warning: Nobody owns it" in said
    assert "f.yml: line 5, rule 'Down': warning: It has no runbook" in said
    assert "rule 'Gone': warning: The rule 'Down' watches exactly the same" in said
    assert "rule 'Gone': warning: Nobody owns it" not in said


def test_a_check_finds_a_burn_rate_that_never_fires(empty: Shell) -> None:
    done = empty("check", empty.write("f.yml", NEVER))
    assert "rule 'Budget': warning: Over 1 h and 5 min it can never fire" in done.stdout


def test_an_import_holds_rules_against_those_that_are_here(rules: Shell) -> None:
    rules("import", "-", typed=DOWN)
    again = rules("import", "--dry-run", "-", typed=DOWN)
    assert "watches exactly the same" not in again.stdout, "it is that rule itself"
    other = rules("import", "--dry-run", "-", typed=DOWN.replace("alert: Down", "alert: Gone"))
    assert "warning: The rule 'Down' watches exactly the same" in other.stdout
