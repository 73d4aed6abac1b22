"""Traces: what one request did, span by span. One file per store behind `TraceStore`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from models.vocabulary import CostSource, SpanKind, SpanStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """Something that happened inside a span, such as an exception."""

    at: datetime
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One unit of work. None means that the application did not say.

    Attributes:
        trace_id: 32 lower hex digits.
        span_id: 16 lower hex digits.
        parent_id: None for the root of a trace.
        started_at: Aware UTC, microseconds.
        duration_ms: Never negative.
        cost_usd: This span's own cost, without its children's; None when unknown.
        ttft_ms: Time to first token.
        cache_hit: Whether the application's own cache answered.
        queue_depth: Approvals waiting when the span was recorded.
        eval_score: In points, [0, 100].
        input_text, output_text: Prompt and completion, redacted and truncated.
        attributes: Everything else that was sent, redacted, as text.
        weight: For how many spans it stands, where others like it were sampled out; None is one.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: SpanKind
    service: str
    started_at: datetime
    duration_ms: float
    status: SpanStatus = SpanStatus.UNSET
    status_message: str = ""
    feature: str | None = None
    tenant: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    environment: str | None = None
    provider: str | None = None
    model: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    outcome: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    cost_source: CostSource = CostSource.NONE
    ttft_ms: float | None = None
    cache_hit: bool | None = None
    guardrail: str | None = None
    guardrail_triggered: bool | None = None
    tool: str | None = None
    permission: str | None = None
    approval: str | None = None
    queue_depth: float | None = None
    eval_name: str | None = None
    eval_score: float | None = None
    input_text: str = ""
    output_text: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    weight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One request: all its spans known so far, by start. Spans may lack their parent.

    Attributes:
        cut: The store holds more spans of it than it gives at once; these are the earliest, or
            as many as came first from a store that gives them in no order.
    """

    trace_id: str
    spans: tuple[Span, ...]
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSummary:
    """One line of a list of traces; sums are over the spans that have arrived.

    What is not among the store's `Abilities.listed` is unknown here, not absent.

    Attributes:
        tools: Those that some span called, by name.
        worst_score: The lowest evaluation of any span, in points, [0, 100].
        weight: How many traces it stands for, where others like it were sampled out.
    """

    trace_id: str
    name: str
    started_at: datetime
    duration_ms: float
    status: SpanStatus
    outcome: str | None
    feature: str | None
    tenant: str | None
    model: str | None
    prompt_version: str | None
    session_id: str | None
    tokens: int | None
    cost_usd: float | None
    cost_source: CostSource
    span_count: int | None
    error_count: int | None
    provider: str | None = None
    tools: tuple[str, ...] = ()
    worst_score: float | None = None
    weight: int = 1


class Order(StrEnum):
    """How to sort a list of traces."""

    NEWEST = "newest"
    SLOWEST = "slowest"
    DEAREST = "dearest"
    WORST = "worst"  # the lowest score first


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceQuery:
    """Which traces to list: those whose root started in [start, end) and match every filter.

    Attributes:
        scope: Equalities on `SEARCHED`, such as {"model": "…", "tenant": "…"}. A user may be told
            by their mark as well: see `signals.traces.people`.
        errors_only: Only traces whose root failed.
        min_duration_ms: Only traces at least this slow.
        min_cost_usd: Only traces whose known cost is at least this.
        max_duration_ms: Only traces faster than this.
        max_score: Only traces with an evaluation of at most this, in points, [0, 100].
        attributes: (name, value) pairs, each of them told by some span: a field of `Span` by its
            name, or whatever the application called it.
        limit: At most this many, 1,000 at the most.
    """

    start: datetime
    end: datetime
    scope: Mapping[str, str] = field(default_factory=dict)
    errors_only: bool = False
    min_duration_ms: float | None = None
    min_cost_usd: float | None = None
    max_duration_ms: float | None = None
    max_score: float | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    order: Order = Order.NEWEST
    limit: int = 100


# What traces can be filtered and signals be split by; fields of Span and of Prometheus labels.
FILTERS = ("feature", "tenant", "model", "prompt_version", "outcome", "session_id", "environment")
# What traces can be searched by besides, on whichever span says it: too many values for a split.
ON_ANY_SPAN = ("request_id", "user_id", "tool")
SEARCHED = (*FILTERS, *ON_ANY_SPAN)
# Fields of TraceQuery that not every store can narrow by, and how they are said.
NARROWING = {
    "max_duration_ms": "how fast they were",
    "max_score": "their score",
    "attributes": "any attribute",
}
MAX_ATTRIBUTES = 8  # that one question narrows by


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a store can do: pages offer no more, and what is beyond is refused in a sentence.

    Attributes:
        filters: Of `SEARCHED`, those that `search` narrows by.
        values: Of `FILTERS`, those whose values it lists.
        orders: What `search` sorts by.
        narrows: Of `NARROWING`, what `search` narrows by besides.
        untold: Fields of `Span` that it cannot compare as an attribute.
        most_attributes: That it narrows by at a time.
        listed: The fields of `TraceSummary` that its lists fill; with `cost_usd` among them it
            narrows by cost too.
        signals: Of the catalog, those that it answers as a `Source`.
        estimates: Those of `signals` whose values are close, not exact.
        some: When more traces match than were asked for, which of them are listed is its choice.
        retention: How long it keeps traces; None when it does not say.
        lag: For how long after its end a span may not be there yet.
        notes: What else it cannot do, each a sentence for the page.
    """

    filters: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    orders: tuple[Order, ...] = (Order.NEWEST,)
    narrows: frozenset[str] = frozenset()
    untold: frozenset[str] = frozenset()
    most_attributes: int = MAX_ATTRIBUTES
    listed: frozenset[str] = frozenset(TraceSummary.__dataclass_fields__)
    signals: frozenset[str] = frozenset()
    estimates: frozenset[str] = frozenset()
    some: bool = False
    retention: timedelta | None = None
    lag: timedelta = timedelta()
    notes: tuple[str, ...] = ()


class TraceStore(Protocol):
    """Somewhere that traces can be read from. Every call is bounded in time and size."""

    @property
    def name(self) -> str:
        """Return the name that pages and errors use."""
        ...

    @property
    def abilities(self) -> Abilities:
        """Return what this store can do; asks nobody."""
        ...

    def trace(self, trace_id: str) -> Trace | None:
        """Return the trace with `trace_id` (32 lower hex digits), or None if it is not held.

        Raises:
            SignalError: The store could not answer.
        """
        ...

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return the traces that match, in the order asked for; raises as `trace`.

        Raises:
            QueryError: The question is beyond `abilities`; the sentence says what to ask instead.
        """
        ...

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        """Return the values of one of `FILTERS`, most frequent first, at most 200.

        Raises as `search`.
        """
        ...

    def web_url(self, trace_id: str) -> str | None:
        """Return the trace on the store's own pages; None without any. Asks nobody."""
        ...

    def check(self) -> str:
        """Return one line that shows who answers, with its version; raises as `trace`."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


class SpanSink(Protocol):
    """Somewhere that spans can be put."""

    def write(self, spans: Sequence[Span]) -> None:
        """Store `spans`, durably before it returns. Writing a span again changes nothing.

        Raises:
            BusyError: The queue is full; try again after a second or two.
        """
        ...


class BusyError(Exception):
    """The store cannot take more just now; nothing of the batch was stored."""


class StoreError(Exception):
    """A store cannot be opened. The message is for the operator."""
