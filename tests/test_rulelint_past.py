"""What the last days tell of a rule: an example that the lint finds, and one that it leaves."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.backtest import Hindsight, Instants, backtest
from alerts.lifecycle import Timing
from alerts.observations import Watch
from alerts.ruledraft import RuleDraft
from alerts.rulelint import Check, past, quantiles
from alerts.rulelint.past import Traffic
from signals import Series
from signals.trust import Bucket
from tests.test_rulelint import ERRORS, LATENCY, PAGES, PROMQL, rule, said

MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def lines(*rows: Sequence[float]) -> list[Series]:
    """Return a series a row, a value a minute."""
    return [
        Series(
            labels={"feature": f"f{n}"} if len(rows) > 1 else {},
            seconds=[START.timestamp() + 60 * i for i in range(len(row))],
            values=row,
        )
        for n, row in enumerate(rows)
    ]


def looked_back(one: RuleDraft, drawn: list[Series]) -> Hindsight:
    watch = Watch(
        condition=one.condition,
        timing=Timing(hold=one.hold, keep_firing=one.keep_firing),
        labels={},
    )
    instants = Instants(start=START, step=MINUTE, count=len(drawn[0].values))
    return backtest(watch, {one.condition.questions[0]: drawn}, instants)


def over(condition: dict[str, Any], drawn: list[Series], check: Check) -> str:
    one = rule(condition)
    return said(past.in_hindsight(one, looked_back(one, drawn), drawn), check)


def test_a_threshold_that_nothing_reached_is_a_hint() -> None:
    assert over(LATENCY, lines([2.0, 3.2] * 30 + [2.0]), Check.UNSEEN) == (
        "hint: Nothing reached it in the last 1 h: the highest was 3.2 s, and the threshold is "
        "8 s: see whether a nearer one tells more."
    )


def test_a_threshold_ten_times_beyond_is_asked_for_its_unit() -> None:
    found = over(LATENCY | {"bound": 8000.0}, lines([2.0, 3.2]), Check.UNSEEN)
    assert found.startswith("warning: ")
    assert "is it in another unit?" in found


def test_a_lower_bound_that_nothing_reached_names_the_lowest() -> None:
    below = {**ERRORS, "signal": "cache_hit_ratio", "comparison": "below", "bound": 0.1}
    assert "the lowest was 20 %" in over(below, lines([0.3, 0.2]), Check.UNSEEN)


def test_a_threshold_that_was_reached_is_left() -> None:
    assert not over(LATENCY, lines([2.0, 9.0, 2.0]), Check.UNSEEN)


@pytest.mark.parametrize(("breaches", "found"), [(60, True), (57, True), (50, False), (1, False)])
def test_what_holds_nearly_all_the_time_is_found(breaches: int, found: bool) -> None:
    drawn = lines([9.0] * breaches + [2.0] * (60 - breaches))
    assert bool(over(LATENCY, drawn, Check.ALWAYS_FIRES)) is found


@pytest.mark.parametrize(("breaches", "found"), [(60, True), (6, False)])
def test_promql_that_returns_something_all_the_time_is_found(breaches: int, found: bool) -> None:
    """It is there only while it breaches, which is not all that is known of it."""
    one = rule(PROMQL)
    instants = Instants(start=START, step=MINUTE, count=60)
    watch = Watch(condition=one.condition, timing=Timing(), labels={})
    drawn = lines([1.0] * breaches)
    hindsight = backtest(watch, {one.condition.questions[0]: drawn}, instants)
    assert bool(said(past.in_hindsight(one, hindsight, drawn), Check.ALWAYS_FIRES)) is found


def test_one_label_set_of_two_that_always_breaches_is_not_the_rules_fault() -> None:
    assert not over(LATENCY | {"by": ["f"]}, lines([9.0] * 60, [2.0] * 60), Check.ALWAYS_FIRES)


@pytest.mark.parametrize(("count", "found"), [(51, True), (50, False)])
def test_a_split_into_very_many_is_found(count: int, found: bool) -> None:
    drawn = lines(*[[2.0, 2.0]] * count)
    assert bool(over(LATENCY | {"by": ["f"]}, drawn, Check.CARDINALITY)) is found


# By its traffic


def thin(condition: dict[str, Any], n: float, check: Check, **fields: Any) -> str:
    one = rule(condition, **fields)
    traffic = {window: Traffic(labels={}, n=n) for window in past.windows(one.condition)}
    return said(past.by_traffic(one, traffic), check)


@pytest.mark.parametrize(("n", "found"), [(33, True), (34, False)])
def test_one_failed_request_that_pages_is_found(n: float, found: bool) -> None:
    """One of n is more than 3 % up to 33."""
    assert bool(thin(ERRORS, n, Check.ONE_FAILURE)) is found


def test_one_failure_that_pages_says_how_many_requests_there_are() -> None:
    one, window = rule(ERRORS), timedelta(minutes=5)
    traffic = {window: Traffic(labels={"feature": "draft"}, n=12.7)}
    assert said(past.by_traffic(one, traffic), Check.ONE_FAILURE) == (
        "warning: One failed request pages for feature = draft: when it is quiet there are about "
        "12 requests in 5 min, and at a threshold of 3 % one is too many. Lengthen the window to "
        "15 min, or wait 5 min before it fires."
    )


def test_patience_that_outlasts_one_failure_is_enough() -> None:
    assert not thin(ERRORS, 12, Check.ONE_FAILURE, hold="5m")


@pytest.mark.parametrize(("n", "found"), [(6, True), (7, False)])
def test_a_burn_rate_counts_what_its_long_window_holds(n: float, found: bool) -> None:
    """One of n is more than 14.4 times 1 % up to 6."""
    window = {"long": "1h", "short": "5m", "factor": 14.4}
    assert bool(thin(PAGES | {"windows": [window]}, n, Check.ONE_FAILURE)) is found


@pytest.mark.parametrize(
    ("condition", "n", "found"),
    [
        (LATENCY, 19, True),
        (LATENCY, 20, False),
        (LATENCY | {"signal": "latency_p99"}, 99, True),
        (LATENCY | {"signal": "latency_p99"}, 100, False),
        (ERRORS | {"bound": 0.5}, 9, True),
        (ERRORS | {"bound": 0.5}, 10, False),
        (ERRORS | {"signal": "approval_queue_depth", "bound": 200}, 1, False),
    ],
)
def test_too_few_requests_for_the_window_are_found(
    condition: dict[str, Any], n: float, found: bool
) -> None:
    assert bool(thin(condition, n, Check.LITTLE_TRAFFIC)) is found


def test_the_quietest_label_set_counts_in_its_quietest_tenth() -> None:
    rates = lines([1.0] * 20, [0.0] * 10 + [0.1] * 2 + [0.5] * 8)
    found = past.quietest(rates, 5 * MINUTE)
    assert found == Traffic(labels={"feature": "f1"}, n=pytest.approx(30))


def test_no_traffic_at_all_says_nothing() -> None:
    assert past.quietest(lines([0.0, 0.0]), 5 * MINUTE) is None
    assert past.by_traffic(rule(), {}) == []


# By its histogram


def histogram(*uppers: float) -> list[Bucket]:
    return [Bucket(upper=upper, count=n) for n, upper in enumerate((*uppers, float("inf")))]


def quantile(bound: float, *uppers: float, **fields: Any) -> str:
    condition = rule(LATENCY | {"bound": bound} | fields).condition
    return said(quantiles.by_buckets(condition, histogram(*uppers)), Check.QUANTILE)


def test_a_threshold_beyond_the_last_bucket_never_fires() -> None:
    assert quantile(8.0, 1.0, 2.5, 5.0) == (
        "error: It can never fire: the histogram's last bucket ends at 5 s, so its p95 never reads "
        "more. Choose a threshold under 5 s, or add buckets."
    )


def test_a_threshold_within_a_wide_bucket_is_a_guess() -> None:
    found = quantile(8.0, 1.0, 5.0, 10.0)
    assert found.startswith("warning: Between 5 s and 10 s its p95 is interpolation")
    assert "Choose 5 s or 10 s" in found


@pytest.mark.parametrize(
    ("bound", "uppers"),
    [(5.0, (1.0, 5.0, 10.0)), (7.8, (7.5, 8.0, 10.0))],
    ids=["at a bucket's end", "in a narrow bucket"],
)
def test_a_threshold_that_buckets_can_tell_is_left(bound: float, uppers: Sequence[float]) -> None:
    assert not quantile(bound, *uppers)


def test_without_a_histogram_a_quantile_is_exact() -> None:
    assert quantiles.by_buckets(rule(LATENCY).condition, []) == []
