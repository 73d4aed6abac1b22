"""Plans as OTLP, as the SDK would send them; far faster, for days of them at once."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from random import Random

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from examples.copilot.middleware import NANOSECONDS, RESOURCE, SCOPE, log_lines
from examples.copilot.plan import Plan, Step, Value
from signals.otlp.sampled import trace_state


def requests(
    plans: Iterable[tuple[int, Plan, int]], rng: Random
) -> tuple[ExportTraceServiceRequest, ExportLogsServiceRequest]:
    """Return what the SDK would send of (start in Unix nanoseconds, plan, weight).

    A request of a weight above one was kept by a sampler, and stands for so many.
    """
    traces, logs = ExportTraceServiceRequest(), ExportLogsServiceRequest()
    resource = Resource(attributes=_pairs(RESOURCE))
    scope = InstrumentationScope(name=SCOPE)
    spans = traces.resource_spans.add(resource=resource).scope_spans.add(scope=scope).spans
    lines = logs.resource_logs.add(resource=resource).scope_logs.add(scope=scope).log_records
    for started_ns, plan, weight in plans:
        state = trace_state(weight) if weight > 1 else ""
        trace_id = rng.randbytes(16)
        ids = [rng.randbytes(8) for _ in plan.steps]
        for step, span_id in zip(plan.steps, ids, strict=True):
            parent = b"" if step.parent is None else ids[step.parent]
            span = _span(step, started_ns, trace_id, span_id, parent)
            span.trace_state = state
            spans.append(span)
        lines.extend(_lines(plan, started_ns, trace_id, ids[0]))
    return traces, logs


def _span(step: Step, started_ns: int, trace_id: bytes, span_id: bytes, parent: bytes) -> Span:
    begun = started_ns + round(step.start_ms * NANOSECONDS)
    failed = Status(code=Status.STATUS_CODE_ERROR, message=step.error) if step.error else None
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=step.name,
        kind=Span.SPAN_KIND_INTERNAL if parent else Span.SPAN_KIND_SERVER,
        start_time_unix_nano=begun,
        end_time_unix_nano=begun + round(step.duration_ms * NANOSECONDS),
        attributes=_pairs(step.attributes),
        events=[
            Span.Event(
                time_unix_nano=started_ns + round(happening.at_ms * NANOSECONDS),
                name=happening.name,
                attributes=_pairs(happening.attributes),
            )
            for happening in step.happenings
        ],
        status=failed,
    )


def _lines(plan: Plan, started_ns: int, trace_id: bytes, span_id: bytes) -> Iterable[LogRecord]:
    ended_ns = started_ns + round(plan.duration_ms * NANOSECONDS)
    for at_ns, level, message, attributes in log_lines(plan, started_ns, ended_ns):
        yield LogRecord(
            time_unix_nano=at_ns,
            observed_time_unix_nano=at_ns,
            severity_text=level,
            severity_number=SeverityNumber.Value(f"SEVERITY_NUMBER_{level}"),
            body=AnyValue(string_value=message),
            attributes=_pairs(attributes | {"trace_id": trace_id.hex()}),
            trace_id=trace_id,
            span_id=span_id,
        )


def _pairs(attributes: Mapping[str, Value]) -> list[KeyValue]:
    return [_pair(key, value) for key, value in attributes.items()]


@lru_cache(maxsize=8192, typed=True)
def _pair(key: str, value: Value) -> KeyValue:
    # Most pairs come again and again, and protobuf copies what it is given.
    return KeyValue(key=key, value=_value(value))


def _value(value: Value) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case _:
            return AnyValue(string_value=value)
