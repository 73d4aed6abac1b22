"""The heat map on the Traces page: what is drawn, and what a rectangle on it means."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app import cached_heat, heat_chart, wired
from app.heat_chart import Rectangle
from signals.traces.heat import Cell
from tests.house import House, house, house_template
from tests.memory_source import NOON
from tests.pages import opened, text

__all__ = ["house", "house_template"]

MINUTE = timedelta(minutes=1)


class Lister:
    """A trace store that lists, and counts nothing."""

    def __init__(self, store: object) -> None:
        self._store = store
        self.name = "lister"

    def __getattr__(self, name: str) -> object:
        if name == "heat":
            raise AttributeError(name)
        return getattr(self._store, name)


def milliseconds(minute: int) -> float:
    return (NOON + minute * MINUTE).timestamp() * 1000


def test_a_rectangle_is_a_time_and_durations_whichever_way_it_is_drawn() -> None:
    brush = {"at": [milliseconds(5), milliseconds(1)], "low": [4.8412, 0.91934]}
    assert heat_chart.rectangle(brush) == Rectangle(
        start=NOON + MINUTE, end=NOON + 5 * MINUTE, slower=0.919, faster=4.84
    )


@pytest.mark.parametrize(
    "brush",
    [{}, {"at": [1.0, 1.0], "low": [1, 2]}, {"at": [1, 2, 3], "low": [1, 2]}, {"at": 1, "low": 2}],
    ids=["let go", "no time", "three edges", "no range"],
)
def test_what_encloses_nothing_is_no_rectangle(brush: dict[str, object]) -> None:
    assert heat_chart.rectangle(brush) is None


def test_a_cell_covers_its_step_and_its_row() -> None:
    cells = [Cell(column=2, row=24, traces=4, failed=1)]
    (row,) = heat_chart.cells_frame(cells, start=NOON, step=MINUTE).to_dict("records")
    assert (row["at"], row["until"]) == (NOON + 2 * MINUTE, NOON + 3 * MINUTE)
    assert (row["low"], row["high"]) == (1.0, pytest.approx(1.3335, abs=1e-4))
    assert row["failed_ratio"] == 0.25


def test_the_map_counts_every_request_that_the_list_has(house: House) -> None:
    assert "29 requests, counted by traces" in text(opened("traces"))


def test_the_map_stays_whole_while_the_list_shows_a_part_of_it(house: House) -> None:
    said = text(opened("traces", slower="3"))
    assert "29 requests, counted by traces" in said


def test_a_store_that_cannot_count_says_so(house: House) -> None:
    wired.set_current(replace(house.wiring, traces=Lister(house.wiring.store)))
    cached_heat.clear()
    assert "No heat map: lister cannot count traces" in text(opened("traces"))
