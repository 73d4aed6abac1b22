"""How many traces took how long, when: counted by the first store that can, for all viewers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from app import wired
from app.cached import Answer, floor
from app.trace_search import Filters
from signals import SignalError
from signals.traces import Order
from signals.traces.heat import Cell, HeatQuery, HeatStore

FRESH: Final = timedelta(seconds=30)
COLUMNS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """A heat map.

    Attributes:
        start: Of the first column.
        step: How much time a column covers.
    """

    cells: tuple[Cell, ...]
    start: datetime
    step: timedelta

    @property
    def traces(self) -> int:
        """Return how many were counted."""
        return sum(cell.traces for cell in self.cells)


def can() -> bool:
    """Say whether some store counts."""
    return bool(_stores())


def heat(filters: Filters) -> Answer[Heat]:
    """Return the map of the traces that match, of any speed and in the whole range."""
    return _heat(
        replace(
            filters,
            since=None,
            until=None,
            slower_than_ms=None,
            faster_than_ms=None,
            order=Order.NEWEST,
        )
    )


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False)
def _heat(filters: Filters) -> Answer[Heat]:
    now = wired.current().clock()
    step = filters.window / COLUMNS
    start = floor(now - filters.window, step)
    whole = replace(filters, since=start, until=now)
    query = HeatQuery(traces=whole.query(now=now), step=step)
    refusals = []
    for store in _stores():
        try:
            cells = tuple(store.heat(query))
        except SignalError as error:
            refusals.append(str(error))
        else:
            found = Heat(cells=cells, start=start, step=step)
            return Answer(data=found, at=now, source=store.name)
    return Answer(error="; ".join(refusals))


def clear() -> None:
    """Forget everything that was read."""
    _heat.clear()


def _stores() -> list[HeatStore]:
    wiring = wired.current()
    stores: Sequence[object] = wiring.several.stores if wiring.several else (wiring.traces,)
    return [store for store in stores if isinstance(store, HeatStore)]
