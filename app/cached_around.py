"""What stood round one request: the alerts that it falls into, and the signals of that time."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import streamlit as st

from alerts.inbox import Item
from alerts.involved import Request, alerts_of
from app import cached, charts, wired
from app.cached import Answer
from app.charts import Grid, Plot
from app.waterfall.layout import Waterfall
from signals import Query, Series, SignalError
from signals.catalog import CATALOG
from signals.traces import FILTERS
from signals.traces.summaries import label_of

SIGNALS: Final = ("latency_p95", "error_ratio")
ROUND: Final = timedelta(minutes=30)  # before and after
LONGEST: Final = timedelta(hours=3)  # of a request, as far as its time is shown
STEP: Final = timedelta(minutes=1)
MOST_ALERTS: Final = 10
_NARROWED_BY: Final = ("feature", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """One signal in the time round a request, with the request marked.

    Attributes:
        title: The signal's.
        alt: What a screen reader says.
    """

    title: str
    plot: Plot
    alt: str


def request_of(drawn: Waterfall) -> Request | None:
    """Return the request that a trace is, with its labels as the stores count them by.

    None for a trace without a time.
    """
    if drawn.started_at is None:
        return None
    ended_at = drawn.started_at + timedelta(milliseconds=drawn.duration_ms)
    spans = [row.span for row in drawn.rows]
    labels = {name: value for name in FILTERS if (value := label_of(spans, name))}
    return Request(started_at=drawn.started_at, ended_at=ended_at, labels=labels)


@st.cache_resource(ttl=cached.FRESH, max_entries=32, show_spinner=False, hash_funcs={Request: repr})
def alerts(request: Request) -> Answer[tuple[Item, ...]]:
    """Return the alerts that a request falls into, the newest first, at most `MOST_ALERTS`."""
    return cached.from_database(
        ("involved", repr(request)),
        lambda session: tuple(alerts_of(session, request)[:MOST_ALERTS]),
    )


def scope_of(request: Request) -> dict[str, str]:
    """Return the part of the traffic that a request is compared with."""
    return {name: request.labels[name] for name in _NARROWED_BY if name in request.labels}


@st.cache_resource(
    ttl=timedelta(minutes=1), max_entries=32, show_spinner=False, hash_funcs={Request: repr}
)
def around(signal: str, request: Request) -> Answer[Around]:
    """Return a signal in the time round a request, in its part of the traffic.

    No data and no error mean that nobody measured anything then.
    """
    wiring = wired.current()
    query = Query(
        signal=signal,
        window=cached.window(STEP),
        scope=tuple(sorted(scope_of(request).items())),
    )
    start = cached.floor(request.started_at - ROUND, STEP)
    ended_at = min(request.ended_at, request.started_at + LONGEST)
    end = min(ended_at + ROUND, wiring.clock() - cached.SETTLING)
    if end <= start:
        return Answer()
    grid = Grid(start=start, end=cached.floor(end, STEP), step=STEP)
    try:
        source = wiring.signals.route(query)
        found = source.read_range(query, start=grid.start, end=grid.end, step=STEP)
    except SignalError as error:
        return Answer(error=str(error))
    seen = [one for one in found if one.values]
    return Answer(
        data=_marked(signal, seen[0], grid, request) if seen else None,
        at=wiring.clock(),
        source=source.name,
    )


def _marked(signal: str, series: Series, grid: Grid, request: Request) -> Around:
    known = CATALOG[signal]
    plot = charts.plot([(known.title, series)], grid, known.unit)
    # At least as wide as a point, or it could not be seen.
    until = max(request.ended_at, request.started_at + STEP)
    mark = charts.bands([(request.started_at, until)], grid, charts.MARKED)
    return Around(
        title=known.title,
        plot=replace(plot, firing=mark),
        alt=f"{known.title} in the half hours before and after this request, which is marked.",
    )
