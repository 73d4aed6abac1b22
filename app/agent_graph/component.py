"""The graph on the page: a component of its own, without a build step."""

import json
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.agent_graph.graph import Graph
from app.agent_graph.placing import place

_HERE = Path(__file__).parent
_WORDS = _HERE.parent / "waterfall" / "words.js"  # durations and dollars read the same in both


def _read(*paths: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


_mount = st.components.v2.component(
    "wakeful_agent_graph",
    html='<div class="graph"></div>',
    css=_read(_HERE / "agent_graph.css"),
    js=_read(_WORDS, _HERE / "agent_graph.js"),
)


def agent_graph(encoded: bytes, *, key: str, on_select: Callable[[], None]) -> None:
    """Draw a graph.

    Args:
        encoded: What `encode` returned.
        key: Streamlit's key; `st.session_state[key].row` is the key of the row of the node that
            was pressed.
        on_select: Called when the reader pressed a node.
    """
    _mount(key=key, data=encoded, on_row_change=on_select)


def encode(graph: Graph) -> bytes:
    """Return `graph`, placed, as the JSON object that agent_graph.js reads."""
    nodes = [
        {
            "label": node.label,
            "kind": node.kind.value,
            "calls": node.calls,
            "errors": node.errors,
            "ms": round(node.total_ms, 3),
            "usd": node.cost_usd,
            "atOnce": node.at_once,
            "rounds": node.rounds,
            "row": node.row_key,
        }
        for node in graph.nodes
    ]
    edges = [
        [edge.source, edge.target, edge.count, edge.begun, edge.handoff, edge.loop]
        for edge in graph.edges
    ]
    drawn = {"nodes": nodes, "edges": edges, "layers": place(graph)}
    return json.dumps(drawn, separators=(",", ":")).encode()
