"""The Cost page: full, empty, without a store, down; and the periods and words it is made of."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import cached_cost, cost_words, wired
from app.cost_words import Cost
from models.vocabulary import CostSource
from signals.traces import spend_words
from signals.traces.embedded import EmbeddedStore
from signals.traces.spending import Bill, Spend
from tests.house import House, empty_house, house, house_template
from tests.memory_source import NOON
from tests.pages import opened, text
from tests.spans import DAY, bill, child, root

__all__ = ["empty_house", "house", "house_template"]

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    cached_cost.clear()
    yield
    cached_cost.clear()


def store_of(house: House) -> EmbeddedStore:
    assert house.wiring.store is not None
    return house.wiring.store


def paid(house: House, usd: float | None, at: datetime, **labels: Any) -> None:
    """Store a request that ended at `at` and whose one call cost `usd`."""
    request = root(at, **labels)
    store_of(house).write([request, child(request, **bill(usd))])


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def plainly(page: AppTest) -> str:
    """Return the text of a page without what keeps Markdown from reading it."""
    return text(page).replace("\\", "")


def table(page: AppTest) -> pd.DataFrame:
    return page.dataframe[0].value


def spend(**changes: Any) -> Spend:
    """Return a row that is alright; tests change the one field that they are about."""
    fields: dict[str, Any] = {
        "value": "chat",
        "usd": 4.0,
        "before_usd": 2.0,
        "reported_usd": 4.0,
        "priced": 10,
        "unpriced": 0,
        "requests": 8,
        "concluded": 8,
        "successes": 4,
    }
    return Spend(**fields | changes)


def cost_of(*rows: Spend, held_since: datetime = NOON - 100 * DAY) -> Cost:
    query = cost_words.asked("7d", "tenant", (), zone=BERLIN, now=NOON)
    return Cost(
        query=query,
        whole=spend(value=None),
        bill=Bill(rows=rows, values=len(rows)),
        bars=(),
        shown=(),
        held_since=held_since,
    )


# The page


def test_the_page_adds_up_what_requests_cost(empty_house: House) -> None:
    paid(empty_house, 3.0, NOON - DAY, feature="chat", outcome="success")
    paid(empty_house, 1.0, NOON - DAY, feature="search", outcome="error")
    page = opened("cost")
    assert metrics(page) == {
        "Spend": "$4.00",
        "Change": "—",
        "Per request": "$2.00",
        "Per success": "$4.00",
    }
    assert list(table(page)["Feature"]) == ["chat", "search"]
    assert list(table(page)["Share"]) == [75.0, 25.0]
    assert "1 of 2 requests that say how they turned out" in text(page)


def test_a_sum_with_calls_of_unknown_price_is_a_floor(empty_house: House) -> None:
    paid(empty_house, 3.0, NOON - DAY)
    paid(empty_house, None, NOON - DAY)
    page = opened("cost")
    assert metrics(page)["Spend"] == "≥ $3.00"
    assert "50 % of calls have no price" in text(page)


def test_without_a_price_there_is_no_zero(empty_house: House) -> None:
    paid(empty_house, None, NOON - DAY)
    page = opened("cost")
    assert set(metrics(page).values()) == {"—"}
    assert "no call has a known cost" in text(page)


def test_the_period_before_is_compared_only_if_the_store_goes_back_so_far(
    empty_house: House,
) -> None:
    paid(empty_house, 3.0, NOON - DAY, feature="chat")
    paid(empty_house, 1.0, NOON - 9 * DAY, feature="chat")
    page = opened("cost")
    assert metrics(page)["Change"] == "—"
    assert "traces do not go back through the 7 days before" in text(page)
    assert "Change" not in table(page)


def test_the_change_and_what_moved_are_said(empty_house: House) -> None:
    paid(empty_house, 3.0, NOON - DAY, feature="chat")
    paid(empty_house, 1.0, NOON - 9 * DAY, feature="chat")
    paid(empty_house, 0.5, NOON - 30 * DAY, feature="old")
    page = opened("cost")
    assert metrics(page)["Change"] == "+$2.00"
    assert "chat +$2.00 (+200 %)" in text(page)
    assert list(table(page)["Change"]) == [2.0]


def test_range_split_and_scope_come_from_the_address(empty_house: House) -> None:
    paid(empty_house, 3.0, NOON - 20 * DAY, feature="chat", tenant="acme")
    paid(empty_house, 1.0, NOON - 20 * DAY, feature="search", tenant="globex")
    page = opened("cost", cost_range="30d", cost_by="Tenant", feature="search")
    assert list(table(page)["Tenant"]) == ["globex"]
    assert metrics(page)["Spend"] == "$1.00"


def test_an_empty_page_says_where_spend_comes_from(empty_house: House) -> None:
    page = opened("cost")
    assert "No requests in this time" in text(page)
    assert "/v1/traces" in text(page)


def test_without_an_embedded_store_the_page_says_what_is_missing(empty_house: House) -> None:
    wired.set_current(replace(empty_house.wiring, store=None))
    assert "WAKEFUL_TRACE_STORE_URL" in text(opened("cost"))


def test_a_day_is_shown_by_hours_when_the_hour_has_just_begun(empty_house: House) -> None:
    paid(empty_house, 3.0, NOON - MINUTE)
    assert metrics(opened("cost", cost_range="24h"))["Spend"] == "$3.00"


def test_times_without_spend_keep_their_place_in_the_chart(empty_house: House) -> None:
    paid(empty_house, 3.0, NOON - DAY, feature="chat")
    opened("cost")
    found = cached_cost.cost("7d", "feature", (), "UTC").data
    assert found is not None
    drawn = cost_words.drawn(found, zone=UTC)
    assert len(drawn) == 7
    assert drawn["usd"].isna().sum() == 6


def test_a_store_that_is_down_is_said_and_the_last_answer_stays(empty_house: House) -> None:
    paid(empty_house, 3.0, NOON - DAY)
    opened("cost")
    cached_cost.cost.clear()
    store_of(empty_house).close()
    page = opened("cost")
    assert "What you see is its last answer" in text(page)
    assert metrics(page)["Spend"] == "$3.00"


# Reported against the price list


def called(house: House, usd: float, **fields: Any) -> None:
    """Store a request and its one call, whose cost was reported."""
    request = root(NOON - DAY)
    store_of(house).write([request, child(request, **bill(usd), **fields)])


def test_reported_cost_is_compared_with_the_price_list(empty_house: House) -> None:
    for _ in range(10):
        called(empty_house, 0.0055, model="gpt-4o", provider="openai", input_tokens=2_000)
    page = opened("cost")
    # 20,000 tokens at 2.50 dollars a million are 5 cents.
    assert (
        "For 10 calls $0.055 was reported; the price list has $0.05 for their tokens: +10 %."
        in plainly(page)
    )
    (row,) = page.dataframe[1].value.to_dict("records")
    assert row["Price list"] == pytest.approx(0.05)
    assert "n = " not in text(page)


def test_what_could_not_be_compared_is_said_with_its_reason(empty_house: House) -> None:
    called(empty_house, 2.0, model="gpt-4o")
    called(empty_house, 1.0, model="nobody-7b", input_tokens=10)
    page = opened("cost")
    assert "Not compared is $3.00 of calls: 1 without tokens, 1 not in the list." in plainly(page)
    assert "was reported; the price list" not in text(page)


def test_a_comparison_of_few_calls_is_marked_as_thin(empty_house: House) -> None:
    called(empty_house, 0.005, model="gpt-4o", provider="openai", input_tokens=2_000)
    assert "for their tokens: 0 % · n = 1." in plainly(opened("cost"))


def test_without_reported_cost_the_page_says_that_there_is_nothing_to_compare(
    empty_house: House,
) -> None:
    request = root(NOON - DAY)
    store_of(empty_house).write([request, child(request, **bill(2.0, CostSource.COMPUTED))])
    assert "No call has a reported cost" in text(opened("cost"))


# Periods


def test_days_are_the_viewers_and_end_now() -> None:
    query = cost_words.asked("7d", "tenant", (), zone=BERLIN, now=NOON)
    assert len(query.edges) == 7
    assert f"{query.edges[-1].astimezone(BERLIN):%d %H:%M}" == f"{NOON:%d} 00:00"
    assert query.end == NOON + MINUTE


def test_days_are_compared_up_to_the_same_time_of_day() -> None:
    query = cost_words.asked("7d", "tenant", (), zone=BERLIN, now=NOON)
    assert query.before == (query.start - WEEK, query.end - WEEK)


def test_the_day_of_the_clock_change_is_an_hour_shorter() -> None:
    after = datetime(2026, 3, 31, 12, tzinfo=BERLIN)
    edges = cost_words.asked("7d", "tenant", (), zone=BERLIN, now=after).edges
    assert timedelta(hours=23) in {b - a for a, b in pairwise(edges)}


@pytest.mark.parametrize("span", list(cost_words.RANGES))
def test_at_midnight_sharp_the_new_day_has_begun(span: str) -> None:
    midnight = datetime(2026, 3, 2, tzinfo=BERLIN).astimezone(UTC)
    query = cost_words.asked(span, "tenant", (), zone=BERLIN, now=midnight)
    assert (query.edges[-1], query.end) == (midnight, midnight + MINUTE)


def test_a_day_is_drawn_by_hours() -> None:
    query = cost_words.asked("24h", "tenant", (), zone=BERLIN, now=NOON + timedelta(minutes=20))
    assert len(query.edges) == 24
    assert query.edges[-1] == NOON
    assert query.before == (query.start - DAY, query.end - DAY)


# Words


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "+$2.00 (+100 %)"),
        ({"usd": 1.0}, "-$1.00 (-50 %)"),
        ({"before_usd": None}, "+$4.00 (new)"),
        ({"usd": None}, "-$2.00 (nothing any more)"),
        ({"usd": None, "before_usd": None}, ""),
    ],
)
def test_a_change_is_said_in_dollars_and_in_percent(changes: dict[str, Any], said: str) -> None:
    assert spend_words.change_words(spend(**changes)) == said


def test_what_moved_most_comes_first_up_or_down() -> None:
    rows = [spend(value="a", usd=3.0), spend(value="b", usd=None), spend(value="c", usd=2.0)]
    assert spend_words.movers(rows) == ["b -$2.00 (nothing any more)", "a +$1.00 (+50 %)"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "reported"),
        ({"reported_usd": 0.0}, "computed"),
        ({"reported_usd": 3.0}, "75 % reported"),
        ({"usd": None, "reported_usd": 0.0}, ""),
    ],
)
def test_a_cost_says_where_it_comes_from(changes: dict[str, Any], said: str) -> None:
    assert spend_words.provenance(spend(**changes)) == said


def test_a_tenant_cannot_write_a_formula_into_a_spreadsheet() -> None:
    (_, row) = csv.reader(io.StringIO(cost_words.as_csv(cost_of(spend(value="=1+1")), "tenant")))
    assert row[0] == "'=1+1"


def test_a_sum_in_a_file_has_no_dust() -> None:
    dusty = spend(usd=0.1 + 0.2)
    (_, row) = csv.reader(io.StringIO(cost_words.as_csv(cost_of(dusty), "tenant")))
    assert row[1] == "0.3"


def test_what_is_unknown_is_an_empty_cell() -> None:
    unknown = spend(usd=None, reported_usd=0.0, concluded=0, successes=0)
    (head, row) = csv.reader(io.StringIO(cost_words.as_csv(cost_of(unknown), "tenant")))
    empty = {name for name, cell in zip(head, row, strict=True) if cell == ""}
    assert empty == {"spend_usd", "reported_usd", "successes", "usd_per_request", "usd_per_success"}


def test_computed_costs_are_no_reported_ones(empty_house: House) -> None:
    request = root(NOON - DAY)
    store_of(empty_house).write([request, child(request, **bill(2.0, CostSource.COMPUTED))])
    assert list(table(opened("cost"))["Cost is"]) == ["computed"]
