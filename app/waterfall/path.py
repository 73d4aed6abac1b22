"""Where the time of a trace went: self times and the critical path, over indices of spans.

`starts` and `ends` are in milliseconds; `children` has for each span its children's indices.
Nothing here recurses: a runaway agent's trace may be thousands of spans deep.
"""

from collections.abc import Sequence


def self_ms(
    children: Sequence[Sequence[int]], starts: Sequence[float], ends: Sequence[float]
) -> list[float]:
    """Return for each span the time in it during which none of its children ran."""
    own: list[float] = []
    for i, below in enumerate(children):
        covered, upto = 0.0, starts[i]
        for child in sorted(below, key=starts.__getitem__):
            start, end = max(starts[child], upto), min(ends[child], ends[i])
            if end > start:
                covered += end - start
                upto = end
        own.append(max(ends[i] - starts[i] - covered, 0.0))
    return own


def critical_ms(
    children: Sequence[Sequence[int]],
    tops: Sequence[int],
    starts: Sequence[float],
    ends: Sequence[float],
) -> list[float]:
    """Return for each span how long the end of the trace waited for it itself.

    Walks back from the end: whichever child ended last before the instant looked at is what its
    parent waited for, and what no child explains is the parent's own. The parts add up to the
    time between the first start and the last end that some span covers.

    Source: https://www.usenix.org/conference/atc22/presentation/zhang-zhizhou (CRISP); unlike
    there a child that ends inside a later sibling still counts up to that sibling's start.
    """
    waited = [0.0] * len(starts)
    stack: list[tuple[int, float, float]] = []

    def walk(below: Sequence[int], start: float, end: float) -> float:
        """Push the children that were waited for, and return the time that none explains."""
        alone, cursor = 0.0, end
        # of those that end together, the longest explains most
        for child in sorted(below, key=lambda c: (-min(ends[c], end), starts[c])):
            first, last = max(starts[child], start), min(ends[child], cursor)
            if last <= first:
                continue
            alone += cursor - last
            stack.append((child, first, last))
            cursor = first
        return alone + cursor - start

    walk(tops, min(starts, default=0.0), max(ends, default=0.0))
    while stack:
        i, start, end = stack.pop()
        waited[i] += walk(children[i], start, end)
    return waited
