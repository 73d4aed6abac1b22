"""The only instrumentation of the copilot: one code path emits metrics, spans and log lines.

Metric labels are enums (feature, model, outcome …), never a user or a tenant: those stand on spans
and log lines, joined by trace_id. Source: "Observability in Production", sections 4 and 6.
"""

import json
import time
from typing import TextIO

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    TracerProvider,
    set_span_in_context,
)
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from examples.copilot.people import FEATURES
from examples.copilot.plan import Plan, Value, shared
from examples.copilot.prompts import CANDIDATE, CURRENT

SERVICE = "copilot"
RESOURCE = {
    "service.name": SERVICE,
    "service.instance.id": "copilot-1",
    "deployment.environment.name": "production",
}
SCOPE = "llm.middleware"
OUTCOMES = ("success", "error", "timeout", "rate_limited", "user_rejected")
# Fine around 3.5 and 5 s, where the target and the alert threshold of p95 are.
BUCKETS = (0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 10, 15, 20, 30, 60)
NANOSECONDS = 1_000_000


class Metrics:
    """The copilot's metrics, every series there from the start: a first error is an increase."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "llm_requests", "Requests", ["feature", "model", "outcome"], registry=registry
        )
        self.latency = Histogram(
            "llm_latency_seconds",
            "From gateway to last token",
            ["feature", "model"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.cost = Counter(
            "llm_cost_usd", "Spend by the price list", ["feature", "model"], registry=registry
        )
        self.tokens = Counter(
            "llm_tokens", "Tokens", ["feature", "model", "direction"], registry=registry
        )
        self.cache = Counter(
            "llm_cache_requests", "Cache lookups", ["feature", "result"], registry=registry
        )
        self.guardrails = Counter(
            "llm_guardrail_checks",
            "Requests, by the guardrail that decided and its verdict",
            ["feature", "guardrail", "verdict"],
            registry=registry,
        )
        self.queue = Gauge(
            "llm_approval_queue_depth", "Tool calls waiting for a human", registry=registry
        )
        self.evals = Summary(
            "llm_eval_score_points",
            "Judged answers, out of 100",
            ["feature", "prompt_version"],
            registry=registry,
        )
        for feature in FEATURES.values():
            self._prepare(feature.name, feature.model.name)

    def _prepare(self, feature: str, model: str) -> None:
        for outcome in OUTCOMES:
            self.requests.labels(feature, model, outcome)
        self.latency.labels(feature, model)
        self.cost.labels(feature, model)
        for direction in ("input", "output"):
            self.tokens.labels(feature, model, direction)
            self.guardrails.labels(feature, direction, "block")
        self.guardrails.labels(feature, "output", "pass")
        for result in ("hit", "miss"):
            self.cache.labels(feature, result)
        for prompt in (CURRENT, CANDIDATE):
            self.evals.labels(feature, prompt.version)

    def record(self, plan: Plan, trace_id: str) -> None:
        """Count one request."""
        feature, model = plan.request.feature.name, plan.request.feature.model.name
        self.requests.labels(feature, model, plan.outcome).inc()
        self.latency.labels(feature, model).observe(
            plan.duration_ms / 1000, exemplar={"trace_id": trace_id}
        )
        self.cost.labels(feature, model).inc(plan.cost_usd)
        self.tokens.labels(feature, model, "input").inc(plan.input_tokens)
        self.tokens.labels(feature, model, "output").inc(plan.output_tokens)
        if plan.cache_hit is not None:
            self.cache.labels(feature, "hit" if plan.cache_hit else "miss").inc()
        # Once per request, for the verdict on the request: blocks / all is the share stopped.
        verdict = "block" if plan.stopped_by else "pass"
        self.guardrails.labels(feature, plan.stopped_by or "output", verdict).inc()
        if plan.eval_score is not None:
            self.evals.labels(feature, plan.request.prompt.version).observe(plan.eval_score)


class Telemetry:
    """Metrics, spans and log lines of the copilot."""

    def __init__(
        self,
        *,
        registry: CollectorRegistry,
        tracers: TracerProvider,
        loggers: LoggerProvider,
        out: TextIO | None = None,
    ) -> None:
        """Send to the given providers; `out` also gets every log line, as JSON."""
        self.registry = registry
        self.metrics = Metrics(registry)
        self._tracer = tracers.get_tracer(SCOPE)
        self._logger = loggers.get_logger(SCOPE)
        self._out = out

    def record(self, plan: Plan, *, started_ns: int) -> str:
        """Emit all three signals of one request; return its trace_id."""
        spans = self._spans(plan, started_ns)
        context = set_span_in_context(spans[0])
        trace_id = f"{spans[0].get_span_context().trace_id:032x}"
        self.metrics.record(plan, trace_id)
        ended_ns = started_ns + round(plan.duration_ms * NANOSECONDS)
        for at_ns, level, message, attributes in log_lines(plan, started_ns, ended_ns):
            self._log(at_ns, level, message, attributes | {"trace_id": trace_id}, context)
        return trace_id

    def _spans(self, plan: Plan, started_ns: int) -> list[Span]:
        spans: list[Span] = []
        for step in plan.steps:
            begun = started_ns + round(step.start_ms * NANOSECONDS)
            parent = Context() if step.parent is None else set_span_in_context(spans[step.parent])
            span = self._tracer.start_span(
                step.name,
                context=parent,
                kind=SpanKind.SERVER if step.parent is None else SpanKind.INTERNAL,
                attributes=step.attributes,
                start_time=begun,
            )
            for happening in step.happenings:
                at = started_ns + round(happening.at_ms * NANOSECONDS)
                span.add_event(happening.name, happening.attributes, timestamp=at)
            if step.error:
                span.set_status(Status(StatusCode.ERROR, step.error))
            span.end(end_time=begun + round(step.duration_ms * NANOSECONDS))
            spans.append(span)
        return spans

    def _log(
        self, at_ns: int, level: str, message: str, attributes: dict[str, Value], context: Context
    ) -> None:
        if self._out is not None:
            line = {"ts": at_ns / 1e9, "level": level, "msg": message, **attributes}
            print(json.dumps(line), file=self._out, flush=True)
        self._logger.emit(
            LogRecord(
                timestamp=at_ns,
                observed_timestamp=at_ns,
                context=context,
                severity_text=level,
                severity_number=SeverityNumber[level],
                body=message,
                attributes=attributes,
            )
        )


def log_lines(
    plan: Plan, started_ns: int, ended_ns: int
) -> list[tuple[int, str, str, dict[str, Value]]]:
    """Return the (time, level, message, attributes) of what a request logs, oldest first."""
    request, dimensions = plan.request, shared(plan.request)
    asked = dimensions | {"turn": request.turn, "question": request.question}
    lines: list[tuple[int, str, str, dict[str, Value]]] = [
        (started_ns, "INFO", "request accepted", asked)
    ]
    if plan.stopped_by:
        stopped = dimensions | {"guardrail": plan.stopped_by}
        lines.append((ended_ns, "WARN", "stopped by a guardrail", stopped))
    for step in plan.steps[1:]:
        if step.error:
            failed = dimensions | {"step": step.name, "error.type": step.error}
            lines.append((ended_ns, "ERROR", "step failed", failed))
    done: dict[str, Value] = {
        "model": request.feature.model.name,
        "inputTokens": plan.input_tokens,
        "outputTokens": plan.output_tokens,
        "latencyMs": round(plan.duration_ms, 1),
        "costUsd": round(plan.cost_usd, 6),
        "outcome": plan.outcome,
    }
    lines.append((ended_ns, "INFO", "llm.request", dimensions | done))
    return lines


class Instrumented:
    """ASGI middleware: records each request whose endpoint left a Plan, once it is answered."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and record what it left in `scope["state"]["plan"]`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_ns = time.time_ns()
        state = scope.setdefault("state", {})

        async def tell(message: Message) -> None:
            plan = state.get("plan")
            if message["type"] == "http.response.start" and plan is not None:
                trace_id = self._telemetry.record(plan, started_ns=started_ns)
                message["headers"] = [*message["headers"], (b"x-trace-id", trace_id.encode())]
            await send(message)

        await self._app(scope, receive, tell)
