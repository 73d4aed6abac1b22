"""OTLP spans -> our spans."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from models.vocabulary import SpanKind, SpanStatus
from signals import attributes, prices, redact
from signals.attribute_values import Value
from signals.attributes import Found
from signals.otlp import Decoded, senders, wire
from signals.otlp.meaning import kind_of, outcome_of
from signals.otlp.retold import count_once
from signals.otlp.sampled import weight_of
from signals.traces import SpanEvent
from signals.traces.rows import UNSAID, SpanRow, SpanRows

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(hours=1)  # how far a sender's clock may be ahead of ours
MAX_EVENTS = 64  # of one span; OpenTelemetry's default is 128, of which few are ever read

_STATUS = {
    Status.STATUS_CODE_UNSET: SpanStatus.UNSET,
    Status.STATUS_CODE_OK: SpanStatus.OK,
    Status.STATUS_CODE_ERROR: SpanStatus.ERROR,
}
_OLDEST_NS = int(OLDEST.timestamp()) * 10**9
_NEWEST_NS = 2**63  # the year 2262; an event beyond is nonsense


def spans_of(request: ExportTraceServiceRequest, *, now: datetime) -> Decoded:
    """Return the spans of `request`, redacted and priced; senseless ones are refused and counted.

    Refused are spans without valid ids, from before 2000, or from more than an hour after `now`.
    A span that ends before it starts is kept with no duration and says so in an attribute.
    """
    rows: list[SpanRow] = []
    scopes: list[str] = []
    refused: Counter[str] = Counter()
    newest_ns = _ns(now + AHEAD)
    for group in request.resource_spans:
        resource = attributes.of_resource(wire.attributes(group.resource.attributes))
        for scope in group.scope_spans:
            for span in scope.spans:
                fault = _fault(span, newest_ns)
                if fault:
                    refused[fault] += 1
                else:
                    rows.append(_row(span, resource))
                    scopes.append(scope.scope.name)
    count_once(rows, scopes)
    reason = "; ".join(f"{count} {fault}" for fault, count in refused.items())
    return Decoded(spans=SpanRows(rows), rejected=refused.total(), reason=reason)


def instant(nanoseconds: int) -> datetime:
    """Return the instant so many nanoseconds after 1970, to the microsecond."""
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


def is_id(value: bytes, length: int) -> bool:
    """Say whether `value` is a valid trace id (16 bytes) or span id (8): never all zeros."""
    return len(value) == length and any(value)


def _fault(span: OtlpSpan, newest_ns: int) -> str:
    if not is_id(span.trace_id, 16) or not is_id(span.span_id, 8):
        return "without a valid trace id and span id"
    if span.start_time_unix_nano < _OLDEST_NS:
        return "without a start time, or from before the year 2000"
    if max(span.start_time_unix_nano, span.end_time_unix_nano) > newest_ns:
        return "from the future: check the sender's clock"
    return ""


def _row(span: OtlpSpan, resource: Found) -> SpanRow:
    told = wire.attributes(span.attributes)
    events, lifted = _events(span)
    if lifted:
        told = {**lifted, **told}
    found = attributes.of_span(told, resource)
    ended_as = span.status
    status = _STATUS.get(ended_as.code, SpanStatus.UNSET)
    if told.get("langfuse.observation.level") == "ERROR":
        status = SpanStatus.ERROR
    elapsed_ns = span.end_time_unix_nano - span.start_time_unix_nano
    if elapsed_ns < 0:
        found.rest["wakeful.warning"] = "ended before it started, or did not end"
    fields = found.fields
    fields["outcome"] = outcome_of(fields.get("outcome"), told, status)
    started_at = instant(span.start_time_unix_nano)
    kind = kind_of(told, fields, is_server=span.kind == OtlpSpan.SPAN_KIND_SERVER)
    if kind is SpanKind.TOOL:
        senders.complete_tool(found, name=span.name)
    elif kind in senders.OF_MODELS:
        senders.complete_call(found, told, events, started_at=started_at)
    prices.fill(fields, kind, at=started_at)
    parent = span.parent_span_id
    return {
        **UNSAID,
        **fields,
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_id": parent.hex() if is_id(parent, 8) and parent != span.span_id else None,
        "name": redact.clean(span.name, redact.NAME_LIMIT),
        "kind": kind,
        "started_at": started_at,
        "duration_ms": max(elapsed_ns, 0) / 1e6,
        "status": status,
        "status_message": redact.clean(ended_as.message),
        "events": events,
        "attributes": found.rest,
        "weight": weight_of(span.trace_state) if span.trace_state else None,
    }


_LIFTED = frozenset(
    ("gen_ai.evaluation.result", "gen_ai.content.prompt", "gen_ai.content.completion")
)


def _events(span: OtlpSpan) -> tuple[tuple[SpanEvent, ...], dict[str, Value]]:
    """Return the events, and the attributes of those that tell about the span itself."""
    if not span.events:
        return (), {}
    events: list[SpanEvent] = []
    lifted: dict[str, Value] = {}
    for event in span.events[:MAX_EVENTS]:
        told = wire.attributes(event.attributes)
        if event.name in _LIFTED:
            lifted.update({key: value for key, value in told.items() if key.startswith("gen_ai.")})
        elif event.name == "exception" and "exception.type" in told:
            lifted.setdefault("exception.type", told["exception.type"])
        is_told = _OLDEST_NS <= event.time_unix_nano < _NEWEST_NS
        events.append(
            SpanEvent(
                at=instant(event.time_unix_nano if is_told else span.start_time_unix_nano),
                name=redact.clean(event.name, redact.NAME_LIMIT),
                attributes=attributes.texts(told),
            )
        )
    return tuple(events), lifted


def _ns(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1) * 1000
