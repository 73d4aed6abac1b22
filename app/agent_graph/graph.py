"""From the rows of a waterfall to the graph of the agents in it. Pure: values in, values out.

Steps are what an agent did: model calls, tools, searches, other agents; spans of other kinds, such
as the iterations of a framework, are looked through. Steps of one name are one node. An edge says
that a step began when another had just ended, or that one was begun by the other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.waterfall.layout import Row
from models.vocabulary import SpanKind

MOST_NODES = 16  # that have a name of their own; what is called rarely is folded, kind by kind
_STEPS = frozenset(
    {
        SpanKind.AGENT,
        SpanKind.LLM,
        SpanKind.TOOL,
        SpanKind.RETRIEVAL,
        SpanKind.EMBEDDING,
        SpanKind.RERANK,
        SpanKind.GUARDRAIL,
        SpanKind.EVALUATOR,
    }
)
_PLURALS = {SpanKind.LLM: "model calls", SpanKind.RETRIEVAL: "retrievals"}
# Something that took no time still came before what began at its end.
_INSTANT_MS = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """All steps of one name.

    Attributes:
        total_ms: Added up, so that two at once count twice.
        cost_usd: Of the steps themselves; None when none of them is part of the trace's cost.
        at_once: The most of them that ran at the same time under one agent.
        rounds: Of an agent: how often it went to a model, calls at the same time counting once.
        row_key: The row of the first that failed, or else of the first.
        folded: How many names it stands for.
    """

    label: str
    kind: SpanKind
    calls: int
    errors: int
    total_ms: float
    cost_usd: float | None
    at_once: int
    rounds: int
    row_key: str
    folded: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """How often a step of `target` came directly after, or was begun by, one of `source`.

    Attributes:
        source, target: Places in `Graph.nodes`.
        begun: It was begun by it, rather than after it.
        handoff: An agent took over.
        loop: It goes back to what had been there before, and from there leads here again. Without
            these edges the graph has no circle.
    """

    source: int
    target: int
    count: int
    begun: bool
    handoff: bool
    loop: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The run of all agents of a trace; `nodes` are in the order of their first step.

    Attributes:
        at_once: The most steps that ran at the same time under one agent.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    at_once: int


@dataclass(slots=True, kw_only=True)
class _Step:
    row: Row
    owner: int  # place among the steps; -1 for an agent that nothing in the graph began
    node: int = 0

    @property
    def start(self) -> float:
        return self.row.offset_ms

    @property
    def end(self) -> float:
        return self.row.offset_ms + max(self.row.span.duration_ms, _INSTANT_MS)


def graph_of(rows: Sequence[Row]) -> Graph | None:
    """Return the graph of the agents in `rows`, in display order; None unless one did something."""
    steps = _steps(rows)
    if all(step.owner < 0 for step in steps):
        return None
    names = _fold(steps)
    siblings: dict[int, list[_Step]] = defaultdict(list)
    for step in steps:
        siblings[step.owner].append(step)
    pairs: Counter[tuple[int, int, bool]] = Counter()
    at_once: Counter[int] = Counter()
    rounds: Counter[int] = Counter()
    most = 1
    for owner, inside in siblings.items():
        pairs.update(_pairs(steps[owner].node if owner >= 0 else None, inside))
        together, all_together = _together(inside)
        at_once |= together
        if owner >= 0:
            most = max(most, all_together)
            rounds[steps[owner].node] += _rounds(inside)
    return Graph(
        nodes=_nodes(steps, names, at_once, rounds),
        edges=_edges(pairs, [kind for kind, _ in names]),
        at_once=most,
    )


def _steps(rows: Sequence[Row]) -> list[_Step]:
    steps: list[_Step] = []
    above: list[tuple[int, int]] = []  # depth, and the step that things below it belong to
    for row in rows:
        while above and above[-1][0] >= row.depth:
            above.pop()
        owner = above[-1][1] if above else -1
        kind = row.span.kind
        if kind is SpanKind.AGENT or (owner >= 0 and kind in _STEPS):
            steps.append(_Step(row=row, owner=owner))
            owner = len(steps) - 1
        above.append((row.depth, owner))
    return steps


def _label(row: Row) -> str:
    span = row.span
    if span.kind is SpanKind.TOOL and span.tool:
        return span.tool
    if span.kind is SpanKind.AGENT:
        return span.attributes.get("gen_ai.agent.name") or span.attributes.get(
            "agent.name", span.name
        )
    return span.name


def _fold(steps: Sequence[_Step]) -> list[tuple[SpanKind, frozenset[str]]]:
    """Give each step its node; return the nodes' kinds and labels, by their first steps."""
    named = [(step.row.span.kind, _label(step.row)) for step in steps]
    frequent = {name for name, _ in Counter(named).most_common(MOST_NODES)}
    places: dict[tuple[SpanKind, str | None], int] = {}
    labels: list[tuple[SpanKind, set[str]]] = []
    for step, (kind, label) in zip(steps, named, strict=True):
        name = (kind, label if (kind, label) in frequent else None)
        if name not in places:
            places[name] = len(labels)
            labels.append((kind, set()))
        step.node = places[name]
        labels[step.node][1].add(label)
    return [(kind, frozenset(told)) for kind, told in labels]


def _pairs(owner: int | None, inside: Sequence[_Step]) -> Iterator[tuple[int, int, bool]]:
    """Yield (source, target, begun) for each step: what had ended when it began, and lately.

    Lately means that nothing else fits in between. Of the steps that ended before one begins,
    those are the ones that end after the last of them had begun, so both edges of that window
    only move forward.
    """
    ended = sorted(inside, key=lambda step: step.end)
    window: Counter[int] = Counter()
    first = last = 0
    began = float("-inf")
    for step in sorted(inside, key=lambda step: step.start):
        while last < len(ended) and ended[last].end <= step.start:
            window[ended[last].node] += 1
            began = max(began, ended[last].start)
            last += 1
        while first < last and ended[first].end <= began:
            window[ended[first].node] -= 1
            first += 1
        before = [node for node, held in window.items() if held]
        yield from ((node, step.node, False) for node in before)
        if not before and owner is not None:
            yield owner, step.node, True


def _together(inside: Sequence[_Step]) -> tuple[Counter[int], int]:
    """Return for each node the most of its steps at one time, and the most of all."""
    moments = sorted(
        [(step.start, 1, step.node) for step in inside]
        + [(step.end, -1, step.node) for step in inside],
        key=lambda moment: moment[:2],
    )
    running: Counter[int] = Counter()
    most: Counter[int] = Counter()
    now = at_most = 0
    for _, change, node in moments:
        running[node] += change
        now += change
        most[node] = max(most[node], running[node])
        at_most = max(at_most, now)
    return most, at_most


def _rounds(inside: Sequence[_Step]) -> int:
    found, until = 0, float("-inf")
    for step in sorted(inside, key=lambda step: step.start):
        if step.row.span.kind is SpanKind.LLM:
            found += step.start >= until
            until = max(until, step.end)
    return found


def _nodes(
    steps: Sequence[_Step],
    names: Sequence[tuple[SpanKind, frozenset[str]]],
    at_once: Mapping[int, int],
    rounds: Mapping[int, int],
) -> tuple[Node, ...]:
    found: list[Node] = []
    of_node: dict[int, list[Row]] = defaultdict(list)
    for step in steps:
        of_node[step.node].append(step.row)
    for place, (kind, labels) in enumerate(names):
        rows = of_node[place]
        costs = [row.span.cost_usd for row in rows if row.summed and row.span.cost_usd is not None]
        failed = [row for row in rows if row.failed]
        found.append(
            Node(
                label=_named(kind, labels),
                kind=kind,
                calls=len(rows),
                errors=len(failed),
                total_ms=sum(row.span.duration_ms for row in rows),
                cost_usd=sum(costs) if costs else None,
                at_once=at_once[place],
                rounds=rounds[place],
                row_key=(failed or rows)[0].key,
                folded=len(labels),
            )
        )
    return tuple(found)


def _named(kind: SpanKind, labels: frozenset[str]) -> str:
    if len(labels) == 1:
        return next(iter(labels))
    return f"{len(labels)} other {_PLURALS.get(kind, f'{kind.value}s')}"


def _edges(
    pairs: Mapping[tuple[int, int, bool], int], kinds: Sequence[SpanKind]
) -> tuple[Edge, ...]:
    reached = _reached({(source, target) for source, target, _ in pairs}, len(kinds))
    plain = [
        Edge(
            source=source,
            target=target,
            count=number,
            begun=begun,
            handoff=kinds[target] is SpanKind.AGENT,
            loop=False,
        )
        for (source, target, begun), number in sorted(pairs.items())
    ]
    return tuple(
        replace(edge, loop=edge.target <= edge.source and edge.source in reached[edge.target])
        for edge in plain
    )


def _reached(pairs: set[tuple[int, int]], nodes: int) -> list[set[int]]:
    """Return for each node those that a path leads to from it, itself included."""
    after: dict[int, list[int]] = defaultdict(list)
    for source, target in pairs:
        after[source].append(target)
    found = []
    for node in range(nodes):
        seen, waiting = {node}, [node]
        while waiting:
            for target in after[waiting.pop()]:
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
        found.append(seen)
    return found
