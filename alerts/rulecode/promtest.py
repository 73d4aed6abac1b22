"""Unit tests of rules, in promtool's format. Pure: `alerts.promtool` runs them.

Source: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import yaml

from alerts import durations
from alerts.rulecode.complaints import RuleCodeError
from alerts.rulecode.notation import Point, expand, parse_series
from alerts.rulecode.promfile import Dumper
from alerts.rulecode.reader import Fields, Reader
from alerts.rulecode.yamltree import Tree, documents

MINUTE = timedelta(minutes=1)
LIMIT_SAMPLES = 2_000_000  # of all series of a file
_FILE = ("rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare")
_CASE = ("name", "interval", "input_series", "alert_rule_test", "promql_expr_test")
_CASE_MORE = ("external_labels", "external_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSeries:
    """A series that a test feeds in; both texts are verbatim."""

    series: str
    values: str

    @property
    def labels(self) -> dict[str, str]:
        """Return its labels, with `__name__`."""
        return parse_series(self.series)

    @property
    def points(self) -> tuple[Point, ...]:
        """Return its points, one an interval; None is a gap, `Mark.STALE` an end."""
        return expand(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAlert:
    """An alert that fires, without its `alertname`."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTest:
    """Which alerts of a name fire at an instant, counted from the first sample."""

    alertname: str
    eval_time: timedelta
    alerts: tuple[ExpectedAlert, ...] = ()
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedSample:
    """A series with a value, or with a histogram as text."""

    labels: str
    value: float = 0
    histogram: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionTest:
    """What an expression returns at an instant."""

    expr: str
    eval_time: timedelta
    samples: tuple[ExpectedSample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    """One test: series in, alerts and values out."""

    __test__ = False  # no test of ours, whatever pytest thinks of the name

    interval: timedelta
    name: str = ""
    series: tuple[InputSeries, ...] = ()
    alert_tests: tuple[AlertTest, ...] = ()
    expression_tests: tuple[ExpressionTest, ...] = ()
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFile:
    """A file of tests; `rule_files` are paths and globs, from where the file lies."""

    __test__ = False

    rule_files: tuple[str, ...] = ()
    evaluation_interval: timedelta = MINUTE
    group_eval_order: tuple[str, ...] = ()
    fuzzy_compare: bool = False
    cases: tuple[TestCase, ...] = ()


def parse(text: str) -> TestFile:
    """Return a test file's contents, checked as a whole.

    Raises:
        RuleCodeError: Something is wrong; its complaints have the lines.
    """
    found = documents(text, most=1)
    reader = _Reader()
    file = reader.file(found[0].root if found else None)
    if reader.complaints:
        raise RuleCodeError(reader.complaints)
    return file


class _Reader(Reader):
    samples = 0

    def file(self, root: Tree | None) -> TestFile:
        fields = self.fields(root, _FILE, "a test file")
        cases = [self.case(node) for node in self.items(fields.get("tests"), "'tests'")]
        self.group = ""
        order = self.strings(fields, "group_eval_order")
        if twice := sorted({name for name in order if order.count(name) > 1}):
            line = fields["group_eval_order"].line
            self.complain(f"'group_eval_order' has {twice[0]!r} twice", line)
        return TestFile(
            rule_files=self.strings(fields, "rule_files"),
            evaluation_interval=self.duration(fields, "evaluation_interval") or MINUTE,
            group_eval_order=order,
            fuzzy_compare=self.truth(fields, "fuzzy_compare"),
            cases=tuple(cases),
        )

    def strings(self, fields: Fields, name: str) -> tuple[str, ...]:
        nodes = self.items(fields.get(name), f"{name!r}")
        return tuple(self.text({name: node}, name) for node in nodes)

    def case(self, node: Tree) -> TestCase:
        self.group = self.peek(node, "name")
        fields = self.fields(node, (*_CASE, *_CASE_MORE), "a test")
        interval = self.duration(fields, "interval")
        if not interval:
            self.complain("a test needs an 'interval'", node.line)
        series = self.items(fields.get("input_series"), "'input_series'")
        alerts = self.items(fields.get("alert_rule_test"), "'alert_rule_test'")
        expressions = self.items(fields.get("promql_expr_test"), "'promql_expr_test'")
        return TestCase(
            name=self.text(fields, "name"),
            interval=interval or MINUTE,
            series=tuple(self.series(each) for each in series),
            alert_tests=tuple(self.alert_test(each) for each in alerts),
            expression_tests=tuple(self.expression_test(each) for each in expressions),
            external_labels=self.texts(fields, "external_labels"),
            external_url=self.text(fields, "external_url"),
            line=node.line,
        )

    def series(self, node: Tree) -> InputSeries:
        fields = self.fields(node, ("series", "values"), "an input series")
        found = InputSeries(series=self.text(fields, "series"), values=self.text(fields, "values"))
        if not found.series:
            self.complain("an input series needs 'series'", node.line)
            return found
        try:
            parse_series(found.series)
            if "{{" not in found.values:  # native histograms are left to promtool
                self.samples += len(expand(found.values))
        except ValueError as error:
            self.complain(str(error), node.line)
        if self.samples > LIMIT_SAMPLES:
            self.complain(f"more than {LIMIT_SAMPLES:,} samples in all", node.line)
        return found

    def alert_test(self, node: Tree) -> AlertTest:
        fields = self.fields(node, ("eval_time", "alertname", "exp_alerts"), "an alert test")
        name = self.text(fields, "alertname")
        if not name:
            self.complain("an alert test needs an 'alertname'", node.line)
        alerts = []
        for each in self.items(fields.get("exp_alerts"), "'exp_alerts'"):
            alert = self.fields(each, ("exp_labels", "exp_annotations"), "an expected alert")
            alerts.append(
                ExpectedAlert(
                    labels=self.texts(alert, "exp_labels"),
                    annotations=self.texts(alert, "exp_annotations"),
                )
            )
        at = self.duration(fields, "eval_time") or timedelta()
        return AlertTest(alertname=name, eval_time=at, alerts=tuple(alerts), line=node.line)

    def expression_test(self, node: Tree) -> ExpressionTest:
        fields = self.fields(node, ("expr", "eval_time", "exp_samples"), "an expression test")
        if not self.text(fields, "expr"):
            self.complain("an expression test needs 'expr'", node.line)
        samples = []
        for each in self.items(fields.get("exp_samples"), "'exp_samples'"):
            sample = self.fields(each, ("labels", "value", "histogram"), "an expected sample")
            value = self.value(sample)
            histogram = self.text(sample, "histogram")
            labels = self.text(sample, "labels")
            samples.append(ExpectedSample(labels=labels, value=value, histogram=histogram))
        return ExpressionTest(
            expr=self.text(fields, "expr"),
            eval_time=self.duration(fields, "eval_time") or timedelta(),
            samples=tuple(samples),
        )

    def value(self, fields: Fields) -> float:
        text = self.text(fields, "value")
        if text.lstrip("+-") in (".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"):
            return float(text.replace(".", ""))
        return self.number_of(fields, "value") or 0.0


def write(file: TestFile) -> str:
    """Return `file` as text that promtool reads."""
    data: dict[str, Any] = {
        "rule_files": list(file.rule_files),
        "evaluation_interval": durations.write(file.evaluation_interval),
        "group_eval_order": list(file.group_eval_order),
        "tests": [_case(case) for case in file.cases],
    }
    if file.fuzzy_compare:
        data["fuzzy_compare"] = True
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100_000)


def _case(case: TestCase) -> dict[str, Any]:
    data: dict[str, Any] = {"interval": durations.write(case.interval)}
    if case.name:
        data["name"] = case.name
    if case.external_labels:
        data["external_labels"] = dict(case.external_labels)
    if case.external_url:
        data["external_url"] = case.external_url
    data["input_series"] = [{"series": s.series, "values": s.values} for s in case.series]
    data["alert_rule_test"] = [_alert_test(test) for test in case.alert_tests]
    data["promql_expr_test"] = [_expression_test(test) for test in case.expression_tests]
    return {name: value for name, value in data.items() if value != []}


def _alert_test(test: AlertTest) -> dict[str, Any]:
    alerts = [
        {"exp_labels": dict(alert.labels), "exp_annotations": dict(alert.annotations)}
        for alert in test.alerts
    ]
    eval_time = durations.write(test.eval_time)
    return {"eval_time": eval_time, "alertname": test.alertname, "exp_alerts": alerts}


def _expression_test(test: ExpressionTest) -> dict[str, Any]:
    samples = [
        {"labels": s.labels, "histogram": s.histogram}
        if s.histogram
        else {"labels": s.labels, "value": s.value}
        for s in test.samples
    ]
    eval_time = durations.write(test.eval_time)
    return {"expr": test.expr, "eval_time": eval_time, "exp_samples": samples}
