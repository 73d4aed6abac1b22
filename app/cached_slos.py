"""What is left of error budgets, shared by all viewers: asked once a minute, in the background."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import streamlit as st

from alerts import error_budget
from alerts.conditions import BurnRate
from alerts.error_budget import Floats, Standing, Tiles
from alerts.slos import Slo, Watcher, slos
from app import cached_alerts, cached_watching, rule_words, wired
from app.cached import Answer, floor
from app.charts import Grid, column
from signals import Labels, Query, Series, offsets

FRESH: Final = timedelta(minutes=1)
STEP: Final = timedelta(hours=1)
_SETTLED: Final = timedelta(minutes=5)  # the last tile ends on a multiple of it
TRAFFIC: Final = "request_rate"
MOST_PARTS: Final = 200  # label sets of one SLO


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The budget of one label set.

    Attributes:
        left: The share that was left after each tile of the SLO's grid.
    """

    labels: Labels
    standing: Standing
    left: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The budgets of an SLO, the worst first; none where nothing is known.

    Attributes:
        grid: The ends of the tiles.
        left_out: How many label sets there were beyond `MOST_PARTS`.
    """

    parts: tuple[Part, ...]
    grid: Grid
    left_out: int = 0


def listed() -> Answer[list[Slo]]:
    """Return the SLOs there are, by the name of their first rule."""
    known = cached_alerts.rule_list()
    if known.data is None:
        return Answer(at=known.at, source=known.source, error=known.error)
    found = [
        Watcher(
            rule_id=rule.id or 0,
            name=rule.name,
            owner=rule.owner,
            enabled=rule.enabled,
            condition=condition,
        )
        for rule, _ in known.data.rules
        if isinstance(condition := rule_words.condition_of(rule), BurnRate)
    ]
    return Answer(data=slos(found), at=known.at, source=known.source, error=known.error)


@st.cache_resource(
    ttl=FRESH,
    max_entries=128,
    show_spinner=False,
    refresh_mode="background",
    hash_funcs={Slo: repr},
)
def budget(slo: Slo) -> Answer[Budget]:
    """Return how the budgets of `slo` stand."""
    now = wired.current().clock()
    return cached_watching.asked(("budget", slo), lambda: _read(slo), now)


def clear() -> None:
    """Forget everything that was read."""
    budget.clear()


def _read(slo: Slo) -> Budget:
    end = floor(wired.current().clock(), _SETTLED)
    count = error_budget.look_back(slo.period) // STEP
    grid = Grid(start=end - (count - 1) * STEP, end=end, step=STEP)
    ratios = _by_labels(slo.question(slo.signal, STEP), grid)
    rates = _by_labels(slo.question(TRAFFIC, STEP), grid)
    span = error_budget.span(slo.period, zone=slo.zone, now=end)
    parts = []
    for identity, rate in rates.items():
        events = column(rate, grid).astype(float) * STEP.total_seconds()
        tiles = _tiles(events, ratios.get(identity), grid)
        standing = error_budget.standing(tiles, slo.objective, span)
        left = error_budget.burn_down(tiles, standing)
        parts.append(Part(labels=rate.labels, standing=standing, left=left))
    parts.sort(key=_badness)
    kept = tuple(parts[:MOST_PARTS])
    return Budget(parts=kept, grid=grid, left_out=len(parts) - len(kept))


def _tiles(events: Floats, ratio: Series | None, grid: Grid) -> Tiles:
    """Return what happened; where there were events but no ratio, nothing is known."""
    shares = np.full(grid.count, np.nan) if ratio is None else column(ratio, grid).astype(float)
    bad = np.where(events == 0, 0.0, events * shares)
    return Tiles(
        end=grid.end, step=grid.step, events=np.where(np.isnan(bad), np.nan, events), bad=bad
    )


def _badness(part: Part) -> float:
    left = part.standing.left
    return float("inf") if left is None else left


def _by_labels(query: Query, grid: Grid) -> dict[tuple[tuple[str, str], ...], Series]:
    source = wired.current().signals.route(query)
    found = offsets.read_range(source, query, start=grid.start, end=grid.end, step=grid.step)
    return {tuple(sorted(one.labels.items())): one for one in found}
