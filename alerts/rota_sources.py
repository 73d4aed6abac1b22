"""Reading the schedules that are kept elsewhere, each when it is due, one at a time.

What was read last stays until something newer is: an outage of a calendar changes nobody's shift.
A row is claimed by moving its due time on before anything is asked, so that of several engines
one asks, and one that dies in the middle is followed by the next.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from sqlalchemy import CursorResult, Engine
from sqlmodel import Session, col, select, update

from alerts import rota
from alerts.calendars import Agenda, CalendarError, event
from alerts.notifiers import NotifyError, people
from alerts.notifiers.pagerduty_rest import PagerDutySchedules
from models.tables import OnCallCalendar, OnCallSchedule
from models.vocabulary import RotaSource

logger = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=5)
# What the feed gives out of the past, and a year to come, should the calendar be down that long.
BEHIND = timedelta(days=31)
AHEAD = timedelta(days=366)
RENEWED = timedelta(days=1)  # how often the same calendar is taken apart for the days to come
PAGERDUTY_AHEAD = timedelta(days=58)  # its API answers for 90 days at most, those behind included

Fetch = Callable[[str], bytes]


class Read(Protocol):
    """Takes a calendar apart: see `alerts.calendars.events.read`."""

    def __call__(
        self, text: bytes, *, zone: str, known: list[str], start: datetime, end: datetime
    ) -> Agenda:
        """Return what it says from `start` to `end`, or raise CalendarError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where schedules of others are read.

    Attributes:
        fetch: Returns what is at an address, or raises CalendarError.
        pagerduty: None without a token.
    """

    fetch: Fetch
    read: Read
    pagerduty: PagerDutySchedules | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    row: OnCallSchedule
    calendar: OnCallCalendar
    known: list[str]


def read_next(db: Engine, sources: Sources, *, now: datetime) -> bool:
    """Read the schedule that is longest due, and keep what it says; False when none is."""
    due = _claim(db, now)
    if due is None:
        return False
    calendar = due.calendar
    try:
        digest, agenda = _ask(sources, due, now)
    except (CalendarError, NotifyError) as error:
        _keep(db, calendar, {"error": str(error)[:500]}, now)
        if calendar.error != str(error)[:500]:
            logger.warning("calendar not read schedule=%s error=%s", due.row.name, error)
        return True
    said: dict[str, Any] = {"error": "", "read_at": now}
    if agenda is not None:
        said |= {"digest": digest, "expanded_at": now, "unknown": list(agenda.unknown)}
        ahead = PAGERDUTY_AHEAD if due.row.source is RotaSource.PAGERDUTY else AHEAD
        said["known_until"] = now + ahead
        said["bookings"] = [dict(one) for one in agenda.events]
        if said["bookings"] != calendar.bookings:
            said["changed_at"] = now
            logger.info("calendar changed schedule=%s", due.row.name)
    _keep(db, calendar, said, now)
    return True


def _claim(db: Engine, now: datetime) -> _Due | None:
    with Session(db, expire_on_commit=False) as session:
        longest = (
            select(OnCallCalendar, OnCallSchedule)
            .join(OnCallSchedule)
            .where(col(OnCallCalendar.next_read_at) <= now)
            .order_by(col(OnCallCalendar.next_read_at))
        )
        found = session.exec(longest).first()
        if found is None:
            return None
        calendar, row = found
        claim = (
            update(OnCallCalendar)
            .where(
                col(OnCallCalendar.schedule_id) == row.id,
                col(OnCallCalendar.next_read_at) == calendar.next_read_at,
            )
            .values(next_read_at=now + INTERVAL)
        )
        if cast(CursorResult[Any], session.exec(claim)).rowcount != 1:
            return None
        known = rota.known_people(session)
        session.commit()
        return _Due(row=row, calendar=calendar, known=known)


def _ask(sources: Sources, due: _Due, now: datetime) -> tuple[str, Agenda | None]:
    """Return what the schedule says, and its digest; None where it says the same as before."""
    row, calendar = due.row, due.calendar
    if row.source is RotaSource.PAGERDUTY:
        return "", _ask_pagerduty(sources.pagerduty, row.address, now)
    text = sources.fetch(row.address)
    made_of = (text, row.zone.encode(), json.dumps(due.known).encode())
    digest = hashlib.sha256(b"\0".join(made_of)).hexdigest()
    renewed = calendar.expanded_at is not None and now - calendar.expanded_at < RENEWED
    if digest == calendar.digest and renewed:
        return digest, None
    start, end = now - BEHIND, now + AHEAD
    return digest, sources.read(text, zone=row.zone, known=due.known, start=start, end=end)


def _ask_pagerduty(pagerduty: PagerDutySchedules | None, address: str, now: datetime) -> Agenda:
    if pagerduty is None:
        raise CalendarError("PagerDuty cannot be asked: set WAKEFUL_PAGERDUTY_API_TOKEN")
    turns = pagerduty.turns(address, start=now - BEHIND, end=now + PAGERDUTY_AHEAD)
    return Agenda(events=tuple(event(people.write(p), start, end) for p, start, end in turns))


def _keep(db: Engine, calendar: OnCallCalendar, said: dict[str, Any], now: datetime) -> None:
    """Write what was learned, unless the schedule was pointed elsewhere meanwhile."""
    with Session(db) as session:
        row = session.get(OnCallCalendar, calendar.schedule_id, with_for_update=True)
        if row is None or row.next_read_at != now + INTERVAL:
            return
        row.tried_at = now
        for field, value in said.items():
            setattr(row, field, value)
        session.add(row)
        session.commit()
