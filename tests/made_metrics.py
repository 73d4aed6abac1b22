"""A story told in the seeds' metrics, as OpenMetrics text, and the same sums done in Python.

It ends at NOON and is scraped every 15 s. Traffic is steady, so that what Prometheus says of a
window is exact. `idle` has series and no traffic; `quiet` never failed; `broken` only fails.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
END = int(NOON.timestamp())
ODD = 'a "quoted" \\ back\nslash, {brace} $window ü'
HOUR, DAY = 3600, 86_400
FAILED = ("error", "timeout", "rate_limited")

# Requests per second, by feature and model, then by outcome.
REQUESTS = {
    ("chat", "m1"): {
        "success": 1.8,
        "error": 0.1,
        "timeout": 0.04,
        "rate_limited": 0.02,
        "user_rejected": 0.04,
    },
    ("chat", "m2"): {"success": 0.75, "timeout": 0.25},
    ("search", "m2"): {"success": 0.5, "error": 0.5},
    ("idle", "m1"): {"success": 0.0, "error": 0.0},
    ("quiet", "m1"): {"success": 0.3},
    ("broken", "m1"): {"error": 0.2},
    (ODD, "m1"): {"success": 0.3, "rate_limited": 0.1},
}
# Share of requests that take this many seconds.
SECONDS = {
    "chat": {0.4: 0.50, 0.9: 0.30, 2.0: 0.10, 4.0: 0.07, 9.0: 0.03},
    "search": {0.4: 0.80, 30.0: 0.20},
    "idle": {0.4: 1.0},
}
BOUNDS = (0.5, 1.0, 2.5, 5.0, 10.0, inf)
# Dollars per second. Quiet, broken and ODD have no such series: their cost is unknown.
DOLLARS = {("chat", "m1"): 0.05, ("chat", "m2"): 0.09, ("search", "m2"): 0.01, ("idle", "m1"): 0.0}
TOKENS = {("chat", "m1", "input"): 900.0, ("chat", "m1", "output"): 300.0}
TOKENS |= {("search", "m2", "input"): 50.0, ("idle", "m1", "input"): 0.0}
# Search has never hit its cache, so that there is no such series.
CACHE = {("chat", "hit"): 0.6, ("chat", "miss"): 1.4, ("search", "miss"): 1.0}
CACHE |= {("idle", "hit"): 0.0, ("idle", "miss"): 0.0}
GUARDRAIL = {("chat", "pii", "pass"): 1.7, ("chat", "pii", "block"): 0.2}
GUARDRAIL |= {("chat", "injection", "block"): 0.1, ("search", "pii", "pass"): 1.0}
GUARDRAIL |= {("idle", "pii", "pass"): 0.0}
QUEUE = {"replica-1": 7.0, "replica-2": 9.0}
# Points of each judged answer: long ago, in the 7 days before the last half hour, and in it. On the
# first of the 7 days there are FIRST_DAY fewer, which lowers the mean of the 7 by a seventh of it.
FIRST_DAY = 14.0
POINTS = {("chat", "v3"): (20.0, 80.0, 72.0), ("chat", "v4"): (20.0, 60.0, 66.0)}
HALF_HOUR = 1800

Labels = Mapping[str, str]


@dataclass
class Story:
    """Samples, as an OpenMetrics text."""

    lines: list[str] = field(default_factory=list)

    def sample(self, name: str, labels: Labels, value: float, second: int) -> None:
        """Put one value, `second` seconds after NOON."""
        inner = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
        self.lines.append(f"{name}{{{inner}}} {value!r} {END + second}")

    def counter(
        self, name: str, labels: Labels, per_second: float, *, seconds: Iterable[int] | None = None
    ) -> None:
        """Put a counter that grows by `per_second` from two hours before NOON on."""
        for second in range(-2 * HOUR, 1, 15) if seconds is None else seconds:
            self.sample(name, labels, (second + 2 * HOUR) * per_second, second)

    def text(self) -> str:
        """Return the whole as promtool reads it."""
        return "\n".join([*self.lines, "# EOF\n"])


def steady() -> Story:
    """Return the story of the tables above."""
    story = Story()
    for (feature, model), outcomes in REQUESTS.items():
        labels = {"feature": feature, "model": model}
        for outcome, rate in outcomes.items():
            story.counter("llm_requests_total", {**labels, "outcome": outcome}, rate)
        for bound in BOUNDS if feature in SECONDS else ():
            le = "+Inf" if bound == inf else str(bound)
            rate = rate_within(bound, feature, model)
            story.counter("llm_latency_seconds_bucket", {**labels, "le": le}, rate)
    for (feature, model), rate in DOLLARS.items():
        story.counter("llm_cost_usd_total", {"feature": feature, "model": model}, rate)
    for (feature, model, direction), rate in TOKENS.items():
        labels = {"feature": feature, "model": model, "direction": direction}
        story.counter("llm_tokens_total", labels, rate)
    for (feature, result), rate in CACHE.items():
        story.counter("llm_cache_requests_total", {"feature": feature, "result": result}, rate)
    for (feature, guardrail, verdict), rate in GUARDRAIL.items():
        labels = {"feature": feature, "guardrail": guardrail, "verdict": verdict}
        story.counter("llm_guardrail_checks_total", labels, rate)
    for instance, depth in QUEUE.items():
        story.sample("llm_approval_queue_depth", {"instance": instance}, depth, -5)
    judge(story)
    return story


def judge(story: Story) -> None:
    """Put one judged answer every five minutes for eight days."""
    for (feature, version), (long_ago, before, now) in POINTS.items():
        labels = {"feature": feature, "prompt_version": version}
        total = 0.0
        for count, second in enumerate(range(-8 * DAY, 1, 300)):
            total += points(second, long_ago, before, now)
            story.sample("llm_eval_score_points_sum", labels, total, second)
            story.sample("llm_eval_score_points_count", labels, count + 1.0, second)
    idle = {"feature": "idle", "prompt_version": "v1"}
    for second in range(-8 * DAY, 1, 300):
        story.sample("llm_eval_score_points_sum", idle, 50.0, second)
        story.sample("llm_eval_score_points_count", idle, 1.0, second)


def points(second: int, long_ago: float, before: float, now: float) -> float:
    """Return the points of an answer judged `second` seconds after NOON."""
    if second > -HALF_HOUR:
        return now
    if second > -6 * DAY - HALF_HOUR:
        return before
    return before - FIRST_DAY if second > -7 * DAY - HALF_HOUR else long_ago


def rate_of(feature: str, model: str | None = None, outcomes: Iterable[str] | None = None) -> float:
    """Return requests per second of one feature, of one model or all, with these outcomes."""
    return sum(
        rate
        for (some_feature, some_model), by_outcome in REQUESTS.items()
        for outcome, rate in by_outcome.items()
        if some_feature == feature
        and model in (None, some_model)
        and (outcomes is None or outcome in outcomes)
    )


def rate_within(bound: float, feature: str, model: str | None = None) -> float:
    """Return requests per second that took at most `bound` seconds."""
    share = sum(share for seconds, share in SECONDS[feature].items() if seconds <= bound)
    return rate_of(feature, model) * share


def quantile(q: float, features: Iterable[str]) -> float:
    """Return what a histogram can tell of the latency of `features`: linear within a bucket."""
    within = [sum(rate_within(bound, feature) for feature in features) for bound in BOUNDS]
    rank = q * within[-1]
    place = next(i for i, rate in enumerate(within) if rate >= rank - 1e-9)
    if BOUNDS[place] == inf:
        return BOUNDS[place - 1]
    lower, below = (BOUNDS[place - 1], within[place - 1]) if place else (0.0, 0.0)
    return lower + (BOUNDS[place] - lower) * (rank - below) / (within[place] - below)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
