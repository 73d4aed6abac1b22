"""What the Traces page says about a trace and its spans, as text. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import pandas as pd

from app import numbers
from app.waterfall.layout import Row, Waterfall
from models.vocabulary import CostSource, Unit
from signals.logs import LogRecord
from signals.traces import Span
from signals.traces.people import mark as person
from signals.units import span as span_words

# Attributes that name a person in the spellings of OpenTelemetry, Langfuse and the seeds.
_PERSON = re.compile(
    r"(?:^|[._])(?:end_?)?user(?:[._]?(?:id|name|full_name|email))?$", re.IGNORECASE
)

# Field of Span, and what the page calls it.
_FIELDS = (
    ("service", "Service"),
    ("provider", "Provider"),
    ("model", "Model"),
    ("prompt_name", "Prompt"),
    ("prompt_version", "Prompt version"),
    ("feature", "Feature"),
    ("tenant", "Tenant"),
    ("environment", "Environment"),
    ("session_id", "Session"),
    ("request_id", "Request id"),
    ("outcome", "Outcome"),
    ("guardrail", "Guardrail"),
    ("tool", "Tool"),
    ("permission", "Permission"),
    ("approval", "Approval"),
    ("eval_name", "Evaluation"),
)
_COUNTS = (
    ("input_tokens", "Input tokens"),
    ("output_tokens", "Output tokens"),
    ("cache_read_tokens", "Tokens read from the provider's cache"),
    ("cache_write_tokens", "Tokens written to the provider's cache"),
    ("reasoning_tokens", "Reasoning tokens"),
    ("queue_depth", "Approvals waiting"),
    ("eval_score", "Score, of 100"),
)
_YES_NO = (("cache_hit", "Answered from cache"), ("guardrail_triggered", "Guardrail triggered"))


def local(at: datetime, tz: tzinfo) -> str:
    """Return an instant in the viewer's zone, to the millisecond."""
    there = at.astimezone(tz)
    return f"{there:%Y-%m-%d %H:%M:%S}.{there.microsecond // 1000:03d} {there:%Z}"


def milliseconds(value: float) -> str:
    """Return a duration given in milliseconds."""
    if value >= 60_000:
        return span_words(timedelta(milliseconds=value))
    return numbers.number(value / 1000, Unit.SECONDS)


def cost(usd: float | None, source: CostSource) -> str:
    """Return a cost with its provenance: `$0.025`, `≈ $0.025`, `≥ $0.025`, `no price`, a dash."""
    if usd is None:
        return "no price" if source is CostSource.UNPRICED else numbers.NO_VALUE
    sign = {CostSource.COMPUTED: "≈ ", CostSource.UNPRICED: "≥ "}.get(source, "")
    return f"{sign}{numbers.number(usd, Unit.USD)}"


def cost_meaning(drawn: Waterfall) -> str:
    """Return in a word or two how sure the cost of a trace is."""
    if drawn.cost.at_least:
        return "at least"
    return {
        CostSource.REPORTED: "reported",
        CostSource.COMPUTED: "from the price list",
        CostSource.UNPRICED: "no price known",
        CostSource.NONE: "no tokens used",
    }[drawn.cost.source]


def first(drawn: Waterfall, field: str) -> str | None:
    """Return what the first span that has `field` says, from the root down."""
    found = (getattr(row.span, field) for row in drawn.rows)
    return next((value for value in found if value), None)


def origin(drawn: Waterfall) -> list[tuple[str, str]]:
    """Return whose request it was: (name, value) pairs of what is known."""
    named = (
        ("service", "service"),
        ("feature", "feature"),
        ("tenant", "tenant"),
        ("model", "model"),
        ("prompt_version", "prompt"),
        ("session_id", "session"),
        ("request_id", "request"),
    )
    pairs = [(name, value) for field, name in named if (value := first(drawn, field))]
    user_id = first(drawn, "user_id")
    return [*pairs, ("who", person(user_id))] if user_id else pairs


def facts(row: Row) -> list[tuple[str, str]]:
    """Return what is known about one span: (name, value) pairs, without its attributes."""
    span = row.span
    pairs = [(name, str(value)) for field, name in _FIELDS if (value := getattr(span, field))]
    pairs += [
        (name, numbers.number(value, Unit.COUNT))
        for field, name in _COUNTS
        if (value := getattr(span, field)) is not None
    ]
    pairs += [
        (name, "yes" if value else "no")
        for field, name in _YES_NO
        if (value := getattr(span, field)) is not None
    ]
    if span.user_id:
        pairs.append(("Who", person(span.user_id)))
    pairs.append(("Span id", span.span_id or numbers.NO_VALUE))
    return pairs


def oddities(row: Row) -> list[str]:
    """Return a sentence for each thing that is not as it should be with where a span stands."""
    said = (
        (row.orphan, "Its parent has not arrived: lost, sampled out, or still on its way."),
        (row.cyclic, "Its parents form a circle; it was cut here."),
        (row.skewed, "It lies outside its parent: clocks differ, or it outlived the parent."),
        ("#" in row.key, "Another span came under the same id."),
    )
    return [sentence for holds, sentence in said if holds]


def attributes(span: Span) -> list[tuple[str, str]]:
    """Return the attributes by name; what names a person is hashed."""
    return [
        (name, person(value) if value and _names_person(name, value, span) else value)
        for name, value in sorted(span.attributes.items())
    ]


def _names_person(name: str, value: str, span: Span) -> bool:
    return value == span.user_id or names_person(name)


def names_person(name: str) -> bool:
    """Say whether an attribute of that name says who somebody is."""
    return _PERSON.search(name) is not None


def pairs_table(pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return (name, value) pairs as two columns."""
    return pd.DataFrame(pairs, columns=["Name", "Value"], dtype="str")


def lines_table(lines: Sequence[LogRecord], drawn: Waterfall) -> pd.DataFrame:
    """Return log lines with the time since the start of their trace and the span they are of."""
    names = {row.span.span_id: row.span.name for row in drawn.rows}
    started_at = drawn.started_at
    return pd.DataFrame(
        {
            "Time": pd.Series([line.at for line in lines], dtype="datetime64[us, UTC]"),
            "After ms": [
                (line.at - started_at).total_seconds() * 1000 if started_at else None
                for line in lines
            ],
            "Severity": [line.severity for line in lines],
            "Line": [line.body for line in lines],
            "Span": [names.get(line.span_id or "", "") for line in lines],
            "Service": [line.service for line in lines],
        }
    )
