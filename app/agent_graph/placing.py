"""Where the nodes of a graph stand: layers, and an order within each. Pure."""

from collections.abc import Sequence

from app.agent_graph.graph import Edge, Graph


def place(graph: Graph) -> tuple[tuple[int, ...], ...]:
    """Return the nodes by layers: every edge that is no loop leads to a later layer.

    Within a layer a node stands near those that lead to it.
    """
    forward = [edge for edge in graph.edges if not edge.loop]
    layer = _layers(forward, len(graph.nodes))
    layers: list[list[int]] = [[] for _ in range(max(layer) + 1)]
    for node, number in enumerate(layer):
        layers[number].append(node)
    where = {node: float(spot) for nodes in layers for spot, node in enumerate(nodes)}
    for nodes in layers[1:]:
        nodes.sort(key=lambda node: _pull(node, forward, where))
        where |= {node: spot - (len(nodes) - 1) / 2 for spot, node in enumerate(nodes)}
    return tuple(map(tuple, layers))


def _layers(forward: Sequence[Edge], nodes: int) -> list[int]:
    """Return for each node the number of edges on the longest way to it."""
    layer = [0] * nodes
    for _ in range(nodes):  # no way without a circle is longer
        moved = False
        for edge in forward:
            if layer[edge.target] <= layer[edge.source]:
                layer[edge.target] = layer[edge.source] + 1
                moved = True
        if not moved:
            break
    return layer


def _pull(node: int, forward: Sequence[Edge], where: dict[int, float]) -> float:
    before = [where[edge.source] for edge in forward if edge.target == node]
    return sum(before) / len(before) if before else where[node]
