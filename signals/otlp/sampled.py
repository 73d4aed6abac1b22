"""For how many spans one stands that its sender kept by chance.

A sampler of OpenTelemetry says so in the W3C trace state, `ot=th:…`: up to 14 hexadecimal digits,
the rest zeros, of how many of 2^56 traces it rejects. Spans of samplers that say nothing count as
one.

Source: https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
"""

import re
from typing import Final

_ALL: Final = 2**56
_THRESHOLD: Final = re.compile(r"(?:^|,)\s*ot=(?:[^,;]*;)*th:([0-9a-f]{1,14})\s*(?:[;,]|$)")
# A quantile takes each span so many times: beyond, what one sender says would hold up all.
MOST: Final = 1_000


def weight_of(trace_state: str) -> int | None:
    """Return for how many spans one stands, at most `MOST`; None where nothing is said, or one."""
    found = _THRESHOLD.search(trace_state)
    if found is None:
        return None
    rejected = int(found[1].ljust(14, "0"), 16)
    weight = min(round(_ALL / (_ALL - rejected)), MOST)
    return weight if weight > 1 else None


def trace_state(weight: int) -> str:
    """Return what a sampler says of a span that stands for `weight`."""
    return f"ot=th:{_ALL - _ALL // weight:014x}"
