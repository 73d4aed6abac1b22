"""Which metrics and labels a PromQL expression speaks of."""

import pytest

from signals.promql_names import names


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ("up == 0", {"up"}),
        ("rate(a[5m]) / on (job) group_left (x) rate(b[5m] offset 1h)", {"a", "b"}),
        ("max_over_time(deriv(rate(a[5m])[30m:1m])[1h:])", {"a"}),
        ('{__name__="a:b", job="x"} unless {__name__=~"c.*"}', {"a:b"}),
        ('{"a.b", "c.d"="x"} > 0', {"a.b"}),
        ("sum(a) by (job) > bool 1e3 and count_values('v', b) or NaN", {"a", "b"}),
        ("a # > b\n * 0x1F", {"a"}),
        ("a @ start() > inf", {"a"}),
        ("min > 1", {"min"}),
        ("vector(1)", set()),
        ("", set()),
    ],
)  # fmt: skip
def test_metrics_are_told_from_functions_and_keywords(expression: str, metrics: set[str]) -> None:
    assert names(expression).metrics == metrics


def test_labels_stand_with_their_metric() -> None:
    found = names("""a{x="1",y=~'2|}',z!="3"} / b{u='',w=~".*"}""").selected
    assert [(one.metric, one.labels) for one in found] == [("a", {"x", "y"}), ("b", set())]


def test_groups_are_those_that_have_to_be_there() -> None:
    found = names('sum by (a, "b.c") (m) / on (d) sum without (e) (n) + ignoring (f) o')
    assert found.grouped == {"a", "b.c", "d"}


@pytest.mark.parametrize("broken", ["a{", 'a{x="', "sum by (", "by", "a{x=}", "}{", "((("])
def test_what_does_not_parse_still_ends(broken: str) -> None:
    assert names(broken).metrics <= {"a"}
