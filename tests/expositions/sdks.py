"""Instrumented applications, translated to Prometheus: OpenTelemetry, OpenLIT, OpenLLMetry."""

from tests.expositions.gateways import GENAI_BOUNDS, TOKEN_BOUNDS
from tests.expositions.text import Page
from tests.expositions.traffic import FAILED, TRAFFIC, Kind

DURATION, TOKENS = "gen_ai_client_operation_duration_seconds", "gen_ai_client_token_usage"
ERRORS = {"error": "InternalServerError", "timeout": "APITimeoutError",
          "rate_limited": "RateLimitError"}  # fmt: skip
DOLLAR_BOUNDS = (0, 0.001, 0.005, 0.01, 0.05, 0.1)


def otel() -> Page:
    """Return semantic conventions 1.41.1: globex still runs an SDK that says gen_ai.system."""
    page = Page(bounds=GENAI_BOUNDS)
    for kind in TRAFFIC:
        provider = "gen_ai_provider_name" if kind.tenant == "acme" else "gen_ai_system"
        labels = {
            "gen_ai_operation_name": "chat",
            provider: "openai",
            "gen_ai_request_model": kind.model,
            "gen_ai_response_model": f"{kind.model}-2026-01-01",
            "service_name": kind.feature,
            "tenant_id": kind.tenant,
        }
        _record(page, kind, labels)
    agent = {"gen_ai_operation_name": "invoke_agent", "service_name": "chat"}
    page.observe(DURATION, agent, 40.0, 90, GENAI_BOUNDS)
    return page


def openlit() -> Page:
    """Return OpenLIT's: the conventions', and the dollars of each call."""
    page = Page(bounds=GENAI_BOUNDS)
    for kind in TRAFFIC:
        labels = {
            "telemetry_sdk_name": "openlit",
            "service_name": kind.feature,
            "deployment_environment": "production",
            "gen_ai_operation_name": "chat",
            "gen_ai_provider_name": "openai",
            "gen_ai_request_model": kind.model,
            "server_address": "api.openai.com",
            "server_port": "443",
            "gen_ai_response_model": f"{kind.model}-2026-01-01",
        }
        _record(page, kind, labels)
        error = {"error_type": ERRORS[kind.outcome]} if kind.outcome in FAILED else {}
        name = "gen_ai_usage_cost_USD"
        page.observe(name, {**labels, **error}, kind.dollars, kind.count, DOLLAR_BOUNDS)
    return page


def openllmetry() -> Page:
    """Return OpenLLMetry's: a call that failed carries its error and nothing else."""
    page = Page(bounds=GENAI_BOUNDS)
    for kind in TRAFFIC:
        labels = {
            "gen_ai_system": "openai",
            "gen_ai_response_model": kind.model,
            "gen_ai_operation_name": "chat",
            "server_address": "https://api.openai.com/v1/",
            "stream": "False",
        }
        if kind.outcome in FAILED:
            error = {"error_type": ERRORS[kind.outcome]}
            page.observe(DURATION, error, kind.seconds, kind.count, GENAI_BOUNDS)
            page.count("llm_openai_chat_completions_exceptions_total", error, kind.count)
            continue
        _record(page, kind, labels)
        chosen = {**labels, "gen_ai_response_finish_reason": "stop"}
        page.count("gen_ai_client_generation_choices_total", chosen, kind.count)
    return page


def _record(page: Page, kind: Kind, labels: dict[str, str]) -> None:
    error = {"error_type": ERRORS[kind.outcome]} if kind.outcome in FAILED else {}
    page.observe(DURATION, {**labels, **error}, kind.seconds, kind.count, GENAI_BOUNDS)
    for token_type, count in (("input", kind.input), ("output", kind.output)):
        if count:
            typed = {**labels, "gen_ai_token_type": token_type}
            page.observe(TOKENS, typed, count, kind.count, TOKEN_BOUNDS)
