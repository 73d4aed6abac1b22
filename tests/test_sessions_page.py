"""The pages Sessions and Tools: full, empty, without a store, down; and the words they use."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import agent_words, cached_sessions, session_words, tool_words, wired
from app.agent_graph.graph import graph_of
from app.waterfall.layout import lay_out
from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals import UnreachableError
from signals.traces import Span
from signals.traces.embedded import EmbeddedStore
from signals.traces.people import mark
from signals.traces.retrieval import retrieval_of
from signals.traces.sessions import Sessions
from tests.house import House, empty_house, house_template
from tests.made_traces import agent_trace, span
from tests.memory_source import NOON
from tests.pages import opened, text
from tests.spans import HOUR, MINUTE, bill, child, root

__all__ = ["empty_house", "house_template"]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    cached_sessions.clear()
    yield
    cached_sessions.clear()


def holds(house: House, *spans: Span) -> None:
    assert house.wiring.store is not None
    house.wiring.store.write(spans)


def goes_down() -> None:
    class Down(EmbeddedStore):
        def sessions(self, *_: Any, **__: Any) -> Any:
            raise UnreachableError("the trace store took longer than 10 s")

        def tools(self, *_: Any) -> Any:
            raise UnreachableError("the trace store took longer than 10 s")

    held = wired.current().store
    assert held is not None
    down = object.__new__(Down)
    wired.set_current(replace(wired.current(), store=down))


def turn(after: timedelta, **changes: Any) -> Span:
    return root(NOON - HOUR / 2 + after, session_id="s-1", user_id="jane", **changes)


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_a_session_is_listed_with_its_figures_and_without_a_name(empty_house: House) -> None:
    first, second = turn(-MINUTE), turn(-2 * MINUTE, outcome="accepted")
    holds(empty_house, first, second, child(first, **bill(0.25)))
    page = opened("sessions")
    (table,) = page.dataframe
    assert list(table.value["Turns"]) == [2]
    assert list(table.value["Who"]) == [mark("jane")]
    assert "jane" not in table.value.to_string().replace(mark("jane"), "")
    assert metrics(page)["Sessions"] == "1"


def test_a_resolved_session_bears_the_cost(empty_house: House) -> None:
    first = turn(-MINUTE, outcome="resolved")
    holds(empty_house, first, child(first, **bill(0.25)))
    assert metrics(opened("sessions"))["Cost per resolved"] == "$0.25"


def test_without_sessions_the_page_says_how_a_request_gets_one(empty_house: House) -> None:
    page = opened("sessions")
    assert "No session began in this time" in text(page)
    assert "session.id" in text(page)


@pytest.mark.parametrize("view", ["sessions", "tools"])
def test_a_process_without_the_embedded_store_says_so(empty_house: House, view: str) -> None:
    wired.set_current(replace(wired.current(), store=None))
    assert "embedded trace store" in text(opened(view))


@pytest.mark.parametrize("view", ["sessions", "tools"])
def test_a_store_that_does_not_answer_is_said_to_be_down(empty_house: House, view: str) -> None:
    goes_down()
    assert "took longer than 10 s" in text(opened(view))


def test_a_replay_shows_each_turn_its_texts_and_its_trace(empty_house: House) -> None:
    first = turn(-2 * MINUTE, input_text="Where is it?", output_text="On its *way*.")
    second = turn(-MINUTE, status=SpanStatus.ERROR)
    holds(empty_house, first, second)
    page = opened("sessions", session="s-1")
    assert [code.value for code in page.code] == ["Where is it?", "On its *way*."]
    assert "Turn 2: failed" in text(page)
    assert "2 turns" in text(page)
    assert f"trace={first.trace_id}" in text(page)


def test_a_long_session_is_replayed_a_part_at_a_time(empty_house: House) -> None:
    holds(empty_house, *(turn(-n * timedelta(seconds=9), input_text=f"no {n}") for n in range(25)))
    page = opened("sessions", session="s-1")
    assert len(page.code) == 20
    page.button(key="sessions_more").click().run()
    assert len(page.code) == 25


def test_a_session_that_is_gone_is_said_to_be(empty_house: House) -> None:
    assert "No request of this session is held" in text(opened("sessions", session="gone"))


def test_tools_stand_with_their_permissions_and_who_waits(empty_house: House) -> None:
    tool = {"kind": SpanKind.TOOL, "tool": "close_ticket"}
    asked = child(turn(-MINUTE), permission="needs_confirmation", approval="pending", **tool)
    holds(empty_house, asked, child(turn(-MINUTE), permission="denied", **tool))
    page = opened("tools")
    (table,) = page.dataframe
    assert table.value.iloc[0][["Calls", "Denied", "Needs confirmation", "Pending"]].tolist() == [
        2,
        1,
        1,
        1,
    ]
    assert "close_ticket: has waited 31 min" in text(page)
    assert f"trace={asked.trace_id}" in text(page)


def test_without_calls_the_page_says_what_a_tool_is(empty_house: House) -> None:
    assert "No tool was called in this time" in text(opened("tools"))


def test_columns_that_no_tool_fills_are_left_out() -> None:
    assert list(tool_words.table([]).columns) == [
        *("Tool", "Calls", "p50", "p95", "Errors", "Allowed", "Denied")
    ]


def test_a_cost_that_is_a_floor_says_so() -> None:
    found = Sessions(count=2, turns=2, resolved=1, cost_usd=0.5, at_least=True)
    told = {name: value for name, value, _ in session_words.figures(found)}
    assert told["Cost per resolved"] == "≥ $0.50"


def test_no_session_gives_no_ratio() -> None:
    told = {name: value for name, value, _ in session_words.figures(Sessions())}
    assert (told["Resolved"], told["Turns per session"]) == ("—", "—")


def test_a_run_is_told_in_a_line() -> None:
    graph = graph_of(lay_out(agent_trace(60)).rows)
    assert graph is not None
    assert agent_words.run(graph).startswith("1 agent · ")
    assert "calls at once" in agent_words.run(graph)


def test_an_answer_on_weak_ground_is_warned_of() -> None:
    told = {
        "topDocIds": "KB-1",
        "citations": "KB-2",
        "lowConfidence": "true",
        "retrieval.fallback": "asked a human",
    }
    found = retrieval_of([span("search", 0, 9, kind=SpanKind.RETRIEVAL, attributes=told)])
    assert found is not None
    said = [sentence for _, sentence in agent_words.warnings(found)]
    assert said == [
        "Low confidence: no chunk was good enough: asked a human",
        "The answer cites what was not retrieved: KB-2",
    ]
    assert found.embed_source is CostSource.NONE
