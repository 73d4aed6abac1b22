"""Requests of one LLM application, and what is true of them. No metric is named here."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf

STEP_SECONDS = 30
FAILED = ("error", "timeout", "rate_limited")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Requests that are alike.

    Attributes:
        count: How many come in each step of `STEP_SECONDS`.
        cached: Answered from the cache.
        blocked: Stopped by a guardrail.
    """

    count: int
    feature: str
    tenant: str
    model: str
    seconds: float
    outcome: str = "success"
    input: int = 0
    output: int = 0
    dollars: float = 0.0
    cached: bool = False
    blocked: bool = False


GPT, HAIKU = "gpt-4.1-mini", "claude-haiku-4-5"
TRAFFIC = (
    Kind(count=40, feature="chat", tenant="acme", model=GPT, seconds=0.7, input=900, output=120,
         dollars=0.004),
    Kind(count=20, feature="chat", tenant="globex", model=GPT, seconds=1.7, input=1200, output=300,
         dollars=0.009),
    Kind(count=10, feature="chat", tenant="acme", model=GPT, seconds=0.03, cached=True),
    Kind(count=4, feature="chat", tenant="acme", model=GPT, seconds=0.2, outcome="rate_limited"),
    Kind(count=2, feature="chat", tenant="globex", model=GPT, seconds=9.0, outcome="timeout"),
    Kind(count=14, feature="search", tenant="acme", model=HAIKU, seconds=3.3, input=4000,
         output=700, dollars=0.02),
    Kind(count=6, feature="search", tenant="globex", model=HAIKU, seconds=0.4, outcome="error"),
    Kind(count=4, feature="search", tenant="globex", model=HAIKU, seconds=0.1, blocked=True,
         outcome="user_rejected"),
)  # fmt: skip

Chosen = Callable[[Kind], bool]


def everything(_kind: Kind) -> bool:
    return True


def per_second(
    what: Callable[[Kind], float] = lambda _kind: 1, chosen: Chosen = everything
) -> float:
    """Return the sum of `what` over the chosen requests, per second."""
    return sum(kind.count * what(kind) for kind in TRAFFIC if chosen(kind)) / STEP_SECONDS


def share(of: Chosen, among: Chosen = everything) -> float:
    return per_second(chosen=lambda k: of(k) and among(k)) / per_second(chosen=among)


def failed(kind: Kind) -> bool:
    return kind.outcome in FAILED


def quantile(q: float, bounds: Sequence[float], chosen: Chosen = everything) -> float:
    """Return what a histogram with these bounds can tell: linear within a bucket."""
    lower, below = 0.0, 0.0
    rank = q * per_second(chosen=chosen)
    for upper in (*bounds, inf):
        within = per_second(chosen=lambda k, to=upper: chosen(k) and k.seconds <= to)  # type: ignore[misc]
        if within >= rank:
            return (
                lower
                if upper == inf
                else lower + (upper - lower) * (rank - below) / (within - below)
            )
        lower, below = upper, within
    raise AssertionError("no bucket holds the rank")


def by(label: str, kinds: Iterable[Kind] = TRAFFIC) -> set[str]:
    return {getattr(kind, label) for kind in kinds}
