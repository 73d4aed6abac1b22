"""What an agent's tools did: calls, errors, time, what they were permitted, and who approved.

A call is a span of kind tool. Applications spell permissions and approvals as they like; the words
here are the three of the seeds and the three of an approval, in SQL and in Python by one table.

Source: "Observability in Production", on agents and tool calling; the attributes are those of
`attribute_aliases.json`, with `approval.id`, `approval.requested_at` and `approval.decided_at`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from models.vocabulary import SpanKind, SpanStatus
from signals.traces import Span

MAX_TOOLS = 200
MAX_WAITING = 100
PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    "allowed": ("allowed", "allow", "granted", "permitted", "approved", "ok", "true"),
    "denied": ("denied", "deny", "blocked", "block", "forbidden", "refused", "false"),
    "needs confirmation": (
        *("needs confirmation", "needs_confirmation", "needs-confirmation", "confirm", "ask"),
        *("requires_approval", "requires_confirmation", "needs_approval", "pending"),
    ),
}
APPROVALS: Mapping[str, tuple[str, ...]] = {
    "granted": ("granted", "approved", "accepted", "allowed", "true"),
    "rejected": ("rejected", "denied", "declined", "refused", "false"),
    "pending": ("pending", "waiting", "requested", "open"),
}
ID, REQUESTED, DECIDED = "approval.id", "approval.requested_at", "approval.decided_at"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0.0, 1.0))  # ns, µs, ms, s since 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """What the calls of one tool came to.

    Attributes:
        tool: Its name, or that of its spans when they do not say.
        errors: Calls that failed.
        p50_ms, p95_ms: Of how long they took.
        allowed, denied, confirmed: Calls by permission; `confirmed` are those that needed a
            confirmation, granted or not. The rest do not say, or in a word of their own.
        granted, rejected, pending: Calls by what came of asking a human.
    """

    tool: str
    calls: int
    errors: int
    p50_ms: float
    p95_ms: float
    allowed: int
    denied: int
    confirmed: int
    granted: int
    rejected: int
    pending: int

    @property
    def unsaid(self) -> int:
        """Return the calls that say nothing of permission that is known here."""
        return self.calls - self.allowed - self.denied - self.confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A human was asked whether a tool may be called.

    Attributes:
        outcome: granted, rejected or pending: not decided when the span was sent.
        requested_at: As told, or else the start of the call.
        decided_at: As told; None otherwise.
    """

    tool: str
    trace_id: str
    span_id: str
    outcome: str
    requested_at: datetime
    decided_at: datetime | None = None

    def age(self, *, now: datetime) -> timedelta | None:
        """Return how long it has waited, or had; None for a decision whose time is not told."""
        until = now if self.outcome == "pending" else self.decided_at
        return None if until is None else max(until - self.requested_at, timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolQuery:
    """Which calls: those that ended in [start, end) of requests with every label of `scope`."""

    start: datetime
    end: datetime
    scope: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReport:
    """The answer to a `ToolQuery`.

    Attributes:
        tools: The most called first, at most `MAX_TOOLS`.
        names: How many tools there are.
        waiting: Approvals that nobody had decided, the longest waiting first, at most
            `MAX_WAITING`; one is decided once a span with the same `approval.id` says so.
        waits: How many of these there are.
    """

    tools: tuple[ToolUse, ...] = ()
    names: int = 0
    waiting: tuple[Approval, ...] = ()
    waits: int = 0


class ToolStore(Protocol):
    """A trace store that adds up what tools did. Every call is bounded in time and size."""

    def tools(self, query: ToolQuery) -> ToolReport:
        """Return what tools did.

        Raises:
            SignalError: The store could not answer.
        """
        ...


def word_of(said: str | None, words: Mapping[str, Sequence[str]]) -> str | None:
    """Return the word of `PERMISSIONS` or `APPROVALS` that `said` stands for; None if unknown."""
    if said is None:
        return None
    return next((word for word, known in words.items() if said.strip().lower() in known), None)


def uses(spans: Iterable[Span]) -> list[ToolUse]:
    """Return what the tools in `spans` did, the most called first."""
    calls: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        if span.kind is SpanKind.TOOL:
            calls[span.tool or span.name].append(span)
    found = [_use(tool, made) for tool, made in calls.items()]
    return sorted(found, key=lambda use: (-use.calls, use.tool))


def _use(tool: str, made: Sequence[Span]) -> ToolUse:
    times = sorted(span.duration_ms for span in made)
    permissions = [word_of(span.permission, PERMISSIONS) for span in made]
    approvals = [word_of(span.approval, APPROVALS) for span in made]
    return ToolUse(
        tool=tool,
        calls=len(made),
        errors=sum(span.status is SpanStatus.ERROR for span in made),
        p50_ms=_quantile(times, 0.5),
        p95_ms=_quantile(times, 0.95),
        allowed=permissions.count("allowed"),
        denied=permissions.count("denied"),
        confirmed=permissions.count("needs confirmation"),
        granted=approvals.count("granted"),
        rejected=approvals.count("rejected"),
        pending=approvals.count("pending"),
    )


def _quantile(ordered: Sequence[float], part: float) -> float:
    """Return a quantile between the two nearest values, as DuckDB's `quantile_cont`."""
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def approvals(spans: Iterable[Span]) -> list[Approval]:
    """Return the approvals asked for in `spans`, the earliest first.

    One that was pending is decided by another span with the same `approval.id`.
    """
    asked = [
        (span, outcome)
        for span in spans
        if span.kind is SpanKind.TOOL and (outcome := word_of(span.approval, APPROVALS))
    ]
    decided = {span.attributes.get(ID) for span, outcome in asked if outcome != "pending"}
    return sorted(
        (
            approval(span, outcome)
            for span, outcome in asked
            if outcome != "pending" or span.attributes.get(ID, "") not in decided
        ),
        key=lambda found: found.requested_at,
    )


def approval(span: Span, outcome: str) -> Approval:
    """Return the approval that `span`, a call of a tool, tells about."""
    return Approval(
        tool=span.tool or span.name,
        trace_id=span.trace_id,
        span_id=span.span_id,
        outcome=outcome,
        requested_at=instant(span.attributes.get(REQUESTED)) or span.started_at,
        decided_at=instant(span.attributes.get(DECIDED)),
    )


def instant(told: str | None) -> datetime | None:
    """Return an instant told as ISO 8601 (UTC without a zone) or as a number since 1970."""
    if not told:
        return None
    try:
        number = float(told)
        scale = next((scale for least, scale in _UNITS if number >= least), 0.0)
        return _EPOCH + timedelta(seconds=number / scale) if scale else None
    except OverflowError:
        return None
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(told)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
