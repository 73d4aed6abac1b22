"""What a store tells of a span -> our span: through the one table of attributes, redacted, priced.

A store gives what was sent to it, secrets and all, so that everything passes redaction here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from models.vocabulary import SpanKind, SpanStatus
from signals import attributes, prices, redact
from signals.attribute_values import Value
from signals.attributes import Found
from signals.otlp import senders
from signals.otlp.meaning import kind_of, outcome_of
from signals.traces import Span, SpanEvent, Trace
from signals.traces.bounds import MAX_SPANS
from signals.traces.rows import UNSAID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_EVENTS = 64
_LATEST_NS = 2**63  # the year 2262; what is beyond is nonsense
_LONGEST_MS = 1e12  # 30 years
WARNING = "wakeful.warning"

_STATUSES = {
    **dict.fromkeys(("0", "unset", ""), SpanStatus.UNSET),
    **dict.fromkeys(("1", "ok", "success"), SpanStatus.OK),
    **dict.fromkeys(("2", "error"), SpanStatus.ERROR),
}
# Events that tell about the span itself.
_LIFTED = frozenset(
    ("gen_ai.evaluation.result", "gen_ai.content.prompt", "gen_ai.content.completion")
)


@dataclass(slots=True, kw_only=True)
class Told:
    """One span, in a store's words.

    Attributes:
        trace_id, span_id, parent_id: As `signals.traces.ids` returns them.
        start_ns: Nanoseconds since 1970.
        duration_ms: Negative when it ended before it started.
        attributes: The span's own.
        resource: What `attributes.of_resource` made of the resource's; None if there is none.
        service: Where no resource says.
        events: (nanoseconds since 1970, name, attributes).
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    duration_ms: float
    status: SpanStatus = SpanStatus.UNSET
    message: str = ""
    is_server: bool = False
    attributes: Mapping[str, Value] = field(default_factory=dict)
    resource: Found | None = None
    service: str = "unknown"
    events: Sequence[tuple[int, str, Mapping[str, Value]]] = ()


def span_of(told: Told) -> Span:
    """Return our span for what a store tells; what is senseless is marked, not dropped."""
    events = told.events[:MAX_EVENTS]
    said = {**_lifted(events), **told.attributes} if events else told.attributes
    found = attributes.of_span(said, told.resource)
    status = told.status
    if said.get("langfuse.observation.level") == "ERROR":
        status = SpanStatus.ERROR
    fields = found.fields
    fields["outcome"] = outcome_of(fields.get("outcome"), said, status)
    kind = kind_of(said, fields, is_server=told.is_server)
    started_at = instant(told.start_ns)
    shown = tuple(_event(*event) for event in events)
    if kind is SpanKind.TOOL:
        senders.complete_tool(found, name=told.name)
    elif kind in senders.OF_MODELS:
        senders.complete_call(found, said, shown, started_at=started_at)
    prices.fill(fields, kind, at=started_at)
    duration_ms, warning = _duration(told)
    if warning:
        found.rest[WARNING] = warning
    fields.setdefault("service", told.service)
    parent = told.parent_id if told.parent_id != told.span_id else None
    return Span(
        **{
            **UNSAID,
            **fields,
            "trace_id": told.trace_id,
            "span_id": told.span_id,
            "parent_id": parent,
            "name": redact.clean(told.name, redact.NAME_LIMIT),
            "kind": kind,
            "started_at": started_at,
            "duration_ms": duration_ms,
            "status": status,
            "status_message": redact.clean(told.message),
            "events": shown,
            "attributes": found.rest,
        }
    )


def assembled(trace_id: str, spans: Iterable[Span], *, cut: bool = False) -> Trace | None:
    """Return the trace of `spans`, by start, each id once, at most `MAX_SPANS`; None without any.

    Args:
        trace_id: Of all of them.
        spans: In any order; no more than one beyond the limit is taken.
        cut: Whether the store has more than these.
    """
    taken = list(islice(spans, MAX_SPANS + 1))
    once: dict[str, Span] = {}
    for span in taken[:MAX_SPANS]:
        once.setdefault(span.span_id, span)
    if not once:
        return None
    ordered = sorted(once.values(), key=lambda span: (span.started_at, -span.duration_ms))
    return Trace(trace_id=trace_id, spans=tuple(ordered), cut=cut or len(taken) > MAX_SPANS)


def status_of(code: object) -> SpanStatus:
    """Return the status for a code in any spelling: 2, `STATUS_CODE_ERROR`, `Error`."""
    word = str(code if code is not None else "").lower().removeprefix("status_code_")
    return _STATUSES.get(word, SpanStatus.UNSET)


def is_server(kind: object) -> bool:
    """Say whether OpenTelemetry's span kind, in any spelling, is SERVER."""
    return str(kind).lower().removeprefix("span_kind_") in ("2", "server")


def instant(nanoseconds: int) -> datetime:
    """Return the instant so many nanoseconds after 1970, to the microsecond; nonsense is 1970."""
    if not 0 <= nanoseconds < _LATEST_NS:
        return EPOCH
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


def nanoseconds(at: datetime) -> int:
    """Return the nanoseconds from 1970 to `at`, an aware time."""
    return (at - EPOCH) // timedelta(microseconds=1) * 1000


def iso_nanoseconds(written: object) -> int:
    """Return the nanoseconds since 1970 of an ISO 8601 time; without a zone it is UTC.

    Raises:
        ValueError: It is none.
    """
    text = str(written)
    at = datetime.fromisoformat(text)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    # Python keeps microseconds; what was beyond is added back.
    _, _, fraction = text.partition(".")
    digits = fraction[: len(fraction) - len(fraction.lstrip("0123456789"))]
    rest = int(digits[6:9].ljust(3, "0")) if len(digits) > 6 else 0
    return nanoseconds(at) + rest


def _duration(told: Told) -> tuple[float, str]:
    """Return the duration as drawn, and what is wrong with it, if anything."""
    if not 0 <= told.start_ns < _LATEST_NS:
        return 0.0, "its start is no time"
    if told.duration_ms < 0:
        return 0.0, "ended before it started, or did not end"
    if not told.duration_ms <= _LONGEST_MS:
        return 0.0, "its duration is no time"
    return told.duration_ms, ""


def _lifted(events: Iterable[tuple[int, str, Mapping[str, Value]]]) -> dict[str, Value]:
    lifted: dict[str, Value] = {}
    for _, name, said in events:
        if name in _LIFTED:
            lifted.update({key: value for key, value in said.items() if key.startswith("gen_ai.")})
        elif name == "exception" and "exception.type" in said:
            lifted.setdefault("exception.type", said["exception.type"])
    return lifted


def _event(at_ns: int, name: str, said: Mapping[str, Any]) -> SpanEvent:
    return SpanEvent(
        at=instant(at_ns),
        name=redact.clean(name, redact.NAME_LIMIT),
        attributes=attributes.texts(said),
    )
