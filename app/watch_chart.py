"""The chart of what a rule watches: always under its threshold, however far off. Pure."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from app import charts
from app.charts import MOST_LINES, Grid, Look, Plot
from app.watching import Drawing
from models.vocabulary import Comparison
from signals import Series
from signals.units import span

MOST_POINTS: Final = 1500

Intervals = Sequence[tuple[datetime, datetime | None]]


def plot(
    series: Sequence[Series],
    grid: Grid,
    drawing: Drawing,
    *,
    baseline: Sequence[Series] = (),
    firing: Intervals = (),
    pending: Intervals = (),
) -> Plot:
    """Return the chart of `series` with the threshold drawn, the worst `MOST_LINES` of them.

    With a `baseline`, each of half as many has the line beside it that it is compared with.

    Other charts leave a far threshold out, because it would flatten their lines; here the
    distance to it is what one looks for.
    """
    most = MOST_LINES // 2 if baseline else MOST_LINES
    worst = sorted(series, key=lambda one: _badness(one, drawing), reverse=True)[:most]
    beside = [one for one in baseline if any(one.labels == known.labels for known in worst)]
    kept, grid = _thinned([*worst, *beside], grid, drawing)
    named = [(charts.label(one, drawing.line), one) for one in kept]
    ago = f", {span(drawing.baseline.offset)} before" if drawing.baseline else ""
    named[len(worst) :] = [(f"{name}{ago}", one) for name, one in named[len(worst) :]]
    drawn = charts.plot(named, grid, drawing.unit)
    shaded = [charts.bands(pending, grid, charts.PENDING), charts.bands(firing, grid)]
    look = Look(lines=tuple(name for name, _ in named), unit=drawing.unit, bound=drawing.bound)
    return replace(
        drawn,
        template=charts.template(look),
        dropped=len(series) - len(worst),
        firing=pd.concat(shaded, ignore_index=True),
    )


def _badness(series: Series, drawing: Drawing) -> float:
    if drawing.comparison is Comparison.BELOW:
        return -min(series.values, default=float("inf"))
    return max(series.values, default=float("-inf"))


def _thinned(series: list[Series], grid: Grid, drawing: Drawing) -> tuple[list[Series], Grid]:
    """Return as many points as a chart can show, each the worst of those it stands for."""
    each = math.ceil(grid.count / MOST_POINTS)
    if each == 1:
        return series, grid
    coarse = replace(grid, step=grid.step * each)
    worst = np.fmin if drawing.comparison is Comparison.BELOW else np.fmax
    thinned = []
    for one in series:
        values = charts.column(one, grid)
        whole = np.full(coarse.count * each, np.nan)
        whole[: len(values)] = values
        points = worst.reduce(whole.reshape(-1, each), axis=1)
        there = ~np.isnan(points)
        seconds = coarse.start.timestamp() + coarse.step.total_seconds() * np.flatnonzero(there)
        thinned.append(replace(one, seconds=seconds.tolist(), values=points[there].tolist()))
    return thinned, coarse
