"""What real stacks expose at `/metrics`, made from one traffic whose true values are known.

Names, labels, units and buckets are those of the sources that the packs cite; see each function.
A page is a whole history, one line per sample with its time, so that one scrape suffices.
"""

from collections.abc import Callable

from tests.expositions import applications, gateways, sdks, spans
from tests.expositions.text import Page

STACKS: dict[str, Callable[[], Page]] = {
    "seeds": applications.seeds,
    "calls": applications.calls,
    "middleware_otel": applications.middleware_otel,
    "litellm": gateways.litellm,
    "newborn": gateways.newborn,
    "envoy": gateways.envoy,
    "vllm": gateways.vllm,
    "openlit": sdks.openlit,
    "openllmetry": sdks.openllmetry,
    "otel": sdks.otel,
    "spanmetrics": spans.collector,
    "spanmetrics_seconds": spans.collector_in_seconds,
    "tempo": spans.tempo,
}
