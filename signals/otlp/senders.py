"""What single SDKs mean by what they send, where no convention says it.

Each was seen in spans of the SDK itself: `tests/test_real_sdks.py` sends them.

| sender | what it does |
| --- | --- |
| Langfuse | a tool's span bears the tool's name; the first token is told as a time |
| OpenInference | the first token is an event; a failed call tells its model as a parameter |
| OpenLLMetry | each chunk of a stream is an event; a tool is named as an entity as well |
| OpenLIT | a cost of 0 for what its price list lacks; a model's span bears the tool it asks for |
| OpenLIT | the whole duration as the time to the first token, of a call that is not streamed |
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from models.vocabulary import SpanKind
from signals import redact
from signals.attribute_values import Value, as_model, as_object, as_truth
from signals.attributes import Found
from signals.traces import SpanEvent

OPENLIT = "openlit"  # as `telemetry.sdk.name`
_ENTITY = "traceloop.entity.name"
_STREAM_BEGAN = "langfuse.observation.completion_start_time"
_STREAM_EVENTS = frozenset(("First Token Stream Event", "gen_ai.content.completion.chunk"))
_PARAMETERS = ("llm.invocation_parameters", "embedding.invocation_parameters")
OF_MODELS = (SpanKind.LLM, SpanKind.EMBEDDING)


def complete_tool(found: Found, *, name: str) -> None:
    """Bring what `found` says of a tool's run to what its sender means; the span is `name`."""
    called = found.rest.get(_ENTITY, name)
    found.fields.setdefault("tool", redact.clean(called, redact.NAME_LIMIT))


def complete_call(
    found: Found, told: Mapping[str, Value], events: Sequence[SpanEvent], *, started_at: datetime
) -> None:
    """Bring what `found` says of a call of a model to what its sender means.

    Args:
        found: What `signals.attributes` made of the span's attributes.
        told: These attributes, as sent.
        events: The span's.
        started_at: When it started.
    """
    fields, rest = found.fields, found.rest
    if "tool" in fields:
        rest["gen_ai.tool.name"] = fields.pop("tool")
    if "model" not in fields:
        _model_of_parameters(found, told)
    if "ttft_ms" not in fields:
        if events or _STREAM_BEGAN in told:
            fields["ttft_ms"] = _first_token_ms(told, events, started_at)
    elif as_truth(told.get("gen_ai.request.stream", "")) is False:
        rest["gen_ai.server.time_to_first_token"] = str(fields.pop("ttft_ms") / 1_000)
    if fields.get("cost_usd") == 0 and told.get("telemetry.sdk.name") == OPENLIT:
        del fields["cost_usd"]


def _first_token_ms(
    told: Mapping[str, Value], events: Sequence[SpanEvent], started_at: datetime
) -> float | None:
    """Return the milliseconds from `started_at` to the first token, where a time tells it."""
    at = next((event.at for event in events if event.name in _STREAM_EVENTS), None)
    if at is None and _STREAM_BEGAN in told:
        at = _instant(told[_STREAM_BEGAN])
    return (at - started_at) / timedelta(milliseconds=1) if at and at >= started_at else None


def _model_of_parameters(found: Found, told: Mapping[str, Value]) -> None:
    for key in _PARAMETERS:
        model = (as_object(told.get(key)) or {}).get("model")
        if isinstance(model, str) and (name := as_model(model)):
            found.fields["model"] = name
            return


def _instant(written: Value) -> datetime | None:
    """Return the time that Langfuse writes as JSON, in ISO 8601; None for what is none."""
    try:
        at = datetime.fromisoformat(str(written).strip('"'))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
