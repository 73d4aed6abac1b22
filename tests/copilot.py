"""What the tests of the copilot share: requests, what they measure, and their telemetry."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from examples.copilot.breaks import Break, conditions
from examples.copilot.middleware import RESOURCE, Telemetry
from examples.copilot.people import Crowd
from examples.copilot.pipeline import Copilot
from examples.copilot.plan import Plan
from signals.catalog import CATALOG
from signals.otlp.spans import spans_of
from signals.traces import Span

NOW = datetime(2026, 3, 14, 15, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=36_500)  # the live application has a clock of its own
FAILED = ("error", "timeout", "rate_limited")
ENOUGH = 4000


def plans(*broken: Break, count: int = ENOUGH, seed: int = 1) -> list[Plan]:
    rng = Random(seed)
    crowd, copilot, odds = Crowd(rng), Copilot(rng), conditions(broken)
    return [copilot.plan(crowd.ask(), odds, queue_depth=12) for _ in range(count)]


def measured(made: Sequence[Plan], *, queue_depth: float = 12) -> dict[str, float]:
    """The golden signals of these requests."""
    count = len(made)
    looked_up = [plan.cache_hit for plan in made if plan.cache_hit is not None]
    scores = [plan.eval_score for plan in made if plan.eval_score is not None]
    return {
        "latency_p95": float(np.quantile([plan.duration_ms / 1000 for plan in made], 0.95)),
        "error_ratio": sum(plan.outcome in FAILED for plan in made) / count,
        "cost_per_request": sum(plan.cost_usd for plan in made) / count,
        "cache_hit_ratio": sum(looked_up) / len(looked_up),
        "guardrail_ratio": sum(bool(plan.stopped_by) for plan in made) / count,
        "approval_queue_depth": queue_depth,
        "eval_score_drop": 86 - sum(scores) / len(scores),
    }


def breached(values: dict[str, float]) -> set[str]:
    """The signals beyond their alert thresholds."""
    found = set()
    for name, value in values.items():
        breach = CATALOG[name].breach
        assert breach is not None
        if (value > breach.bound) if breach.comparison == "above" else (value < breach.bound):
            found.add(name)
    return found


# What each break moves, and nothing else.
MOVES = {
    Break.SLOW_MODEL: "latency_p95",
    Break.PROVIDER_ERRORS: "error_ratio",
    Break.BROKEN_CACHE_KEYS: "cache_hit_ratio",
    Break.APPROVAL_BACKLOG: "approval_queue_depth",
    Break.EVAL_REGRESSION: "eval_score_drop",
    Break.COST_SPIKE: "cost_per_request",
    Break.GUARDRAIL_STORM: "guardrail_ratio",
}


class Kept(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class Instruments:
    """A telemetry whose spans stay here."""

    def __init__(self) -> None:
        self.registry, self.kept = CollectorRegistry(), Kept()
        tracers = TracerProvider(resource=Resource.create(RESOURCE))
        tracers.add_span_processor(self.kept)
        self.telemetry = Telemetry(
            registry=self.registry, tracers=tracers, loggers=LoggerProvider()
        )

    def record(self, made: Sequence[Plan]) -> None:
        for plan in made:
            self.telemetry.record(plan, started_ns=int(NOW.timestamp() * 1e9))

    def decoded(self) -> list[Span]:
        """What Wakeful makes of what the SDK exports."""
        request = encode_spans(self.kept.spans)
        return list(spans_of(request, now=LATER).spans)

    def total(self, sample: str, **labels: str) -> float:
        families = text_string_to_metric_families(generate_latest(self.registry).decode())
        return sum(
            s.value
            for family in families
            for s in family.samples
            if s.name == sample and labels.items() <= s.labels.items()
        )


def without_ids(span: Span) -> Span:
    parent = span.parent_id and "parent"
    return replace(span, trace_id="", span_id="", parent_id=parent)
