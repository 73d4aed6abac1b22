"""From the spans of one trace to the rows of its waterfall. Pure: values in, values out.

Whatever was sent gets a row: a span whose parent never arrived stands at the top level, a cycle
of parents is cut at its earliest span, a second span under the same id is kept beside the first.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.waterfall.path import critical_ms, self_ms
from models.vocabulary import SpanStatus
from signals.traces import Span, Trace
from signals.traces.costs import TraceCost, trace_cost

# More rows help nobody and weigh 2 MB on the wire; the store may hold a runaway agent's trace.
ROW_LIMIT = 20_000

# Clocks of one machine agree to better than this; beyond it a child lies outside its parent.
SKEW_MS = 1.0

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One span, placed.

    Attributes:
        key: The span's id; with `#2` for a second, different span under the same id.
        depth: 0 at the top level.
        offset_ms: From the start of the trace.
        self_ms: Time in the span during which none of its children ran.
        critical_ms: Time the request waited for this span itself; over all rows it adds up to
            the trace's duration, but for gaps between top-level spans.
        time_share: The span's duration in the trace's, [0, 1].
        cost_share: The span's cost in the trace's, [0, 1]; None when it is not part of the sum, or
            the sum is a floor: a share of an unknown whole would count the rest as free.
        summed: Its cost is part of the trace's cost.
        orphan: Its parent has not arrived (yet).
        cyclic: Its parents form a circle, which was cut here.
        skewed: It lies outside its parent by more than a millisecond.
        slowest, dearest: It has the largest self time, the largest cost of the trace.
    """

    span: Span
    key: str
    depth: int
    offset_ms: float
    self_ms: float
    critical_ms: float
    time_share: float
    cost_share: float | None
    summed: bool = False
    orphan: bool = False
    cyclic: bool = False
    skewed: bool = False
    slowest: bool = False
    dearest: bool = False

    @property
    def failed(self) -> bool:
        """Say whether the span ended in an error."""
        return self.span.status is SpanStatus.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """A trace, laid out.

    Attributes:
        rows: In display order: parents before their children, siblings by start.
        duration_ms: From the first start to the last end of the spans drawn.
        cost: Of all spans, drawn or not.
        span_count: Of all spans, drawn or not.
        cut: The store holds more spans than it gave.
    """

    trace_id: str
    rows: tuple[Row, ...]
    started_at: datetime | None
    duration_ms: float
    cost: TraceCost
    span_count: int
    cut: bool = False

    @property
    def root(self) -> Row:
        """Return the row that stands for the request: the first without a parent, else the first.

        Raises:
            IndexError: There are no rows.
        """
        return next((row for row in self.rows if row.span.parent_id is None), self.rows[0])

    @property
    def error_count(self) -> int:
        """Return how many of the spans drawn failed."""
        return sum(row.failed for row in self.rows)

    @property
    def note(self) -> str | None:
        """Return the sentence that must stand above a trace that was cut, or None."""
        if self.span_count > ROW_LIMIT:
            return (
                f"This trace has {self.span_count:,} spans. The {ROW_LIMIT:,} that started first "
                "are drawn; the cost is that of all, but a span's own time is too long where its "
                "children are missing."
            )
        if self.cut:
            return (
                f"This trace has more spans than its store gives at once. The {self.span_count:,} "
                "that started first are drawn; the cost is theirs alone, and a span's own time is "
                "too long where its children are missing."
            )
        return None

    def row(self, key: str) -> Row | None:
        """Return the row with `key`, or None if it is not drawn."""
        return next((row for row in self.rows if row.key == key), None)


@dataclass(slots=True)
class _Tree:
    """Indices into a list of spans, -1 for none; `order` has every span once, parents first."""

    parents: list[int]
    children: list[list[int]]
    tops: list[int] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    orphans: set[int] = field(default_factory=set)
    cyclic: set[int] = field(default_factory=set)


def lay_out(trace: Trace) -> Waterfall:
    """Return the waterfall of `trace`; the earliest `ROW_LIMIT` spans if it has more."""
    spans, keys = _distinct(trace.spans)
    count, cost = len(spans), trace_cost(spans)
    by_start = sorted(range(count), key=lambda i: spans[i].started_at)[:ROW_LIMIT]
    spans, keys = [spans[i] for i in by_start], [keys[i] for i in by_start]
    if not spans:
        return _empty(trace.trace_id, cost)
    started_at = spans[0].started_at
    starts = [(span.started_at - started_at) / _MILLISECOND for span in spans]
    ends = [start + span.duration_ms for start, span in zip(starts, spans, strict=True)]
    tree = _grow(spans)
    rows = _rows(spans, keys, tree, starts, ends, cost)
    return Waterfall(
        trace_id=trace.trace_id,
        rows=rows,
        started_at=started_at,
        duration_ms=max(ends),
        cost=cost,
        span_count=count,
        cut=trace.cut,
    )


def _empty(trace_id: str, cost: TraceCost) -> Waterfall:
    return Waterfall(
        trace_id=trace_id, rows=(), started_at=None, duration_ms=0.0, cost=cost, span_count=0
    )


def _distinct(sent: Sequence[Span]) -> tuple[list[Span], list[str]]:
    """Return the spans without repetitions, and a key for each that is unique."""
    seen: set[tuple[object, ...]] = set()
    namesakes: Counter[str] = Counter()
    spans: list[Span] = []
    keys: list[str] = []
    for span in sent:
        mark = (span.span_id, span.parent_id, span.name, span.started_at, span.duration_ms)
        if mark in seen:
            continue
        seen.add(mark)
        spans.append(span)
        namesakes[span.span_id] += 1
        number = namesakes[span.span_id]
        keys.append(span.span_id if number == 1 else f"{span.span_id}#{number}")
    return spans, keys


def _grow(spans: Sequence[Span]) -> _Tree:
    """Return the tree of `spans`, which are sorted by start."""
    index: dict[str, int] = {}
    for i, span in enumerate(spans):
        index.setdefault(span.span_id, i)
    tree = _Tree(parents=[-1] * len(spans), children=[[] for _ in spans])
    for i, span in enumerate(spans):
        parent = index.get(span.parent_id, -1) if span.parent_id else -1
        if parent not in (-1, i):
            tree.parents[i] = parent
            tree.children[parent].append(i)
        else:
            tree.tops.append(i)
            if parent == i:
                tree.cyclic.add(i)
            elif span.parent_id:
                tree.orphans.add(i)
    tree.depths = [-1] * len(spans)
    for i in tree.tops:
        _descend(tree, i)
    for i in range(len(spans)):
        if tree.depths[i] < 0:  # only reachable from itself: cut the circle at its earliest span
            _cut(tree, i)
    if tree.cyclic:
        _reorder(tree)
    return tree


def _descend(tree: _Tree, top: int) -> None:
    stack = [(top, 0)]
    while stack:
        i, depth = stack.pop()
        tree.order.append(i)
        tree.depths[i] = depth
        stack.extend((child, depth + 1) for child in reversed(tree.children[i]))


def _cut(tree: _Tree, i: int) -> None:
    """Make the earliest span of the circle that `i` hangs from a top, and walk its tree."""
    top = min(_circle(tree, _circle(tree, i)[-1]))
    tree.children[tree.parents[top]].remove(top)
    tree.parents[top] = -1
    tree.tops.append(top)
    tree.cyclic.add(top)
    _descend(tree, top)


def _circle(tree: _Tree, i: int) -> list[int]:
    """Return `i` and its ancestors up to the first that comes again; the last is in a circle."""
    met: dict[int, None] = {}
    while i not in met:
        met[i] = None
        i = tree.parents[i]
    return list(met)


def _reorder(tree: _Tree) -> None:
    """Put the tops that cuts added in their place by start."""
    tree.tops.sort()
    tree.order.clear()
    for top in tree.tops:
        _descend(tree, top)


def _rows(
    spans: Sequence[Span],
    keys: Sequence[str],
    tree: _Tree,
    starts: Sequence[float],
    ends: Sequence[float],
    cost: TraceCost,
) -> tuple[Row, ...]:
    duration = max(ends)
    own = self_ms(tree.children, starts, ends)
    waited = critical_ms(tree.children, tree.tops, starts, ends)
    slowest = max(range(len(spans)), key=own.__getitem__) if duration > 0 else None
    summed = [span.cost_usd is not None and span.span_id in cost.span_ids for span in spans]
    whole = cost.usd if not cost.at_least else None
    shares = [
        span.cost_usd / whole if whole and span.cost_usd is not None and part else None
        for span, part in zip(spans, summed, strict=True)
    ]
    dearest = max(range(len(spans)), key=lambda i: shares[i] or 0.0)
    return tuple(
        Row(
            span=spans[i],
            key=keys[i],
            depth=tree.depths[i],
            offset_ms=starts[i],
            self_ms=own[i],
            critical_ms=waited[i],
            time_share=spans[i].duration_ms / duration if duration > 0 else 0.0,
            cost_share=shares[i],
            summed=summed[i],
            orphan=i in tree.orphans,
            cyclic=i in tree.cyclic,
            skewed=_outside(i, tree.parents[i], starts, ends),
            slowest=i == slowest,
            dearest=i == dearest and bool(shares[i]),
        )
        for i in tree.order
    )


def _outside(child: int, parent: int, starts: Sequence[float], ends: Sequence[float]) -> bool:
    if parent < 0:
        return False
    return starts[child] < starts[parent] - SKEW_MS or ends[child] > ends[parent] + SKEW_MS
