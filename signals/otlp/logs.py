"""OTLP log records -> our log lines; evaluation events become spans of their trace."""

import hashlib
from collections import Counter
from datetime import datetime

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as OtlpRecord

from models.vocabulary import SpanKind
from signals import attributes, redact
from signals.attribute_values import Value, text
from signals.attributes import Found
from signals.logs import LogRecord
from signals.otlp import Decoded, wire
from signals.otlp.spans import AHEAD, OLDEST, instant, is_id
from signals.traces import Span

EVALUATION = "gen_ai.evaluation.result"
_SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")  # four numbers each, from 1


def logs_of(request: ExportLogsServiceRequest, *, now: datetime) -> Decoded:
    """Return the lines of `request`, redacted; those from the future are refused and counted.

    A line without a time is given `now`. An evaluation result that names its span is returned
    as a child of that span, so that its score counts.

    Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-events/
    """
    records: list[LogRecord] = []
    spans: list[Span] = []
    refused: Counter[str] = Counter()
    for group in request.resource_logs:
        resource = attributes.of_resource(wire.attributes(group.resource.attributes))
        for scope in group.scope_logs:
            for line in scope.log_records:
                at = _time(line, now)
                if at < OLDEST or at > now + AHEAD:
                    refused["from before 2000 or from the future: check the sender's clock"] += 1
                    continue
                told = wire.attributes(line.attributes)
                records.append(_record(line, told, resource, at))
                name = line.event_name or told.get("event.name")
                if name == EVALUATION and is_id(line.trace_id, 16) and is_id(line.span_id, 8):
                    spans.append(_evaluation(line, told, resource, at))
    reason = "; ".join(f"{count} {fault}" for fault, count in refused.items())
    return Decoded(
        spans=tuple(spans), records=tuple(records), rejected=refused.total(), reason=reason
    )


def _time(line: OtlpRecord, now: datetime) -> datetime:
    nanoseconds = line.time_unix_nano or line.observed_time_unix_nano
    return instant(nanoseconds) if nanoseconds else now


def _record(line: OtlpRecord, told: dict[str, Value], resource: Found, at: datetime) -> LogRecord:
    number = line.severity_number
    severity = line.severity_text or (_SEVERITIES[(number - 1) // 4] if 1 <= number <= 24 else "")
    body = text(wire.any_value(line.body), redact.TEXT_LIMIT)
    return LogRecord(
        at=at,
        severity=redact.clean(severity, 32),
        body=body or redact.clean(line.event_name, redact.NAME_LIMIT),
        service=resource.fields["service"],
        trace_id=line.trace_id.hex() if is_id(line.trace_id, 16) else None,
        span_id=line.span_id.hex() if is_id(line.span_id, 8) else None,
        attributes=attributes.texts(told),
    )


def _evaluation(line: OtlpRecord, told: dict[str, Value], resource: Found, at: datetime) -> Span:
    """Return the evaluation as a span; the same event always gets the same span id."""
    found = attributes.of_span(told, resource)
    fields = found.fields
    name = fields.get("eval_name") or "evaluation"
    seed = f"{line.span_id.hex()} {at.isoformat()} {name} {fields.get('eval_score')}"
    return Span(
        trace_id=line.trace_id.hex(),
        span_id=hashlib.sha256(seed.encode()).hexdigest()[:16],
        parent_id=line.span_id.hex(),
        name=name,
        kind=SpanKind.EVALUATOR,
        started_at=at,
        duration_ms=0.0,
        attributes=found.rest,
        **fields,
    )
