"""The past of what rules watch, read part by part beside the page, which shows how far it is.

A month by the minute is more points than a server answers at once. Its parts are asked side by
side, a few at a time; whoever waits may cancel what was not asked yet. Shared by all viewers: the
past under a threshold is asked once a minute, however often the threshold moves.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from threading import Lock
from typing import Final

from alerts.conditions import Question
from alerts.wiring import Wiring
from app import cached_watching, wired
from app.cached import Answer, floor
from app.cached_watching import Past
from app.charts import Grid
from signals import Labels, Series, SignalError

FRESH: Final = timedelta(minutes=1)
MAX_POINTS: Final = 11_000  # of one part, as Prometheus allows
PATIENCE: Final = 0.5  # seconds for what has several parts, before the page says how far it is
MOST: Final = 128  # questions that are remembered
_SIDE_BY_SIDE: Final = 4

Key = tuple[Question, timedelta, timedelta]


class Reading:
    """One question's past, on its way.

    Attributes:
        at: When it was asked.
        parts: How many there are.
        is_cancelled: Somebody gave it up before all was there.
    """

    def __init__(self, question: Question, grid: Grid, *, wiring: Wiring, at: datetime) -> None:
        self.at = at
        self._grid = grid
        self._futures = [
            _threads.submit(cached_watching.range_of, wiring, question, part)
            for part in parts(grid)
        ]
        self.parts = len(self._futures)
        self.is_cancelled = False

    @property
    def done(self) -> int:
        """Return how many parts have been read."""
        return sum(part.done() and not part.cancelled() for part in self._futures)

    @property
    def is_over(self) -> bool:
        """Say whether nothing more will come."""
        return all(part.done() for part in self._futures)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing more will come, so long at most; say whether that is so."""
        wait(self._futures, timeout=seconds)
        return self.is_over

    def cancel(self) -> None:
        """Give it up: what has not been asked yet never is."""
        self.is_cancelled = not self.is_over
        for part in self._futures:
            part.cancel()

    @cached_property
    def answer(self) -> Answer[Past]:
        """Return what was read, waiting for it; with the error where a part could not be."""
        try:
            found = [part.result() for part in self._futures]
        except SignalError as error:
            for part in self._futures:
                part.cancel()
            return Answer(error=str(error))
        series = joined(found)
        past = Past(
            series=tuple(series[: cached_watching.MOST_SERIES]),
            grid=self._grid,
            left_out=max(len(series) - cached_watching.MOST_SERIES, 0),
        )
        return Answer(data=past, at=self.at)


@dataclass(slots=True)
class _Kept:
    """What was read of one question, what is being read, and the last that went well."""

    shown: Reading
    coming: Reading | None = None
    good: Answer[Past] | None = None


class Shelf:
    """The readings of the questions asked last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

    def of(self, question: Question, span: timedelta, step: timedelta) -> Reading:
        """Return the reading of the last `span`; an old one, while a new one is on its way."""
        wiring, key = wired.current(), (question, span, step)
        now = wiring.clock()
        end = floor(now, step)
        grid = Grid(start=end - span, end=end, step=step)

        def begin() -> Reading:
            return Reading(question, grid, wiring=wiring, at=now)

        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = _Kept(begin())
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)[1].shown.cancel()
            if kept.coming is not None and kept.coming.is_over:
                kept.shown, kept.coming = kept.coming, None
            is_old = kept.shown.is_over and now - kept.shown.at >= FRESH
            if is_old and kept.coming is None and not kept.shown.is_cancelled:
                kept.coming = begin()
            return kept.shown

    def answer(self, question: Question, span: timedelta, step: timedelta) -> Answer[Past]:
        """Return what the reading says, or with its error what the last good one did."""
        said = self.of(question, span, step).answer
        with self._lock:
            kept = self._kept.get((question, span, step))
            if kept is None:
                return said
            if not said.error:
                kept.good = said
            return replace(kept.good, error=said.error) if said.error and kept.good else said

    def forget(self, questions: Iterable[Question], span: timedelta, step: timedelta) -> None:
        """Drop what was read, so that it is read anew."""
        with self._lock:
            for question in questions:
                self._kept.pop((question, span, step), None)

    def wait(self) -> None:
        """Wait until everything that is being read is there."""
        for reading in self._readings():
            reading.wait()

    def clear(self) -> None:
        """Drop everything, once what is being asked was answered."""
        for reading in self._readings():
            reading.cancel()
        self.wait()
        with self._lock:
            self._kept.clear()

    def _readings(self) -> list[Reading]:
        with self._lock:
            return [one for k in self._kept.values() for one in (k.shown, k.coming) if one]


_threads = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="past")
shelf = Shelf()


def come(readings: Sequence[Reading]) -> bool:
    """Wait a moment for `readings`; say whether all are there.

    What is one part has no progress to show: it is waited for, as long as its source may take.
    """
    return all(one.wait(None if one.parts == 1 else PATIENCE) for one in readings)


def cancel(readings: Iterable[Reading]) -> None:
    """Give up what is not all there."""
    for one in readings:
        one.cancel()


def parts(grid: Grid) -> list[Grid]:
    """Return consecutive grids of at most `MAX_POINTS` instants that make up `grid`."""
    return [
        replace(
            grid,
            start=grid.start + first * grid.step,
            end=grid.start + (min(first + MAX_POINTS, grid.count) - 1) * grid.step,
        )
        for first in range(0, grid.count, MAX_POINTS)
    ]


def joined(found: Sequence[Sequence[Series]]) -> list[Series]:
    """Return the series of consecutive parts as one each, in the order in which they appear."""
    if len(found) == 1:
        return list(found[0])
    whole: dict[frozenset[tuple[str, str]], tuple[Labels, list[Series]]] = {}
    for part in found:
        for series in part:
            same = frozenset(series.labels.items())
            whole.setdefault(same, (series.labels, []))[1].append(series)
    return [
        Series(
            labels=labels,
            seconds=[at for one in several for at in one.seconds],
            values=[value for one in several for value in one.values],
            idle=[at for one in several for at in one.idle],
        )
        for labels, several in whole.values()
    ]
