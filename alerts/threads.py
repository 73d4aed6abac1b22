"""What the threads of a group's posts have not been told yet.

A thread is told everything that happened since it was last told, in one reply. Up to where that
was is kept in its row of the outbox, as the highest id that it knows of each table: a group's rows
are written under the group's lock, so that a higher id is later news.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

from sqlmodel import Session, SQLModel, col, func, select

from alerts import channels, wording
from alerts.lifecycle import ENGINE
from alerts.notifiers import Happening, News
from alerts.notifiers.answers import plain
from models.tables import (
    Alert,
    Delivery,
    Escalation,
    Group,
    Note,
    Notification,
    Remark,
    Rule,
    Transition,
)
from models.vocabulary import AlertState, Outcome

MOST = 20  # happenings in one reply; what is beyond is counted, and stands on the alert's page
_READ = 200  # rows of one table for one reply
_NOTE = 300  # characters of a note
_FAILED = (Outcome.REFUSED, Outcome.GAVE_UP)


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows of one table that a thread does not know.

    Attributes:
        rows: The first of them.
        more: How many there are beyond.
        newest: The highest id of all.
    """

    rows: list[Any]
    more: int
    newest: int


def news(session: Session, note: Notification, group: Group) -> News | None:
    """Return what the thread `note` is to be told; None if it has no post, or knows everything."""
    post = channels.post_of(note.channel)
    key = (Notification.group_id == group.id, Notification.channel == post)
    parent = session.exec(select(Notification.external_id).where(*key)).one_or_none()
    if not parent:
        return None
    told, happenings, more = dict(note.told), list[Happening](), 0
    for name, (find, words) in _TABLES.items():
        found = find(session, group, told.get(name, 0))
        if found.rows:
            told[name] = found.newest
            happenings += words(session, found.rows)
            more += found.more
    if not happenings:
        return None
    happenings.sort(key=lambda happening: happening.at)
    return News(
        parent=parent,
        happenings=tuple(happenings[:MOST]),
        more=more + max(0, len(happenings) - MOST),
        told=told,
    )


def _unknown(session: Session, table: type[SQLModel], after: int, *where: Any) -> _Found:
    number = cast(Any, table).id
    matching = (col(number) > after, *where)
    query = select(table).where(*matching).order_by(col(number)).limit(_READ)
    rows = list(session.exec(query))
    if len(rows) < _READ:
        return _Found(rows, 0, cast(Any, rows[-1]).id if rows else after)
    count, newest = session.exec(select(func.count(), func.max(number)).where(*matching)).one()
    return _Found(rows, count - len(rows), newest)


def _transitions(session: Session, group: Group, after: int) -> _Found:
    members = select(Alert.id).where(Alert.group_id == group.id)
    mine = col(Transition.alert_id).in_(members)
    return _unknown(session, Transition, after, mine, Transition.to_state != AlertState.PENDING)


def _deliveries(session: Session, group: Group, after: int) -> _Found:
    own = col(Delivery.channel).startswith(f"{channels.SLACK_THREAD}:")
    failed = col(Delivery.outcome).in_(_FAILED)
    return _unknown(session, Delivery, after, Delivery.group_id == group.id, failed, ~own)


def _notes(session: Session, group: Group, after: int) -> _Found:
    members = select(Alert.id).where(Alert.group_id == group.id)
    return _unknown(session, Note, after, col(Note.alert_id).in_(members))


def _escalations(session: Session, group: Group, after: int) -> _Found:
    return _unknown(session, Escalation, after, Escalation.group_id == group.id)


def _remarks(session: Session, group: Group, after: int) -> _Found:
    return _unknown(session, Remark, after, Remark.group_id == group.id)


def _changes(session: Session, rows: list[Transition]) -> Iterator[Happening]:
    """Yield the changes of state, those folded that came to several alerts at once."""
    wanted = {row.alert_id for row in rows}
    found = session.exec(select(Alert, Rule).join(Rule).where(col(Alert.id).in_(wanted))).all()
    about = {cast(int, alert.id): (alert, rule) for alert, rule in found}
    group_id = found[0][0].group_id
    members = select(func.count()).select_from(Alert).where(Alert.group_id == group_id)
    alone = session.exec(members).one() == 1
    alike = groupby(rows, key=lambda row: (row.at, row.from_state, row.to_state, row.actor))
    for (at, *_), same in alike:
        changes = list(same)
        alert, rule = about[changes[0].alert_id]
        words = _state(changes[0])
        if len(changes) > 1:
            words += f" ({len(changes)} alerts)"
        elif changes[0].from_state is AlertState.PENDING:
            said = wording.sentence(rule, changes[0].value)
            words += f": {wording.about(said, alert.labels)}"
        elif not alone:
            words += f" ({wording.about(rule.name, alert.labels)})"
        yield Happening(at=at, text=words)


def _state(change: Transition) -> str:
    by_engine = change.actor == ENGINE
    match change.from_state, change.to_state:
        case AlertState.ACKNOWLEDGED, AlertState.FIRING:
            return "nobody has it: time ran out" if by_engine else f"let go by {change.actor}"
        case _, AlertState.RESOLVED if by_engine:
            return "resolved: it no longer holds"
        case _, AlertState.FIRING:
            return "firing"
        case _:
            return f"{change.to_state} by {change.actor}"


def _steps(_: Session, rows: list[Escalation]) -> Iterator[Happening]:
    return (Happening(at=row.at, text=wording.step_taken(row)) for row in rows)


def _failures(_: Session, rows: list[Delivery]) -> Iterator[Happening]:
    for row in rows:
        yield Happening(at=row.at, text=f"could not tell {row.channel}: {row.answer}")


def _said(_: Session, rows: list[Remark]) -> Iterator[Happening]:
    for row in rows:
        by = "" if row.actor == ENGINE else f" by {row.actor}"
        yield Happening(at=row.at, text=f"{row.text}{by}")


def _written(_: Session, rows: list[Note]) -> Iterator[Happening]:
    for row in rows:
        yield Happening(at=row.at, text=f"{row.author} notes: {plain(row.text, limit=_NOTE)}")


_Find = Callable[[Session, Group, int], _Found]
_Words = Callable[[Session, list[Any]], Iterator[Happening]]
_TABLES: dict[str, tuple[_Find, _Words]] = {
    "transition": (_transitions, _changes),
    "escalation": (_escalations, _steps),
    "delivery": (_deliveries, _failures),
    "remark": (_remarks, _said),
    "note": (_notes, _written),
}
