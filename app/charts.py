"""Charts over time: series in, a Vega-Lite template and its data out. Pure.

The data are one wide frame on the full grid of instants, so that a missing point is a gap in the
line: never joined over, never 0. A rerun sends only them; the template stays as it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from app.chart_template import (
    FIRING,
    HEIGHT,
    MARKED,
    NOTES,
    SERIES,
    Look,
    note_layers,
    shade_layers,
    template,
)
from models.vocabulary import Unit
from signals import Series

__all__ = [
    "FIRING",
    "HEIGHT",
    "MARKED",
    "MOST_LINES",
    "NOTES",
    "PENDING",
    "SERIES",
    "Grid",
    "Look",
    "Note",
    "Plot",
    "arrow",
    "bands",
    "column",
    "datasets",
    "drawn",
    "frame",
    "label",
    "largest",
    "noted",
    "plot",
    "spark",
    "spec",
    "template",
]

MOST_LINES: Final = 8  # as many as the palette can tell apart
# A bound is drawn when the data come to this share of it: below, it would only flatten the line.
_NEAR: Final = 0.4
PENDING: Final = "pending"
# What pandas says of a column of periods: seconds since 1970, each an instant.
_PERIODS: Final = {
    "ARROW:extension:name": "pandas.period",
    "ARROW:extension:metadata": '{"freq":"s"}',
}
_SHADES: Final = {FIRING: 0.16, PENDING: 0.07, MARKED: 0.45}

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
class Note:
    """Something that happened, in words, and by whom.

    Attributes:
        end: When it was over; None for what took no time.
    """

    at: datetime
    what: str
    by: str = ""
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A chart ready to be sent.

    Attributes:
        template: Of its lines and bounds, in Vega-Lite; shared, so never change it.
        lines: Names of the lines, in the order of the frame's columns.
        grid: The instants of the frame.
        frame: `at` and one column a line: `s0`, `s1` …
        firing: Intervals to shade: `from_at`, `to_at`, `what` they are and how dark, `shade`.
        dropped: How many lines were left out because no chart can tell so many apart.
        off_chart: Target and threshold that lie far beyond the data and are not drawn.
        notes: What happened meanwhile: `from_at`, `to_at`, `what`, `by`; None without any.
    """

    template: dict[str, Any]
    lines: tuple[str, ...]
    grid: Grid
    frame: pd.DataFrame
    firing: pd.DataFrame
    dropped: int
    off_chart: tuple[float, ...]
    notes: pd.DataFrame | None = None


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
    look = Look(lines=(), unit=unit, target=target, bound=bound)
    kept = largest(series)
    return drawn(kept, grid, look, firing=firing, dropped=len(series) - len(kept))


def drawn(
    series: Sequence[tuple[str, Series]],
    grid: Grid,
    look: Look,
    *,
    firing: Sequence[Interval] = (),
    dropped: int = 0,
) -> Plot:
    """Return the chart of all named `series` in `look`, whose lines they become.

    A bound far above all values is left out, and named in `off_chart`.
    """
    data = frame([one for _, one in series], grid)
    top = float(np.nanmax(data.iloc[:, 1:].to_numpy(), initial=-math.inf))
    bounds = [value for value in (look.target, look.bound) if value is not None]
    near = {value for value in bounds if top >= _NEAR * value}
    look = replace(
        look,
        lines=tuple(name for name, _ in series),
        target=look.target if look.target in near else None,
        bound=look.bound if look.bound in near else None,
    )
    return Plot(
        template=template(look),
        lines=look.lines,
        grid=grid,
        frame=data,
        firing=bands(firing, grid),
        dropped=dropped,
        off_chart=tuple(value for value in bounds if value not in near),
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
    with np.errstate(over="ignore"):  # beyond single precision is off every chart
        found[places[inside]] = np.asarray(series.values, dtype=float)[inside]
    found[~np.isfinite(found)] = np.nan
    return found


def spec(plot: Plot) -> dict[str, Any]:
    """Return the whole chart without its data: what is shaded under the lines, notes over them.

    What there is nothing of has no layer: that is a quarter of what a chart takes to be sent.
    """
    under = () if plot.firing.empty else shade_layers()
    over = () if plot.notes is None else note_layers()
    return {**plot.template, "layer": [*under, *plot.template["layer"], *over]}


def datasets(plot: Plot) -> dict[str, bytes]:
    """Return the data of `plot` as they are sent: Arrow streams by name."""
    sent = {SERIES: _lines(plot.frame)}
    if not plot.firing.empty:
        sent[FIRING] = arrow(plot.firing)
    if plot.notes is not None:
        sent[NOTES] = arrow(plot.notes)
    return sent


def noted(plot: Plot, notes: Sequence[Note]) -> Plot:
    """Return `plot` with a rule for each of `notes` that lies on its grid."""
    grid = plot.grid
    inside = [note for note in notes if note.at <= grid.end and (note.end or note.at) >= grid.start]
    if not inside:
        return plot
    begins = [max(note.at, grid.start) for note in inside]
    ends = [min(note.end or note.at, grid.end) for note in inside]
    data = pd.DataFrame(
        {
            "from_at": pd.Series(begins, dtype="datetime64[s, UTC]"),
            "to_at": pd.Series(ends, dtype="datetime64[s, UTC]"),
            "what": pd.Series([note.what for note in inside], dtype="str"),
            "by": pd.Series([note.by for note in inside], dtype="str"),
        }
    )
    return replace(plot, notes=data)


def bands(intervals: Sequence[Interval], grid: Grid, what: str = FIRING) -> pd.DataFrame:
    """Return the part of each interval that lies on the grid: see `Plot.firing`."""
    inside = [
        (max(begin, grid.start), min(end or grid.end, grid.end))
        for begin, end in intervals
        if begin < grid.end and (end or grid.end) > grid.start
    ]
    return pd.DataFrame(
        {
            "from_at": pd.Series([b for b, _ in inside], dtype="datetime64[s, UTC]"),
            "to_at": pd.Series([e for _, e in inside], dtype="datetime64[s, UTC]"),
            "what": pd.Series([what] * len(inside), dtype="str"),
            "shade": pd.Series([_SHADES[what]] * len(inside), dtype="float32"),
        }
    )


def label(series: Series, otherwise: str) -> str:
    """Return the name of a line: the values of its labels, or `otherwise` when it has none."""
    return ", ".join(value or "none" for value in series.labels.values()) or otherwise


def spark(series: Sequence[Series], grid: Grid) -> list[float]:
    """Return the first series on the grid for a sparkline, NaN where there is no value."""
    return [float(value) for value in column(series[0], grid)] if series else []


def arrow(data: pd.DataFrame) -> bytes:
    """Return `data` as an Arrow stream."""
    return _stream(pa.Table.from_pandas(data, preserve_index=False).replace_schema_metadata(None))


def _lines(data: pd.DataFrame) -> bytes:
    """Return the frame of a plot as an Arrow stream, its instants in four bytes and not eight.

    Beside a single line they would be two thirds of it. As periods of a second they are what the
    template expects, and Streamlit's own table of them ("Show data") shows times, in UTC.
    """
    seconds = data["at"].to_numpy(dtype="datetime64[s]").astype("int64").astype("uint32")
    columns = [seconds, *(data[name].to_numpy() for name in data.columns[1:])]
    arrays = [pa.array(column, from_pandas=True) for column in columns]
    fields = [
        pa.field(name, array.type, metadata=_PERIODS if name == "at" else None)
        for name, array in zip(data.columns, arrays, strict=True)
    ]
    return _stream(pa.Table.from_arrays(arrays, schema=pa.schema(fields)))


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    sent: bytes = sink.getvalue().to_pybytes()
    return sent


def largest(
    series: Sequence[tuple[str, Series]], most: int = MOST_LINES
) -> list[tuple[str, Series]]:
    """Return the `most` series that reach highest, in the order they come in."""
    if len(series) <= most:
        return list(series)
    order = sorted(series, key=lambda named: -max(named[1].values, default=-math.inf))
    kept = {id(one) for _, one in order[:most]}
    return [(name, one) for name, one in series if id(one) in kept]
