"""What a span did and how it ended, in our words, whatever convention says it."""

import re
from collections.abc import Mapping
from typing import Any

from models.vocabulary import SpanKind, SpanStatus
from signals.attribute_values import Value

KIND_KEYS = (
    "langfuse.observation.type",
    "openinference.span.kind",
    "traceloop.span.kind",
    "gen_ai.operation.name",
    "llm.request.type",
    "span.kind",
)
KINDS: dict[str, SpanKind] = {
    **{kind.value: kind for kind in SpanKind if kind is not SpanKind.OTHER},
    **dict.fromkeys(("generation", "chat", "text_completion", "completion"), SpanKind.LLM),
    **dict.fromkeys(("generate_content", "responses"), SpanKind.LLM),
    **dict.fromkeys(("embeddings", "embedding"), SpanKind.EMBEDDING),
    **dict.fromkeys(("retriever", "retrieval", "vector_db", "search"), SpanKind.RETRIEVAL),
    **dict.fromkeys(("reranker", "rerank"), SpanKind.RERANK),
    **dict.fromkeys(("execute_tool", "mcp_tool"), SpanKind.TOOL),
    **dict.fromkeys(("create_agent", "invoke_agent"), SpanKind.AGENT),
    **dict.fromkeys(("workflow", "task", "invoke_workflow", "plan"), SpanKind.CHAIN),
    **dict.fromkeys(("run_guardrail", "guard"), SpanKind.GUARDRAIL),
    **dict.fromkeys(("evaluation", "evaluate"), SpanKind.EVALUATOR),
}
RETRIEVAL_KEYS = ("retrieval.documents.0.document.content", "db.vector.query.top_k")
_HTTP_KEYS = ("http.request.method", "http.method", "http.route")
TIMEOUT_WORDS = ("timeout", "timed out", "deadline")
# As the clients of OpenAI and Anthropic begin their messages, which are all that Langfuse tells.
_REFUSAL = re.compile(r"Error code: (\d{3})\b")
LIMIT_WORDS = ("ratelimit", "rate_limit", "rate limit", "too many requests", "resourceexhausted")


def kind_of(
    told: Mapping[str, Value], fields: Mapping[str, Any], *, is_server: bool = False
) -> SpanKind:
    """Return what the span did.

    Args:
        told: Its attributes as sent.
        fields: What `signals.attributes` made of them.
        is_server: Whether OpenTelemetry's own kind is SERVER.
    """
    for key in KIND_KEYS:
        word = told.get(key)
        if word is not None:
            kind = KINDS.get(str(word).lower())
            if kind is not None:
                return kind
    if "tool" in fields:
        return SpanKind.TOOL
    if "guardrail" in fields or "guardrail_triggered" in fields:
        return SpanKind.GUARDRAIL
    if any(key in told for key in RETRIEVAL_KEYS):
        return SpanKind.RETRIEVAL
    if "model" in fields and ("input_tokens" in fields or "provider" in fields):
        embeds = "output_tokens" not in fields and "embed" in fields["model"].lower()
        return SpanKind.EMBEDDING if embeds else SpanKind.LLM
    if is_server or any(key in told for key in _HTTP_KEYS):
        return SpanKind.HTTP
    return SpanKind.OTHER


def outcome_of(explicit: str | None, told: Mapping[str, Value], status: SpanStatus) -> str | None:
    """Return success, error, timeout, rate_limited or what the application said; None if unsaid.

    A word of the application's own, such as `user_rejected`, wins over what its error tells.
    """
    if explicit is not None:
        return explicit
    error = told.get("error.type") or told.get("exception.type") or _langfuse_error(told)
    code = str(told.get("http.response.status_code") or told.get("http.status_code") or "")
    if error is None and status is not SpanStatus.ERROR and code != "429" and code[:1] != "5":
        return "success" if status is SpanStatus.OK else None
    word = f"{error or ''} {code}".lower()
    if "429" in word or any(limit in word for limit in LIMIT_WORDS):
        return "rate_limited"
    if any(token in ("408", "504") for token in word.split()) or any(
        t in word for t in TIMEOUT_WORDS
    ):
        return "timeout"
    return "error"


def _langfuse_error(told: Mapping[str, Value]) -> str | None:
    """Return the code of a refusal, or the words for a timeout, of Langfuse's message; or None."""
    message = str(told.get("langfuse.observation.status_message") or "")
    found = _REFUSAL.match(message)
    if found:
        return found[1]
    return next((word for word in TIMEOUT_WORDS if word in message.lower()), None)
