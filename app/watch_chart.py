"""The chart of what a rule watches: always under its threshold, however far off. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app import charts
from app.charts import MOST_LINES, Grid, Look, Plot
from app.watching import Drawing
from models.vocabulary import Comparison
from signals import Series

Intervals = Sequence[tuple[datetime, datetime | None]]


def plot(
    series: Sequence[Series],
    grid: Grid,
    drawing: Drawing,
    *,
    firing: Intervals = (),
) -> Plot:
    """Return the chart of `series` with the threshold drawn, the worst `MOST_LINES` of them.

    Other charts leave a far threshold out, because it would flatten their lines; here the
    distance to it is what one looks for.
    """
    kept = sorted(series, key=lambda one: _badness(one, drawing), reverse=True)[:MOST_LINES]
    named = [(charts.label(one, drawing.line), one) for one in kept]
    drawn = charts.plot(named, grid, drawing.unit, firing=firing)
    look = Look(lines=tuple(name for name, _ in named), unit=drawing.unit, bound=drawing.bound)
    return replace(drawn, spec=charts.template(look), dropped=len(series) - len(kept))


def _badness(series: Series, drawing: Drawing) -> float:
    if drawing.comparison is Comparison.BELOW:
        return -min(series.values, default=float("inf"))
    return max(series.values, default=float("-inf"))
