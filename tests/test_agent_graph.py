"""The run of an agent as a graph: what comes after what, loops, calls at once, and its bounds."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.agent_graph.graph import MOST_NODES, Graph, graph_of
from app.agent_graph.placing import place
from app.waterfall.layout import Row, lay_out
from models.vocabulary import SpanKind, SpanStatus
from signals.traces import Span, Trace
from tests.made_traces import SEED_ID, agent_trace, paid, seed_trace, span, span_id

AGENT, LLM, TOOL = SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL


def run(*steps: tuple[str, float, float], **changes: Any) -> list[Span]:
    """An agent with steps (name, start, end) in ms: `m…` is a model call, others are tools."""
    spans = [span("agent", 0, 1000, kind=AGENT)]
    for number, (name, start, end) in enumerate(steps):
        kind = LLM if name.startswith("m") else TOOL
        fields = {"kind": kind, "span_id": f"{number + 1:016x}", "parent_id": span_id("agent")}
        spans.append(span(name, start, end - start, **fields | changes))
    return spans


def rows(spans: Sequence[Span]) -> tuple[Row, ...]:
    return lay_out(Trace(trace_id=SEED_ID, spans=tuple(spans))).rows


def graph(spans: Sequence[Span]) -> Graph:
    found = graph_of(rows(spans))
    assert found is not None
    return found


def links(found: Graph) -> dict[str, int]:
    """Edges as `a>b`, loops as `a~b`, and how often."""
    names = [node.label for node in found.nodes]
    return {
        f"{names[e.source]}{'~' if e.loop else '>'}{names[e.target]}": e.count for e in found.edges
    }


def test_a_trace_without_an_agent_has_no_graph() -> None:
    assert graph_of(rows(seed_trace().spans)) is None


def test_an_agent_that_did_nothing_has_no_graph() -> None:
    assert graph_of(rows(run())) is None


def test_a_tool_loop_goes_back_to_the_model() -> None:
    found = graph(run(("m", 0, 10), ("t", 11, 20), ("m", 21, 30), ("t", 31, 40), ("m", 41, 50)))
    assert links(found) == {"agent>m": 1, "m>t": 2, "t~m": 2}
    assert found.nodes[0].rounds == 3


def test_calls_at_once_come_after_the_same_call_and_before_the_same_call() -> None:
    found = graph(run(("m", 0, 10), ("a", 11, 20), ("b", 12, 25), ("m2", 26, 30)))
    assert links(found) == {"agent>m": 1, "m>a": 1, "m>b": 1, "a>m2": 1, "b>m2": 1}
    assert found.at_once == 2


def test_a_tool_that_is_called_three_times_at_once_says_so() -> None:
    found = graph(run(("m", 0, 10), ("t", 11, 20), ("t", 11, 22), ("t", 12, 19)))
    assert [(node.label, node.calls, node.at_once) for node in found.nodes[2:]] == [("t", 3, 3)]


def test_a_tool_that_runs_on_is_not_followed_by_what_begins_meanwhile() -> None:
    found = graph(run(("slow", 0, 100), ("m", 1, 10), ("t", 11, 20)))
    assert links(found) == {"agent>slow": 1, "agent>m": 1, "m>t": 1}


def test_a_hand_off_leads_to_the_other_agent_and_into_it() -> None:
    other = span("reviewer", 20, 30, kind=AGENT, parent_id=span_id("agent"))
    inner = span("m2", 21, 20, kind=LLM, parent_id=other.span_id)
    found = graph([*run(("m", 0, 10)), other, inner])
    assert links(found) == {"agent>m": 1, "m>reviewer": 1, "reviewer>m2": 1}
    assert [edge.handoff for edge in found.edges] == [False, True, False]


def test_the_iterations_of_a_framework_are_looked_through() -> None:
    found = graph_of(lay_out(agent_trace(200)).rows)
    assert found is not None
    assert "iteration" not in {node.label for node in found.nodes}
    assert sum(node.calls for node in found.nodes) == sum(
        s.kind is not SpanKind.CHAIN for s in agent_trace(200).spans
    )


def test_a_node_adds_up_errors_time_and_cost() -> None:
    steps = run(("m", 0, 10), ("m", 20, 50), ("m", 60, 70))
    steps[1] = replace(steps[1], **paid(0.25))
    steps[2] = replace(steps[2], **paid(0.5), status=SpanStatus.ERROR)
    node = graph(steps).nodes[1]
    assert (node.calls, node.errors, node.total_ms, node.cost_usd) == (3, 1, 50, 0.75)
    assert node.row_key == steps[2].span_id


def test_steps_that_nobody_priced_have_no_cost_rather_than_none() -> None:
    assert graph(run(("m", 0, 10))).nodes[1].cost_usd is None


def test_a_tool_is_called_what_the_application_calls_it() -> None:
    found = graph(run(("execute_tool sql", 0, 10), tool="sql"))
    assert [node.label for node in found.nodes] == ["agent", "sql"]


def test_rare_names_are_folded_by_kind() -> None:
    many = [(f"tool {n}", n * 10.0, n * 10.0 + 5) for n in range(500)]
    often = [("search", 5000 + n * 10.0, 5005 + n * 10.0) for n in range(5)]
    found = graph(run(*many, *often))
    assert len(found.nodes) <= MOST_NODES + 1
    assert sum(node.calls for node in found.nodes) == 506
    assert any(node.label.endswith(" other tools") for node in found.nodes)


def test_ten_thousand_spans_with_names_of_their_own_are_drawn_within_a_second() -> None:
    half = 5_000
    together = [(f"a {n % 700}", 0.0, 10.0 + n / half) for n in range(half)]
    after = [(f"b {n % 700}", 20.0 + n / half, 40.0) for n in range(half)]
    drawn = rows(run(*together, *after))
    begun = time.perf_counter()
    found = graph_of(drawn)
    assert time.perf_counter() - begun < 1
    assert found is not None
    assert found.at_once == half


@st.composite
def traces(draw: st.DrawFn) -> list[Span]:
    count = draw(st.integers(1, 25))
    made = [span("agent", 0, 100, kind=AGENT)]
    for number in range(count):
        parent = draw(st.integers(0, number))
        kind = draw(st.sampled_from([AGENT, LLM, TOOL, SpanKind.CHAIN, SpanKind.HTTP]))
        start, length = draw(st.integers(0, 60)), draw(st.integers(0, 30))
        fields = {"kind": kind, "parent_id": made[parent].span_id, "span_id": f"{number + 1:016x}"}
        made.append(span(draw(st.sampled_from("abcdef")), start, length, **fields))
    return made


@given(traces())
@settings(deadline=None)
def test_every_step_is_counted_once_and_has_something_before_it(spans: list[Span]) -> None:
    found = graph_of(rows(spans))
    steps = sum(s.kind in (AGENT, LLM, TOOL) for s in spans)
    if found is None:
        assert steps == 1
        return
    assert sum(node.calls for node in found.nodes) == steps
    entered = {edge.target for edge in found.edges}
    assert entered >= set(range(1, len(found.nodes)))


@given(traces())
@settings(deadline=None)
def test_without_its_loops_the_graph_has_no_circle_and_every_edge_leads_on(
    spans: list[Span],
) -> None:
    found = graph_of(rows(spans))
    if found is None:
        return
    layers = place(found)
    layer = {node: number for number, nodes in enumerate(layers) for node in nodes}
    assert sorted(layer) == list(range(len(found.nodes)))
    assert all(layer[e.source] < layer[e.target] for e in found.edges if not e.loop)


@given(traces())
@settings(deadline=None)
def test_a_later_start_of_the_whole_run_changes_nothing(spans: list[Span]) -> None:
    later = [replace(s, started_at=s.started_at + timedelta(hours=1)) for s in spans]
    assert graph_of(rows(spans)) == graph_of(rows(later))
