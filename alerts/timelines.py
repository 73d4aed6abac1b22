"""What happened to an alert, or to a group of them, and what was told: line by line."""

from collections.abc import Iterable
from typing import Any

from sqlmodel import Session, col, or_, select

from alerts.entries import Entry, EntryKind
from alerts.wording import LATE, step_taken
from models.tables import Alert, Delivery, Escalation, Note, Remark, Transition
from models.vocabulary import Outcome

MOST = 500  # lines of each kind; of more, the newest
_GOOD = (Outcome.DELIVERED, Outcome.EXPANDED)


def timeline(session: Session, alert_id: int) -> list[Entry]:
    """Return everything that happened to one alert and was told of its group, oldest first."""
    group_id = session.exec(select(Alert.group_id).where(Alert.id == alert_id)).one_or_none()
    on_group = col(Note.whole_group) & col(Note.alert_id).in_(_members(group_id))
    return _in_order(
        *map(_state, _newest(session, Transition, Transition.alert_id == alert_id)),
        *_of_group(session, group_id),
        *map(_note, _newest(session, Note, or_(Note.alert_id == alert_id, on_group))),
    )


def group_timeline(session: Session, group_id: int) -> list[Entry]:
    """Return everything that happened to the alerts of one group and was told, oldest first."""
    members = _members(group_id)
    return _in_order(
        *map(_state, _newest(session, Transition, col(Transition.alert_id).in_(members))),
        *_of_group(session, group_id),
        *map(_note, _newest(session, Note, col(Note.alert_id).in_(members))),
    )


def _of_group(session: Session, group_id: int | None) -> Iterable[Entry]:
    if group_id is None:
        return
    yield from map(_step, _newest(session, Escalation, Escalation.group_id == group_id))
    yield from map(_delivery, _newest(session, Delivery, Delivery.group_id == group_id))
    yield from map(_remark, _newest(session, Remark, Remark.group_id == group_id))


def _members(group_id: int | None) -> Any:
    return select(Alert.id).where(Alert.group_id == group_id)


def _newest(session: Session, table: Any, *conditions: Any) -> Iterable[Any]:
    """Return the newest rows that meet the conditions, oldest first."""
    newest = select(table).where(*conditions).order_by(table.id.desc()).limit(MOST)
    rows: list[Any] = list(session.exec(newest))
    return rows[::-1]


def _in_order(*entries: Entry) -> list[Entry]:
    """Return `entries` by time; within one instant as they came: the state, then who is told."""
    return sorted(entries, key=lambda entry: entry.at)


def _state(row: Transition) -> Entry:
    return Entry(
        at=row.at,
        kind=EntryKind.STATE,
        text=row.to_state.value,
        actor=row.actor,
        value=row.value,
        alert_id=row.alert_id,
    )


def _step(row: Escalation) -> Entry:
    return Entry(
        at=row.at,
        kind=EntryKind.STEP,
        text=step_taken(row),
        actor="engine",
        ok=row.at - row.due_at < LATE,
        channels=tuple(row.channels),
    )


def _delivery(row: Delivery) -> Entry:
    text = f"{row.event} to {row.channel}: {row.outcome}"
    if row.answer:
        text += f" ({row.answer})"
    return Entry(
        at=row.at,
        kind=EntryKind.DELIVERY,
        text=text,
        ok=row.outcome in _GOOD,
        channels=(row.channel,),
    )


def _remark(row: Remark) -> Entry:
    return Entry(at=row.at, kind=EntryKind.REMARK, text=row.text, actor=row.actor)


def _note(row: Note) -> Entry:
    return Entry(
        at=row.at,
        kind=EntryKind.NOTE,
        text=row.text,
        actor=row.author,
        alert_id=None if row.whole_group else row.alert_id,
    )
