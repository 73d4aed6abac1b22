"""The same rules, as Wakeful takes them and as Prometheus' ruler does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from string import Template
from typing import Any

from alerts import policies, rulebook
from alerts.conditions import Promql, Threshold
from alerts.policies import PolicyDraft, StepDraft
from alerts.ruledraft import RuleDraft
from bench.made_series import Traffic
from models.database import connect, migrate
from models.vocabulary import Comparison

WINDOWS = (5, 10, 30)  # minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A golden signal, as someone would write it in PromQL by hand, and a sensible bound.

    In `promql`, `$scope` stands for the label matchers and `$window` for the window.
    """

    signal: str
    promql: str
    bound: float
    comparison: Comparison = Comparison.ABOVE


def _sum(metric: str, where: str = "") -> str:
    return f"sum(rate({metric}_total{{$scope{where}}}[$window]))"


def _quantile(q: float) -> str:
    rate = "rate(llm_latency_seconds_bucket{$scope}[$window])"
    return f"histogram_quantile({q}, sum by (le) ({rate}))"


_FAILED = _sum("llm_requests", ',outcome=~"error|timeout|rate_limited"')
KINDS = (
    Kind(signal="latency_p95", promql=_quantile(0.95), bound=8.0),
    Kind(signal="error_ratio", promql=f"{_FAILED} / {_sum('llm_requests')}", bound=0.03),
    Kind(
        signal="cost_per_request",
        promql=f"{_sum('llm_cost_usd')} / {_sum('llm_requests')}",
        bound=0.08,
    ),
    Kind(
        signal="request_rate",
        promql=_sum("llm_requests"),
        bound=0.3,
        comparison=Comparison.BELOW,
    ),
    Kind(signal="latency_p99", promql=_quantile(0.99), bound=9.9),
    Kind(signal="latency_p50", promql=_quantile(0.5), bound=1.7),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One rule: a kind, over a window, for one feature on one model."""

    name: str
    kind: Kind
    minutes: int
    feature: str
    model: str
    bound: float

    @property
    def promql(self) -> str:
        """Return the rule as an expression of PromQL."""
        scope = f'feature="{self.feature}",model="{self.model}"'
        sign = ">" if self.kind.comparison is Comparison.ABOVE else "<"
        value = Template(self.kind.promql).substitute(scope=scope, window=f"{self.minutes}m")
        return f"{value} {sign} {self.bound}"

    @property
    def threshold(self) -> Threshold:
        """Return the rule as Wakeful's template."""
        return Threshold(
            signal=self.kind.signal,
            scope={"feature": self.feature, "model": self.model},
            comparison=self.kind.comparison,
            bound=self.bound,
            window=timedelta(minutes=self.minutes),
        )


def wanted(count: int, made: Sequence[Traffic], seed: int = 7) -> list[Wanted]:
    """Return `count` rules: the same few for each feature and model, then over other windows.

    1,000 are five for each of 200 pairs; 10,000 ask 3,600 different questions.
    """
    rng = Random(seed)
    asked = [(kind, minutes) for minutes in WINDOWS for kind in KINDS]
    rules = []
    for number in range(count):
        kind, minutes = asked[number // len(made) % len(asked)]
        one = made[number % len(made)]
        # As in a real book, hardly two rules have the same bound.
        bound = round(kind.bound * rng.uniform(0.97, 1.03), 4)
        rules.append(
            Wanted(
                name=f"rule {number:05}",
                kind=kind,
                minutes=minutes,
                feature=one.feature,
                model=one.model,
                bound=bound,
            )
        )
    return rules


def scattered(count: int, made: Sequence[Traffic], seed: int = 7) -> list[Wanted]:
    """Return `count` of all rules that `wanted` could make, here one and there one."""
    every = wanted(len(made) * len(KINDS) * len(WINDOWS), made, seed)
    return sorted(Random(seed).sample(every, count), key=lambda rule: rule.name)


def groups(rules: Sequence[Wanted], *, interval_seconds: int) -> list[dict[str, Any]]:
    """Return the rules as one group of a Prometheus rule file."""
    return [
        {
            "name": "bench",
            "interval": f"{interval_seconds}s",
            "rules": [{"alert": rule.name, "expr": rule.promql} for rule in rules],
        }
    ]


def save(
    folder: Path, rules: Sequence[Wanted], *, raw: bool, interval_seconds: int, now: datetime
) -> None:
    """Save the rules in a new Wakeful database in `folder`, as templates or as raw PromQL."""
    folder.mkdir(parents=True)
    db = connect(f"sqlite:///{folder.resolve()}/wakeful.db")
    migrate(db)
    policies.save_policy(
        db, PolicyDraft(name="bench", steps=(StepDraft(channels=("slack:#bench",)),))
    )
    for rule in rules:
        draft = RuleDraft(
            name=rule.name,
            owner="bench",
            condition=Promql(expression=rule.promql) if raw else rule.threshold,
            interval=timedelta(seconds=interval_seconds),
            policy="bench",
        )
        rulebook.save_rule(db, draft, by="bench", now=now)
    db.dispose()
