"""promtool: what checks PromQL and runs unit tests of rules. The one file that starts it.

Wakeful has no PromQL engine of its own. promtool has one that needs no server: `check` asks it
about expressions, `run` runs a file of unit tests, and `evaluate` answers any expressions over any
series, so that our own evaluation can be tested on series that were never scraped.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from alerts.rulecode import promfile, promtest
from alerts.rulecode.complaints import Complaint
from alerts.rulecode.gotemplate.literals import unquote
from alerts.rulecode.notation import parse_series
from alerts.rulecode.promfile import PROMETHEUS_2_42, PROMETHEUS_3, Dialect, PromFile
from alerts.rulecode.promtest import ExpectedSample, ExpressionTest, InputSeries, TestCase, TestFile

TIMEOUT_SECONDS = 60.0
LIMIT_OUTPUT = 50_000_000
LIMIT_QUESTIONS = 10_000  # of one call, which takes seconds
INSTALL = "promtool is not on PATH: install Prometheus (on Debian: apt install prometheus)"
_COMPLAINT = re.compile(r'group ("(?:[^"\\]|\\.)*"), rule (\d+), "(?:[^"\\]|\\.)*": (.*)')
_FAILURE = re.compile(r"^(?: {4}name: .*\n)? {4}(?:alertname|expr|rule): ", re.MULTILINE)
_NO_FILE = re.compile(r"no file match pattern (.*)")
_GOT = re.compile(r"\n +got: (.*)\Z", re.DOTALL)
_SAMPLE = re.compile(r'((?:[^\s{"]*)\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}) (\S+?)(?:, |\Z)', re.DOTALL)
_NEVER = ExpectedSample(labels="wakeful_expects_nothing_of_the_kind")


class PromtoolError(Exception):
    """promtool is missing, too old, or did not end in time; one sentence says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a file of unit tests went; `failures` says what was expected and what came."""

    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Say whether every test passed."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class Answer:
    """One series that an expression returned."""

    labels: Mapping[str, str]
    value: float


def find() -> Path:
    """Return where promtool is.

    Raises:
        PromtoolError: It is not on PATH.
    """
    found = shutil.which("promtool")
    if found is None:
        raise PromtoolError(INSTALL)
    return Path(found)


def dialect(program: Path) -> Dialect:
    """Return what this promtool's version understands."""
    done = _run(program, ["--version"], Path.cwd())
    major = re.search(r"version (\d+)\.", done)
    return PROMETHEUS_3 if major and int(major[1]) >= 3 else PROMETHEUS_2_42


def check(
    file: PromFile, *, program: Path | None = None, timeout_seconds: float = TIMEOUT_SECONDS
) -> list[Complaint]:
    """Return what is wrong with the rules' PromQL, at the lines where the rules stand.

    Raises:
        PromtoolError: promtool is missing or did not answer.
        RuleCodeError: This promtool has no words for something in `file`.
    """
    program = program or find()
    groups = tuple(replace(group, query_offset=None) for group in file.groups)  # no PromQL in it
    text = promfile.write(PromFile(groups=groups), dialect=dialect(program))
    with tempfile.TemporaryDirectory(prefix="wakeful-") as folder:
        Path(folder, "rules.yml").write_text(text, encoding="utf-8")
        asked = ["check", "rules", "--lint=none", "rules.yml"]
        said = _run(program, asked, Path(folder), timeout_seconds)
    by_name = {group.name: group for group in file.groups}
    complaints = []
    for line in said.splitlines():
        found = _COMPLAINT.search(line)
        if found and (group := by_name.get(unquote(found[1]))) is not None:
            rule = group.rules[int(found[2]) - 1]
            complaints.append(
                Complaint(
                    reason=found[3],
                    line=rule.line,
                    group=group.name,
                    rule=rule.name,
                    number=int(found[2]),
                )
            )
    if "FAILED" in said and not complaints:
        raise PromtoolError(f"promtool refused the rules: {_one_line(said)}")
    return complaints


def run(
    test: TestFile,
    *,
    rules: PromFile | None = None,
    folder: Path | None = None,
    program: Path | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Outcome:
    """Run unit tests against `rules`, or against the rule files that the tests name.

    Args:
        test: What to test.
        rules: Takes the place of the test's own `rule_files`.
        folder: Where the test's `rule_files` lie, if they are to be used.
        program: promtool, if not the one on PATH.
        timeout_seconds: How long it may take.

    Raises:
        PromtoolError: promtool is missing or did not end in time.
        RuleCodeError: This promtool has no words for something in `rules`.
    """
    program = program or find()
    files = tuple(str((folder or Path()).resolve() / name) for name in test.rule_files)
    said = _tested(replace(test, rule_files=files), rules, program, timeout_seconds)
    absent = [f"no file matches {pattern}" for pattern in _NO_FILE.findall(said)]
    failures = absent + [_one_line(part) for part in _parts(said)]
    if not failures and "SUCCESS" not in said:
        failures = [_one_line(said) or "promtool said nothing"]
    return Outcome(failures=tuple(failures))


def evaluate(
    series: Sequence[InputSeries],
    questions: Sequence[tuple[str, timedelta]],
    *,
    interval: timedelta,
    rules: PromFile | None = None,
    every: timedelta | None = None,
    program: Path | None = None,
) -> list[list[Answer]]:
    """Return what each expression gives at its instant over `series`, in the questions' order.

    Args:
        series: Samples, one an `interval`, the first at zero.
        questions: PromQL, and how long after the first sample to ask.
        interval: Between the samples.
        rules: Evaluated along with the series, so that `ALERTS` and what they record is there.
        every: Between two evaluations of `rules`, and the step of subqueries without one;
            `interval` if not given.
        program: promtool, if not the one on PATH.

    Raises:
        PromtoolError: promtool is missing, or cannot answer one of the questions.
    """
    program = program or find()
    answers: list[list[Answer]] = []
    for start in range(0, len(questions), LIMIT_QUESTIONS):
        some = questions[start : start + LIMIT_QUESTIONS]
        # Every test is made to fail, since promtool shows what it got of those only.
        tests = tuple(
            ExpressionTest(expr=expr, eval_time=at, samples=(_NEVER,)) for expr, at in some
        )
        case = TestCase(interval=interval, series=tuple(series), expression_tests=tests)
        test = TestFile(evaluation_interval=every or interval, cases=(case,))
        outcome = _parts(_tested(test, rules, program, TIMEOUT_SECONDS))
        if len(outcome) != len(some):
            said = _one_line(" ".join(outcome))
            raise PromtoolError(f"promtool could not read the series: {said}")
        answers += [_answers(part) for part in outcome]
    return answers


def _tested(test: TestFile, rules: PromFile | None, program: Path, timeout_seconds: float) -> str:
    """Return all that promtool says of a test, with `rules` in the place of its rule files."""
    with tempfile.TemporaryDirectory(prefix="wakeful-") as work:
        if rules is not None:
            text = promfile.write(rules, dialect=dialect(program))
            Path(work, "rules.yml").write_text(text, encoding="utf-8")
            test = replace(test, rule_files=("rules.yml",))
        Path(work, "test.yml").write_text(promtest.write(test), encoding="utf-8")
        return _run(program, ["test", "rules", "test.yml"], Path(work), timeout_seconds)


def _parts(said: str) -> list[str]:
    """Return what failed, one after the other."""
    _, _, failed = said.partition("FAILED:")
    starts = [match.start() for match in _FAILURE.finditer(failed)]
    if not starts:
        return [failed.strip()] if failed.strip() else []
    ends = [*starts[1:], len(failed)]
    return [failed[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def _answers(said: str) -> list[Answer]:
    got = _GOT.search(said)
    if got is None:
        raise PromtoolError(f"promtool: {_one_line(said)}")
    text = got[1].strip()
    if text == "nil":
        return []
    return [Answer(parse_series(labels), _number(value)) for labels, value in _SAMPLE.findall(text)]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise PromtoolError(f"promtool answered {text!r}, which is no number") from error


def _run(
    program: Path, args: Sequence[str], folder: Path, timeout_seconds: float = TIMEOUT_SECONDS
) -> str:
    """Return all that promtool says; how it ends is in what it says."""
    try:
        done = subprocess.run(  # noqa: S603 - a program of ours, no shell, no word of a user's
            [program, *args],
            cwd=folder,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
        )
    except OSError as error:
        raise PromtoolError(f"promtool cannot be started: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise PromtoolError(f"promtool did not end within {timeout_seconds:g} s") from error
    said = (done.stdout + done.stderr)[:LIMIT_OUTPUT]
    return said.decode("utf-8", "replace")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:2000]
