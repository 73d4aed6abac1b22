"""From a point of a chart to the traces behind it: the address of the Traces page. Mostly pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any, Final

import numpy as np
import streamlit as st

from alerts.evidence import worst_of
from app import cached, parts, trace_time, wired
from app.carrying import SHARED
from app.chart_template import PICK
from app.charts import Grid, Plot
from app.local_time import short
from app.scope import DEFAULT_RANGE, RANGES, Scope
from app.signal_card import Known
from models.vocabulary import Bad
from signals.catalog import Signal
from signals.traces import Order
from signals.units import render

# Signals count requests by their end, lists by their start: one that is slow began earlier.
EARLIER: Final = timedelta(minutes=1)
MOST_LINES: Final = 6  # links beneath a chart of many lines
_ORDERS: Final = {Order.SLOWEST: "Slowest", Order.DEAREST: "Dearest", Order.WORST: "Worst score"}
_GO: Final = "exemplars_go"
_PICKED: Final = "exemplars_picked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point of a chart.

    Attributes:
        at: Its instant, the end of what it covers.
        covers: How much time its value is about.
    """

    at: datetime
    covers: timedelta


def query(
    signal: Signal, chosen: Scope, point: Point, labels: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return what the Traces page is asked for: that time, that traffic, the telling ones first."""
    found = dict(chosen.labels) | {name: value for name, value in (labels or {}).items() if value}
    found |= trace_time.query(point.at - point.covers - EARLIER, point.at)
    reach = next((name for name, span in RANGES.items() if span == chosen.span), DEFAULT_RANGE)
    if reach != DEFAULT_RANGE:
        found["range"] = reach
    which = worst_of(signal.name)
    if which.errors_only:
        found["errors"] = "true"
    if which.order in _ORDERS:
        found["order"] = _ORDERS[which.order]
    return found


def peak(found: Known, grid: Grid) -> tuple[datetime, float] | None:
    """Return when the small line of a signal was at its worst, and its value there."""
    values = [(value, place) for place, value in enumerate(found.line) if not isnan(value)]
    if not values:
        return None
    is_low = found.signal.bad is Bad.LOW
    value, place = min(values) if is_low else max(values, key=lambda pair: (pair[0], -pair[1]))
    return grid.start + place * grid.step, value


def link_to_peak(found: Known, chosen: Scope, *, now: datetime) -> None:
    """Draw the link from a card to the traces of the worst point of its line."""
    if found.grid is None or wired.current().traces is None:
        return
    worst = peak(found, found.grid)
    if worst is None:
        return
    at, value = worst
    point = Point(at=at, covers=cached.window(found.grid.step))
    word = "Low" if found.signal.bad is Bad.LOW else "Peak"
    there = short(at, now=now, zone=parts.viewer_zone())
    parts.link(
        "traces",
        f"{word} {render(value, found.signal.unit)}, {there}",
        icon="account_tree",
        **query(found.signal, chosen, point),
    )


def pick(key: str) -> None:
    """Remember the point of the chart `key` that was clicked; for its callback."""
    picked = st.session_state[key]["selection"].get(PICK) or []
    at = _instant(picked[0]) if picked else None
    st.session_state[_PICKED] = (key, at) if at else None
    st.session_state[_GO] = at is not None


def follow(
    signal: Signal, chosen: Scope, plot: Plot, *, key: str, labels: Mapping[str, Mapping[str, str]]
) -> None:
    """Open the traces behind the point of the chart `key` that was clicked, if one was.

    A chart of many lines has a link beneath it for each, the largest first: which of them was
    meant is not told. So has one of a part of the traffic, whose labels only a link can carry.

    Args:
        signal: What the chart is about.
        chosen: The part of the traffic.
        plot: The chart.
        key: Of the chart.
        labels: What tells each of its lines from the others, by name; none for a single line.
    """
    picked = st.session_state.get(_PICKED)
    if picked is None or picked[0] != key:
        return
    point = Point(at=picked[1], covers=cached.window(plot.grid.step))
    whole = query(signal, chosen, point)
    if not any(labels.values()) and SHARED.isdisjoint(whole):
        st.session_state[_PICKED] = None
        if st.session_state.pop(_GO, False):
            parts.go("traces", **whole)
        return
    there = short(point.at, now=wired.current().clock(), zone=parts.viewer_zone())
    parts.fine_print(f"Traces behind the point of {there}:")
    with st.container(horizontal=True, gap="small"):
        parts.link("traces", "all", icon="account_tree", **whole)
        for name, value in _values(plot, point.at)[:MOST_LINES] if labels else ():
            asked = query(signal, chosen, point, labels.get(name))
            parts.link("traces", f"{name}, {render(value, signal.unit)}", **asked)


def _values(plot: Plot, at: datetime) -> list[tuple[str, float]]:
    """Return each line with its value at an instant, the largest first."""
    row = round((at - plot.grid.start) / plot.grid.step)
    if not 0 <= row < len(plot.frame):
        return []
    found = plot.frame.iloc[row, 1:].to_numpy(dtype=float)
    named = zip(plot.lines, found, strict=True)
    known = [(name, float(value)) for name, value in named if np.isfinite(value)]
    return sorted(known, key=lambda pair: -pair[1])


def _instant(picked: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(picked["at"]) / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
