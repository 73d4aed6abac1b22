"""Every convention's names arrive in the same fields."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.vocabulary import SpanKind, SpanStatus
from signals import attributes, prices
from signals.otlp.meaning import kind_of, outcome_of


def _langfuse(message: str) -> dict[str, str]:
    return {"langfuse.observation.status_message": message}


ALIASES: list[tuple[str, str, Any, str, Any]] = [
    ("OTel", "gen_ai.conversation.id", "c1", "session_id", "c1"),
    ("OTel", "gen_ai.provider.name", "openai", "provider", "openai"),
    ("OTel, deprecated", "gen_ai.system", "openai", "provider", "openai"),
    ("OTel", "gen_ai.request.model", "gpt-4o", "model", "gpt-4o"),
    ("OTel", "gen_ai.response.model", "gpt-4o-2024-08-06", "model", "gpt-4o-2024-08-06"),
    ("OTel", "gen_ai.usage.input_tokens", 12, "input_tokens", 12),
    ("OTel, as text", "gen_ai.usage.input_tokens", "12", "input_tokens", 12),
    ("OTel", "gen_ai.usage.output_tokens", 7, "output_tokens", 7),
    ("OTel, deprecated", "gen_ai.usage.prompt_tokens", 12, "input_tokens", 12),
    ("OTel, deprecated", "gen_ai.usage.completion_tokens", 7, "output_tokens", 7),
    ("OTel", "gen_ai.usage.cache_read.input_tokens", 5, "cache_read_tokens", 5),
    ("OTel", "gen_ai.usage.cache_creation.input_tokens", 5, "cache_write_tokens", 5),
    ("OTel", "gen_ai.usage.reasoning.output_tokens", 3, "reasoning_tokens", 3),
    ("OTel", "gen_ai.response.time_to_first_chunk", 0.25, "ttft_ms", 250.0),
    ("OTel", "gen_ai.tool.name", "close_ticket", "tool", "close_ticket"),
    ("OTel", "gen_ai.prompt.name", "greeting", "prompt_name", "greeting"),
    ("OTel", "gen_ai.workflow.name", "support", "feature", "support"),
    ("OTel", "gen_ai.input.messages", "[]", "input_text", "[]"),
    ("OTel", "gen_ai.output.messages", [{"role": "a"}], "output_text", '[{"role": "a"}]'),
    ("OTel", "gen_ai.tool.call.arguments", '{"id": 1}', "input_text", '{"id": 1}'),
    ("OTel", "gen_ai.evaluation.name", "relevance", "eval_name", "relevance"),
    ("OTel", "gen_ai.evaluation.score.value", 0.8, "eval_score", 80.0),
    ("OTel", "gen_ai.evaluation.score.label", "pass", "eval_score", 100.0),
    ("OTel", "deployment.environment.name", "prod", "environment", "prod"),
    ("OTel", "user.id", "u1", "user_id", "u1"),
    ("OTel, draft", "gen_ai.security.guardrail.name", "pii", "guardrail", "pii"),
    ("OTel, draft", "gen_ai.security.verdict.action", "deny", "guardrail_triggered", True),
    ("OTel, draft", "gen_ai.security.verdict.action", "allow", "guardrail_triggered", False),
    ("OpenInference", "session.id", "s1", "session_id", "s1"),
    ("OpenInference", "llm.model_name", "gpt-4o", "model", "gpt-4o"),
    ("OpenInference", "embedding.model_name", "e3", "model", "e3"),
    ("OpenInference", "llm.provider", "openai", "provider", "openai"),
    ("OpenInference", "llm.token_count.prompt", 12, "input_tokens", 12),
    ("OpenInference", "llm.token_count.completion", 7, "output_tokens", 7),
    ("OpenInference", "llm.token_count.prompt_details.cache_read", 4, "cache_read_tokens", 4),
    ("OpenInference", "llm.token_count.prompt_details.cache_write", 4, "cache_write_tokens", 4),
    ("OpenInference", "llm.cost.total", 0.02, "cost_usd", 0.02),
    ("OpenInference", "llm.prompt_template.version", "v3", "prompt_version", "v3"),
    ("OpenInference", "input.value", "hello", "input_text", "hello"),
    ("OpenInference", "output.value", "hi", "output_text", "hi"),
    ("OpenInference", "metadata", '{"tenantId": "acme"}', "tenant", "acme"),
    ("OpenInference", "metadata", '{"promptVersion": "v2"}', "prompt_version", "v2"),
    ("OpenInference", "evaluations.0.evaluation.score", 0.5, "eval_score", 50.0),
    ("OpenInference", "tool.name", "search", "tool", "search"),
    ("OpenLLMetry", "traceloop.workflow.name", "support", "feature", "support"),
    ("OpenLLMetry", "traceloop.association.properties.tenant_id", "acme", "tenant", "acme"),
    ("OpenLLMetry", "traceloop.association.properties.user_id", "u1", "user_id", "u1"),
    ("OpenLLMetry", "traceloop.prompt.version", 4, "prompt_version", "4"),
    ("OpenLLMetry", "traceloop.entity.input", "{}", "input_text", "{}"),
    ("OpenLLMetry", "gen_ai.usage.cache_read_input_tokens", 5, "cache_read_tokens", 5),
    ("OpenLIT", "gen_ai.usage.cost", 0.01, "cost_usd", 0.01),
    ("OpenLIT", "guard.denied", True, "guardrail_triggered", True),
    ("OpenLIT", "guard.verdict", "yes", "guardrail_triggered", True),
    ("OpenLIT", "guard.name", "pii", "guardrail", "pii"),
    ("OpenLIT", "mcp.tool.name", "files", "tool", "files"),
    ("OpenLIT", "gen_ai.session.id", "s1", "session_id", "s1"),
    ("Langfuse", "langfuse.session.id", "s1", "session_id", "s1"),
    ("Langfuse", "langfuse.user.id", "u1", "user_id", "u1"),
    ("Langfuse", "langfuse.trace.name", "support", "feature", "support"),
    ("Langfuse", "langfuse.trace.metadata.tenantId", "acme", "tenant", "acme"),
    ("Langfuse", "langfuse.observation.model.name", "gpt-4o", "model", "gpt-4o"),
    ("Langfuse", "langfuse.observation.prompt.name", "greeting", "prompt_name", "greeting"),
    ("Langfuse", "langfuse.observation.prompt.version", 3, "prompt_version", "3"),
    ("Langfuse", "langfuse.observation.input", "hello", "input_text", "hello"),
    ("Langfuse", "langfuse.environment", "prod", "environment", "prod"),
    ("Langfuse", "langfuse.observation.cost_details", '{"total": 0.5}', "cost_usd", 0.5),
    ("Langfuse", "langfuse.observation.cost_details", '{"input": 1, "output": 2}', "cost_usd", 3),
    ("seeds", "feature", "chat", "feature", "chat"),
    ("seeds", "tenantId", "acme", "tenant", "acme"),
    ("seeds", "promptVersion", "v2", "prompt_version", "v2"),
    ("seeds", "outcome", "user_rejected", "outcome", "user_rejected"),
    ("seeds", "requestId", "r1", "request_id", "r1"),
    ("seeds", "cache.hit", True, "cache_hit", True),
    ("seeds", "cache_hit", "false", "cache_hit", False),
    ("seeds", "permissionDenied", True, "permission", "denied"),
    ("seeds", "approval.outcome", "granted", "approval", "granted"),
    ("seeds", "approval.queue_depth", 12, "queue_depth", 12.0),
    (
        "Vertex",
        "gen_ai.request.model",
        "projects/p/models/gemini-2.5-pro",
        "model",
        "gemini-2.5-pro",
    ),
]


@pytest.mark.parametrize(("convention", "key", "value", "field", "expected"), ALIASES)
def test_an_alias_fills_its_field(
    convention: str, key: str, value: Any, field: str, expected: Any
) -> None:
    assert attributes.of_span({key: value}).fields[field] == expected


def test_the_model_that_answered_wins_and_the_one_asked_for_is_kept() -> None:
    sent = {"gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06"}
    found = attributes.of_span(sent)
    assert found.fields["model"] == "gpt-4o-2024-08-06"
    assert found.rest == {"gen_ai.request.model": "gpt-4o"}


def test_the_order_in_which_aliases_are_sent_does_not_matter() -> None:
    sent = {"gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.request.model": "gpt-4o"}
    assert attributes.of_span(sent).fields["model"] == "gpt-4o-2024-08-06"


def test_a_value_of_the_wrong_kind_stays_an_attribute() -> None:
    found = attributes.of_span({"gen_ai.usage.input_tokens": "many", "llm.token_count.prompt": 5})
    assert found.fields["input_tokens"] == 5
    assert found.rest["gen_ai.usage.input_tokens"] == "many"


@pytest.mark.parametrize("count", [-1, float("nan"), float("inf"), 2**70, True])
def test_a_senseless_token_count_is_no_count(count: float) -> None:
    assert "input_tokens" not in attributes.of_span({"gen_ai.usage.input_tokens": count}).fields


def test_what_no_field_takes_is_kept_as_text() -> None:
    found = attributes.of_span({"retries": 2, "final": True, "tags": ["a", "b"], "note": "x"})
    assert found.rest == {"retries": "2", "final": "true", "tags": '["a", "b"]', "note": "x"}


def test_the_span_speaks_before_its_resource() -> None:
    resource = attributes.of_resource(
        {"service.name": "copilot", "deployment.environment.name": "prod", "tenant.id": "all"}
    )
    found = attributes.of_span({"tenantId": "acme"}, resource)
    assert found.fields["tenant"] == "acme"
    assert found.fields["environment"] == "prod"
    assert found.fields["service"] == "copilot"


def test_a_resource_without_a_service_is_unknown() -> None:
    assert attributes.of_resource({}).fields["service"] == "unknown"


def test_two_spans_of_a_resource_do_not_share_what_they_say() -> None:
    resource = attributes.of_resource({"service.name": "copilot"})
    attributes.of_span({"tenant.id": "acme", "note": "x"}, resource)
    later = attributes.of_span({}, resource)
    assert "tenant" not in later.fields
    assert "note" not in later.rest


def test_tokens_that_exclude_the_cached_ones_are_made_to_include_them() -> None:
    sent = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 90}
    assert attributes.of_span(sent).fields["input_tokens"] == 100


def test_tokens_that_include_the_cached_ones_are_left() -> None:
    sent = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 90}
    assert attributes.of_span(sent).fields["input_tokens"] == 100


@pytest.mark.parametrize(
    ("convention", "sent", "whole"),
    [
        ("inclusive", {"gen_ai.usage.total_tokens": 120}, 100),
        ("exclusive", {"gen_ai.usage.total_tokens": 160}, 140),
        ("exclusive", {"llm.token_count.total": "160"}, 140),
        ("unsaid", {}, 100),
        ("senseless", {"gen_ai.usage.total_tokens": "many"}, 100),
    ],
)
def test_the_total_tells_whether_cached_tokens_are_within_the_input(
    convention: str, sent: dict[str, Any], whole: int
) -> None:
    used = {
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.cache_creation.input_tokens": 10,
    }
    assert attributes.of_span(used | sent).fields["input_tokens"] == whole


@pytest.mark.parametrize(
    ("convention", "details", "whole"),
    [
        ("Langfuse's own", '{"input": 100, "input_cache_read": 40, "output": 20}', 140),
        ("Anthropic's", '{"input": 100, "cache_read_input_tokens": 40, "output": 20}', 140),
        (
            "inclusive, by its total",
            '{"input": 100, "cache_read_input_tokens": 40, "output": 20, "total": 120}',
            100,
        ),
    ],
)
def test_langfuse_details_count_cached_tokens_beside_the_input(
    convention: str, details: str, whole: int
) -> None:
    fields = attributes.of_span({"langfuse.observation.usage_details": details}).fields
    assert (fields["input_tokens"], fields["cache_read_tokens"]) == (whole, 40)


def test_the_price_is_the_same_whichever_way_cached_tokens_were_counted() -> None:
    inclusive = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.total_tokens": 1200}
    exclusive = {"gen_ai.usage.input_tokens": 400, "gen_ai.usage.total_tokens": 1200}
    call = {
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.usage.output_tokens": 200,
        "gen_ai.usage.cache_read.input_tokens": 600,
    }
    costs = []
    for sent in (inclusive, exclusive):
        fields = attributes.of_span(call | sent).fields
        prices.fill(fields, SpanKind.LLM, at=datetime(2026, 3, 2, 12, tzinfo=UTC))
        costs.append(fields["cost_usd"])
    # 400 fresh at $3, 600 read at $0.30 and 200 written at $15, each a million.
    assert costs == pytest.approx([0.00438, 0.00438])


def test_langfuse_details_are_summed() -> None:
    details = (
        '{"input": 10, "input_cached_tokens": 5, "output": 3, "output_reasoning": 2, "total": 20}'
    )
    fields = attributes.of_span({"langfuse.observation.usage_details": details}).fields
    assert fields["input_tokens"] == 15
    assert fields["cache_read_tokens"] == 5
    assert fields["output_tokens"] == 5


def test_numbered_messages_become_the_prompt() -> None:
    sent = {
        "gen_ai.prompt.10.content": "last",
        "gen_ai.prompt.2.role": "user",
        "gen_ai.prompt.2.content": "first",
        "llm.output_messages.0.message.content": "done",
    }
    found = attributes.of_span(sent)
    assert found.fields["input_text"] == "role: user\ncontent: first\ncontent: last"
    assert found.fields["output_text"] == "content: done"
    assert found.rest == {}


def test_a_log_line_names_its_user_as_the_spans_do() -> None:
    sent = {"user.id": "jane@example.org", "note": "jane@example.org", "api_key": "abc"}
    shown = attributes.texts(sent)
    assert shown["user.id"] == attributes.of_span(sent).fields["user_id"]
    assert (shown["note"], shown["api_key"]) == ("[email]", "[redacted]")


@pytest.mark.parametrize(
    ("score", "points"), [(0, 0), (0.82, 82), (1, 100), (4, 4), (86.5, 86.5), (100, 100)]
)
def test_scores_up_to_one_are_ratios(score: float, points: float) -> None:
    assert attributes.of_span({"eval.score": score}).fields["eval_score"] == pytest.approx(points)


@pytest.mark.parametrize("score", [-1, 101, "good", True])
def test_a_score_on_no_known_scale_is_no_score(score: Any) -> None:
    assert "eval_score" not in attributes.of_span({"eval.score": score}).fields


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ({"gen_ai.operation.name": "chat"}, SpanKind.LLM),
        ({"gen_ai.operation.name": "embeddings"}, SpanKind.EMBEDDING),
        ({"gen_ai.operation.name": "execute_tool"}, SpanKind.TOOL),
        ({"gen_ai.operation.name": "invoke_agent"}, SpanKind.AGENT),
        ({"gen_ai.operation.name": "retrieval"}, SpanKind.RETRIEVAL),
        ({"openinference.span.kind": "RERANKER"}, SpanKind.RERANK),
        ({"openinference.span.kind": "GUARDRAIL"}, SpanKind.GUARDRAIL),
        ({"openinference.span.kind": "EVALUATOR"}, SpanKind.EVALUATOR),
        ({"langfuse.observation.type": "generation"}, SpanKind.LLM),
        ({"langfuse.observation.type": "span", "gen_ai.operation.name": "chat"}, SpanKind.LLM),
        ({"traceloop.span.kind": "workflow"}, SpanKind.CHAIN),
        ({"guard.name": "pii"}, SpanKind.GUARDRAIL),
        ({"mcp.tool.name": "files"}, SpanKind.TOOL),
        ({"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 3}, SpanKind.LLM),
        ({"http.request.method": "POST"}, SpanKind.HTTP),
        ({"anything": "else"}, SpanKind.OTHER),
    ],
)
def test_a_span_is_what_its_convention_says(sent: dict[str, Any], kind: SpanKind) -> None:
    assert kind_of(sent, attributes.of_span(sent).fields) is kind


@pytest.mark.parametrize(
    ("sent", "status", "outcome"),
    [
        ({}, SpanStatus.OK, "success"),
        ({}, SpanStatus.UNSET, None),
        ({}, SpanStatus.ERROR, "error"),
        ({"error.type": "ReadTimeout"}, SpanStatus.ERROR, "timeout"),
        ({"error.type": "504"}, SpanStatus.ERROR, "timeout"),
        ({"error.type": "openai.RateLimitError"}, SpanStatus.ERROR, "rate_limited"),
        ({"error.type": "429"}, SpanStatus.UNSET, "rate_limited"),
        ({"exception.type": "ValueError"}, SpanStatus.ERROR, "error"),
        (_langfuse("Error code: 429 - Too fast."), SpanStatus.ERROR, "rate_limited"),
        (_langfuse("Request timed out."), SpanStatus.ERROR, "timeout"),
        (_langfuse("no ticket 429"), SpanStatus.ERROR, "error"),
        ({"http.response.status_code": 503}, SpanStatus.UNSET, "error"),
        ({"http.response.status_code": 429}, SpanStatus.UNSET, "rate_limited"),
        ({"http.response.status_code": 200}, SpanStatus.UNSET, None),
    ],
)
def test_how_it_ended_follows_from_the_error(
    sent: dict[str, Any], status: SpanStatus, outcome: str | None
) -> None:
    assert outcome_of(None, sent, status) == outcome


def test_the_applications_own_word_for_the_outcome_wins() -> None:
    assert outcome_of("user_rejected", {"error.type": "429"}, SpanStatus.ERROR) == "user_rejected"
