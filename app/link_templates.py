"""Links from a trace to other tools, by templates: `WAKEFUL_TRACE_LINKS`. Pure."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from app.waterfall.layout import Waterfall


def links(templates: Mapping[str, str], drawn: Waterfall) -> list[tuple[str, str]]:
    """Return (name, address) pairs for a trace, in the order of the setting.

    A template that asks for a time is left out for a trace that tells none.
    """
    values = _values(drawn)
    found = []
    for name, template in templates.items():
        address = re.sub(r"\{([a-z0-9_]+)\}", lambda m: values.get(m[1], m[0]), template)
        if not re.search(r"\{(start|end)_m?s\}", address):
            found.append((name, address))
    return found


def _values(drawn: Waterfall) -> dict[str, str]:
    """Return what stands for each of `alerts.destinations.LINK_FIELDS`, as an address writes it."""
    span = drawn.root.span
    told = {
        "trace_id": drawn.trace_id,
        # Of 128-bit ids the lower half is what 64-bit systems, such as Datadog's, know.
        "trace_id_decimal": str(int(drawn.trace_id[-16:], 16)),
        "span_id": span.span_id,
        "service": span.service,
    }
    if drawn.started_at is not None:
        start_ms = drawn.started_at.timestamp() * 1000
        end_ms = start_ms + drawn.duration_ms
        told |= {"start_ms": f"{start_ms:.0f}", "end_ms": f"{end_ms:.0f}"}
        # A second wider, for whoever cuts off what lies on the edge.
        told |= {"start_s": f"{start_ms // 1000:.0f}", "end_s": f"{end_ms // 1000 + 1:.0f}"}
    return {name: quote(value, safe="") for name, value in told.items()}
