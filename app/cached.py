"""What signals say, shared by all viewers: asked at most every ten seconds, in the background.

A page never waits for a source that it has seen answer: it gets what was drawn from the last
answer at once, and the next viewer gets the newer one. What is drawn is what is cached, in
`signal_card` and `panels`, so that a rerun costs neither a question nor a conversion. An answer
that a source refuses to renew stays, with its age and the reason.
"""

import logging
from array import array
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, Final, Generic, TypeVar, cast

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app import wired
from app.asking import ASKERS
from app.charts import Grid
from models.database import read_only
from signals import Query, Reading, Series, SignalError, Source

DATABASE_DOWN: Final = "The database of rules, alerts and dashboards does not answer."
FRESH: Final = timedelta(seconds=10)
# The newest spans and scrapes of an instant arrive a little after it.
SETTLING: Final = timedelta(seconds=15)
POINTS: Final = 600
MOST_SERIES: Final = 50
MOST_VALUES: Final = 1000  # of a label, in a choice
SHORTEST_WINDOW: Final = timedelta(minutes=2)  # a rate needs two scrapes, at most 60 s apart
_STEPS: Final = tuple(
    timedelta(seconds=s)
    for s in (30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
)
_CHOICE: Final = timedelta(seconds=1)
_LABEL_VALUES_SPAN: Final = timedelta(hours=24)

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What is known about one question.

    Attributes:
        data: The last good answer; None when there never was one.
        at: When that was, aware UTC.
        source: Who gave it, or who was asked in vain; empty when no source has the signal.
        error: Why there is no newer answer; empty when it is as new as can be.
    """

    data: T | None = None
    at: datetime | None = None
    source: str = ""
    error: str = ""

    @property
    def nobody(self) -> bool:
        """Say that no source has this signal with these labels."""
        return bool(self.error) and not self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Series over time.

    Attributes:
        series: The largest `MOST_SERIES` of them.
        grid: The instants they lie on.
        left_out: How many smaller ones there were.
    """

    series: tuple[Series, ...]
    grid: Grid
    left_out: int = 0


class LastGood:
    """The last good answers, the most recently asked `limit` of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[object, Answer[Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, question: object) -> Answer[Any] | None:
        """Return the last good answer to `question`, or None."""
        with self._lock:
            return self._kept.get(question)

    def keep(self, question: object, answer: Answer[Any]) -> None:
        """Keep `answer`, and forget the one that was asked for longest ago."""
        with self._lock:
            self._kept[question] = answer
            self._kept.move_to_end(question)
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)


def grid(span: timedelta, *, now: datetime, points: int = POINTS) -> Grid:
    """Return the instants of a chart over the last `span`: whole steps, at most `points`."""
    step = next((s for s in _STEPS if s * points >= span), _STEPS[-1])
    end = floor(now - SETTLING, step)
    return Grid(start=end - span, end=end, step=step)


def window(step: timedelta) -> timedelta:
    """Return what one point covers: its whole step, so that no peak falls between two points."""
    return max(step, SHORTEST_WINDOW)


def floor(at: datetime, step: timedelta) -> datetime:
    """Return the last whole `step` before or at `at`."""
    seconds = step.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, at.tzinfo)


def current(query: Query) -> Answer[Reading]:
    """Return what `query` yields now. Asks: call it from something cached."""
    now = wired.current().clock()
    at = floor(now, FRESH)
    return _ask(query, ("current", query), lambda source: source.read(query, at=at), now)


def history(query: Query, span: timedelta, points: int = POINTS) -> Answer[History]:
    """Return what `query` yielded over the last `span`; its window becomes the step.

    Asks, unless nothing can have moved: call it from something cached.
    """
    now = wired.current().clock()
    lies = grid(span, now=now, points=points)
    question = ("history", query, span, points)
    last = cast(Answer[History], _last_good().get(question) or Answer())
    if last.data and last.at and last.data.grid == lies and now - last.at < lies.step / 4:
        return last
    tiled = replace(query, window=window(lies.step))

    def read(source: Source) -> History:
        found = list(source.read_range(tiled, start=lies.start, end=lies.end, step=lies.step))
        found.sort(key=lambda series: -max(series.values, default=0.0))
        kept = tuple(map(_compact, found[:MOST_SERIES]))
        return History(series=kept, grid=lies, left_out=len(found) - len(kept))

    return _ask(tiled, question, read, now)


def late(query: Query) -> Answer[Reading]:
    """Return the last good answer to `current`, of a source that is slow now. Asks nobody."""
    last = cast(Answer[Reading], _last_good().get(("current", query)) or Answer())
    try:
        source = wired.current().signals.route(query).name
    except SignalError as error:
        return replace(last, source="", error=str(error))
    return replace(last, source=source, error=f"{source} is slow: it is still being asked.")


def label_values(label: str) -> tuple[str, ...]:
    """Return the values that `label` had in the last day, for a choice; none when unknown.

    Nor while its source is slow: a choice is worth no wait.
    """
    key = ("values", label)
    return () if ASKERS.late({key: partial(_values, label)}, _CHOICE) else _values(label)


@st.cache_resource(ttl=60, max_entries=64, show_spinner=False, refresh_mode="background")
def _values(label: str) -> tuple[str, ...]:
    wiring = wired.current()
    now = wiring.clock()
    try:
        if wiring.traces is not None:
            traced = wiring.traces.values(label, start=now - _LABEL_VALUES_SPAN, end=now)
            if found := tuple(value for value in traced if value):
                return found
        query = Query(signal="request_rate", window=_LABEL_VALUES_SPAN, by=(label,))
        reading = wiring.signals.route(query).read(query, at=floor(now, FRESH))
    except SignalError:
        return ()
    values = sorted(v for sample in reading.samples if (v := sample.labels.get(label)))
    return tuple(values[:MOST_VALUES])


def from_database(question: object, read: Callable[[Session], T]) -> Answer[T]:
    """Return what `read` finds in the database, or its last good answer when that is down."""
    wiring = wired.current()
    try:
        with Session(read_only(wiring.db)) as session:
            answer = Answer(data=read(session), at=wiring.clock(), source="database")
    except SQLAlchemyError as error:
        # Its text names the statement and the address, which are not for a page.
        logger.warning("read failed question=%s error=%s", question, type(error).__name__)
        kept = cast(Answer[T], _last_good().get(question) or Answer())
        return replace(kept, source="database", error=DATABASE_DOWN)
    _last_good().keep(question, answer)
    return answer


def clear() -> None:
    """Forget everything that was read."""
    st.cache_resource.clear()


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_good() -> LastGood:
    return LastGood(limit=512)


def _ask(query: Query, question: object, read: Callable[[Source], T], now: datetime) -> Answer[T]:
    last = cast(Answer[T], _last_good().get(question) or Answer())
    try:
        source = wired.current().signals.route(query)
    except SignalError as error:
        return replace(last, source="", error=str(error))
    try:
        answer = Answer(data=read(source), at=now, source=source.name)
    except SignalError as error:
        return replace(last, source=source.name, error=str(error))
    _last_good().keep(question, answer)
    return answer


def _compact(series: Series) -> Series:
    return replace(series, seconds=array("d", series.seconds), values=array("d", series.values))
