"""The layers of an on-call schedule: people who take turns, and single bookings. Pure.

Hand-overs happen at the time that clocks in the schedule's zone show, so a daily shift has 23
hours on the day clocks go forward and 25 on the day they go back. A hand-over at a time that
clocks jump over happens at the jump; one at a time that comes twice, the first time: see
`models.wallclock`. A turn that clocks jump over as a whole is nobody's, and its person waits for
the next round.

A person is whatever text names one. Every instant here is aware UTC.
"""

import heapq
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Protocol

from models.wallclock import instant, wall

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
EVER = datetime.max.replace(tzinfo=UTC)
# Clocks have jumped over a day, and so over a window; never over the same in two weeks running.
_WEEKS_BACK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One person on call without interruption, from `start` until before `end`.

    Attributes:
        layer: The layer that says so; empty for an override.
        override: The override that says so, if one does.
    """

    start: datetime
    end: datetime
    person: str
    layer: str = ""
    override: "Booking | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One person for a stretch of time: an override, or an event of a calendar.

    Attributes:
        id: Whose row it is; for whoever made it, not for what is decided here.
    """

    person: str
    start: datetime
    end: datetime
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Hours that recur every week, on the clocks of the schedule's zone.

    Attributes:
        days: Weekdays on which the window opens, Monday is 0.
        opens: When, on each of them.
        closes: When it closes: the next day if that is not after `opens`.
    """

    days: frozenset[int]
    opens: time
    closes: time


class Layer(Protocol):
    """Somebody for some of the time."""

    @property
    def name(self) -> str:
        """Return what people call it."""
        ...

    def cover(self, zone: tzinfo, since: datetime) -> Iterator[Shift]:
        """Yield its shifts that end after `since`, in order, disjoint, perhaps without end."""
        ...

    def ended(self, zone: tzinfo, at: datetime) -> datetime | None:
        """Return when it last stopped having anybody before it has nobody at `at`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """People who take turns.

    Turns are counted from the last hand-over time at or before `starts_at`, where the first
    person begins; so the first turn may be shorter than the others.

    Attributes:
        people: In the order of their turns; at least one.
        starts_at: The layer has nobody before.
        turn: How long one lasts on the clock: a day, a week, or anything from an hour.
        handover: When turns change hands, on the clocks of the zone.
        weekday: On which day, Monday is 0; only for turns of whole weeks, None for any day.
        windows: The only hours in which the layer has somebody; empty means always.
    """

    name: str
    people: tuple[str, ...]
    starts_at: datetime
    turn: timedelta
    handover: time
    weekday: int | None = None
    windows: tuple[Window, ...] = ()

    def cover(self, zone: tzinfo, since: datetime) -> Iterator[Shift]:
        """See `Layer`."""
        first = self._first_handover(zone)
        offset = self._turn_at(zone, first, self.starts_at)
        for opens, closes in self._open(zone, max(since, self.starts_at)):
            number = self._turn_at(zone, first, max(opens, since))
            begin = instant(first + number * self.turn, zone)
            while begin < closes:
                finish = instant(first + (number + 1) * self.turn, zone)
                start, end = max(begin, opens), min(finish, closes)
                if start < end and end > since:
                    person = self.people[(number - offset) % len(self.people)]
                    yield Shift(start=start, end=end, person=person, layer=self.name)
                number, begin = number + 1, finish

    def ended(self, zone: tzinfo, at: datetime) -> datetime | None:
        """See `Layer`."""
        week, monday = _week(self.windows), _monday(at, zone)
        for back in range(_WEEKS_BACK if week else 0):
            for begin, finish in reversed(week):
                closes = instant(monday - back * WEEK + finish, zone)
                opens = max(instant(monday - back * WEEK + begin, zone), self.starts_at)
                if opens < closes <= at:
                    return closes
        return None

    def _first_handover(self, zone: tzinfo) -> datetime:
        """Return the wall-clock time of the last hand-over at or before `starts_at`."""
        began = wall(self.starts_at, zone)
        period = DAY if self.weekday is None else WEEK
        back = 0 if self.weekday is None else (began.weekday() - self.weekday) % 7
        found = datetime.combine(began.date() - back * DAY, self.handover) + period
        while instant(found, zone) > self.starts_at:
            found -= period
        return found

    def _turn_at(self, zone: tzinfo, first: datetime, at: datetime) -> int:
        """Return the number of the turn at `at`, counted from the wall-clock time `first`."""
        number = (wall(at, zone) - first) // self.turn
        while instant(first + number * self.turn, zone) > at:
            number -= 1
        while instant(first + (number + 1) * self.turn, zone) <= at:
            number += 1
        return number

    def _open(self, zone: tzinfo, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield when the windows open and close, from the first that closes after `since`."""
        week = _week(self.windows)
        if not week:
            yield self.starts_at, EVER
            return
        monday = _monday(since, zone) - WEEK
        while True:
            for begin, finish in week:
                opens = max(instant(monday + begin, zone), self.starts_at)
                closes = instant(monday + finish, zone)
                if opens < closes and closes > since:
                    yield opens, closes
            monday += WEEK


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookings:
    """A layer of single stretches; where they overlap, the later in order wins."""

    name: str
    bookings: tuple[Booking, ...]
    overriding: bool = False
    _pieces: tuple[Shift, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pieces", tuple(self._flat()))

    def cover(self, zone: tzinfo, since: datetime) -> Iterator[Shift]:  # noqa: ARG002 - see `Layer`
        """See `Layer`."""
        return iter(self._pieces[bisect_right(self._pieces, since, key=lambda one: one.end) :])

    def ended(self, zone: tzinfo, at: datetime) -> datetime | None:  # noqa: ARG002 - see `Layer`
        """See `Layer`."""
        count = bisect_right(self._pieces, at, key=lambda one: one.end)
        return self._pieces[count - 1].end if count else None

    def _flat(self) -> Iterator[Shift]:
        coming = sorted(range(len(self.bookings)), key=lambda n: self.bookings[n].start)
        coming.reverse()
        active: list[int] = []  # a heap of negated places, so that the last made is on top
        winner, since = None, EVER
        for at in sorted({end for one in self.bookings for end in (one.start, one.end)}):
            while coming and self.bookings[coming[-1]].start <= at:
                heapq.heappush(active, -coming.pop())
            while active and self.bookings[-active[0]].end <= at:
                heapq.heappop(active)
            top = -active[0] if active else None
            if top != winner:
                if winner is not None:
                    yield self._piece(winner, since, at)
                winner, since = top, at

    def _piece(self, index: int, start: datetime, end: datetime) -> Shift:
        one = self.bookings[index]
        if self.overriding:
            return Shift(start=start, end=end, person=one.person, override=one)
        return Shift(start=start, end=end, person=one.person, layer=self.name)


@lru_cache(maxsize=1024)
def _week(windows: tuple[Window, ...]) -> tuple[tuple[timedelta, timedelta], ...]:
    """Return when windows open and close since Monday 00:00, touching ones joined.

    Empty when they leave nothing of the week out; a window that closes in the next week does so
    after more than seven days.
    """
    spans = sorted(
        (day * DAY + _since_midnight(one.opens), day * DAY + _closes(one))
        for one in windows
        for day in one.days
    )
    joined: list[tuple[timedelta, timedelta]] = []
    for opens, closes in spans:
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], closes))
        else:
            joined.append((opens, closes))
    while len(joined) > 1 and joined[0][0] + WEEK <= joined[-1][1]:  # Sunday runs into Monday
        _, closes = joined.pop(0)
        joined[-1] = (joined[-1][0], max(joined[-1][1], closes + WEEK))
    whole = len(joined) == 1 and joined[0][1] - joined[0][0] >= WEEK
    return () if whole else tuple(joined)


def _monday(at: datetime, zone: tzinfo) -> datetime:
    today = wall(at, zone)
    return datetime.combine(today.date(), time()) - today.weekday() * DAY


def _closes(window: Window) -> timedelta:
    opens, closes = _since_midnight(window.opens), _since_midnight(window.closes)
    return closes if closes > opens else closes + DAY


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
