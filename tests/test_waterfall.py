"""The waterfall's layout: where spans stand, where time and money went. Pure."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from app.waterfall.component import encode
from app.waterfall.hints import hints
from app.waterfall.layout import ROW_LIMIT, Row, Waterfall, lay_out
from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals.traces import Span, Trace
from signals.traces.costs import trace_cost, trace_tokens
from tests.made_traces import SEED_ID, START, agent_trace, changed, paid, seed_trace, span, span_id


def trace(*spans: Span) -> Trace:
    return Trace(trace_id=SEED_ID, spans=spans)


def row(drawn: Waterfall, name: str) -> Row:
    return next(row for row in drawn.rows if row.span.name == name)


def tree(drawn: Waterfall) -> list[str]:
    return [f"{'  ' * row.depth}{row.span.name}" for row in drawn.rows]


def test_children_stand_under_their_parent_by_start() -> None:
    shuffled = replace(seed_trace(), spans=tuple(reversed(seed_trace().spans)))
    assert tree(lay_out(shuffled)) == [
        "HTTP request",
        "  Auth and rate limit",
        "  Input guardrails",
        "  Retrieval",
        "    embed query",
        "    vector search",
        "    rerank",
        "  LLM call",
        "  Output guardrails",
    ]


def test_the_seeds_waterfall_gives_the_seeds_shares() -> None:
    drawn = lay_out(seed_trace())
    llm = row(drawn, "LLM call")
    assert drawn.duration_ms == 2580
    assert (f"{llm.time_share:.0%}", f"{llm.cost_share:.0%}") == ("78%", "99%")


def test_offsets_count_from_the_start_of_the_trace() -> None:
    assert row(lay_out(seed_trace()), "vector search").offset_ms == 300


def test_self_time_leaves_out_children_once_however_they_overlap() -> None:
    drawn = lay_out(
        trace(
            span("parent", 0, 100),
            span("a", 10, 40, parent_id=span_id("parent")),
            span("b", 30, 40, parent_id=span_id("parent")),
            span("late", 90, 50, parent_id=span_id("parent")),
        )
    )
    assert row(drawn, "parent").self_ms == pytest.approx(30)


def test_slowest_has_the_most_time_of_its_own_and_dearest_the_highest_cost() -> None:
    drawn = lay_out(changed(seed_trace(), "rerank", **paid(0.5)))
    assert [r.span.name for r in drawn.rows if r.slowest] == ["LLM call"]
    assert [r.span.name for r in drawn.rows if r.dearest] == ["rerank"]


def test_the_critical_path_adds_up_to_the_whole_trace() -> None:
    drawn = lay_out(agent_trace(500))
    assert sum(r.critical_ms for r in drawn.rows) == pytest.approx(drawn.duration_ms)


def test_of_parallel_calls_only_the_last_to_end_is_waited_for() -> None:
    drawn = lay_out(
        trace(
            span("parent", 0, 100),
            span("short", 0, 60, parent_id=span_id("parent")),
            span("long", 0, 100, parent_id=span_id("parent")),
        )
    )
    assert row(drawn, "long").critical_ms == 100
    assert row(drawn, "short").critical_ms == 0


def test_a_call_is_waited_for_until_the_next_begins() -> None:
    drawn = lay_out(
        trace(
            span("parent", 0, 100),
            span("first", 0, 70, parent_id=span_id("parent")),
            span("second", 50, 50, parent_id=span_id("parent")),
        )
    )
    assert row(drawn, "first").critical_ms == pytest.approx(50)
    assert row(drawn, "second").critical_ms == pytest.approx(50)


def test_a_span_without_its_parent_is_shown_at_the_top_and_flagged() -> None:
    drawn = lay_out(changed(seed_trace(), "Retrieval", parent_id="f" * 16))
    assert row(drawn, "Retrieval").orphan
    assert row(drawn, "Retrieval").depth == 0
    assert row(drawn, "rerank").depth == 1
    assert not row(drawn, "rerank").orphan


def test_a_circle_of_parents_is_cut_at_its_earliest_span() -> None:
    drawn = lay_out(
        trace(
            span("root", 0, 100),
            span("c", 30, 5, parent_id=span_id("b")),
            span("a", 10, 50, parent_id=span_id("c")),
            span("b", 20, 30, parent_id=span_id("a")),
            span("under c", 31, 1, parent_id=span_id("c")),
        )
    )
    assert tree(drawn) == ["root", "a", "  b", "    c", "      under c"]
    assert [r.span.name for r in drawn.rows if r.cyclic] == ["a"]


def test_a_span_that_is_its_own_parent_is_shown() -> None:
    drawn = lay_out(trace(span("self", 0, 10, parent_id=span_id("self"))))
    assert row(drawn, "self").cyclic


def test_a_second_span_under_the_same_id_gets_a_key_of_its_own() -> None:
    one = span("twice", 0, 10)
    drawn = lay_out(
        trace(one, replace(one, name="other"), span("child", 1, 2, parent_id=one.span_id))
    )
    assert [r.key for r in drawn.rows if r.span.span_id == one.span_id] == [
        one.span_id,
        f"{one.span_id}#2",
    ]
    assert row(drawn, "child").depth == 1


def test_a_repeated_span_is_shown_and_paid_once() -> None:
    seed = seed_trace()
    drawn = lay_out(replace(seed, spans=seed.spans * 2))
    assert len(drawn.rows) == len(seed.spans)
    assert drawn.cost.usd == trace_cost(seed.spans).usd


@pytest.mark.parametrize(
    ("start_ms", "skewed"), [(-2, True), (-0.5, False), (10, False), (95, True)]
)
def test_a_child_outside_its_parent_is_marked(start_ms: float, skewed: bool) -> None:
    parent = span("parent", 0, 100)
    drawn = lay_out(trace(parent, span("child", start_ms, 10, parent_id=parent.span_id)))
    assert row(drawn, "child").skewed is skewed


def test_spans_without_duration_are_drawn() -> None:
    drawn = lay_out(trace(span("instant", 0, 0), span("other", 0, 0)))
    assert [r.time_share for r in drawn.rows] == [0, 0]
    assert not any(r.slowest for r in drawn.rows)


def test_a_trace_without_spans_has_no_rows() -> None:
    assert lay_out(trace()).rows == ()


def test_a_very_deep_trace_is_laid_out() -> None:
    spans = [
        replace(
            span("deep", i, 9000 - i), span_id=f"{i:016x}", parent_id=f"{i - 1:016x}" if i else None
        )
        for i in range(5000)
    ]
    assert lay_out(trace(*spans)).rows[-1].depth == 4999


def test_ten_thousand_spans_are_all_drawn() -> None:
    drawn = lay_out(agent_trace(10_000))
    assert len(drawn.rows) == 10_000
    assert encode(drawn)
    assert hints(drawn)


def test_too_many_spans_are_cut_with_a_sentence_and_the_cost_of_all() -> None:
    made = agent_trace(ROW_LIMIT + 100)
    drawn = lay_out(made)
    assert len(drawn.rows) == ROW_LIMIT
    assert (drawn.note or "").startswith("This trace has 20,100 spans. The 20,000 that started")
    assert drawn.cost.usd == trace_cost(made.spans).usd
    assert hints(drawn) == []


def test_a_trace_that_its_store_cut_says_so() -> None:
    drawn = lay_out(replace(seed_trace(), cut=True))
    assert "more spans than its store gives at once" in (drawn.note or "")


def test_totals_that_repeat_the_childrens_costs_are_not_counted_again() -> None:
    drawn = lay_out(changed(seed_trace(), "HTTP request", **paid(0.0253)))
    assert drawn.cost.usd == pytest.approx(0.02535)
    assert row(drawn, "HTTP request").cost_share is None
    assert not row(drawn, "HTTP request").summed


def test_a_root_that_alone_has_a_cost_stands_for_its_trace() -> None:
    spans = (span("root", 0, 10, kind=SpanKind.HTTP, **paid(0.04)), span("llm", 1, 5))
    assert trace_cost(spans).usd == 0.04


def test_a_span_without_a_price_makes_the_cost_a_floor_not_smaller() -> None:
    unpriced = changed(seed_trace(), "LLM call", cost_usd=None, cost_source=CostSource.UNPRICED)
    drawn = lay_out(unpriced)
    assert drawn.cost.usd == pytest.approx(0.00035)
    assert drawn.cost.at_least
    assert [r.cost_share for r in drawn.rows] == [None] * 9
    assert not any(r.dearest for r in drawn.rows)


def test_nothing_priced_is_unknown_not_free() -> None:
    cost = trace_cost([span("llm", 0, 1, kind=SpanKind.LLM, cost_source=CostSource.UNPRICED)])
    assert (cost.usd, cost.source, cost.at_least) == (None, CostSource.UNPRICED, False)


def test_a_sum_is_as_sure_as_its_weakest_part() -> None:
    assert trace_cost(seed_trace().spans).source is CostSource.COMPUTED


def test_tokens_follow_the_rule_of_costs() -> None:
    repeated = changed(seed_trace(), "HTTP request", input_tokens=1200, output_tokens=310)
    assert trace_tokens(repeated.spans) == 1510


def test_hints_say_where_time_and_money_went() -> None:
    first = hints(lay_out(seed_trace()))[0]
    assert first.sentence == "LLM call: 78 % of the time, 99 % of the cost"
    assert "smaller model" in first.advice


def test_spans_of_one_name_are_one_hint() -> None:
    said = [hint.sentence for hint in hints(lay_out(agent_trace(200)))]
    assert said[0].startswith("chat claude-sonnet-4 (")
    assert said[0].endswith("100 % of the cost")


def test_the_columns_have_one_entry_per_row() -> None:
    drawn = lay_out(changed(seed_trace(), "rerank", status=SpanStatus.ERROR))
    columns = json.loads(encode(drawn))
    lists = {name: column for name, column in columns.items() if isinstance(column, list)}
    coded = ("names", "kinds", "sources")
    assert {len(column) for name, column in lists.items() if name not in coded} == {9}
    at = columns["id"].index(span_id("rerank"))
    assert columns["names"][columns["name"][at]] == "rerank"
    assert columns["flags"][at] & 1


def test_the_clock_of_the_trace_starts_at_its_earliest_span() -> None:
    early = changed(seed_trace(), "Retrieval", started_at=START - timedelta(seconds=1))
    assert row(lay_out(early), "HTTP request").offset_ms == 1000
