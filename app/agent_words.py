"""What a trace says of its agents and its retrieval, in words. Pure."""

from collections.abc import Sequence

from app import trace_facts
from app.agent_graph.graph import Graph
from models.vocabulary import SpanKind
from signals.traces.retrieval import Retrieval

_MOST_IDS = 8
_MOST_LETTERS = 300


def run(graph: Graph) -> str:
    """Return the run in a line: agents, rounds, tools, hand-offs, loops, calls at once."""
    agents = [node for node in graph.nodes if node.kind is SpanKind.AGENT]
    tools = [node for node in graph.nodes if node.kind is SpanKind.TOOL]
    handoffs = sum(edge.count for edge in graph.edges if edge.handoff)
    loops = sum(edge.count for edge in graph.edges if edge.loop)
    said = [
        _many(sum(node.folded for node in agents), "agent"),
        _many(sum(node.rounds for node in agents), "round") + " with a model",
        _many(sum(node.folded for node in tools), "tool"),
    ]
    if handoffs:
        said.append(_many(handoffs, "hand-off"))
    if loops:
        said.append(f"went back {_many(loops, 'time')}")
    if graph.at_once > 1:
        said.append(f"up to {graph.at_once} calls at once")
    return " · ".join(said)


def _many(count: int, word: str, plural: str = "") -> str:
    return f"{count:,} {word if count == 1 else plural or f'{word}s'}"


def warnings(found: Retrieval) -> list[tuple[str, str]]:
    """Return what an answer rests on badly: (icon, sentence)."""
    said = []
    if found.low_confidence:
        then = f": {found.fallback}" if found.fallback else ""
        said.append(("trending_down", f"Low confidence: no chunk was good enough{then}"))
    elif found.fallback:
        said.append(("alt_route", f"A fallback was taken: {found.fallback}"))
    if found.unfounded and found.retrieved:
        ids = _listed(found.unfounded)
        said.append(("link_off", f"The answer cites what was not retrieved: {ids}"))
    if found.retrieved and not found.cited:
        said.append(("format_quote", "The answer cites none of the documents retrieved"))
    return said


def retrieval(found: Retrieval) -> list[tuple[str, str]]:
    """Return what retrieval did: (name, value) pairs of what is known."""
    pairs = []
    if found.rewritten:
        asked = f" (from “{_cut(found.question)}”)" if found.question else ""
        pairs.append(("Searched for", f"“{_cut(found.rewritten)}”{asked}"))
    if found.filters:
        pairs.append(("Filters", _cut(found.filters)))
    took = trace_facts.milliseconds(found.search_ms)
    pairs.append(("Retrieval", f"{_many(found.searches, 'search', 'searches')}, {took}"))
    pairs.append(("Chunks", _chunks(found)))
    if found.embeds:
        cost = trace_facts.cost(found.embed_usd, found.embed_source)
        took = trace_facts.milliseconds(found.embed_ms)
        pairs.append(("Embedding", f"{_many(found.embeds, 'call')}, {took}, {cost}"))
    if found.retrieved:
        pairs.append(("Documents", _listed(found.retrieved)))
        how = "as told" if found.citations_told else "found in the answer"
        here = [one for one in found.cited if one in found.retrieved]
        cited = f"{len(here)} of {len(found.retrieved)} retrieved ({how})"
        pairs.append(("Citations", f"{cited}: {_listed(here)}" if here else cited))
    if found.low_confidence is False:
        pairs.append(("Confidence", "above the application's threshold"))
    return pairs


def _chunks(found: Retrieval) -> str:
    returned = "unknown" if found.returned is None else f"{found.returned:,}"
    injected = "not told" if found.injected is None else f"{found.injected:,}"
    return f"{returned} returned, injected into the prompt: {injected}"


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
    return ", ".join(_cut(one) for one in ids[:_MOST_IDS]) + more


def _cut(text: str | None) -> str:
    said = text or ""
    return said if len(said) <= _MOST_LETTERS else f"{said[: _MOST_LETTERS - 1]}…"
