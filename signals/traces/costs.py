"""What a trace cost: the one rule, shared by every store and page.

A span of kind agent, chain or http may repeat what its children spent, so only spans that
themselves buy something are summed. A trace whose spans carry no price but whose root does (a
gateway that reports the bill of the whole request) costs what its root says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.vocabulary import CostSource, SpanKind
from signals.traces import Span

# Kinds that buy something: a model's tokens, a search, a paid tool. The SQL of a store says the
# same: sum over these, or else the root's.
BILLABLE = frozenset(
    {
        SpanKind.LLM,
        SpanKind.EMBEDDING,
        SpanKind.RETRIEVAL,
        SpanKind.RERANK,
        SpanKind.GUARDRAIL,
        SpanKind.EVALUATOR,
        SpanKind.TOOL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceCost:
    """What the spans of one trace cost together.

    Attributes:
        usd: The sum of the known costs; None when no span has one.
        source: The weakest provenance in the sum: unpriced before computed before reported.
            `UNPRICED` with a sum means that the trace cost at least `usd`.
        span_ids: The spans whose cost is in the sum; a share of cost makes sense for these only.
    """

    usd: float | None
    source: CostSource
    span_ids: frozenset[str]

    @property
    def at_least(self) -> bool:
        """Say whether some span used tokens without a known price, so that the sum is a floor."""
        return self.usd is not None and self.source is CostSource.UNPRICED


def trace_cost(spans: Iterable[Span]) -> TraceCost:
    """Return what `spans`, all of one trace, cost together. No price is never a price of 0."""
    held = list(spans)
    billed = [span for span in held if span.kind in BILLABLE]
    if any(span.cost_usd is not None for span in billed):
        return _sum(billed)
    roots = [span for span in held if span.parent_id is None and span.cost_usd is not None]
    return _sum(roots) if roots else _sum(billed)


def _sum(spans: Sequence[Span]) -> TraceCost:
    priced = [span for span in spans if span.cost_usd is not None]
    usd = sum(span.cost_usd for span in priced if span.cost_usd is not None)
    return TraceCost(
        usd=usd if priced else None,
        source=weakest(span.cost_source for span in spans),
        span_ids=frozenset(span.span_id for span in priced),
    )


def weakest(sources: Iterable[CostSource]) -> CostSource:
    """Return the provenance that a sum of costs of these `sources` may claim."""
    held = set(sources)
    for source in (CostSource.UNPRICED, CostSource.COMPUTED, CostSource.REPORTED):
        if source in held:
            return source
    return CostSource.NONE


def trace_tokens(spans: Iterable[Span]) -> int | None:
    """Return the input and output tokens of `spans`, all of one trace, by the rule of costs.

    None when no span says.
    """
    held = list(spans)
    billed = [span for span in held if span.kind in BILLABLE]
    counted = _tokens(billed)
    return counted if counted is not None else _tokens([s for s in held if s.parent_id is None])


def _tokens(spans: Sequence[Span]) -> int | None:
    counts = [n for span in spans for n in (span.input_tokens, span.output_tokens) if n is not None]
    return sum(counts) if counts else None
