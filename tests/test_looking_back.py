"""Reading the past part by part: what is asked, how far it is, giving it up, and its errors."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from alerts import rulebook
from alerts.ruledraft import RuleDraft
from alerts.wiring import Wiring
from app import looking_back, wired
from app.charts import Grid
from app.looking_back import MAX_POINTS, joined, parts, shelf
from signals import Query, Series
from signals.routing import Sources
from tests.house import House, house, house_template
from tests.memory_source import NOON, MemorySource, wiring_of

__all__ = ["house", "house_template"]

MINUTE, MONTH = timedelta(minutes=1), timedelta(days=30)
P95 = Query(signal="latency_p95", window=5 * MINUTE)


class Gate(MemorySource):
    """A source that answers over time only while its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.open = Event()
        self.spans: list[tuple[datetime, datetime]] = []

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        self.spans.append((start, end))
        assert self.open.wait(30)
        return super().read_range(query, start=start, end=end, step=step)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def wiring(gate: Gate, tmp_path: Path) -> Iterator[Wiring]:
    made = wiring_of(tmp_path, gate)
    wired.set_current(made)
    shelf.clear()
    yield made
    gate.open.set()
    shelf.clear()
    made.close()


def test_a_month_is_asked_in_parts_that_a_server_answers_and_is_one_series(
    wiring: Wiring, gate: Gate
) -> None:
    gate.open.set()
    past = shelf.answer(P95, MONTH, MINUTE).data
    assert past is not None
    whole = MemorySource().read_range(P95, start=past.grid.start, end=past.grid.end, step=MINUTE)
    assert [one.labels for one in past.series] == [one.labels for one in whole]
    assert list(past.series[0].seconds) == list(whole[0].seconds)
    assert list(past.series[0].values) == list(whole[0].values)
    assert len(gate.spans) == 4
    assert max((end - start) // MINUTE + 1 for start, end in gate.spans) == MAX_POINTS


def test_parts_make_up_the_whole_and_share_no_instant() -> None:
    grid = Grid(start=NOON, end=NOON + 2 * MAX_POINTS * MINUTE, step=MINUTE)
    made = parts(grid)
    assert [one.count for one in made] == [MAX_POINTS, MAX_POINTS, 1]
    assert all(after.start - before.end == MINUTE for before, after in pairwise(made))
    assert parts(replace(grid, end=NOON)) == [replace(grid, end=NOON)]


def test_a_series_that_is_not_in_every_part_keeps_its_place() -> None:
    a, b = ({"feature": name} for name in "ab")
    found = joined(
        [
            [Series(labels=a, seconds=[1.0], values=[1.0], idle=[2.0])],
            [
                Series(labels=b, seconds=[3.0], values=[3.0]),
                Series(labels=a, seconds=[4.0], values=[4.0]),
            ],
        ]
    )
    assert [(one.labels, list(one.seconds), list(one.idle)) for one in found] == [
        (a, [1.0, 4.0], [2.0]),
        (b, [3.0], []),
    ]


def test_what_is_given_up_is_not_asked_and_may_be_asked_again(wiring: Wiring, gate: Gate) -> None:
    questions = [replace(P95, window=n * MINUTE) for n in (5, 10, 15)]
    readings = [shelf.of(one, MONTH, MINUTE) for one in questions]
    assert not looking_back.come(readings)
    looking_back.cancel(readings)
    gate.open.set()
    assert all(one.wait(30) for one in readings)
    assert readings[-1].is_cancelled
    assert len(gate.spans) < sum(one.parts for one in readings)
    assert shelf.of(questions[-1], MONTH, MINUTE) is readings[-1]
    shelf.forget(questions, MONTH, MINUTE)
    assert shelf.answer(questions[-1], MONTH, MINUTE).data is not None


def test_a_source_that_breaks_leaves_what_it_said_with_the_reason(
    wiring: Wiring, gate: Gate
) -> None:
    gate.open.set()
    good = shelf.answer(P95, timedelta(days=1), MINUTE)
    later = replace(wiring, clock=lambda: NOON + 5 * MINUTE)
    wired.set_current(later)
    gate.down = "Prometheus did not answer within 5 s."
    shelf.of(P95, timedelta(days=1), MINUTE)
    shelf.wait()
    kept = shelf.answer(P95, timedelta(days=1), MINUTE)
    assert (kept.data, kept.at, kept.error) == (good.data, good.at, gate.down)


def test_the_page_says_how_far_it_is_and_takes_no_for_an_answer(house: House, gate: Gate) -> None:
    draft = RuleDraft.model_validate(
        {
            "name": "A month by the minute",
            "owner": "ada",
            "condition": {"kind": "threshold", "signal": "latency_p95", "bound": 5},
            "policy": "standard",
        }
    )
    rule_id = rulebook.save_rule(house.wiring.db, draft, by="ada", now=house.now)
    wired.set_current(replace(house.wiring, signals=Sources((gate,))))
    gate.open.set()

    def script() -> None:
        from app.views import rules

        rules.render()

    page = AppTest.from_function(script, default_timeout=60)
    page.query_params["rule"] = str(rule_id)
    page.run()
    gate.open.clear()
    page.get_by_key("rules_span").set_value("30 days")
    page.run()
    assert not page.exception
    (shown,) = page.get("progress")
    assert "Reading the last 30 d: 0 of 4 parts" in shown.proto.text
    assert not page.get("vega_lite_chart")
    page.get_by_key("rules_stop_edited").click()
    page.run()
    assert "Cancelled after 0 of 4 parts" in " ".join(one.value for one in page.markdown)
    gate.open.set()
    page.get_by_key("rules_read_edited").click()
    page.run()
    shelf.wait()
    page.run()
    assert page.get("vega_lite_chart")
