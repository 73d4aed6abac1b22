"""The heat map above a list of traces: a rectangle drawn on it selects the traces in it."""

from datetime import datetime
from typing import Final

import streamlit as st

from app import cached_heat, charts, heat_chart, numbers, parts, trace_time, wired
from app.cached_heat import Heat
from app.cached_sharing import Bad
from app.heat_chart import BRUSH, CELLS, CHOSEN, Rectangle
from app.trace_search import Filters
from signals.traces.heat import edge_ms

KEY: Final = "traces_heat_map"


def draw(filters: Filters) -> None:
    """Draw the map of the traces that match; a store that cannot count says so."""
    wiring = wired.current()
    now = wiring.clock()
    if not cached_heat.can():
        who = wiring.traces.name if wiring.traces else "nobody"
        parts.fine_print(
            f"No heat map: {parts.plain(who)} cannot count traces by time and latency; "
            "the embedded store can."
        )
        return
    answer = cached_heat.heat(filters)
    if answer.data is not None and not answer.data.cells:
        return
    with parts.card("traces_heat", "Latency over time"):
        if answer.data is None:
            parts.source_down(answer.error, None, now=now)
            return
        found = answer.data
        sent = {
            CELLS: heat_chart.cells_frame(found.cells, start=found.start, step=found.step),
            CHOSEN: heat_chart.chosen_frame(_rectangle(filters, found, now=now)),
        }
        datasets = {name: charts.arrow(data) for name, data in sent.items()}
        st.vega_lite_chart(
            spec={**heat_chart.template(), "datasets": datasets},
            key=KEY,
            on_select=_choose,
            selection_mode=[BRUSH],
            alt=f"How many of {found.traces:,} requests took how long, over time",
        )
        parts.fine_print(
            f"{found.traces:,} requests, counted by {parts.plain(answer.source)} "
            f"{numbers.age(answer.at, now=now)} · darker: more of them · redder: more of them "
            "failed · draw a rectangle to see its traces and what they share"
        )


def _rectangle(filters: Filters, found: Heat, *, now: datetime) -> Rectangle | None:
    """Return the part of the map that the list shows, or None for all of it or none of it."""
    if (filters.slower_than_ms, filters.faster_than_ms, filters.since) == (None, None, None):
        return None
    # No further than the map goes, which would shrink to nothing beside it.
    rows = [cell.row for cell in found.cells]
    lowest, highest = edge_ms(min(rows)), edge_ms(max(rows) + 1)
    start = max(filters.since or found.start, found.start)
    end = min(filters.until or now, now)
    slower = max(filters.slower_than_ms or lowest, lowest)
    faster = min(filters.faster_than_ms or highest, highest)
    if start >= end or slower >= faster:
        return None
    return Rectangle(start=start, end=end, slower=slower / 1000, faster=faster / 1000)


def _choose() -> None:
    """List what lies in the rectangle, and say what it shares; letting go of it changes nothing."""
    found = heat_chart.rectangle(st.session_state[KEY]["selection"].get(BRUSH) or {})
    if found is None:
        return
    trace_time.put(found.start, found.end)
    st.session_state["slower"] = found.slower
    st.session_state["faster"] = found.faster
    st.session_state["shared"] = Bad.LISTED.value
