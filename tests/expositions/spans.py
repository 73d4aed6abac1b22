"""Metrics made of spans: the collector's connector, and Grafana Tempo."""

from collections.abc import Sequence

from tests.expositions.text import Page
from tests.expositions.traffic import FAILED, TRAFFIC, Kind

COLLECTOR_BOUNDS = (2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10000, 15000)
TEMPO_BOUNDS = tuple(0.002 * 2**power for power in range(14))


def collector() -> Page:
    """Return the connector's: namespace and milliseconds by default, two dimensions added."""
    return _spans(
        "traces_span_metrics_calls_total",
        "traces_span_metrics_duration_milliseconds",
        scale=1000,
        bounds=COLLECTOR_BOUNDS,
    )


def collector_in_seconds() -> Page:
    """Return those of a connector without namespace that was told `unit: s`."""
    bounds = [bound / 1000 for bound in COLLECTOR_BOUNDS]
    return _spans("calls_total", "duration_seconds", scale=1, bounds=bounds)


def tempo() -> Page:
    """Return Tempo's, whose label for the service is `service`."""
    return _spans(
        "traces_spanmetrics_calls_total",
        "traces_spanmetrics_latency",
        scale=1,
        bounds=TEMPO_BOUNDS,
        service="service",
    )


def _spans(
    calls: str,
    duration: str,
    *,
    scale: float,
    bounds: Sequence[float],
    service: str = "service_name",
) -> Page:
    page = Page(bounds=[bound / scale for bound in bounds])
    for kind in TRAFFIC:
        labels = _labels(kind, service)
        page.count(calls, labels, kind.count)
        page.observe(duration, labels, kind.seconds * scale, kind.count, bounds)
    door = {service: "api", "span_name": "POST /chat", "span_kind": "SPAN_KIND_SERVER",
            "status_code": "STATUS_CODE_UNSET"}  # fmt: skip
    page.count(calls, door, 700)
    page.observe(duration, door, 12 * scale, 700, bounds)
    return page


def _labels(kind: Kind, service: str) -> dict[str, str]:
    status = "STATUS_CODE_ERROR" if kind.outcome in FAILED else "STATUS_CODE_UNSET"
    return {
        service: kind.feature,
        "span_name": "openai.chat" if kind.feature == "search" else f"chat {kind.model}",
        "span_kind": "SPAN_KIND_CLIENT",
        "status_code": status,
        "gen_ai_request_model": kind.model,
        "tenant_id": kind.tenant,
    }
