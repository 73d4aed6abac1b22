"""What a rule watches: in words, as a question to draw, and as traces to look at."""

from datetime import timedelta

import pytest

from alerts.conditions import (
    Absence,
    AnyCondition,
    Budget,
    BurnRate,
    Composite,
    Drift,
    Promql,
    Threshold,
)
from alerts.evidence import worst
from app import watch_chart, watching
from app.charts import Grid
from models.vocabulary import Comparison, Measure
from signals import Query, Series
from signals.traces import Order
from tests.memory_source import NOON

SPLIT = Threshold(signal="error_ratio", bound=0.03, scope={"tenant": "acme"}, by=("feature",))
LOW = Threshold(signal="cache_hit_ratio", comparison=Comparison.BELOW, bound=0.1)
BURN = BurnRate(signal="error_ratio", objective=0.99)
RAW = Promql(expression="up == 0")
SLOWER = Drift(signal="latency_p95", bound=0.4, by=("model",))
GONE = Absence(signal="request_rate", by=("tenant",))
SILENT = Absence(signal="request_rate", scope={"tenant": "acme"})
DEAR = Budget(amount_usd=50, pace=timedelta(hours=1), by=("tenant",))
BOTH = Composite(rules=("Slow", "Failing"))
WORSE = Drift(
    signal="error_ratio",
    comparison=Comparison.BELOW,
    measure=Measure.ABSOLUTE,
    bound=0.05,
    offset=timedelta(days=1),
)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (SPLIT, "Error rate above 3 % over 5 min, where tenant = acme, for each feature"),
        (LOW, "Cache hit rate below 10 % over 5 min"),
        (
            BURN,
            "Error rate burns its budget of 1 % more than 14.4 times too fast over 1 h and 5 min, "
            "or 6 times too fast over 6 h and 30 min",
        ),
        (RAW, "PromQL up == 0"),
        (SLOWER, "Latency p95 40 % above that of 7 d before, over 1 h, for each model"),
        (GONE, "Requests: nothing for 10 min, for each tenant, of those seen within 1 d"),
        (DEAR, "Cost above $50.00 in 1 d, or at the pace of the last 1 h, for each tenant"),
        (BOTH, "All of these rules fire: Slow, Failing"),
        (SILENT, "Requests: nothing for 10 min, where tenant = acme"),
        (WORSE, "Error rate 5 percentage points below that of 1 d before, over 1 h"),
    ],
)
def test_a_condition_is_said_in_one_line(condition: AnyCondition, words: str) -> None:
    assert watching.sentence(condition) == words


def test_an_alert_is_drawn_with_its_own_part_of_the_traffic() -> None:
    labels = {"tenant": "acme", "feature": "chat", "team": "platform"}
    question = watching.drawing(SPLIT, labels).question
    assert question == Query(
        signal="error_ratio",
        window=timedelta(minutes=5),
        scope=(("feature", "chat"), ("tenant", "acme")),
    )


def test_a_rule_is_drawn_with_every_part() -> None:
    assert watching.drawing(SPLIT).question == SPLIT.questions[0]


def test_a_burn_rate_is_drawn_as_its_ratio_under_the_rate_that_burns_too_fast() -> None:
    drawing = watching.drawing(BURN)
    assert drawing.question == BURN.over(timedelta(minutes=5))
    assert drawing.bound == pytest.approx(0.144)


def test_a_series_belongs_to_the_alert_that_has_all_of_its_labels() -> None:
    alert = {"job": "api", "team": "platform"}
    assert watching.belongs({"__name__": "up", "job": "api"}, alert)
    assert not watching.belongs({"job": "worker"}, alert)


@pytest.mark.parametrize(
    ("signal", "order", "errors_only"),
    [
        ("latency_p95", Order.SLOWEST, False),
        ("error_ratio", Order.NEWEST, True),
        ("cost_per_request", Order.DEAREST, False),
        ("guardrail_ratio", Order.NEWEST, False),
    ],
)
def test_the_traces_to_look_at_follow_the_signal(
    signal: str, order: Order, errors_only: bool
) -> None:
    which = worst(Threshold(signal=signal, bound=1))
    assert (which.order, which.errors_only) == (order, errors_only)


@pytest.mark.parametrize(("condition", "kept"), [(LOW, "line 0"), (SPLIT, "line 9")])
def test_the_worst_lines_are_drawn_whichever_way_is_bad(condition: AnyCondition, kept: str) -> None:
    grid = Grid(start=NOON, end=NOON + timedelta(minutes=1), step=timedelta(minutes=1))
    series = [
        Series(labels={"feature": f"line {i}"}, seconds=[NOON.timestamp()], values=[i / 10])
        for i in range(10)
    ]
    plot = watch_chart.plot(series, grid, watching.drawing(condition))
    assert plot.dropped == 2
    assert f'"{kept}"' in str(plot.template).replace("'", '"')


def test_a_threshold_far_off_is_still_drawn() -> None:
    grid = Grid(start=NOON, end=NOON + timedelta(minutes=1), step=timedelta(minutes=1))
    calm = Series(labels={}, seconds=[NOON.timestamp()], values=[0.001])
    assert "'datum': 0.03" in str(watch_chart.plot([calm], grid, watching.drawing(SPLIT)).template)


def test_a_drift_is_drawn_beside_what_it_was() -> None:
    grid = Grid(start=NOON, end=NOON + timedelta(minutes=1), step=timedelta(minutes=1))
    now, then = (
        [
            Series(labels={"model": f"m{i}"}, seconds=[NOON.timestamp()], values=[value + i])
            for i in range(6)
        ]
        for value in (3.0, 2.0)
    )
    plot = watch_chart.plot(now, grid, watching.drawing(SLOWER), baseline=then)
    assert plot.lines == (
        *("m5", "m4", "m3", "m2"),
        *(f"m{i}, 7 d before" for i in (2, 3, 4, 5)),
    )
    assert plot.dropped == 2


def test_an_alert_on_a_drift_compares_its_own_part_of_the_traffic() -> None:
    drawing = watching.drawing(SLOWER, {"model": "m1"})
    assert drawing.baseline == Query(
        signal="latency_p95",
        window=timedelta(hours=1),
        scope=(("model", "m1"),),
        offset=timedelta(days=7),
    )
