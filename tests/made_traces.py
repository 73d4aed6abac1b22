"""Traces for the tests of the waterfall and its page: valid ones, to be changed in one field."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals.logs import LogRecord
from signals.traces import Span, SpanEvent, Trace

_TOOLS = (
    ("vector search", SpanKind.RETRIEVAL),
    ("execute_tool web_fetch", SpanKind.TOOL),
    ("execute_tool sql", SpanKind.TOOL),
)
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SEED_ID = "5eed" * 8
ODD_ID = "0dd" + "0" * 28 + "1"


def span(name: str, start_ms: float, duration_ms: float, **changes: Any) -> Span:
    """Return a span of the seed trace; its id comes from its name."""
    fields: dict[str, Any] = {
        "trace_id": SEED_ID,
        "span_id": span_id(name),
        "parent_id": None,
        "name": name,
        "kind": SpanKind.CHAIN,
        "service": "copilot",
        "started_at": START + timedelta(milliseconds=start_ms),
        "duration_ms": duration_ms,
        "status": SpanStatus.OK,
    }
    return Span(**{**fields, **changes})


def span_id(name: str) -> str:
    """Return 16 lower hex digits for `name`."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def paid(usd: float, source: CostSource = CostSource.REPORTED) -> dict[str, Any]:
    """Return the fields of a span that cost `usd`."""
    return {"cost_usd": usd, "cost_source": source}


def seed_trace() -> Trace:
    """Return the seeds' waterfall: 2,580 ms, 78 % of it and 99 % of the cost in the LLM call."""
    root, retrieval = span_id("HTTP request"), span_id("Retrieval")
    context: dict[str, Any] = {"feature": "chat", "tenant": "acme", "prompt_version": "v12"}
    computed = CostSource.COMPUTED
    spans = (
        span(
            "HTTP request",
            0,
            2580,
            kind=SpanKind.HTTP,
            user_id="jane@example.org",
            outcome="success",
            **context,
        ),
        span("Auth and rate limit", 0, 30, parent_id=root),
        span("Input guardrails", 30, 200, parent_id=root, kind=SpanKind.GUARDRAIL, **paid(0.0001)),
        span("Retrieval", 230, 220, parent_id=root),
        span("embed query", 230, 60, parent_id=retrieval, kind=SpanKind.EMBEDDING, **paid(0.00005)),
        span("vector search", 300, 90, parent_id=retrieval, kind=SpanKind.RETRIEVAL),
        span("rerank", 395, 50, parent_id=retrieval, kind=SpanKind.RERANK, **paid(0.00015)),
        span(
            "LLM call",
            470,
            2000,
            parent_id=root,
            kind=SpanKind.LLM,
            model="claude-opus-4",
            provider="anthropic",
            ttft_ms=412.0,
            input_tokens=1200,
            output_tokens=310,
            input_text="What does the warranty cover?",
            output_text="It covers parts for **two** years.",
            attributes={"gen_ai.request.temperature": "0.2", "retry": "0"},
            events=(SpanEvent(at=START + timedelta(milliseconds=882), name="first_token"),),
            **paid(0.025, computed),
            **context,
        ),
        span("Output guardrails", 2500, 70, parent_id=root, kind=SpanKind.GUARDRAIL, **paid(5e-5)),
    )
    return Trace(trace_id=SEED_ID, spans=spans)


def seed_lines() -> list[LogRecord]:
    """Return the log lines of the seed trace, oldest first."""
    return [
        LogRecord(
            at=START + timedelta(milliseconds=at),
            severity=severity,
            body=body,
            service="copilot",
            trace_id=SEED_ID,
            span_id=span_id(name),
        )
        for at, severity, body, name in (
            (5, "INFO", "request accepted", "HTTP request"),
            (470, "INFO", "calling claude-opus-4", "LLM call"),
            (2471, "WARN", "slow completion: 2000 ms", "LLM call"),
        )
    ]


def changed(trace: Trace, name: str, /, **changes: Any) -> Trace:
    """Return `trace` with the span called `name` changed."""
    spans = tuple(replace(s, **changes) if s.name == name else s for s in trace.spans)
    return replace(trace, spans=spans)


def moved(trace: Trace, trace_id: str, by: timedelta) -> Trace:
    """Return `trace` under another id and at another time."""
    spans = tuple(replace(s, trace_id=trace_id, started_at=s.started_at + by) for s in trace.spans)
    return replace(trace, trace_id=trace_id, spans=spans)


def odd_trace() -> Trace:
    """Return a trace with an error, an orphan, a skewed clock, markup and an unpriced call."""
    trace = moved(seed_trace(), ODD_ID, timedelta())
    trace = changed(trace, "rerank", status=SpanStatus.ERROR, status_message="503 upstream")
    trace = changed(trace, "HTTP request", status=SpanStatus.ERROR, outcome="error")
    trace = changed(trace, "Output guardrails", parent_id="f" * 16)
    trace = changed(trace, "embed query", started_at=START + timedelta(milliseconds=180))
    trace = changed(trace, "vector search", name="<b>vector</b> search")
    return changed(trace, "LLM call", cost_usd=None, cost_source=CostSource.UNPRICED)


def agent_trace(count: int, *, seed: int = 7) -> Trace:
    """Return an agent's run of `count` spans: iterations of one model call and parallel tools."""
    rng = random.Random(seed)
    trace_id = f"{count:032x}"
    spans = list(_run(count, trace_id, rng))
    end = max(s.started_at + timedelta(milliseconds=s.duration_ms) for s in spans[1:])
    root = replace(spans[0], duration_ms=(end - START) / timedelta(milliseconds=1) + 4)
    return Trace(trace_id=trace_id, spans=(root, *spans[1:]))


def _run(count: int, trace_id: str, rng: random.Random) -> Iterator[Span]:
    numbers = iter(range(count))

    def one(name: str, at: float, ms: float, **changes: Any) -> Span:
        made = f"{next(numbers) + 1:016x}"
        return replace(
            span(name, at, ms, **changes), trace_id=trace_id, span_id=changes.get("span_id", made)
        )

    made, clock = 1, 2.0
    root = one("agent run", 0, 0, kind=SpanKind.AGENT, feature="research", tenant="globex")
    yield root
    while made < count:
        tools = min(rng.randint(1, 4), max(count - made - 2, 0))
        llm_ms = rng.lognormvariate(6.6, 0.5)
        longest = max((rng.lognormvariate(4.8, 0.9) for _ in range(tools)), default=0.0)
        turn = one("iteration", clock, llm_ms + longest + 3, parent_id=root.span_id)
        yield turn
        made += 1
        if made < count:
            yield one(
                "chat claude-sonnet-4",
                clock + 1,
                llm_ms,
                parent_id=turn.span_id,
                kind=SpanKind.LLM,
                model="claude-sonnet-4",
                ttft_ms=llm_ms * 0.3,
                **paid(llm_ms * 9e-6, CostSource.COMPUTED),
            )
            made += 1
        for _ in range(tools):
            failed = rng.random() < 0.04
            tool, kind = rng.choice(_TOOLS)
            yield one(
                tool,
                clock + llm_ms + 2,
                longest * rng.uniform(0.3, 1),
                parent_id=turn.span_id,
                kind=kind,
                status=SpanStatus.ERROR if failed else SpanStatus.OK,
                status_message="upstream timed out" if failed else "",
            )
            made += 1
        clock += llm_ms + longest + 4
