"""Calendars in iCalendar's format (RFC 5545): read from an address, and given out as a feed.

fetch     an address -> bytes        bounded in time and size, and in whom it may ask
events    bytes -> who, from, until  the one file that takes calendars apart
apart     the same in a process of its own, which may be killed
feed      shifts -> bytes            the one file that makes calendars
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict


class CalendarError(Exception):
    """A calendar could not be read; one sentence says why, without its secret address."""


class Event(TypedDict):
    """One person for a stretch of time, as it is stored: ISO 8601 in UTC."""

    person: str
    start: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What a calendar says.

    Attributes:
        events: In the order in which they begin.
        unknown: Events that name nobody we know, each as the calendar calls it.
    """

    events: tuple[Event, ...]
    unknown: tuple[str, ...] = ()


def event(person: str, start: datetime, end: datetime) -> Event:
    """Return an event as it is stored; both instants are UTC."""
    return Event(person=person, start=start.isoformat(), end=end.isoformat())


def agenda(stored: Mapping[str, Any]) -> Agenda:
    """Return the agenda that was written as JSON."""
    return Agenda(events=tuple(stored["events"]), unknown=tuple(stored["unknown"]))
