"""The dashboards that Wakeful comes with. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.dashboard_panels import Panel
from models.vocabulary import PanelKind
from signals.catalog import CATALOG, LATENCY


def _lines(title: str, *signals: str, by: Iterable[str] = ()) -> Panel:
    return Panel(title=title, kind=PanelKind.LINE, signals=signals, by=tuple(by))


# "p95 alone misses p99 incidents. Track p50/p95/p99 + error rate + cost on the same dashboard."
# Source: the seeds, "Observability in Production", section 6.
TOGETHER: Final = (
    _lines("Latency", *LATENCY),
    _lines("Error rate", "error_ratio"),
    _lines("Cost per request", "cost_per_request"),
)


def lacking(panels: Iterable[Mapping[str, Any]]) -> dict[str, Panel]:
    """Return what a dashboard shows latency without, by title, and the panel that would show it.

    Args:
        panels: As they are saved, right or wrong.
    """
    shown = {str(signal) for panel in panels for signal in panel.get("signals") or ()}
    if shown.isdisjoint(LATENCY):
        return {}
    return {
        CATALOG[signal].title: panel
        for panel in TOGETHER
        for signal in panel.signals
        if signal not in shown
    }


# Title, purpose, panels.
DEFAULTS: Final = (
    (
        "Service health",
        "Is the application fast and right, for whom is it not, and what does that cost?",
        (
            *TOGETHER,
            _lines("Requests", "request_rate"),
            _lines("Latency p95 by model", "latency_p95", by=["model"]),
            _lines("Error rate by feature", "error_ratio", by=["feature"]),
            _lines("Cache hit rate", "cache_hit_ratio"),
            _lines("Tokens", "token_rate"),
        ),
    ),
    (
        "Cost",
        "Where does the money go, and does the cache save what it should?",
        (
            _lines("Cost per request", "cost_per_request"),
            _lines("Cost per request by model", "cost_per_request", by=["model"]),
            _lines("Cost per request by feature", "cost_per_request", by=["feature"]),
            _lines("Tokens by model", "token_rate", by=["model"]),
            _lines("Cache hit rate", "cache_hit_ratio"),
            _lines("Requests by feature", "request_rate", by=["feature"]),
            *TOGETHER[:2],
        ),
    ),
    (
        "Quality and safety",
        "Are the answers as good as last week, and do guardrails and approvals keep up?",
        (
            _lines("Online eval score", "eval_score"),
            _lines("Eval score drop", "eval_score_drop"),
            _lines("Eval score by prompt version", "eval_score", by=["prompt_version"]),
            _lines("Guardrail trigger rate", "guardrail_ratio"),
            _lines("Guardrail trigger rate by feature", "guardrail_ratio", by=["feature"]),
            _lines("Approval queue depth", "approval_queue_depth"),
            *TOGETHER,
        ),
    ),
)
