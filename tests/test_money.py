"""Money in tables."""

import pytest

from app import money


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ([0.0298, 0.00015], ["$0.029800", "$0.000150"]),
        ([12.5, 3.0, 1234.0], ["$12.50", "$3.00", "$1234.00"]),
        ([0.5, None, 0.0], ["$0.500", "$0.000"]),
        ([1e-12, 0.2], ["$0.0000000", "$0.2000000"]),
        ([0.0, None], ["$0.00"]),
        ([], []),
    ],
)
def test_a_column_has_the_digits_of_its_smallest_amount(
    amounts: list[float | None], said: list[str]
) -> None:
    written = money.pattern(amounts)
    assert [written % amount for amount in amounts if amount is not None] == said
