"""The golden signals as data.

Targets and alert thresholds are the seeds' ("Observability in Production", section 5). How each
source answers a signal stands with the source: `signals.packs` for Prometheus,
`signals.traces.embedded` for the embedded trace store.
"""

from dataclasses import dataclass
from datetime import timedelta

from models.vocabulary import Bad, Comparison, Unit

MINUTES_5 = timedelta(minutes=5)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """When a signal deserves an alert.

    Attributes:
        bound: In the signal's unit.
        window: What one value covers.
        hold: How long it must stay beyond the bound.
    """

    comparison: Comparison
    bound: float
    window: timedelta
    hold: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One golden signal.

    Attributes:
        name: How rules, queries and URLs call it.
        title: How pages call it.
        meaning: One sentence for whoever is paged by it at night.
        target: The bound to stay within, in `unit`; None when there is none.
        breach: The alert worth having, or None.
        golden: Shown on the Overview.
        own: About Wakeful itself, which answers it: see `alerts.selfwatch`.
    """

    name: str
    title: str
    meaning: str
    unit: Unit
    bad: Bad
    target: float | None = None
    breach: Breach | None = None
    golden: bool = True
    own: bool = False


CATALOG: dict[str, Signal] = {
    signal.name: signal
    for signal in (
        Signal(
            name="latency_p50",
            title="Latency p50",
            meaning="Half of all requests took at most this long, from gateway to last token.",
            unit=Unit.SECONDS,
            bad=Bad.HIGH,
        ),
        Signal(
            name="latency_p95",
            title="Latency p95",
            meaning="95 of 100 requests took at most this long, from gateway to last token.",
            unit=Unit.SECONDS,
            bad=Bad.HIGH,
            target=3.5,
            breach=Breach(comparison=Comparison.ABOVE, bound=5.0, window=MINUTES_5, hold=MINUTES_5),
        ),
        Signal(
            name="latency_p99",
            title="Latency p99",
            meaning="99 of 100 requests took at most this long, from gateway to last token.",
            unit=Unit.SECONDS,
            bad=Bad.HIGH,
        ),
        Signal(
            name="error_ratio",
            title="Error rate",
            meaning="Share of requests that ended in an error, a time-out or a rate limit.",
            unit=Unit.RATIO,
            bad=Bad.HIGH,
            target=0.01,
            breach=Breach(comparison=Comparison.ABOVE, bound=0.03, window=MINUTES_5),
        ),
        Signal(
            name="cost_per_request",
            title="Cost per request",
            meaning="Model spend divided by requests.",
            unit=Unit.USD,
            bad=Bad.HIGH,
            target=0.05,
            breach=Breach(comparison=Comparison.ABOVE, bound=0.08, window=DAY),
        ),
        Signal(
            name="cost",
            title="Cost",
            meaning="Model spend within the window, in dollars.",
            unit=Unit.USD,
            bad=Bad.HIGH,
            golden=False,
        ),
        Signal(
            name="cache_hit_ratio",
            title="Cache hit rate",
            meaning="Share of requests answered from the application's cache. Near zero: suspect "
            "broken cache keys.",
            unit=Unit.RATIO,
            bad=Bad.LOW,
            target=0.30,
            breach=Breach(comparison=Comparison.BELOW, bound=0.10, window=MINUTES_5),
        ),
        Signal(
            name="guardrail_ratio",
            title="Guardrail trigger rate",
            meaning="Share of requests that a guardrail stopped. Very high: suspect false "
            "positives.",
            unit=Unit.RATIO,
            bad=Bad.HIGH,
            target=0.05,
            breach=Breach(comparison=Comparison.ABOVE, bound=0.15, window=MINUTES_5),
        ),
        Signal(
            name="approval_queue_depth",
            title="Approval queue depth",
            meaning="Tool calls waiting for a human's approval. Very high: the team is overloaded.",
            unit=Unit.COUNT,
            bad=Bad.HIGH,
            target=50,
            breach=Breach(comparison=Comparison.ABOVE, bound=200, window=MINUTES_5),
        ),
        Signal(
            name="eval_score",
            title="Online eval score",
            meaning="Mean score of the answers that were judged, out of 100 points.",
            unit=Unit.POINTS,
            bad=Bad.LOW,
        ),
        Signal(
            name="eval_score_drop",
            title="Eval score drop",
            meaning="Points by which the eval score is under its mean of the 7 days before.",
            unit=Unit.POINTS,
            bad=Bad.HIGH,
            target=0,
            breach=Breach(comparison=Comparison.ABOVE, bound=5, window=timedelta(minutes=30)),
            golden=False,
        ),
        Signal(
            name="source_silence",
            title="Source silence",
            meaning="How long ago a source of these numbers last answered Wakeful.",
            unit=Unit.SECONDS,
            bad=Bad.HIGH,
            breach=Breach(comparison=Comparison.ABOVE, bound=60, window=timedelta(minutes=1)),
            golden=False,
            own=True,
        ),
        Signal(
            name="channel_broken",
            title="Broken channel",
            meaning="Whether a channel last refused what Wakeful had to tell: 1, or 0.",
            unit=Unit.COUNT,
            bad=Bad.HIGH,
            breach=Breach(comparison=Comparison.ABOVE, bound=0, window=timedelta(minutes=1)),
            golden=False,
            own=True,
        ),
        Signal(
            name="lateness",
            title="Lateness",
            meaning="How far Wakeful lags behind with a step, a message or an evaluation.",
            unit=Unit.SECONDS,
            bad=Bad.HIGH,
            breach=Breach(comparison=Comparison.ABOVE, bound=30, window=timedelta(minutes=1)),
            golden=False,
            own=True,
        ),
        Signal(
            name="heartbeat_silence",
            title="Heartbeat silence",
            meaning="How long ago something that reports in regularly last did so.",
            unit=Unit.SECONDS,
            bad=Bad.HIGH,
            golden=False,
            own=True,
        ),
        Signal(
            name="request_rate",
            title="Requests",
            meaning="Requests per second.",
            unit=Unit.PER_SECOND,
            bad=Bad.NEITHER,
        ),
        Signal(
            name="token_rate",
            title="Tokens",
            meaning="Input and output tokens per second.",
            unit=Unit.PER_SECOND,
            bad=Bad.NEITHER,
        ),
    )
}

LATENCY = ("latency_p50", "latency_p95", "latency_p99")
