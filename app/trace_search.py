"""The list of traces: what it is narrowed to, and its rows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from models.vocabulary import CostSource, SpanStatus
from signals.traces import Order, TraceQuery, TraceSummary

LIMIT = 100
_LABEL_DIGITS = 8

_NAMES = {
    "tool": "tool",
    "session_id": "session",
    "request_id": "request",
    "outcome": "outcome",
}
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
        named: (field, value) pairs of `signals.traces.SEARCHED` besides; a user is told by a mark.
        since, until: A time of its own, where one was chosen within or instead of the window.
        slower_than_ms, faster_than_ms, dearer_than_usd, score_at_most: None for any.
        attributes: (name, value) pairs that some span tells.
    """

    window: timedelta
    since: datetime | None = None
    until: datetime | None = None
    scope: tuple[tuple[str, str], ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    errors_only: bool = False
    slower_than_ms: float | None = None
    faster_than_ms: float | None = None
    dearer_than_usd: float | None = None
    score_at_most: float | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    order: Order = Order.NEWEST

    @property
    def words(self) -> str:
        """Return what holds traces back besides the time range, in words, or nothing."""
        said = [f"{field.replace('_', ' ')} {value}" for field, value in self.scope]
        said += [
            value if field == "user_id" else f"{_NAMES[field]} {value}"
            for field, value in self.named
        ]
        if self.errors_only:
            said.append("errors only")
        if self.slower_than_ms is not None:
            said.append(f"slower than {self.slower_than_ms / 1000:g} s")
        if self.faster_than_ms is not None:
            said.append(f"faster than {self.faster_than_ms / 1000:g} s")
        if self.dearer_than_usd is not None:
            said.append(f"costs at least ${self.dearer_than_usd:g}")
        if self.score_at_most is not None:
            said.append(f"scored at most {self.score_at_most:g}")
        said += [f"{name} = {value}" for name, value in self.attributes]
        return ", ".join(said)

    def query(self, *, now: datetime) -> TraceQuery:
        """Return the question to a store."""
        return TraceQuery(
            start=self.since or now - self.window,
            end=self.until or now,
            scope={**dict(self.scope), **dict(self.named)},
            errors_only=self.errors_only,
            min_duration_ms=self.slower_than_ms,
            min_cost_usd=self.dearer_than_usd,
            max_duration_ms=self.faster_than_ms,
            max_score=self.score_at_most,
            attributes=self.attributes,
            order=self.order,
            limit=LIMIT,
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
            "Score": pd.Series([s.worst_score for s in summaries], dtype="float64"),
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
