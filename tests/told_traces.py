"""The lots of traces that every store of the conformance suites is given, as OTLP."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
START, END = NOON - timedelta(hours=1), NOON + timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

CHAT = "5b8efff798038103d269b633813fc60c"
FAILED = "a3ce929d0e0e47364bf92f3577b34da6"
SLOW = "c0ffee00c0ffee00c0ffee00c0ffee00"
OLD = "0000000000000000" + "00ab54a98ceb1f0a"  # 64 bits, two zeros first
SECRET = "sk-proj-1234567890abcdef1234567890"


@dataclass(frozen=True, kw_only=True)
class Made:
    """One span as an application sends it; offsets in milliseconds from its trace's start."""

    id: str
    name: str
    parent: str = ""
    at_ms: float = 0.0
    ms: float = 100.0
    status: int = Status.STATUS_CODE_UNSET
    message: str = ""
    server: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    exception: str = ""


def context(feature: str, tenant: str, session: str) -> dict[str, Any]:
    return {"feature": feature, "tenant.id": tenant, "session.id": session, "user.id": "u-7"}


def llm(model: str, provider: str, tokens: tuple[int, int], **more: Any) -> dict[str, Any]:
    return {
        "openinference.span.kind": "LLM",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": tokens[0],
        "gen_ai.usage.output_tokens": tokens[1],
        **more,
    }


TRACES: dict[str, tuple[timedelta, list[Made]]] = {
    CHAT: (
        timedelta(minutes=30),
        [
            Made(
                id="00f067aa0ba902b7",
                name="POST /chat",
                ms=2580,
                status=Status.STATUS_CODE_OK,
                server=True,
                attributes=context("chat", "acme", "s-1")
                | {"prompt.version": "v12", "request.id": "req-1"},
            ),
            Made(
                id="00f067aa0ba902b8",
                name="vector search",
                parent="00f067aa0ba902b7",
                at_ms=230,
                ms=220.5,
                attributes={"openinference.span.kind": "RETRIEVER", "input.value": "warranty?"},
            ),
            Made(
                id="00f067aa0ba902b9",
                name="chat gpt-4o",
                parent="00f067aa0ba902b7",
                at_ms=470,
                ms=2000,
                status=Status.STATUS_CODE_OK,
                attributes=llm(
                    "gpt-4o",
                    "openai",
                    (1000, 200),
                    **{
                        "gen_ai.usage.cache_read.input_tokens": 400,
                        "input.value": f"What does the warranty cover? key {SECRET}",
                        "output.value": "It covers parts.",
                    },
                ),
            ),
            Made(
                id="00f067aa0ba902ba",
                name="execute_tool lookup",
                parent="00f067aa0ba902b7",
                at_ms=2480,
                ms=50,
                status=Status.STATUS_CODE_ERROR,
                message="no such order",
                attributes={"openinference.span.kind": "TOOL", "tool.name": "lookup"},
                exception="LookupError",
            ),
        ],
    ),
    FAILED: (
        timedelta(minutes=20),
        [
            Made(
                id="d75597dee50b0cac",
                name="POST /chat",
                ms=900,
                status=Status.STATUS_CODE_ERROR,
                message="upstream timed out",
                server=True,
                attributes=context("chat", "globex", "s-2"),
            ),
            Made(
                id="d75597dee50b0cad",
                name="chat claude-sonnet-4-0",
                parent="d75597dee50b0cac",
                at_ms=10,
                ms=880,
                status=Status.STATUS_CODE_ERROR,
                attributes=llm("claude-sonnet-4-0", "anthropic", (500, 0)),
            ),
        ],
    ),
    SLOW: (
        timedelta(minutes=40),
        [
            Made(
                id="eeeeeeee00000001",
                name="POST /search",
                ms=9000,
                status=Status.STATUS_CODE_OK,
                server=True,
                attributes=context("search", "acme", "s-1"),
            ),
            Made(id="eeeeeeee00000002", name="lost", parent="eeeeeeee0000dead", at_ms=100, ms=200),
        ],
    ),
    OLD: (
        timedelta(minutes=10),
        [
            Made(
                id="0000000000000abc",
                name="POST /chat",
                ms=1200,
                status=Status.STATUS_CODE_OK,
                server=True,
                attributes=context("chat", "acme", "s-3"),
            )
        ],
    ),
}


@dataclass(frozen=True, kw_only=True)
class Rated:
    """What somebody made of a trace, or of one span of it, told beside the spans.

    Attributes:
        score: As it was given; None for a word.
    """

    trace_id: str
    span_id: str = ""
    score: float | None = None
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Lot:
    """Traces by their id, with how long ago they began; `name` tells one lot from another."""

    name: str
    traces: dict[str, tuple[timedelta, list[Made]]]
    rated: tuple[Rated, ...] = ()


LITTLE = Lot(
    name="little",
    traces=TRACES,
    rated=(Rated(trace_id=FAILED, score=0.25, label="incorrect"),),
)


def exported(
    traces: dict[str, tuple[timedelta, list[Made]]] = TRACES, **resource: str
) -> ExportTraceServiceRequest:
    """Return the traces as one export request."""
    told = {"service.name": "copilot", "deployment.environment.name": "prod"}
    told |= {"telling": "resource", **resource}
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    group.resource.attributes.extend(pairs(told))
    scope = group.scope_spans.add()
    for trace_id, (ago, spans) in traces.items():
        scope.spans.extend(span(trace_id, NOON - ago, made) for made in spans)
    return message


def span(trace_id: str, started_at: datetime, made: Made) -> OtlpSpan:
    start = (started_at - EPOCH) // timedelta(microseconds=1) * 1000 + round(made.at_ms * 1e6)
    found = OtlpSpan(
        trace_id=bytes.fromhex(trace_id),
        span_id=bytes.fromhex(made.id),
        parent_span_id=bytes.fromhex(made.parent),
        name=made.name,
        kind=OtlpSpan.SPAN_KIND_SERVER if made.server else OtlpSpan.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start,
        end_time_unix_nano=start + round(made.ms * 1e6),
        attributes=pairs(made.attributes),
        status=Status(code=made.status, message=made.message),
    )
    if made.exception:
        event = found.events.add(name="exception", time_unix_nano=start + 1_000_000)
        event.attributes.extend(pairs({"exception.type": made.exception}))
    return found


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def _value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return (
        AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)
    )
