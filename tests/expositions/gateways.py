"""What stands between an application and its models, and serves them: LiteLLM, Envoy, vLLM."""

from tests.expositions.text import Page
from tests.expositions.traffic import FAILED, GPT, TRAFFIC, Kind

LITELLM_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 420, 600)
GENAI_BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96,
                81.92)  # fmt: skip
TOKEN_BOUNDS = tuple(4**power for power in range(14))
VLLM_BOUNDS = (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0,
               120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0)  # fmt: skip
ODD = 'a "quoted" \\ back\nslash, {brace} ü'
NEWBORN = 20.0  # failures of a key that is a minute old, all before it was first scraped
STATUS = {"success": "200", "user_rejected": "200", "timeout": "408", "rate_limited": "429"}


def litellm() -> Page:
    """Return LiteLLM 1.109.1's metrics; a caller's key, address and the like are one value each."""
    page = Page(bounds=LITELLM_BOUNDS)
    for kind in TRAFFIC:
        who = {
            "end_user": "None",
            "hashed_api_key": "88dc28",
            "api_key_alias": f"{kind.feature}-key",
            "team": kind.tenant,
            "team_alias": kind.tenant.title(),
            "user": "default_user_id",
        }
        model = {"requested_model": kind.model, "model_id": "d1", "api_provider": "openai"}
        dated = f"{kind.model}-2026-01-01"
        status = STATUS.get(kind.outcome, "500")
        request = {**who, "requested_model": kind.model, "status_code": status,
                   "route": "/chat/completions"}  # fmt: skip
        page.count("litellm_proxy_total_requests_metric_total", request, kind.count)
        if kind.outcome in FAILED:
            failure = {**who, **model, "exception_status": status, "exception_class": "APIError"}
            page.count("litellm_proxy_failed_requests_metric_total", failure, kind.count)
        page.observe(
            "litellm_request_total_latency_metric",
            {**who, **model, "model": dated, "model_group": kind.model},
            kind.seconds, kind.count, LITELLM_BOUNDS,
        )  # fmt: skip
        full = {**who, **model, "model": dated}
        page.count("litellm_spend_metric_total", full, kind.count * kind.dollars)
        page.count("litellm_input_tokens_metric_total", full, kind.count * kind.input)
        page.count("litellm_output_tokens_metric_total", full, kind.count * kind.output)
        both = kind.count * (kind.input + kind.output)
        page.count("litellm_total_tokens_metric_total", full, both)
        # Hits and misses know the model only as it answered, so it is called the same here.
        cached = {**who, "model": kind.model, "model_id": "d1", "api_provider": "openai"}
        name = f"litellm_cache_{'hits' if kind.cached else 'misses'}_metric_total"
        page.count(name, cached, kind.count)
        status = "intervened" if kind.blocked else "success"
        guardrail = {"guardrail_name": ODD, "status": status, "hook_type": "pre_call"}
        page.count("litellm_guardrail_requests_total", guardrail, kind.count)
    return page


def newborn() -> Page:
    """Return a proxy whose first requests all failed before anybody scraped it."""
    page = Page(scrapes=2)
    for name in ("total", "failed"):
        counter, labels = f"litellm_proxy_{name}_requests_metric", {"requested_model": GPT}
        page.still(f"{counter}_total", labels, NEWBORN, kind="counter")
        page.born[f"{counter}_created", tuple(labels.items())] = 70
    return page


def envoy() -> Page:
    """Return Envoy AI gateway's metrics, with x-tenant-id mapped to tenant.id."""
    page = Page(bounds=GENAI_BOUNDS)
    for kind in TRAFFIC:
        labels = _envoy(kind, "chat")
        error = {"error_type": "_OTHER"} if kind.outcome in FAILED else {}
        name = "gen_ai_server_request_duration_seconds"
        page.observe(name, {**labels, **error}, kind.seconds, kind.count, GENAI_BOUNDS)
        tokens = {"input": kind.input, "cached_input": kind.input // 2, "output": kind.output}
        for token_type, count in tokens.items():
            if count:
                typed = {**labels, "gen_ai_token_type": token_type}
                name = "gen_ai_client_token_usage_token"
                page.observe(name, typed, count, kind.count, TOKEN_BOUNDS)
    embedded = _envoy(TRAFFIC[0], "embeddings")
    name = "gen_ai_server_request_duration_seconds"
    page.observe(name, embedded, 0.01, 500, GENAI_BOUNDS)
    return page


def _envoy(kind: Kind, operation: str) -> dict[str, str]:
    return {
        "gen_ai_operation_name": operation,
        "gen_ai_provider_name": "openai",
        "gen_ai_original_model": kind.model,
        "gen_ai_request_model": kind.model,
        "gen_ai_response_model": f"{kind.model}-2026-01-01",
        "ai_backend": "default/openai",
        "tenant_id": kind.tenant,
        "otel_scope_name": "envoyproxy/ai-gateway",
    }


def vllm() -> Page:
    """Return vLLM's metrics: one engine for each model; aborts are of clients that left."""
    page = Page(bounds=VLLM_BOUNDS)
    for kind in TRAFFIC:
        labels = {"engine": "0", "model_name": kind.model}
        failed = kind.outcome in FAILED
        for reason in ("stop", "length", "abort", "error", "repetition"):
            count = kind.count if reason == ("error" if failed else "stop") else 0
            finished = {**labels, "finished_reason": reason}
            page.count("vllm:request_success_total", finished, count)
        name = "vllm:e2e_request_latency_seconds"
        page.observe(name, labels, kind.seconds, kind.count, VLLM_BOUNDS)
        page.count("vllm:prompt_tokens_total", labels, kind.count * kind.input)
        page.count("vllm:generation_tokens_total", labels, kind.count * kind.output)
        page.still("vllm:num_requests_running", labels, 2)
    return page
