"""The traps of ClickHouse with the collector's tables."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from signals import QueryError, UnreachableError
from signals.traces import Order, TraceQuery
from signals.traces.clickhouse import ClickHouse
from tests.clickhouse_rows import insert
from tests.told_traces import CHAT, END, FAILED, NOON, START, TRACES, Made, exported
from tests.trace_stores import address, clickhouse_line

QUERY = TraceQuery(start=START, end=END)
DAY = timedelta(days=1)


@pytest.fixture
def clickhouse(clickhouse_url: str) -> Iterator[ClickHouse]:
    store = ClickHouse(address(clickhouse_line(clickhouse_url, "traps")), clock=lambda: NOON)
    yield store
    store.close()


def test_clickhouse_looks_a_trace_up_in_two_steps(
    clickhouse: ClickHouse, clickhouse_url: str
) -> None:
    insert(clickhouse_url, "traps", exported({"cd" * 16: TRACES[FAILED]}))
    assert clickhouse.trace("cd" * 16) is not None
    first, second = httpx2.get(clickhouse_url).text.split("\n;;\n")[-2:]
    assert "FROM otel_traces_trace_id_ts" in first
    assert "Timestamp >= fromUnixTimestamp64Nano({from:Int64})" in second
    assert "LIMIT 10001" in second


def test_a_duration_that_wrapped_round_in_clickhouse_is_marked(
    clickhouse: ClickHouse, clickhouse_url: str
) -> None:
    made = [Made(id="00000000000000ee", name="skewed", ms=-40)]
    insert(clickhouse_url, "traps", exported({"ee" * 16: (90 * DAY, made)}))
    trace = clickhouse.trace("ee" * 16)
    assert trace is not None
    assert trace.spans[0].duration_ms == 0
    assert "ended before it started" in trace.spans[0].attributes["wakeful.warning"]


def test_a_label_cannot_break_out_of_a_question(clickhouse: ClickHouse) -> None:
    for value in ("'; DROP TABLE otel_traces; --", "\\", "a\tb\nc", "{id:String}"):
        assert clickhouse.search(replace(QUERY, scope={"tenant": value})) == []


def test_a_missing_table_is_named(clickhouse_url: str) -> None:
    line = f"{clickhouse_line(clickhouse_url, 'traps')}?table=spans"
    store = ClickHouse(address(line))
    with pytest.raises(UnreachableError, match="no table spans with the collector's columns"):
        store.trace(CHAT)
    store.close()


def test_a_wrong_password_is_told_as_one(clickhouse_url: str) -> None:
    line = clickhouse_line(clickhouse_url, "traps").replace("pass", "guess")
    store = ClickHouse(address(line))
    with pytest.raises(UnreachableError, match="does not accept our credentials"):
        store.trace(CHAT)
    store.close()


def test_clickhouse_cannot_sort_by_a_cost_that_is_computed_later(clickhouse: ClickHouse) -> None:
    with pytest.raises(QueryError, match="cannot list the dearest first"):
        clickhouse.search(replace(QUERY, order=Order.DEAREST))
