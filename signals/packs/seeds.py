"""The metrics of the seeds' own middleware, which `examples/copilot` exports.

    llm_requests_total            feature, model, outcome: success, error, timeout, rate_limited,
                                  user_rejected
    llm_latency_seconds           feature, model; a histogram
    llm_cost_usd_total            feature, model
    llm_tokens_total              feature, model, direction: input, output
    llm_cache_requests_total      feature, result: hit, miss
    llm_guardrail_checks_total    feature, guardrail, verdict: pass, block; one per request
    llm_approval_queue_depth      a gauge
    llm_eval_score_points         feature, prompt_version; a summary (_sum, _count)

Tenants, sessions and users are in no label: they are unbounded, and belong to traces.
"""

from signals.packs import Pack, Recipe

# The seeds' words for requests that failed; `user_rejected` is the guardrail or the human at work.
FAILED = "error|timeout|rate_limited"
BASELINE_DAYS = 7
_BASELINE = f"{BASELINE_DAYS}d"


def _rate(metric: str, suffix: str = "_total", where: str = "") -> str:
    """Return PromQL for events per second, per series.

    `rate` needs two samples, so it never sees the first value of a counter that is born with one:
    the first error of all, or everything that happened before a new process was first scraped.
    Clients that say when a counter was created (prometheus_client, OpenMetrics) allow better: a
    counter created in the window and unknown before it has counted only events of the window.
    Without `_created` this is plain `rate`; so it is asked while no counter is that young, since
    the rest costs Prometheus more than the rate itself.

    Source: https://prometheus.io/docs/specs/om/open_metrics_spec/#counter
    """
    counter = f"{metric}{suffix}{{${{scope}}{where}}}"
    created = f"{metric}_created{{${{scope}}{where}}}"
    is_new = f"ignoring (le) ({created} > time() - $seconds) unless {counter} offset $window"
    return f"([[({counter} and {is_new}) / $seconds or ]]rate({counter}[$window]))"


def _sum(metric: str, suffix: str = "_total", where: str = "") -> str:
    return f"sum by ($by) ({_rate(metric, suffix, where)})"


def _share(metric: str, where: str) -> str:
    """Return PromQL for the share of events that match `where`: 0 if there is no such series."""
    # The first error creates its series: until then there is nothing to sum, which is not unknown.
    zero = f"0 * sum by ($by) (present_over_time({metric}_total{{$scope}}[$window]))"
    return f"({_sum(metric, where=where)} or {zero}) / {_sum(metric)}"


def _quantile(q: float) -> str:
    buckets = f"sum by (le, $by) ({_rate('llm_latency_seconds', '_bucket')})"
    return f"histogram_quantile({q}, {buckets})"


def _mean_score() -> str:
    points = "llm_eval_score_points"
    return f"{_sum(points, '_sum')} / {_sum(points, '_count')}"


def _mean_score_before() -> str:
    """Return PromQL for the mean score of the days before the window."""
    points = "llm_eval_score_points"
    total, count = (
        f"sum by ($by) (rate({points}{suffix}{{$scope}}[{_BASELINE}] offset $window))"
        for suffix in ("_sum", "_count")
    )
    return f"{total} / {count}"


_COUNTED = (
    "llm_requests",
    "llm_latency_seconds",
    "llm_cost_usd",
    "llm_tokens",
    "llm_cache_requests",
    "llm_guardrail_checks",
    "llm_eval_score_points",
)
_TRAFFIC = frozenset({"feature", "model"})
_FEATURE = frozenset({"feature"})
_EVAL = frozenset({"feature", "prompt_version"})

SEEDS = Pack(
    name="seeds",
    heartbeat="llm_requests_total",
    births=f"max({{__name__=~'{'|'.join(f'{metric}_created' for metric in _COUNTED)}'}})",
    recipes={
        "latency_p50": Recipe(promql=_quantile(0.5), labels=_TRAFFIC),
        "latency_p95": Recipe(promql=_quantile(0.95), labels=_TRAFFIC),
        "latency_p99": Recipe(promql=_quantile(0.99), labels=_TRAFFIC),
        "error_ratio": Recipe(
            promql=_share("llm_requests", where=f'outcome=~"{FAILED}"'), labels=_TRAFFIC
        ),
        # No cost series is not free of charge but unknown: no zero is filled in.
        "cost_per_request": Recipe(
            promql=f"{_sum('llm_cost_usd')} / {_sum('llm_requests')}", labels=_TRAFFIC
        ),
        "cache_hit_ratio": Recipe(
            promql=_share("llm_cache_requests", where='result="hit"'), labels=_FEATURE
        ),
        "guardrail_ratio": Recipe(
            promql=_share("llm_guardrail_checks", where='verdict="block"'), labels=_FEATURE
        ),
        # Every replica reports the one queue, so the largest is it. A gauge is read as it stands:
        # over a window the last value of a replica that is gone would count on.
        "approval_queue_depth": Recipe(promql="max(llm_approval_queue_depth)"),
        "eval_score": Recipe(promql=_mean_score(), labels=_EVAL),
        "eval_score_drop": Recipe(promql=f"{_mean_score_before()} - {_mean_score()}", labels=_EVAL),
        "request_rate": Recipe(promql=_sum("llm_requests"), labels=_TRAFFIC | {"outcome"}),
        "token_rate": Recipe(promql=_sum("llm_tokens"), labels=_TRAFFIC | {"direction"}),
    },
)
