"""Unit tests of rules in promtool's format, decided by our own evaluation.

promtool answers what the rules' PromQL returns over the test's series, since Wakeful has no PromQL
engine. What that makes of the alerts, which of them fire and with what labels and annotations, is
decided here by the code that decides live. Two things therefore differ from `promtool test rules`:
an annotation speaks of the value at which its alert began to fire, and external labels are none.

Source: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts import durations, flapping, observations, promtool
from alerts.conditions import Promql
from alerts.lifecycle import Timing
from alerts.observations import Change, Episode, SameLabelsError, Seen, Watch
from alerts.promtool import Answer, Outcome
from alerts.rulecode import templates
from alerts.rulecode.complaints import Complaint, RuleCodeError
from alerts.rulecode.promfile import PromFile, PromGroup, PromRule
from alerts.rulecode.promtest import AlertTest, TestCase, TestFile
from models.vocabulary import AlertState
from signals import Labels, Reading, Sample

START = datetime(1970, 1, 1, tzinfo=UTC)  # where promtool's time begins
LIMIT_EVALUATIONS = 100_000  # of one case, a minute or so
Shown = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]  # labels, annotations


def run(tests: TestFile, rules: PromFile, *, program: Path | None = None) -> Outcome:
    """Run a file of unit tests against `rules`.

    Args:
        tests: What to test; its own `rule_files` are not looked at.
        rules: What is tested.
        program: promtool, if not the one on PATH.

    Raises:
        PromtoolError: promtool is missing, or cannot answer.
        RuleCodeError: A case takes too many evaluations, or an expression is refused.
    """
    if complaints := promtool.check(rules, program=program):
        raise RuleCodeError(complaints)
    plain = [replace(case, alert_tests=()) for case in tests.cases if case.expression_tests]
    failures: list[str] = []
    if plain:
        expressions = replace(tests, cases=tuple(plain))
        failures += promtool.run(expressions, rules=rules, program=program).failures
    for case in tests.cases:
        failures += _failures(case, rules, tests.evaluation_interval, program)
    return Outcome(failures=tuple(failures))


def _failures(case: TestCase, rules: PromFile, every: timedelta, program: Path | None) -> list[str]:
    if not case.alert_tests:
        return []
    asked = {test.alertname for test in case.alert_tests}
    tested = [(g, r) for g in rules.groups for r in g.rules if r.alert in asked]
    count = max(test.eval_time for test in case.alert_tests) // every + 1
    if count * len(tested) > LIMIT_EVALUATIONS:
        reason = f"{count * len(tested):,} evaluations are more than {LIMIT_EVALUATIONS:,}"
        raise RuleCodeError([Complaint(reason=f"{reason}: ask for earlier times", line=case.line)])
    questions = [(rule.expr, n * every) for n in range(count) for _, rule in tested]
    answers = (
        promtool.evaluate(
            case.series,
            questions,
            interval=case.interval,
            rules=rules,
            every=every,
            program=program,
        )
        if questions
        else []
    )
    lives = [_Life.of(group, rule, case.external_url) for group, rule in tested]
    firing: list[Mapping[str, list[Shown]]] = []
    for n in range(count):
        each = answers[n * len(tested) : (n + 1) * len(tested)]
        firing.append(_firing(lives, each, now=START + n * every))
    found = (_failure(case, test, firing[test.eval_time // every]) for test in case.alert_tests)
    return [one for one in found if one]


def _firing(
    lives: Sequence["_Life"], answers: Sequence[Sequence[Answer]], *, now: datetime
) -> dict[str, list[Shown]]:
    """Return the alerts that fire after one evaluation, by their name."""
    found: dict[str, list[Shown]] = {}
    for life, answer in zip(lives, answers, strict=True):
        life.evaluate(answer, now=now)
        found.setdefault(life.rule.alert, []).extend(life.firing)
    return found


@dataclass(slots=True, kw_only=True)
class _Life:
    """The open alerts of one rule on their way through a test."""

    rule: PromRule
    watch: Watch
    episodes: dict[str, Episode] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    fired: dict[str, list[datetime]] = field(default_factory=dict)

    @classmethod
    def of(cls, group: PromGroup, rule: PromRule, external_url: str) -> "_Life":
        """Return a rule before its first evaluation."""
        watch = Watch(
            condition=Promql(expression=rule.expr),
            timing=Timing(hold=rule.hold, keep_firing=rule.keep_firing),
            labels=group.labels_of(rule),
            name=rule.alert,
            external_url=external_url,
        )
        return cls(rule=rule, watch=watch)

    @property
    def firing(self) -> Iterable[Shown]:
        """Return what fires now."""
        for key, episode in self.episodes.items():
            if episode.lifecycle.state is AlertState.FIRING:
                yield self.shown[key]

    def evaluate(self, answer: Sequence[Answer], *, now: datetime) -> None:
        """Take what the rule's expression returned."""
        seen = _seen(self.watch, answer, now)
        try:
            changes = observations.changes(self.watch, seen, self.episodes, now=now)
        except SameLabelsError:  # as live: the rule is then blind, and nothing moves
            return
        keys = {id(episode): key for key, episode in self.episodes.items()}
        for change in changes:
            key = keys.get(id(change.episode)) or observations.fingerprint(change.labels)
            self._take(key, change, now)

    def _take(self, key: str, change: Change, now: datetime) -> None:
        before, after = change.episode, change.after
        if after is None or after.state is AlertState.RESOLVED:
            self.episodes.pop(key, None)
            return
        flaps = before.flaps if before else 0
        if after.fired_at == now:
            flaps = flapping.flaps(self.fired.setdefault(key, []), now=now)
            self.fired[key].append(now)
        self.episodes[key] = Episode(lifecycle=after, flaps=flaps, state=change.state)
        if change.series is not None and (before is None or before.lifecycle.state != after.state):
            told = self.watch.firing(change.series, change.value, now=now)
            texts = templates.render_all(self.rule.alert, self.rule.annotations, told)
            self.shown[key] = _shown(change.labels, texts)


def _seen(watch: Watch, answer: Sequence[Answer], now: datetime) -> Seen:
    (question,) = watch.condition.questions
    unnamed = [({k: v for k, v in a.labels.items() if k != "__name__"}, a.value) for a in answer]
    samples = (Sample(labels=labels, value=value, at=now) for labels, value in unnamed)
    return observations.sight({question: Reading(samples=tuple(samples))})


def _failure(case: TestCase, test: AlertTest, firing: Mapping[str, Sequence[Shown]]) -> str:
    """Return what was expected and what came, if these differ; else empty."""
    got = Counter(firing.get(test.alertname, ()))
    expected = Counter(_shown(alert.labels, alert.annotations) for alert in test.alerts)
    if got == expected:
        return ""
    name = f"name: {case.name}, " if case.name else ""
    at = durations.write(test.eval_time)
    return f"{name}alertname: {test.alertname}, time: {at}, exp:{_text(expected)}, got:{_text(got)}"


def _shown(labels: Labels, annotations: Mapping[str, str]) -> Shown:
    named = {name: text for name, text in labels.items() if name != "alertname"}
    return tuple(sorted(named.items())), tuple(sorted(annotations.items()))


def _text(alerts: Counter[Shown]) -> str:
    def pairs(texts: tuple[tuple[str, str], ...]) -> str:
        return ", ".join(f'{name}="{text}"' for name, text in texts)

    each = (f"Labels:{{{pairs(ls)}}} Annotations:{{{pairs(texts)}}}" for ls, texts in alerts)
    return f"[{', '.join(sorted(each))}]"
