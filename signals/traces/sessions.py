"""Sessions: the requests of one conversation, how it ended, what it cost, turn by turn.

A turn is a request that carries the session's id. How a session ended:

    resolved    told so of its latest turn (accepted, edited, resolved), or said by that turn
    abandoned   told so; or nobody came back for 30 minutes after a turn that failed
    rejected, escalated, reopened   told so
    open        a turn ended less than 30 minutes ago, and nothing was told
    ended       none of these: somebody had their answers and left without a word
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from models.vocabulary import CostSource
from signals.cut_json import mended

MAX_SESSIONS = 500
MAX_TURNS = 100
QUIET = timedelta(minutes=30)  # after which nobody is expected to come back
# A session belongs to the period it began in: turns so long before that are looked for.
PAUSE = timedelta(hours=6)


class SessionOrder(StrEnum):
    """How to sort a list of sessions."""

    NEWEST = "newest"
    DEAREST = "dearest"
    LONGEST = "longest"  # the most turns first
    WORST = "worst"  # the most failed turns first


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions: those that began in [start, end) and have a turn with all of `scope`.

    Attributes:
        scope: Sorted (label, value) pairs of `signals.traces.FILTERS` but for the session.
        limit: At most so many, and never more than `MAX_SESSIONS`.
    """

    start: datetime
    end: datetime
    scope: tuple[tuple[str, str], ...] = ()
    order: SessionOrder = SessionOrder.NEWEST
    limit: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One line of a list of sessions.

    Attributes:
        user_id: As stored; show its mark.
        failures: Turns that failed.
        errors: Spans that failed, in all turns.
        cost_usd: Of all turns; None when none has a known cost.
        ending: See above.
    """

    session_id: str
    started_at: datetime
    ended_at: datetime
    user_id: str | None
    feature: str | None
    turns: int
    failures: int
    errors: int
    tokens: int | None
    cost_usd: float | None
    cost_source: CostSource
    ending: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The answer to a `SessionQuery`; the figures are over all sessions, listed or not.

    Attributes:
        cost_usd: Of all of them; None when none has a known cost.
        at_least: Some call has no known price.
        abandoned_turns: Mean turns of those that were abandoned; None without any.
    """

    listed: tuple[Session, ...] = ()
    count: int = 0
    turns: int = 0
    resolved: int = 0
    abandoned: int = 0
    open: int = 0
    cost_usd: float | None = None
    at_least: bool = False
    abandoned_turns: float | None = None

    @property
    def cost_per_resolved(self) -> float | None:
        """Return dollars, those of the other sessions included, per session that was resolved."""
        return (
            self.cost_usd / self.resolved if self.cost_usd is not None and self.resolved else None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One request of a session.

    Attributes:
        outcome: As told since, or else as the request says.
        question, answer: Redacted and truncated when they were stored; empty when not sent.
        cost_source: `UNPRICED` with a cost means at least that.
    """

    trace_id: str
    name: str
    started_at: datetime
    duration_ms: float
    failed: bool
    outcome: str | None
    user_id: str | None
    model: str | None
    tools: tuple[str, ...]
    tokens: int | None
    cost_usd: float | None
    cost_source: CostSource
    errors: int
    question: str
    answer: str


class SessionStore(Protocol):
    """A trace store that knows sessions. Every call is bounded in time and size."""

    def sessions(self, query: SessionQuery, *, now: datetime) -> Sessions:
        """Return the sessions that match, in the order asked for.

        Raises:
            SignalError: The store could not answer.
        """
        ...

    def turns(self, session_id: str, *, start: datetime, end: datetime) -> list[Turn]:
        """Return the first `MAX_TURNS` turns of a session, in order; raises as `sessions`."""
        ...


def spoken(text: str, role: str) -> str:
    """Return what `role` said last in a text of messages; the whole text if it is no such text.

    Messages are lists of {"role", "content"} or of {"role", "parts"}, as OpenTelemetry has them;
    one that was cut off in the middle is read as far as it goes.
    """
    said = [_content(one) for one in _messages(text) if _is_of(one, role)]
    return next((one for one in reversed(said) if one), text)


def _messages(text: str) -> list[Any]:
    for mend in (str, mended):
        try:
            found = json.loads(mend(text))
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, list) else []
    return []


def _is_of(message: Any, role: str) -> bool:
    return isinstance(message, Mapping) and message.get("role") == role


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("parts", message.get("content", ""))
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    told = (part.get("content", part.get("text")) for part in parts if isinstance(part, Mapping))
    return "\n".join(one for one in told if isinstance(one, str))
