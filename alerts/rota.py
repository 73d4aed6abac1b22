"""On-call schedules as they are kept, and who is on call by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlmodel import Session, col, select

from alerts import channels
from alerts.layers import Booking, Bookings, Layer, Shift
from alerts.notifiers import people
from alerts.rota_drafts import LayerDraft, ScheduleDraft
from alerts.schedule import Schedule, on_call
from models.tables import Group, OnCallCalendar, OnCallOverride, OnCallSchedule, Policy
from models.tables.columns import still_open
from models.vocabulary import RotaSource

REMEMBERED = timedelta(days=366)  # the longest that a shift or an override may last


class RotaError(Exception):
    """The schedule cannot say, or cannot be changed that way; one sentence says why."""


class NotReadError(RotaError):
    """The calendar of the schedule has never been read, so that nobody knows who is on call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """A schedule with everything that decides who is on call.

    Attributes:
        overrides: Rows of the last year and to come, in the order made.
        calendar: What its source last said; None for a schedule of our own.
    """

    row: OnCallSchedule
    schedule: Schedule
    overrides: tuple[OnCallOverride, ...]
    calendar: OnCallCalendar | None = None

    @property
    def unread(self) -> bool:
        """Say that the schedule comes from elsewhere, and that has never answered."""
        return self.row.source is not RotaSource.OWN and not (
            self.calendar and self.calendar.read_at
        )

    @property
    def known_until(self) -> datetime | None:
        """Return the instant beyond which the source was not asked; None for no end."""
        return self.calendar.known_until if self.calendar else None

    @property
    def revised_at(self) -> datetime:
        """Return when anything in it last changed."""
        changed = self.calendar.changed_at if self.calendar else None
        return max(self.row.updated_at, changed or self.row.updated_at)


def schedules(session: Session) -> list[OnCallSchedule]:
    """Return every schedule, by name."""
    return list(session.exec(select(OnCallSchedule).order_by(col(OnCallSchedule.name))))


def by_name(session: Session, name: str) -> OnCallSchedule | None:
    """Return the schedule of that name."""
    return session.exec(select(OnCallSchedule).where(OnCallSchedule.name == name)).one_or_none()


def draft_of(row: OnCallSchedule) -> ScheduleDraft:
    """Return the schedule as it would be written."""
    fields = row.model_dump(include=set(ScheduleDraft.model_fields))
    return ScheduleDraft.model_validate(fields)


def load(session: Session, row: OnCallSchedule, *, at: datetime) -> Rota:
    """Return the schedule with what decides from a year before `at` on.

    What is kept in PagerDuty is overridden there: overrides of the time before count no more.

    Raises:
        RotaError: This version cannot read its layers.
    """
    recent = (
        select(OnCallOverride)
        .where(OnCallOverride.schedule_id == row.id, col(OnCallOverride.ends_at) > at - REMEMBERED)
        .order_by(col(OnCallOverride.id))
    )
    elsewhere = row.source is RotaSource.PAGERDUTY
    overrides = () if elsewhere else tuple(session.exec(recent))
    calendar = session.get(OnCallCalendar, row.id)
    try:
        layers = _layers(row, calendar)
        zone = ZoneInfo(row.zone)
    except (ValidationError, LookupError, ValueError) as error:
        raise RotaError(f"this version cannot read the schedule {row.name}") from error
    schedule = Schedule(zone=zone, layers=layers, overrides=tuple(map(_booking, overrides)))
    return Rota(row=row, schedule=schedule, overrides=overrides, calendar=calendar)


def who_is_on_call(session: Session, name: str, *, at: datetime) -> Shift | None:
    """Return the shift at `at` on the schedule of that name; None for a gap.

    Raises:
        RotaError: There is none of that name, or nobody knows what it says.
    """
    row = by_name(session, name)
    if row is None:
        raise RotaError(f"there is no schedule named {name!r}")
    rota = load(session, row, at=at)
    if rota.unread:
        reason = rota.calendar.error if rota.calendar else ""
        raise NotReadError(
            f"the calendar of {name!r} has not been read yet{f': {reason}' if reason else ''}"
        )
    return on_call(rota.schedule, at)


def known_people(session: Session) -> list[str]:
    """Return everybody whom some schedule or override names, once each, by name."""
    found: dict[str, str] = {}
    for row in schedules(session):
        named = [person for layer in row.layers for person in layer.get("people", ())]
        for mailbox in (*named, *row.people):
            found.setdefault(people.key(mailbox), mailbox)
    for mailbox in session.exec(select(OnCallOverride.person).distinct()):
        found.setdefault(people.key(mailbox), mailbox)
    return sorted(found.values(), key=str.casefold)


def policies_naming(session: Session, name: str) -> list[str]:
    """Return the policies one of whose steps tells whoever is on call by that schedule."""
    channel = channels.name(channels.SCHEDULE, name)
    found = session.exec(select(Policy).order_by(col(Policy.name)))
    return [policy.name for policy in found if _names(policy.steps, channel)]


def groups_naming(session: Session, name: str) -> list[Group]:
    """Return the open groups whose policy, as it was when they opened, still tells them."""
    channel = channels.name(channels.SCHEDULE, name)
    found = session.exec(select(Group).where(still_open(Group.state)).order_by(col(Group.id)))
    return [group for group in found if _names(group.policy["steps"], channel)]


def _layers(row: OnCallSchedule, calendar: OnCallCalendar | None) -> tuple[Layer, ...]:
    if row.source is RotaSource.OWN:
        return tuple(LayerDraft.model_validate(layer).rotation() for layer in row.layers)
    name = "calendar" if row.source is RotaSource.ICAL else "PagerDuty"
    events = calendar.bookings if calendar else []
    booked = tuple(
        Booking(
            person=event["person"],
            start=datetime.fromisoformat(event["start"]),
            end=datetime.fromisoformat(event["end"]),
        )
        for event in events
    )
    return (Bookings(name=name, bookings=booked),)


def _booking(row: OnCallOverride) -> Booking:
    return Booking(person=row.person, start=row.starts_at, end=row.ends_at, id=cast(int, row.id))


def _names(steps: Sequence[dict[str, object]], channel: str) -> bool:
    return any(channel in cast(Sequence[str], step.get("channels", ())) for step in steps)
