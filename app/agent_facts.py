"""What an opened trace says of agents, tools and retrieval; worked out once for all viewers."""

from dataclasses import dataclass

from app.agent_graph.component import encode
from app.agent_graph.graph import Graph, graph_of
from app.waterfall.layout import Waterfall
from signals.traces.retrieval import Retrieval, retrieval_of
from signals.traces.tools import Approval, ToolUse, approvals, uses


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """What there is to draw; each None or empty without any.

    Attributes:
        encoded: `graph` as its component takes it.
    """

    graph: Graph | None
    encoded: bytes
    tools: tuple[ToolUse, ...]
    approvals: tuple[Approval, ...]
    retrieval: Retrieval | None


def facts_of(drawn: Waterfall) -> AgentFacts:
    """Return what the spans of a trace say, as far as they are drawn."""
    graph = graph_of(drawn.rows)
    spans = [row.span for row in drawn.rows]
    return AgentFacts(
        graph=graph,
        encoded=encode(graph) if graph else b"",
        tools=tuple(uses(spans)),
        approvals=tuple(approvals(spans)),
        retrieval=retrieval_of(spans),
    )
