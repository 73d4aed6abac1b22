"""The seeds' rules, offered as templates. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from alerts.conditions import Absence, AnyCondition, Budget, BurnRate, Drift, Spans, Threshold
from models.vocabulary import Comparison, Measure, Severity
from signals.catalog import CATALOG
from signals.measures import Aggregate
from signals.measures import Measure as Measured

_URGENT = ("latency_p95", "error_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A rule worth having, one click away."""

    name: str
    summary: str
    severity: Severity
    condition: AnyCondition
    hold: timedelta


def templates() -> Sequence[Template]:
    """Return the seeds' rules: the golden signals' alerts, and those of "the full stack"."""
    golden = [
        Template(
            name=signal.title,
            summary=signal.meaning,
            severity=Severity.CRITICAL if signal.name in _URGENT else Severity.WARNING,
            condition=Threshold(
                signal=signal.name,
                comparison=signal.breach.comparison,
                bound=signal.breach.bound,
                window=signal.breach.window,
            ),
            hold=signal.breach.hold,
        )
        for signal in CATALOG.values()
        if signal.breach and not signal.own
    ]
    return (
        *golden,
        Template(
            name="Latency p95 over 8 s",
            summary="Slow for everyone, long enough to be no blip.",
            severity=Severity.CRITICAL,
            condition=Threshold(signal="latency_p95", bound=8, window=timedelta(minutes=5)),
            hold=timedelta(minutes=10),
        ),
        Template(
            name="Errors of a single feature",
            summary="One feature fails while the whole may still look well.",
            severity=Severity.ERROR,
            condition=Threshold(signal="error_ratio", bound=0.02, by=("feature",)),
            hold=timedelta(),
        ),
        Template(
            name="Error budget burns too fast",
            summary="At this rate the month's errors are spent in days.",
            severity=Severity.CRITICAL,
            condition=BurnRate(signal="error_ratio", objective=0.99),
            hold=timedelta(),
        ),
        Template(
            name="Latency p95 up 40 % on last week",
            summary="Slower than at the same hour last week, whatever the hour usually is like.",
            severity=Severity.WARNING,
            condition=Drift(signal="latency_p95", bound=0.4),
            hold=timedelta(minutes=15),
        ),
        Template(
            name="Eval score 5 points under last week",
            summary="Answers are judged worse than at the same hour last week.",
            severity=Severity.WARNING,
            condition=Drift(
                signal="eval_score",
                comparison=Comparison.BELOW,
                measure=Measure.ABSOLUTE,
                bound=5,
            ),
            hold=timedelta(),
        ),
        Template(
            name="Tenant over its daily budget",
            summary="One tenant has cost more in 24 hours than a day may.",
            severity=Severity.WARNING,
            condition=Budget(amount_usd=50, by=("tenant",)),
            hold=timedelta(),
        ),
        Template(
            name="Tenant heads over its daily budget",
            summary="At the pace of the last hour one tenant will cost more than a day may.",
            severity=Severity.INFO,
            condition=Budget(amount_usd=50, pace=timedelta(hours=1), by=("tenant",)),
            hold=timedelta(minutes=15),
        ),
        Template(
            name="Model calls of a prompt version fail",
            summary="One version of a prompt has its model calls fail, as only spans can tell.",
            severity=Severity.ERROR,
            condition=Spans(
                measure=Measured(
                    aggregate=Aggregate.RATIO, where=("kind = llm",), part=("status = error",)
                ),
                bound=0.05,
                window=timedelta(minutes=15),
                by=("prompt_version",),
            ),
            hold=timedelta(),
        ),
        Template(
            name="Feature heads over its daily budget",
            summary="At the pace of the last hour one feature will cost more than a day may.",
            severity=Severity.INFO,
            condition=Budget(amount_usd=100, pace=timedelta(hours=1), by=("feature",)),
            hold=timedelta(minutes=15),
        ),
        Template(
            name="No requests at all",
            summary="Nothing arrives, or nothing that arrives is measured.",
            severity=Severity.CRITICAL,
            condition=Absence(signal="request_rate"),
            hold=timedelta(),
        ),
        Template(
            name="Requests of a tenant stopped",
            summary="A tenant who was here in the last day has sent nothing for an hour.",
            severity=Severity.WARNING,
            condition=Absence(signal="request_rate", by=("tenant",), window=timedelta(hours=1)),
            hold=timedelta(),
        ),
        Template(
            name="A heartbeat stopped",
            summary="What reports in every few minutes, such as a canary, no longer does.",
            severity=Severity.ERROR,
            condition=Threshold(
                signal="heartbeat_silence",
                bound=600,
                window=timedelta(minutes=1),
                scope={"heartbeat": "canary"},
            ),
            hold=timedelta(),
        ),
    )
