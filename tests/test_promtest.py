import math
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import promtool
from alerts.rulecode import promtest
from alerts.rulecode.complaints import RuleCodeError
from alerts.rulecode.notation import Mark, Point, expand, parse_series
from alerts.rulecode.promtest import InputSeries
from tests.made_rules import examples
from tests.prometheus import program

MINUTE = timedelta(minutes=1)
FILE = """
rule_files: [alerts.yml]
evaluation_interval: 30s
group_eval_order: [first, second]
tests:
  - name: errors
    interval: 1m
    external_labels: {dc: eu}
    external_url: http://wakeful
    input_series:
      - series: 'up{job="a", instance="b:1"}'
        values: 1 0x2 _ stale 5-1x2
    alert_rule_test:
      - eval_time: 1h30m
        alertname: Down
        exp_alerts:
          - exp_labels: {job: a, severity: page}
            exp_annotations: {summary: "a is down"}
    promql_expr_test:
      - expr: up
        eval_time: 2m
        exp_samples: [{labels: 'up{job="a"}', value: .nan}, {labels: x, value: 1e3}]
"""


@pytest.mark.parametrize(
    ("values", "points"),
    [
        ("", ()),
        ("1 2.5 -3 +4 .5 6.", (1, 2.5, -3, 4, 0.5, 6)),
        ("1x3", (1, 1, 1, 1)),
        ("0+1x3", (0, 1, 2, 3)),
        ("10-2.5x2", (10, 7.5, 5)),
        ("-1-1x2", (-1, -2, -3)),
        ("1e2+1e1x1", (100, 110)),
        ("0x3", (0, 0, 0, 0)),
        ("_ _x3 1", (None, None, None, None, 1)),
        ("1 stale 2", (1, Mark.STALE, 2)),
        ("Inf -inf", (math.inf, -math.inf)),
        ("  1\t 2 ", (1, 2)),
    ],
)
def test_values_are_expanded_to_one_point_an_interval(
    values: str, points: tuple[Point, ...]
) -> None:
    assert expand(values) == points


def test_a_gap_an_end_and_no_number_are_three_things() -> None:
    gap, end, nan = expand("_ stale NaN")
    assert gap is None
    assert end is Mark.STALE
    assert isinstance(nan, float)
    assert math.isnan(nan)


@pytest.mark.parametrize(
    "values",
    ["x", "1+1", "1+1x", "1 x 3", "1_0", "stalex3", "nanx2", "0x1F", "1x-1", "1,2", "1x2.5"],
)
def test_what_promtool_would_not_read_is_refused(values: str) -> None:
    with pytest.raises(ValueError, match="is no value: write 1, 0"):
        expand(values)


@pytest.mark.parametrize("values", ["0+1x1000001", "1x" + "9" * 50, "_x999999 1 1 1"])
def test_a_series_without_end_is_refused(values: str) -> None:
    with pytest.raises(ValueError, match="a series may have 1,000,000 samples"):
        expand(values)


ITEMS = st.one_of(
    st.sampled_from(["_", "_x2", "stale", "NaN", "-Inf", "1x2", "0+1.1x3", "5-0.1x4", "1e3", ".5"]),
    st.integers(-100, 100).map(str),
)


def test_a_real_prometheus_has_the_same_samples() -> None:
    written = [" ".join(items) for items in examples(st.lists(ITEMS, min_size=1, max_size=5), 60)]
    series = [InputSeries(series=f'm{{n="{n}"}}', values=v) for n, v in enumerate(written)]
    points = [expand(values) for values in written]
    length = max(map(len, points))
    asked = [("m[30s]", at * MINUTE) for at in range(length)]
    counts = [(f"count_over_time({expr})", at) for expr, at in asked]
    lasts = [(f"last_over_time({expr})", at) for expr, at in asked]
    answers = promtool.evaluate(
        series, counts + lasts, interval=MINUTE, program=program("promtool")
    )
    for at in range(length):
        expected = {
            str(n): point[at]
            for n, point in enumerate(points)
            if at < len(point) and isinstance(point[at], float)
        }
        got = {a.labels["n"]: a.value for a in answers[length + at]}
        assert got == pytest.approx(expected, rel=0, abs=0, nan_ok=True)
        assert len(answers[at]) == len(expected)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("up", {"__name__": "up"}),
        ("up{}", {"__name__": "up"}),
        ('a:b{job="x", i="1",}', {"__name__": "a:b", "job": "x", "i": "1"}),
        ("{__name__='up'}", {"__name__": "up"}),
        (r'up{a="x\"y\n", b=`\n`}', {"__name__": "up", "a": 'x"y\n', "b": "\\n"}),
        ('{"a b", "c d"="e"}', {"__name__": "a b", "c d": "e"}),
        ('up{a="}, {"}', {"__name__": "up", "a": "}, {"}),
    ],
)
def test_a_series_is_its_labels(text: str, labels: dict[str, str]) -> None:
    assert parse_series(text) == labels


@pytest.mark.parametrize("text", ["", "up{", 'up{a!="b"}', "up{a=b}", 'up{a="1",a="2"}', "up x"])
def test_what_is_no_series_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"series|labels|twice"):
        parse_series(text)


def test_a_file_is_read_as_it_is_written() -> None:
    file = promtest.parse(FILE)
    (case,) = file.cases
    assert (file.rule_files, file.evaluation_interval) == (("alerts.yml",), timedelta(seconds=30))
    assert (case.name, case.interval, case.external_labels) == ("errors", MINUTE, {"dc": "eu"})
    assert case.series[0].points == (1, 0, 0, 0, None, Mark.STALE, 5, 4, 3)
    assert case.series[0].labels["instance"] == "b:1"
    (alert,) = case.alert_tests
    assert (alert.alertname, alert.eval_time) == ("Down", 90 * MINUTE)
    assert alert.alerts[0].annotations == {"summary": "a is down"}
    nan, thousand = case.expression_tests[0].samples
    assert math.isnan(nan.value)
    assert thousand.value == 1000


def test_what_is_written_reads_the_same() -> None:
    file = promtest.parse(FILE.replace(".nan", ".5"))
    assert promtest.parse(promtest.write(file)) == file


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("rule_files", "rule_file", "line 2: a test file has no field 'rule_file'"),
        (
            "interval: 1m",
            "intervall: 1m",
            "line 7, group 'errors': a test has no field 'intervall'",
        ),
        ("_ stale", "_ stall", "line 11, group 'errors': 'stall' is no value"),
        ('job="a", i', "job=a, i", "line 11, group 'errors': 'up{job=a, instance"),
        ("alertname: Down", "alertname:", "an alert test needs an 'alertname'"),
        ("eval_time: 2m", "eval_time: two", "'two' is not a duration"),
        ("expr: up\n", "expr:\n", "an expression test needs 'expr'"),
        ("[first, second]", "[first, first]", "'group_eval_order' has 'first' twice"),
        ("value: 1e3", "value: many", "'value' must be a number"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(before: str, after: str, complaint: str) -> None:
    with pytest.raises(RuleCodeError) as raised:
        promtest.parse(FILE.replace(before, after, 1))
    assert complaint in " ".join(map(str, raised.value.complaints))


@settings(max_examples=100, derandomize=True)
@given(st.text(alphabet="01x+-_. stalenif\"'{}", max_size=30))
def test_no_text_is_worse_than_a_complaint(text: str) -> None:
    for read in (expand, parse_series):
        assert "\n" not in complaint(read, text)


def complaint(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except ValueError as error:
        return str(error)
    return ""
