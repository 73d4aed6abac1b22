"""From a point of a chart to the traces behind it, by an address that can be shared."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from app import carrying, exemplars, trace_time
from app.cached import Answer
from app.charts import Grid
from app.exemplars import Point
from app.scope import Scope
from app.signal_card import Known
from signals.catalog import CATALOG
from tests.house import House, house, house_template
from tests.memory_source import NOON
from tests.pages import opened, text

__all__ = ["house", "house_template"]

MINUTE = timedelta(minutes=1)
HOUR = Scope(span=timedelta(hours=1))
POINT = Point(at=NOON, covers=2 * MINUTE)
TIME = {"from": "2026-03-02T11:57:00Z", "until": "2026-03-02T12:00:00Z"}


@pytest.mark.parametrize(
    ("signal", "telling"),
    [
        ("latency_p95", {"order": "Slowest"}),
        ("error_ratio", {"errors": "true"}),
        ("cost_per_request", {"order": "Dearest"}),
        ("request_rate", {}),
    ],
)
def test_a_point_leads_to_the_telling_traces_of_its_time(
    signal: str, telling: Mapping[str, str]
) -> None:
    found = exemplars.query(CATALOG[signal], HOUR, POINT)
    assert {name: found[name] for name in ("order", "errors") if name in found} == telling
    start, end = trace_time.read(found) or (None, None)
    assert (start, end) == (NOON - 3 * MINUTE, NOON)


def test_the_scope_and_the_line_go_along() -> None:
    chosen = Scope(span=timedelta(hours=6), labels=(("feature", "chat"),))
    found = exemplars.query(
        CATALOG["latency_p95"], chosen, POINT, {"model": "gpt-4o", "tenant": ""}
    )
    assert (found["range"], found["feature"], found["model"]) == ("6h", "chat", "gpt-4o")
    assert "tenant" not in found


@pytest.mark.parametrize(
    ("signal", "minute"), [("latency_p95", 2), ("eval_score", 1)], ids=["high", "low"]
)
def test_the_worst_point_of_a_line_is_on_its_bad_side(signal: str, minute: int) -> None:
    grid = Grid(start=NOON, end=NOON + 3 * MINUTE, step=MINUTE)
    line = (2.0, 1.0, 3.0, float("nan"))
    known = Known(signal=CATALOG[signal], answer=Answer(), samples=None, line=line, grid=grid)
    worst = exemplars.peak(known, grid)
    assert worst is not None
    assert worst[0] == NOON + minute * MINUTE


def test_a_card_of_the_overview_links_to_the_traces_of_its_peak(house: House) -> None:
    assert "order=Slowest" in text(opened("overview"))


@pytest.mark.parametrize(
    "params",
    [
        {"from": "yesterday", "until": "2026-03-02T12:00:00Z"},
        {"from": "2026-03-02T12:00:00Z"},
        {"from": "2026-03-02T12:00:00", "until": "2026-03-02T13:00:00"},
        {"from": "2026-03-02T12:00:00Z", "until": "2026-03-02T11:00:00Z"},
    ],
    ids=["no time", "no end", "no zone", "backwards"],
)
def test_a_link_whose_time_makes_no_sense_says_so(params: dict[str, str], house: House) -> None:
    page = opened("traces", **params)
    assert page.warning[0].value.startswith("The link names")


def test_a_link_with_a_time_lists_what_began_then(house: House) -> None:
    page = opened("traces", **TIME)
    assert "3 traces, looked up" in text(page)


def test_what_two_pages_share_travels_twice() -> None:
    packed = carrying.packed({"range": "6h", "order": "Slowest", "feature": "a b"})
    assert packed["carried"] == "range=6h&feature=a+b"
    assert "carried" not in carrying.packed({"order": "Slowest"})
