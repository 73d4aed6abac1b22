"""What can be broken on demand, and what the pipeline makes of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Break(StrEnum):
    """One way in which the application misbehaves until it is healed."""

    SLOW_MODEL = "slow-model"
    PROVIDER_ERRORS = "provider-errors"
    BROKEN_CACHE_KEYS = "broken-cache-keys"
    APPROVAL_BACKLOG = "approval-backlog"
    EVAL_REGRESSION = "eval-regression"
    COST_SPIKE = "cost-spike"
    GUARDRAIL_STORM = "guardrail-storm"


STORIES = {
    Break.SLOW_MODEL: "The model provider is overloaded: answers take three times as long.",
    Break.PROVIDER_ERRORS: "The model provider answers almost every second call with an error.",
    Break.BROKEN_CACHE_KEYS: "A deploy put a timestamp into the cache key: nothing is ever found.",
    Break.APPROVAL_BACKLOG: "The team that approves tool calls is away: the queue grows.",
    Break.EVAL_REGRESSION: "A prompt change made the answers worse; nothing fails.",
    Break.COST_SPIKE: "Retrieval injects whole documents: prompts are thirty times as long.",
    Break.GUARDRAIL_STORM: "A new guardrail pattern matches almost everything.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The odds under which requests are answered just now.

    Attributes:
        model_slowdown: Factor on the model's time.
        provider_failures: Share of model calls that fail, in three kinds.
        cache_hits: Share of requests that the cache can answer.
        blocked: Share of requests that a guardrail stops.
        input_factor: Factor on prompt tokens.
        eval_points: Mean score of an answer.
        approvals_per_second: How fast the queue shrinks (or, negative, grows) towards its level.
        approval_level: Where the queue settles.
        traffic: Factor on the number of requests: people try again when something is wrong.
    """

    model_slowdown: float = 1.0
    provider_failures: float = 0.003
    cache_hits: float = 0.40
    blocked: float = 0.015
    input_factor: float = 1.0
    eval_points: float = 86.0
    approvals_per_second: float = 20.0
    approval_level: float = 12.0
    traffic: float = 1.0


HEALTHY = Conditions()

EFFECTS: dict[Break, dict[str, float]] = {
    Break.SLOW_MODEL: {"model_slowdown": 3.2},
    Break.PROVIDER_ERRORS: {"provider_failures": 0.45},
    Break.BROKEN_CACHE_KEYS: {"cache_hits": 0.0, "traffic": 3.0},
    Break.APPROVAL_BACKLOG: {"approval_level": 640.0},
    Break.EVAL_REGRESSION: {"eval_points": 52.0},
    Break.COST_SPIKE: {"input_factor": 30.0, "traffic": 2.0},
    Break.GUARDRAIL_STORM: {"blocked": 0.85, "traffic": 1.5},
}


def conditions(broken: Iterable[Break]) -> Conditions:
    """Return the odds while all of `broken` last; each touches odds of its own."""
    now = HEALTHY
    for one in sorted(broken):
        effect = dict(EFFECTS[one])
        effect["traffic"] = max(now.traffic, effect.get("traffic", 1.0))
        now = replace(now, **effect)
    return now
