"""Numbers as pages show them."""

from datetime import timedelta

import pytest

from app import numbers
from models.vocabulary import Unit
from signals.catalog import CATALOG
from tests.memory_source import NOON


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (2.41, Unit.SECONDS, "2.41 s"),
        (0.25, Unit.SECONDS, "250 ms"),
        (0.0312, Unit.RATIO, "3.12 %"),
        (0.031, Unit.USD, "$0.031"),
        (12.5, Unit.USD, "$12.50"),
        (31, Unit.COUNT, "31"),
        (86.2, Unit.POINTS, "86.2 points"),
        (5200, Unit.PER_SECOND, "5,200/s"),
        (0, Unit.RATIO, "0 %"),
    ],
)
def test_a_number_carries_its_unit(value: float, unit: Unit, shown: str) -> None:
    assert numbers.number(value, unit) == shown


@pytest.mark.parametrize("unit", list(Unit))
def test_no_value_is_a_dash_and_never_zero(unit: Unit) -> None:
    assert numbers.number(None, unit) == "—"


@pytest.mark.parametrize(
    ("passed", "shown"),
    [
        (timedelta(milliseconds=400), "just now"),
        (timedelta(seconds=12), "12 s ago"),
        (timedelta(seconds=119), "1 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(days=8), "8 d ago"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(passed: timedelta, shown: str) -> None:
    assert numbers.age(NOON - passed, now=NOON) == shown


def test_what_never_happened_has_no_age() -> None:
    assert numbers.age(None, now=NOON) == "never"


def test_an_answer_is_stale_after_two_minutes() -> None:
    assert not numbers.is_stale(NOON - timedelta(minutes=2), now=NOON)
    assert numbers.is_stale(NOON - timedelta(minutes=2, seconds=1), now=NOON)
    assert numbers.is_stale(None, now=NOON)


def test_a_value_on_fewer_than_ten_samples_says_on_how_many() -> None:
    assert numbers.thin(7) == "n = 7"
    assert numbers.thin(10) == ""
    assert numbers.thin(None) == ""


def test_target_and_threshold_say_which_side_is_good() -> None:
    assert numbers.bounds(CATALOG["latency_p95"]) == "target ≤ 3.5 s · alert > 5 s for 5 min"
    assert numbers.bounds(CATALOG["cache_hit_ratio"]) == "target ≥ 30 % · alert < 10 %"


def test_an_estimate_says_where_the_true_value_lies() -> None:
    assert numbers.estimate((0.012, 0.034), Unit.RATIO) == "estimate, 1.2 % to 3.4 %"
    assert numbers.estimate((0.0, 0.0), Unit.RATIO) == "estimate"
    assert numbers.estimate(None, Unit.RATIO) == ""


def test_a_signal_without_bounds_says_nothing() -> None:
    assert numbers.bounds(CATALOG["request_rate"]) == ""
