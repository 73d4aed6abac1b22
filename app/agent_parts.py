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
from signals.traces.retrieval import Retrieval

MOST_APPROVALS: Final = 8
_WIDTHS: Final = (3, 2)  # a table needs more than words


def graph(facts: AgentFacts, *, trace_id: str, on_pick: Callable[[str], None]) -> None:
    """Draw the run of the trace's agents; nothing at all without any.

    Args:
        facts: Of the trace.
        trace_id: For the key of the graph.
        on_pick: Called with the key of a row when the reader presses a node.
    """
    if facts.graph is None:
        return
    key = f"traces_graph_{trace_id}"

    def pressed() -> None:
        row = st.session_state[key].row
        if row:
            on_pick(row)

    with parts.card("traces_agents", "The agent's run"):
        parts.fine_print(plain(agent_words.run(facts.graph)))
        agent_graph(facts.encoded, key=key, on_select=pressed)


def tools_and_retrieval(facts: AgentFacts, *, now: datetime) -> None:
    """Draw what tools did and what was retrieved, side by side, as far as there is any."""
    there = []
    if facts.tools:
        there.append(partial(_tools, facts, now=now))
    if facts.retrieval is not None:
        there.append(partial(_retrieval, facts.retrieval))
    if there:
        for part, column in zip(there, st.columns(_WIDTHS[: len(there)]), strict=True):
            with column:
                part()


def _tools(facts: AgentFacts, *, now: datetime) -> None:
    with parts.card("traces_tools", "Tools"):
        tool_parts.table(facts.tools, key="traces_tools_table", most=8)
        for approval in facts.approvals[:MOST_APPROVALS]:
            said = tool_words.waiting(approval, now=now)
            st.markdown(f":gray[:material/approval:] {plain(said)}")
        left = len(facts.approvals) - MOST_APPROVALS
        if left > 0:
            parts.fine_print(f"{left:,} more approvals.")


def _retrieval(found: Retrieval) -> None:
    with parts.card("traces_retrieval", "Retrieval"):
        for icon, said in agent_words.warnings(found):
            st.warning(plain(said), icon=f":material/{icon}:")
        st.markdown(
            "  \n".join(
                f"**{name}** {plain(value)}" for name, value in agent_words.retrieval(found)
            )
        )
