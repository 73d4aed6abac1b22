"""What may be done to on-call schedules, each logged with who did it."""

import logging
import secrets
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import Engine
from sqlmodel import Session, col, delete, select

from alerts import rota
from alerts.layers import Shift
from alerts.notifiers import people
from alerts.rota import RotaError
from alerts.rota_drafts import OverrideDraft, ScheduleDraft, Stint, SwapDraft
from alerts.schedule import Schedule, shifts
from models.tables import OnCallCalendar, OnCallOverride, OnCallSchedule
from models.vocabulary import RotaSource

logger = logging.getLogger(__name__)

MOST_OVERRIDES = 1000  # of one schedule, still to come


def save_schedule(
    db: Engine, draft: ScheduleDraft, *, by: str, now: datetime, schedule_id: int | None = None
) -> int:
    """Write a schedule, new or changed; return its id.

    Raises:
        RotaError: The name is taken, or a policy goes by the old one, or the schedule is gone.
    """
    with Session(db) as session:
        row = _row_to_write(session, draft, schedule_id)
        moved = (row.source, row.address) != (draft.source, draft.address)
        row.name, row.zone, row.source = draft.name, draft.zone, draft.source
        row.address = draft.address if draft.source is not RotaSource.OWN else ""
        row.layers = draft.stored_layers() if draft.source is RotaSource.OWN else []
        row.people = list(draft.people)
        row.updated_at, row.updated_by = now, by
        session.add(row)
        session.flush()
        saved = cast(int, row.id)
        if moved or schedule_id is None:
            session.exec(delete(OnCallCalendar).where(col(OnCallCalendar.schedule_id) == saved))
            if draft.source is not RotaSource.OWN:
                session.add(
                    OnCallCalendar(schedule_id=saved, next_read_at=now, bookings=[], unknown=[])
                )
        session.commit()
    logger.info("schedule saved name=%s source=%s by=%s", draft.name, draft.source, by)
    return saved


def delete_schedule(db: Engine, schedule_id: int, *, by: str) -> None:
    """Delete a schedule with its overrides.

    Raises:
        RotaError: A policy or an open alert still names it.
    """
    with Session(db) as session:
        row = _locked(session, schedule_id)
        _refuse_if_named(session, row.name, "deleted")
        for table in (OnCallOverride, OnCallCalendar):
            session.exec(delete(table).where(col(table.schedule_id) == schedule_id))
        name = row.name
        session.delete(row)
        session.commit()
    logger.info("schedule deleted name=%s by=%s", name, by)


def new_feed_token(db: Engine, schedule_id: int, *, by: str) -> None:
    """Give the schedule's feed a new secret address; the old one ends at once.

    Raises:
        RotaError: The schedule is gone.
    """
    with Session(db) as session:
        row = _locked(session, schedule_id)
        row.feed_token = _token()
        session.add(row)
        session.commit()
        logger.info("schedule feed token changed name=%s by=%s", row.name, by)


def add_override(
    db: Engine, schedule_id: int, draft: OverrideDraft, *, by: str, now: datetime
) -> int:
    """Put somebody else on call for a while, from `now` at the earliest; return the row's id.

    Raises:
        RotaError: It is over already, or the schedule is kept elsewhere.
    """
    with Session(db) as session:
        row = _overridable(session, schedule_id, now=now)
        made = _override(row, draft, draft.person, draft.reason, by=by, now=now)
        session.add(made)
        session.commit()
        saved = cast(int, made.id)
    logger.info("override made schedule=%s id=%s by=%s", schedule_id, saved, by)
    return saved


def swap(db: Engine, schedule_id: int, draft: SwapDraft, *, by: str, now: datetime) -> str:
    """Let two people take each other's shift; return the swap's id.

    Raises:
        RotaError: One of them is not on call for all of the time named, or is both.
    """
    first, second = draft.first, draft.second
    with Session(db) as session:
        row = _overridable(session, schedule_id, now=now)
        plan = rota.load(session, row, at=now).schedule
        for one in (first, second):
            _refuse_unless_on_call(plan, one, now=now)
        if people.same(first.person, second.person):
            raise RotaError(f"both shifts are {people.read(first.person).name}'s already")
        swap_id = secrets.token_hex(8)
        for stint, person in ((first, second.person), (second, first.person)):
            made = _override(row, stint, person, draft.reason, by=by, now=now)
            made.swap_id = swap_id
            session.add(made)
        session.commit()
    logger.info("swap made schedule=%s swap=%s by=%s", schedule_id, swap_id, by)
    return swap_id


def remove_override(db: Engine, override_id: int, *, by: str, now: datetime) -> None:
    """Take an override back, with the other half of its swap; what is past of it stays.

    Raises:
        RotaError: It is gone or over.
    """
    with Session(db) as session:
        found = session.get(OnCallOverride, override_id)
        if found is None:
            raise RotaError("this override is gone")
        row = _locked(session, found.schedule_id)
        rows = [found]
        if found.swap_id:
            both = select(OnCallOverride).where(OnCallOverride.swap_id == found.swap_id)
            rows = list(session.exec(both))
        open_rows = [one for one in rows if one.ends_at > now]
        if not open_rows:
            raise RotaError("this override is over: it is history now")
        for one in open_rows:
            if one.starts_at >= now:
                session.delete(one)
            else:
                one.ends_at = now
                session.add(one)
        row.updated_at, row.updated_by = now, by
        session.add(row)
        session.commit()
    logger.info("override removed id=%s by=%s", override_id, by)


def _row_to_write(
    session: Session, draft: ScheduleDraft, schedule_id: int | None
) -> OnCallSchedule:
    other = rota.by_name(session, draft.name)
    if other is not None and other.id != schedule_id:
        raise RotaError(f"there is already a schedule named {draft.name!r}")
    if schedule_id is None:
        return OnCallSchedule(
            name=draft.name,
            zone=draft.zone,
            source=draft.source,
            layers=[],
            people=[],
            feed_token=_token(),
            updated_at=datetime.min.replace(tzinfo=UTC),
            updated_by="",
        )
    row = _locked(session, schedule_id)
    if row.name != draft.name:
        _refuse_if_named(session, row.name, "renamed")
    return row


def _locked(session: Session, schedule_id: int) -> OnCallSchedule:
    row = session.get(OnCallSchedule, schedule_id, with_for_update=True)
    if row is None:
        raise RotaError("this schedule is gone")
    return row


def _refuse_if_named(session: Session, name: str, what: str) -> None:
    by = rota.policies_naming(session, name)
    if by:
        raise RotaError(
            f"{name!r} cannot be {what}: the {'policy' if len(by) == 1 else 'policies'} "
            f"{', '.join(by)} would tell nobody"
        )
    groups = rota.groups_naming(session, name)
    if groups:
        raise RotaError(
            f"{name!r} cannot be {what} yet: open alerts would tell nobody "
            f"({', '.join(group.title for group in groups[:10])})"
        )


def _overridable(session: Session, schedule_id: int, *, now: datetime) -> OnCallSchedule:
    row = _locked(session, schedule_id)
    if row.source is RotaSource.PAGERDUTY:
        raise RotaError(f"{row.name!r} is kept in PagerDuty: make the override there")
    coming = select(OnCallOverride.id).where(
        OnCallOverride.schedule_id == schedule_id, col(OnCallOverride.ends_at) > now
    )
    if len(session.exec(coming.limit(MOST_OVERRIDES)).all()) >= MOST_OVERRIDES:
        raise RotaError(
            f"{row.name!r} has {MOST_OVERRIDES} overrides to come: change its layers instead"
        )
    return row


def _override(
    row: OnCallSchedule, stint: Stint, person: str, reason: str, *, by: str, now: datetime
) -> OnCallOverride:
    """Return the row to add, which begins no earlier than `now`: history is not rewritten."""
    if stint.ends_at <= now:
        raise RotaError("it is over already: an override must end in the future")
    row.updated_at, row.updated_by = now, by
    return OnCallOverride(
        schedule_id=cast(int, row.id),
        person=person,
        starts_at=max(stint.starts_at, now),
        ends_at=stint.ends_at,
        reason=reason,
        by=by,
        at=now,
    )


def _refuse_unless_on_call(schedule: Schedule, stint: Stint, *, now: datetime) -> None:
    pieces = shifts(schedule, max(stint.starts_at, now), stint.ends_at)
    theirs = (isinstance(p, Shift) and people.same(p.person, stint.person) for p in pieces)
    if not all(theirs):
        name = people.read(stint.person).name
        raise RotaError(f"{name} is not on call for all of that time, so there is nothing to swap")


def _token() -> str:
    return secrets.token_urlsafe(24)
