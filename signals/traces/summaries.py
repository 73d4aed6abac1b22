"""Spans of many traces -> lines of a list, for stores that give spans rather than sums.

The rule is the embedded store's: a request has the label of its root or, where the root does not
say, that of the longest of its other spans that does; cost and tokens by `signals.traces.costs`.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from models.vocabulary import SpanStatus
from signals.traces import ON_ANY_SPAN, Order, Span, TraceQuery, TraceSummary, people
from signals.traces.costs import trace_cost, trace_tokens
from signals.traces.narrowing import fits

FAILURES = ("error", "timeout", "rate_limited")
_LABELS = ("feature", "tenant", "model", "prompt_version", "session_id", "provider")


def by_trace(spans: Iterable[Span]) -> dict[str, list[Span]]:
    """Return `spans` by their trace's id."""
    found: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        found[span.trace_id].append(span)
    return found


def summary_of(spans: Sequence[Span]) -> TraceSummary:
    """Return the line for `spans`, at least one, all of one trace."""
    root = root_of(spans)
    cost = trace_cost(spans)
    scores = [span.eval_score for span in spans if span.eval_score is not None]
    return TraceSummary(
        trace_id=root.trace_id,
        name=root.name,
        started_at=root.started_at,
        duration_ms=root.duration_ms if root.parent_id is None else _extent_ms(spans),
        status=root.status,
        outcome=root.outcome if root.parent_id is None else None,
        tokens=trace_tokens(spans),
        cost_usd=cost.usd,
        cost_source=cost.source,
        span_count=len(spans),
        error_count=sum(span.status is SpanStatus.ERROR for span in spans),
        tools=tuple(sorted({span.tool for span in spans if span.tool})),
        worst_score=min(scores, default=None),
        weight=1,
        **{label: label_of(spans, label) for label in _LABELS},
    )


def root_of(spans: Sequence[Span]) -> Span:
    """Return the root, or the earliest span if it has not arrived; of two roots the first."""
    roots = [span for span in spans if span.parent_id is None]
    return min(roots or spans, key=lambda span: span.started_at)


def label_of(spans: Sequence[Span], label: str) -> str | None:
    """Return the value of `label`, a field of Span, for the request that `spans` are."""
    root = root_of(spans)
    own: str | None = getattr(root, label)
    if own is not None or label == "outcome":
        return own
    told = [span for span in spans if getattr(span, label) is not None]
    longest = max(told, key=lambda span: span.duration_ms, default=None)
    value: str | None = getattr(longest, label) if longest else None
    return value


def matches(spans: Sequence[Span], query: TraceQuery) -> bool:
    """Say whether the trace of `spans` is one that `query` asks for; its root has arrived."""
    root = root_of(spans)
    if root.parent_id is not None or not query.start <= root.started_at < query.end:
        return False
    if query.errors_only and not failed(root):
        return False
    if query.min_duration_ms is not None and root.duration_ms < query.min_duration_ms:
        return False
    if query.min_cost_usd is not None and (trace_cost(spans).usd or 0.0) < query.min_cost_usd:
        return False
    if not fits(spans, root, query):
        return False
    return all(_is_told(spans, name, value) for name, value in query.scope.items())


def _is_told(spans: Sequence[Span], name: str, value: str) -> bool:
    """Say whether the request has `value` under `name`; an empty one stands for none."""
    if name not in ON_ANY_SPAN:
        return (label_of(spans, name) or "") == value
    said = {getattr(span, name) for span in spans} - {None}
    if not value:
        return not said
    return value in said or (name == "user_id" and any(people.names(value, one) for one in said))


def failed(root: Span) -> bool:
    """Say whether the request of `root` failed."""
    return root.status is SpanStatus.ERROR or root.outcome in FAILURES


def listed(groups: Iterable[Sequence[Span]], query: TraceQuery, *, most: int) -> list[TraceSummary]:
    """Return the lines of those traces that match, in the order asked for, at most `most`."""
    lines = [summary_of(spans) for spans in groups if matches(spans, query)]
    return ordered(lines, query.order)[:most]


def ordered(lines: Iterable[TraceSummary], order: Order) -> list[TraceSummary]:
    """Return `lines` in the order asked for; one without a cost, or score, comes last by it."""
    newest = sorted(lines, key=lambda line: line.started_at, reverse=True)
    if order is Order.SLOWEST:
        return sorted(newest, key=lambda line: line.duration_ms, reverse=True)
    if order is Order.DEAREST:
        return sorted(newest, key=_cost, reverse=True)
    if order is Order.WORST:
        return sorted(newest, key=_score)
    return newest


def _extent_ms(spans: Sequence[Span]) -> float:
    start = min(span.started_at for span in spans)
    end = max(span.started_at + timedelta(milliseconds=span.duration_ms) for span in spans)
    return (end - start) / timedelta(milliseconds=1)


def _score(line: TraceSummary) -> float:
    return math.inf if line.worst_score is None else line.worst_score


def _cost(line: TraceSummary) -> float:
    return -1.0 if line.cost_usd is None else line.cost_usd
