"""Applications that count their own requests, in the seeds' three ways."""

from tests.expositions.text import Page
from tests.expositions.traffic import TRAFFIC

CLIENT_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
OTEL_BOUNDS = (0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000)
QUEUE = {"a": 3.0, "b": 8.0}
POINTS = 82.0


def seeds() -> Page:
    """Return what the middleware of `examples/copilot` exposes."""
    page = Page(bounds=CLIENT_BOUNDS)
    for kind in TRAFFIC:
        both = {"feature": kind.feature, "model": kind.model}
        page.count("llm_requests_total", {**both, "outcome": kind.outcome}, kind.count)
        page.observe("llm_latency_seconds", both, kind.seconds, kind.count, CLIENT_BOUNDS)
        page.count("llm_cost_usd_total", both, kind.count * kind.dollars)
        for direction, tokens in (("input", kind.input), ("output", kind.output)):
            page.count("llm_tokens_total", {**both, "direction": direction}, kind.count * tokens)
        alone = {"feature": kind.feature}
        result = "hit" if kind.cached else "miss"
        page.count("llm_cache_requests_total", {**alone, "result": result}, kind.count)
        verdict = "block" if kind.blocked else "pass"
        checked = {**alone, "guardrail": "injection", "verdict": verdict}
        page.count("llm_guardrail_checks_total", checked, kind.count)
    for instance, depth in QUEUE.items():
        page.still("llm_approval_queue_depth", {"replica": instance}, depth)
    scored = {"feature": "chat", "prompt_version": "2.0.0"}
    page.count("llm_eval_score_points_sum", scored, 3 * POINTS, kind="summary")
    page.count("llm_eval_score_points_count", scored, 3, kind="summary")
    return page


def calls() -> Page:
    """Return two metrics of prometheus_client, as "Observability in Production" makes them."""
    page = Page(bounds=CLIENT_BOUNDS)
    words = {"success": "ok"}
    for kind in TRAFFIC:
        status = words.get(kind.outcome, kind.outcome)
        page.count("llm_calls_total", {"model": kind.model, "status": status}, kind.count)
        labels = {"model": kind.model}
        page.observe("llm_latency_seconds", labels, kind.seconds, kind.count, CLIENT_BOUNDS)
    return page


def middleware_otel() -> Page:
    """Return five OpenTelemetry instruments with the SDK's default buckets, translated.

    The latency is in milliseconds.
    """
    page = Page(bounds=[bound / 1000 for bound in OTEL_BOUNDS])
    for kind in TRAFFIC:
        labels = {"feature": kind.feature, "tenant_id": kind.tenant, "model": kind.model}
        page.count("llm_requests_total", labels, kind.count)
        page.count("llm_tokens_total", labels, kind.count * (kind.input + kind.output))
        page.count("llm_cost_usd_total", labels, kind.count * kind.dollars)
        page.observe("llm_latency_ms", labels, kind.seconds * 1000, kind.count, OTEL_BOUNDS)
        if kind.outcome in ("error", "timeout", "rate_limited"):
            page.count("llm_errors_total", {**labels, "type": kind.outcome}, kind.count)
    return page
