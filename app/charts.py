"""Charts over time: series in, a Vega-Lite template and its data out. Pure.

A template is built by Altair once per look of a panel and kept; a rerun sends only new data
(building Altair objects anew costs some 13 ms a chart). The data are one wide frame on the full
grid of instants, so that a missing point is a gap in the line: never joined over, never 0.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd
import pyarrow as pa

from app import numbers
from models.vocabulary import Unit
from signals import Series

MOST_LINES: Final = 8  # as many as the palette can tell apart
HEIGHT: Final = 240
SERIES: Final = "series"  # names of the data sets: the frame, and the firing intervals
FIRING: Final = "firing"

# These must read on white and on the dark background alike: at least 3:1 on both.
RED: Final = "#d9483b"
GREEN: Final = "#3a9366"
SHADES: Final = {"p50": "#5f96b4", "p95": "#2b87b0", "p99": "#8768c4"}
_WIDTHS: Final = {"p50": 1.5, "p99": 1.5}

_LEGEND_WIDTH: Final = 115  # of one entry; a narrow chart has fewer in a row

# A bound is drawn when the data come to this share of it: below, it would only flatten the line.
_NEAR: Final = 0.4

# A 24 hour clock, in the viewer's zone; the day where it begins.
_CLOCK: Final = (
    "timeFormat(datum.value, '%H:%M') === '00:00'"
    " ? timeFormat(datum.value, '%b %-d') : timeFormat(datum.value, '%H:%M')"
)

Column = np.ndarray[tuple[int], np.dtype[np.float32]]
Interval = tuple[datetime, datetime | None]  # None: still going on


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The instants of a chart: `start`, `start + step` … `end`. Each value covers one step."""

    start: datetime
    end: datetime
    step: timedelta

    @property
    def count(self) -> int:
        """Return how many instants there are."""
        return int((self.end - self.start) / self.step) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a template depends on.

    Attributes:
        lines: Names of the lines, in the order of the frame's columns.
        target, bound: In `unit`; None draws none.
    """

    lines: tuple[str, ...]
    unit: Unit
    target: float | None = None
    bound: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A chart ready to be sent.

    Attributes:
        spec: A Vega-Lite template without data; shared, so never change it.
        lines: Names of the lines, in the order of the frame's columns.
        grid: The instants of the frame.
        frame: `at` and one column a line: `s0`, `s1` …
        firing: Intervals to shade: `from_at`, `to_at`.
        dropped: How many lines were left out because no chart can tell so many apart.
        off_chart: Target and threshold that lie far beyond the data and are not drawn.
    """

    spec: dict[str, Any]
    lines: tuple[str, ...]
    grid: Grid
    frame: pd.DataFrame
    firing: pd.DataFrame
    dropped: int
    off_chart: tuple[float, ...]


def plot(
    series: Sequence[tuple[str, Series]],
    grid: Grid,
    unit: Unit,
    *,
    target: float | None = None,
    bound: float | None = None,
    firing: Sequence[Interval] = (),
) -> Plot:
    """Return the chart of named `series`, the largest `MOST_LINES` of them."""
    kept = _largest(series)
    data = frame([one for _, one in kept], grid)
    top = float(np.nanmax(data.iloc[:, 1:].to_numpy(), initial=-math.inf))
    near = {value for value in (target, bound) if value is not None and top >= _NEAR * value}
    look = Look(
        lines=tuple(name for name, _ in kept),
        unit=unit,
        target=target if target in near else None,
        bound=bound if bound in near else None,
    )
    return Plot(
        spec=template(look),
        lines=look.lines,
        grid=grid,
        frame=data,
        firing=bands(firing, grid),
        dropped=len(series) - len(kept),
        off_chart=tuple(v for v in (target, bound) if v is not None and v not in near),
    )


def frame(series: Sequence[Series], grid: Grid) -> pd.DataFrame:
    """Return a row for each instant of `grid`: `at`, then `s0`, `s1` … with NaN for no value."""
    at = pd.date_range(grid.start, periods=grid.count, freq=grid.step, unit="s")
    columns = {f"s{index}": column(one, grid) for index, one in enumerate(series)}
    return pd.DataFrame({"at": at, **columns})


def column(series: Series, grid: Grid) -> Column:
    """Return a value for each instant of `grid`, NaN where there is none.

    In single precision: half the payload, and seven digits are more than a screen shows.
    """
    found = np.full(grid.count, np.nan, dtype=np.float32)
    start, step = grid.start.timestamp(), grid.step.total_seconds()
    places = np.rint((np.asarray(series.seconds, dtype=float) - start) / step).astype(int)
    inside = (places >= 0) & (places < grid.count)
    found[places[inside]] = np.asarray(series.values, dtype=float)[inside]
    found[~np.isfinite(found)] = np.nan
    return found


def datasets(plot: Plot) -> dict[str, bytes]:
    """Return the data of `plot` as it is sent: Arrow streams by name."""
    return {SERIES: _arrow(plot.frame), FIRING: _arrow(plot.firing)}


def bands(firing: Sequence[Interval], grid: Grid) -> pd.DataFrame:
    """Return the part of each interval that lies on the grid: `from_at`, `to_at`."""
    inside = [
        (max(begin, grid.start), min(end or grid.end, grid.end))
        for begin, end in firing
        if begin < grid.end and (end or grid.end) > grid.start
    ]
    return pd.DataFrame(
        {
            "from_at": pd.Series([b for b, _ in inside], dtype="datetime64[s, UTC]"),
            "to_at": pd.Series([e for _, e in inside], dtype="datetime64[s, UTC]"),
        }
    )


def label(series: Series, otherwise: str) -> str:
    """Return the name of a line: the values of its labels, or `otherwise` when it has none."""
    return ", ".join(value or "none" for value in series.labels.values()) or otherwise


def spark(series: Sequence[Series], grid: Grid) -> list[float]:
    """Return the first series on the grid for a sparkline, NaN where there is no value."""
    return [float(value) for value in column(series[0], grid)] if series else []


@lru_cache(maxsize=256)
def template(look: Look) -> dict[str, Any]:
    """Return the Vega-Lite template of `look`, without data. Shared: never change it."""
    layers = [_shade(), *_bounds(look), *_lines(look), _hover(look)]
    chart = (
        alt.layer(*layers, data=alt.NamedData(SERIES))
        .resolve_axis(y="independent")
        .properties(height=HEIGHT)
    )
    chart = chart.configure_legend(
        title=None,
        orient="top",
        symbolType="stroke",
        labelLimit=_LEGEND_WIDTH,
        columns=alt.ExprRef(f"max(1, floor(width / {_LEGEND_WIDTH}))"),
    )
    if _shaded(look):
        chart = chart.configure_range(category=[SHADES[name] for name in sorted(look.lines)])
    spec: dict[str, Any] = _without_data(chart.to_dict())
    return spec


def _arrow(data: pd.DataFrame) -> bytes:
    table = pa.Table.from_pandas(data, preserve_index=False).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    sent: bytes = sink.getvalue().to_pybytes()
    return sent


def _largest(series: Sequence[tuple[str, Series]]) -> list[tuple[str, Series]]:
    if len(series) <= MOST_LINES:
        return list(series)
    order = sorted(series, key=lambda named: -max(named[1].values, default=-math.inf))
    kept = {id(one) for _, one in order[:MOST_LINES]}
    return [(name, one) for name, one in series if id(one) in kept]


def _shade() -> alt.Chart:
    layer: alt.Chart = (
        alt.Chart(alt.NamedData(FIRING))
        .mark_rect(color=RED, opacity=0.16)
        .encode(x=alt.X("from_at:T"), x2="to_at:T", tooltip=_times("from_at", "to_at"))
    )
    return layer


def _times(begin: str, end: str) -> list[alt.Tooltip]:
    pattern = "%b %d, %H:%M:%S"
    return [
        alt.Tooltip(begin, type="temporal", format=pattern, title="firing from"),
        alt.Tooltip(end, type="temporal", format=pattern, title="until"),
    ]


def _bounds(look: Look) -> list[alt.Chart]:
    # Their names stand on an axis of their own at the right, because an axis follows the light
    # and the dark theme, which a text mark does not.
    words = {
        value: f"{word} {numbers.number(value, look.unit)}"
        for value, word in ((look.target, "target"), (look.bound, "alert"))
        if value is not None
    }
    if not words:
        return []
    names = " : ".join(f"datum.value === {value} ? {json.dumps(w)}" for value, w in words.items())
    axis = alt.Axis(
        orient="right",
        values=list(words),
        labelExpr=f"{names} : ''",
        grid=False,
        ticks=False,
        domain=False,
        title=None,
        labelOverlap="greedy",
    )
    styles = ((look.target, GREEN, [6, 4]), (look.bound, RED, [2, 3]))
    once = alt.InlineData(values=[{}])  # else a rule is drawn for every row of the frame
    rules = [
        alt.Chart(once)
        .mark_rule(color=colour, strokeDash=dash, strokeWidth=1.5)
        .encode(y=alt.YDatum(value, type="quantitative", axis=None))
        for value, colour, dash in styles
        if value is not None
    ]
    rules[-1] = rules[-1].encode(
        y=alt.YDatum(list(words)[-1], type="quantitative", axis=axis)  # one axis names both
    )
    return rules


def _lines(look: Look) -> list[alt.Chart]:
    pattern, suffix = numbers.pattern(look.unit)
    expression = f"format(datum.value, {json.dumps(pattern)}) + {json.dumps(suffix)}"
    left = alt.Axis(orient="left", title=None, labelExpr=expression, tickCount=5, grid=True)
    below = alt.Axis(grid=False, tickCount=6, labelFlush=True, labelExpr=_CLOCK)
    shaded = _shaded(look)
    alone = len(look.lines) == 1
    return [
        alt.Chart()
        # A round cap draws a point without neighbours as a dot; a flat one would not draw it.
        .mark_line(strokeCap="round", strokeWidth=_WIDTHS.get(name, 2) if shaded else 1.75)
        .encode(
            x=alt.X("at:T", title=None, axis=below),
            y=alt.Y(
                f"s{index}:Q",
                axis=left if index == 0 else None,
                scale=alt.Scale(zero=look.unit is not Unit.POINTS, nice=True),
            ),
            **({} if alone else {"color": alt.ColorDatum(name, type="nominal")}),
        )
        for index, name in enumerate(look.lines)
    ]


def _shaded(look: Look) -> bool:
    return all(name in SHADES for name in look.lines)


def _hover(look: Look) -> alt.Chart:
    pattern = numbers.precise(look.unit)
    unit = {Unit.SECONDS: " (s)", Unit.PER_SECOND: " (per second)"}.get(look.unit, "")
    near = alt.selection_point(
        name="near", nearest=True, on="pointerover", clear="pointerout", encodings=["x"]
    )
    valid = " || ".join(f"isValid(datum.s{index})" for index in range(len(look.lines))) or "false"
    layer: alt.Chart = (
        alt.Chart()
        .transform_filter(valid)
        .mark_rule(color="#8593a0")
        .encode(
            x="at:T",
            opacity=alt.when(near, empty=False).then(alt.value(0.7)).otherwise(alt.value(0)),
            tooltip=[
                alt.Tooltip("at:T", format="%b %d, %H:%M:%S", title="until"),
                *(
                    alt.Tooltip(f"s{index}:Q", format=pattern, title=f"{name}{unit}")
                    for index, name in enumerate(look.lines)
                ),
            ],
        )
        .add_params(near)
    )
    return layer


def _without_data(node: Any) -> Any:
    # Altair leaves the name of an empty data set in a chart without data; with it Vega would wait
    # for that data set and draw nothing.
    if isinstance(node, list):
        return [_without_data(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_data(value)
        for key, value in node.items()
        if key not in ("$schema", "datasets") and not (key == "data" and value == {"name": "empty"})
    }
