"""Two traces side by side, by the names of their spans."""

from datetime import timedelta

import pytest

from app.comparing import Line, Sums, compare, table
from app.waterfall.layout import lay_out
from signals.traces import Trace
from tests.made_traces import changed, moved, seed_trace


def lines(one: Trace, other: Trace) -> list[Line]:
    return compare(lay_out(one), lay_out(other))


def line(one: Trace, other: Trace, name: str) -> Line:
    return next(found for found in lines(one, other) if found.name == name)


def test_the_greatest_difference_in_time_comes_first() -> None:
    slow = changed(seed_trace(), "rerank", duration_ms=1050.0)
    first = lines(seed_trace(), slow)[0]
    assert first.name == "rerank"
    assert first.slower_ms == pytest.approx(1000)


def test_spans_of_one_name_are_added_up() -> None:
    trace = changed(seed_trace(), "embed query", name="LLM call")
    found = line(seed_trace(), trace, "LLM call")
    assert found.one == Sums(count=1, self_ms=2000, cost_usd=0.025, tokens=1510)
    assert (found.other.count, found.other.self_ms) == (2, 2060)
    assert found.other.cost_usd == pytest.approx(0.02505)


def test_a_name_of_one_trace_only_is_compared_with_nothing() -> None:
    found = line(seed_trace(), changed(seed_trace(), "rerank", name="rerank v2"), "rerank v2")
    assert found.one == Sums()
    assert found.slower_ms == pytest.approx(50)


def test_a_trace_does_not_differ_from_itself_at_another_time() -> None:
    later = moved(seed_trace(), "a" * 32, timedelta(days=1))
    shown = table(lines(seed_trace(), later))
    assert set(shown["Time ±"]) == {0}
    assert shown["Cost ±"].sum() == 0


def test_what_neither_tells_has_no_difference() -> None:
    shown = table(lines(seed_trace(), seed_trace())).set_index("Span")
    assert shown["Tokens ±"].isna()["rerank"]
    assert shown["Tokens ±"]["LLM call"] == 0
