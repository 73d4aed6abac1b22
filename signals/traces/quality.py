"""How good and how safe the answers were: questions, and answers that say what they rest on.

Scores, what people made of the answers, what guardrails stopped, who approved, and what retrieval
found. Whose label counts is the request's, as for the golden signals. What nobody said is no zero:
each count stands beside how many said anything.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

SPLITS: Final = ("prompt_version", "feature", "tenant", "model")
MAX_ROWS: Final = 200
MAX_SAMPLE: Final = 20
THUMBS_FROM: Final = 50.0  # points of a feedback score that are a thumb up

# Names of scores that are a user's verdict, not a judge's; compared in lower case, `_` for `-`.
FEEDBACK_SCORES: Final = (
    *("user_feedback", "feedback", "user_score", "user_rating", "thumbs", "thumb", "user_thumbs"),
    *("user feedback", "user rating"),
)
# Attributes by which applications say things that no field of a span holds; the first wins.
REASON: Final = (
    *("guardrail.reason", "guardrail.message", "gen_ai.security.verdict.reason"),
    *("gen_ai.security.risk.category", "guard.classification", "guard.reason"),
)
APPROVER: Final = ("approval.approver", "approval.by", "approver", "approval.user")
# As `_retrieval` of signals/attribute_aliases.json.
RETURNED: Final = (
    *("retrieval.chunks.returned", "retrievalChunkCount", "retrieval.chunk_count"),
    *("gen_ai.retrieval.document_count", "db.vector.query.result_count"),
)
CITED: Final = ("citations", "citedDocIds", "citation.document_ids", "rag.citations")
FALLBACK: Final = ("retrieval.fallback", "fallback.path", "rag.fallback")
UNSURE: Final = (
    *("retrieval.low_confidence", "lowConfidence", "low_confidence", "rag.low_confidence"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityQuery:
    """Of which requests, and split by what.

    Attributes:
        start, end: The period, [start, end).
        before: When the period to compare with begins; it ends at `start`.
        by: Of `SPLITS`.
        scope: Sorted (label, value) pairs that all must hold.
    """

    start: datetime
    end: datetime
    before: datetime
    by: str
    scope: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What one evaluation says of one value of the label.

    Attributes:
        value: None for requests that do not say.
        mean, low: In points, [0, 100]; `low` is the tenth percentile.
        before_mean: Of the period before; None where nothing was judged then.
    """

    value: str | None
    name: str
    judged: int
    mean: float | None
    low: float | None
    before_judged: int
    before_mean: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What people made of the answers to one value of the label; counts of requests.

    Attributes:
        up, down: By the last thumb, told or scored.
        confirmations: Calls of a tool that a person was asked to confirm, and decided.
        refused: Requests in which they said no.
        told: Requests of which anything at all is known.
    """

    value: str | None
    requests: int
    told: int
    up: int
    down: int
    accepted: int
    edited: int
    rejected: int
    abandoned: int
    confirmations: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What one guardrail did for one reason.

    Attributes:
        reason: Empty where none was told.
        checks: All checks of this guardrail, whatever the reason.
        triggered: For this reason.
        right, wrong: Of these, those that a person has judged.
    """

    guardrail: str
    reason: str
    checks: int
    triggered: int
    right: int
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One time that a guardrail triggered.

    Attributes:
        text: What it saw, or what was asked; redacted and cut; empty where nobody sent it.
        judged: `rightly_stopped`, `wrongly_stopped`, or None.
    """

    trace_id: str
    at: datetime
    feature: str | None
    tenant: str | None
    text: str
    judged: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """What one person decided, or a queue that names nobody (None).

    Attributes:
        wait_seconds: The median from request to decision; None where nobody said.
    """

    name: str | None
    granted: int
    rejected: int
    pending: int
    wait_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The queue of approvals as an application last told it."""

    depth: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """What retrieval did for one value of the label; counts of requests that searched.

    Attributes:
        told: Those that say how many chunks they found.
        empty: Those that found none.
        chunks: How many they found in the mean; None where none says.
        citing, cited: Those that say what they cited, and those that cited anything.
        fallbacks: Those that took a way out, or say that they were unsure; of `answering`, which
            say either way.
    """

    value: str | None
    searched: int
    told: int
    empty: int
    chunks: float | None
    citing: int
    cited: int
    answering: int
    fallbacks: int


class QualityStore(Protocol):
    """A trace store that answers for quality and safety. Every call is bounded in time and size.

    Every call raises SignalError where the store could not answer.
    """

    def scores(self, query: QualityQuery) -> list[Scores]:
        """Return what was judged, by evaluation and value, the most judged first."""
        ...

    def feedback(self, query: QualityQuery) -> list[Feedback]:
        """Return what people made of the answers, by value, the most requests first."""
        ...

    def guards(self, query: QualityQuery) -> list[Guard]:
        """Return what guardrails did, by reason, the most triggered first."""
        ...

    def stops(self, query: QualityQuery, guardrail: str, reason: str) -> list[Stop]:
        """Return the newest times that a guardrail triggered, at most `MAX_SAMPLE`."""
        ...

    def approvers(self, query: QualityQuery) -> list[Approver]:
        """Return what was decided, by person."""
        ...

    def queue(self, query: QualityQuery) -> Queue | None:
        """Return the queue as last told in the period; None where nobody did."""
        ...

    def searches(self, query: QualityQuery) -> list[Searches]:
        """Return what retrieval did, by value, the most requests first."""
        ...
