"""Finding traces: what people paste into the box, and what they may filter by. Pure."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from models.vocabulary import CostSource, SpanStatus
from signals.traces import Order, TraceQuery, TraceSummary, ids

LIMIT = 100
_LABEL_DIGITS = 8

_HEX = r"[0-9a-f]"
_UUID = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
# An id that is called one comes first, then the long forms, then a 64-bit id as Zipkin, Datadog
# and Tempo (which strips leading zeros) write it.
_FORMS = tuple(
    re.compile(rf"{before}(?<!{_HEX})({form})(?!{_HEX})")
    for before, form in (
        (r"trace[\s_-]*(?:id)?[\"'\s:=/]{1,4}", rf"{_UUID}|{_HEX}{{16,32}}"),
        ("", _UUID),
        ("", rf"{_HEX}{{32}}"),
        ("", rf"{_HEX}{{16,31}}"),
    )
)
_BASE64 = re.compile(r"(?<![\w+/])[\w+/-]{22}==(?!=)")

COST_WORDS = {
    CostSource.REPORTED: "reported",
    CostSource.COMPUTED: "computed",
    CostSource.UNPRICED: "no price",
    CostSource.NONE: "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of traces is narrowed to; hashable, so that answers can be cached by it.

    Attributes:
        scope: (field, value) pairs of `signals.traces.FILTERS`.
        slower_than_ms: None for any.
    """

    window: timedelta
    scope: tuple[tuple[str, str], ...] = ()
    errors_only: bool = False
    slower_than_ms: float | None = None
    order: Order = Order.NEWEST

    @property
    def words(self) -> str:
        """Return what holds traces back besides the time range, in words, or nothing."""
        said = [f"{field.replace('_', ' ')} {value}" for field, value in self.scope]
        if self.errors_only:
            said.append("errors only")
        if self.slower_than_ms is not None:
            said.append(f"slower than {self.slower_than_ms / 1000:g} s")
        return ", ".join(said)

    def query(self, *, now: datetime) -> TraceQuery:
        """Return the question to a store."""
        return TraceQuery(
            start=now - self.window,
            end=now,
            scope=dict(self.scope),
            errors_only=self.errors_only,
            min_duration_ms=self.slower_than_ms,
            order=self.order,
            limit=LIMIT,
        )


def find_trace_id(text: str) -> str | None:
    """Return the trace id in `text`, as 32 lower hex digits, or None if there is none.

    Takes 16 to 32 hex digits, a UUID, OTLP JSON's base64, a `traceparent`, upper or lower case,
    with any text around it.
    """
    found = [match[1] for form in _FORMS for match in form.finditer(text.lower())]
    found += [match[0] for match in _BASE64.finditer(text)]
    for written in found:
        with contextlib.suppress(ids.MalformedIdError):
            return ids.trace_id(written)
    return None


def malformed(text: str) -> str:
    """Return the sentence for a search in which no trace id was found."""
    written = text.strip().lower().replace("-", "")
    if written and set(written) == {"0"}:
        return "A trace id of zeros only means that the sender had no trace."
    if written and set(written) <= set("0123456789abcdef"):
        return (
            "A trace id has 32 hexadecimal digits, or 16 in older systems; "
            f"this one has {len(written)}."
        )
    return (
        "There is no trace id in that: it has 32 hexadecimal digits (0-9, a-f), or 16 in older "
        "systems, or is written as a UUID."
    )


def label(trace_id: str) -> str:
    """Return the short form of a trace id for a list: its end, for 64-bit ids begin with zeros."""
    return f":material/account_tree: {trace_id[-_LABEL_DIGITS:]}"


def table(summaries: Sequence[TraceSummary]) -> pd.DataFrame:
    """Return the list as shown: a row per trace, latency in seconds, cost in dollars."""
    return pd.DataFrame(
        {
            "Trace": [label(s.trace_id) for s in summaries],
            "Started": pd.Series([s.started_at for s in summaries], dtype="datetime64[us, UTC]"),
            "Request": [s.name for s in summaries],
            "Latency": [s.duration_ms / 1000 for s in summaries],
            "Cost": pd.Series([s.cost_usd for s in summaries], dtype="float64"),
            "Cost is": [cost_word(s.cost_usd, s.cost_source) for s in summaries],
            "Tokens": pd.Series([s.tokens for s in summaries], dtype="Int64"),
            "Status": [_status(s) for s in summaries],
            "Outcome": [s.outcome or "" for s in summaries],
            "Feature": [s.feature or "" for s in summaries],
            "Model": [s.model or "" for s in summaries],
            "Tenant": [s.tenant or "" for s in summaries],
            "Prompt": [s.prompt_version or "" for s in summaries],
            "Spans": pd.Series([s.span_count for s in summaries], dtype="Int64"),
        }
    )


def cost_word(usd: float | None, source: CostSource) -> str:
    """Return where a cost comes from, in a word: a sum with unpriced spans is a floor."""
    return "at least" if usd is not None and source is CostSource.UNPRICED else COST_WORDS[source]


def _status(summary: TraceSummary) -> str:
    if summary.status is SpanStatus.ERROR:
        return "✕ error"
    if summary.error_count:
        return f"! {summary.error_count} failed"
    return "✓ ok"
