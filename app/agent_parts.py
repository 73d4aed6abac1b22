"""The parts of an opened trace that show its agents, its tools and its retrieval, if it has any."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

import streamlit as st

from app import agent_words, parts, tool_parts, tool_words
from app.agent_facts import AgentFacts
from app.agent_graph.component import agent_graph
from app.parts import plain

MOST_APPROVALS: Final = 8


def draw(
    facts: AgentFacts, *, trace_id: str, on_pick: Callable[[str], None], now: datetime
) -> None:
    """Draw what there is; nothing at all for a trace without agents, tools and retrieval.

    Args:
        facts: Of the trace.
        trace_id: For the key of the graph.
        on_pick: Called with the key of a row when the reader presses a node of the graph.
        now: For the age of approvals.
    """
    beside = [
        part
        for part, is_there in (
            (partial(_tools, facts, now=now), bool(facts.tools)),
            (partial(_retrieval, facts), facts.retrieval is not None),
        )
        if is_there
    ]
    if facts.graph is not None:
        _graph(facts, trace_id, on_pick)
    for part, column in zip(beside, st.columns(len(beside)) if beside else (), strict=True):
        with column:
            part()


def _graph(facts: AgentFacts, trace_id: str, on_pick: Callable[[str], None]) -> None:
    key = f"traces_graph_{trace_id}"

    def pressed() -> None:
        row = st.session_state[key].row
        if row:
            on_pick(row)

    if facts.graph is not None:
        with parts.card("traces_agents", "The agent's run"):
            parts.fine_print(plain(agent_words.run(facts.graph)))
            agent_graph(facts.encoded, key=key, on_select=pressed)


def _tools(facts: AgentFacts, *, now: datetime) -> None:
    with parts.card("traces_tools", "Tools"):
        tool_parts.table(facts.tools, key="traces_tools_table", most=8)
        for approval in facts.approvals[:MOST_APPROVALS]:
            said = tool_words.waiting(approval, now=now)
            st.markdown(f":gray[:material/approval:] {plain(said)}")
        left = len(facts.approvals) - MOST_APPROVALS
        if left > 0:
            parts.fine_print(f"{left:,} more approvals.")


def _retrieval(facts: AgentFacts) -> None:
    found = facts.retrieval
    if found is None:
        return
    with parts.card("traces_retrieval", "Retrieval"):
        for icon, said in agent_words.warnings(found):
            st.warning(plain(said), icon=f":material/{icon}:")
        st.markdown(
            "  \n".join(
                f"**{name}** {plain(value)}" for name, value in agent_words.retrieval(found)
            )
        )
