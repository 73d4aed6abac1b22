from datetime import timedelta

import pytest

from models.vocabulary import Unit
from signals.units import render, span


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (6.2, Unit.SECONDS, "6.2 s"),
        (0.2504, Unit.SECONDS, "250 ms"),
        (0.0314, Unit.RATIO, "3.14 %"),
        (0, Unit.RATIO, "0 %"),
        (1, Unit.RATIO, "100 %"),
        (0.08, Unit.USD, "$0.08"),
        (0.5, Unit.USD, "$0.50"),
        (-3.2, Unit.USD, "-$3.20"),
        (0, Unit.USD, "$0.00"),
        (-1e-12, Unit.USD, "$0.00"),
        (0.0000123, Unit.USD, "$0.0000123"),
        (12.5, Unit.USD, "$12.50"),
        (1234567.8, Unit.USD, "$1,234,567.80"),
        (999.6, Unit.COUNT, "1,000"),
        (200, Unit.COUNT, "200"),
        (2.5, Unit.PER_SECOND, "2.5/s"),
        (86.42, Unit.POINTS, "86.4 points"),
        (-5.25, Unit.POINTS, "-5.25 points"),
    ],
)
def test_a_number_reads_as_people_write_it(value: float, unit: Unit, expected: str) -> None:
    assert render(value, unit) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (45, "45 s"), (300, "5 min"), (5400, "1 h 30 min"), (604800, "7 d")],
)
def test_a_duration_reads_in_its_largest_units(seconds: int, expected: str) -> None:
    assert span(timedelta(seconds=seconds)) == expected
