"""The heat map of latency over time: cells in, a Vega-Lite template and its data out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import altair as alt
import pandas as pd

from app.chart_template import BLUE, CLOCK, RED, SILENT, SLATE, without_data
from signals.traces.heat import Cell, edge_ms

HEIGHT: Final = 190
CELLS: Final = "cells"
CHOSEN: Final = "chosen"
BRUSH: Final = "brush"
# Of a decimal unit, in seconds: what an axis over powers of ten is marked with.
_TICKS: Final = (0.001, 0.01, 0.1, 1, 10, 100, 1000, 10000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A part of the map: a time, and durations in seconds."""

    start: datetime
    end: datetime
    slower: float
    faster: float


@lru_cache(maxsize=1)
def template() -> dict[str, Any]:
    """Return the Vega-Lite template, without data. Shared: never change it."""
    brush = alt.selection_interval(name=BRUSH, encodings=["x", "y"])
    below = alt.Axis(grid=False, tickCount=6, labelFlush=True, labelExpr=CLOCK)
    left = alt.Axis(
        grid=True,
        values=list(_TICKS),
        labelExpr="datum.value < 1 ? datum.value * 1000 + ' ms' : datum.value + ' s'",
    )
    cells = (
        alt.Chart(alt.NamedData(CELLS))
        .mark_rect()
        .encode(
            x=alt.X("at:T", title=None, axis=below),
            x2="until:T",
            y=alt.Y("low:Q", title=None, axis=left, scale=alt.Scale(type="log", nice=False)),
            y2="high:Q",
            color=alt.Color(
                "failed_ratio:Q",
                legend=None,
                scale=alt.Scale(domain=[0, 1], range=[BLUE, RED]),
            ),
            # In logarithmic steps: one request among thousands must still be seen.
            opacity=alt.Opacity(
                "traces:Q", legend=None, scale=alt.Scale(type="log", range=[0.3, 1])
            ),
            tooltip=[
                alt.Tooltip("at:T", format="%b %d, %H:%M", title="from"),
                alt.Tooltip("low:Q", format=".3~s", title="from (s)"),
                alt.Tooltip("high:Q", format=".3~s", title="to (s)"),
                alt.Tooltip("traces:Q", title="requests"),
                alt.Tooltip("failed:Q", title="failed"),
            ],
        )
        .add_params(brush)
    )
    chosen = (
        alt.Chart(alt.NamedData(CHOSEN))
        .mark_rect(fillOpacity=0.08, fill=SLATE, stroke=SLATE, strokeWidth=2, strokeDash=[4, 3])
        .encode(x="at:T", x2="until:T", y="low:Q", y2="high:Q")
    )
    spec: dict[str, Any] = without_data(
        alt.layer(cells, chosen).properties(height=HEIGHT).configure(**SILENT).to_dict()
    )
    return spec


def cells_frame(cells: Sequence[Cell], *, start: datetime, step: timedelta) -> pd.DataFrame:
    """Return a row for each cell: when, how slow in seconds, how many, and the failed of them."""
    begins = [start + cell.column * step for cell in cells]
    return pd.DataFrame(
        {
            "at": pd.Series(begins, dtype="datetime64[s, UTC]"),
            "until": pd.Series([at + step for at in begins], dtype="datetime64[s, UTC]"),
            "low": [edge_ms(cell.row) / 1000 for cell in cells],
            "high": [edge_ms(cell.row + 1) / 1000 for cell in cells],
            "traces": [cell.traces for cell in cells],
            "failed": [cell.failed for cell in cells],
            "failed_ratio": [cell.failed / cell.traces for cell in cells],
        }
    )


def chosen_frame(chosen: Rectangle | None) -> pd.DataFrame:
    """Return the rectangle that was chosen, as one row, or none."""
    found = [chosen] if chosen else []
    return pd.DataFrame(
        {
            "at": pd.Series([one.start for one in found], dtype="datetime64[s, UTC]"),
            "until": pd.Series([one.end for one in found], dtype="datetime64[s, UTC]"),
            "low": pd.Series([one.slower for one in found], dtype="float64"),
            "high": pd.Series([one.faster for one in found], dtype="float64"),
        }
    )


def rectangle(brush: Mapping[str, Any]) -> Rectangle | None:
    """Return what was selected on the map, or None when that is nothing."""
    try:
        (start, end), (slower, faster) = sorted(brush["at"]), sorted(brush["low"])
        times = [datetime.fromtimestamp(at / 1000, UTC) for at in (start, end)]
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    if end <= start or faster <= slower:
        return None
    return Rectangle(
        start=times[0], end=times[1], slower=_three_digits(slower), faster=_three_digits(faster)
    )


def _three_digits(seconds: float) -> float:
    return float(f"{seconds:.3g}")
