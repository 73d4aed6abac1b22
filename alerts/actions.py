"""What people do to alerts: acknowledge, snooze, hand on, escalate, resolve, note.

The one way in for everyone: the pages, Slack, PagerDuty, the API and the command line. An alert is
named by its id, or a whole group by its dedup key; whoever takes one alert takes its group, since
that is what they were called for. Every action may carry a key: one that comes twice under the
same key, from a button pressed twice or a webhook repeated, is followed once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar, cast

from pydantic import TypeAdapter
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from alerts import channels, escalation, lifecycle, outbox, plans
from alerts.decision import CURSOR, OPEN, Decision, core, deciding, retrying
from alerts.escalation import Cursor
from alerts.lifecycle import TransitionError
from models.tables import Alert, Group, Note, Remark, Reply
from models.vocabulary import AlertState, Event

LONGEST_SNOOZE = timedelta(days=7)
ESCALATE_NOW = "asked to escalate now"
SAME_PRESS = timedelta(seconds=3)
T = TypeVar("T")


class UnknownAlertError(Exception):
    """There is no such alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The answer to an acknowledgement.

    Attributes:
        by: Who has the alert: the first who asked.
        first: Whether that is because of this very request.
    """

    by: str
    at: datetime
    first: bool


def acknowledge(db: Engine, alert: int | str, *, by: str, now: datetime, key: str = "") -> Taken:
    """Take an alert and its group.

    Raises:
        UnknownAlertError: There is no such alert.
        TransitionError: It is pending or resolved.
        StaleError: It kept changing underneath; ask again.
    """

    def decide(decision: Decision) -> Taken:
        return take(decision, _opened(decision, alert, "acknowledge"), by=by)

    return _act(db, decide, TypeAdapter(Taken), now=now, key=key)


def take(decision: Decision, rows: list[Alert], *, by: str) -> Taken:
    """Take those of `rows`, open alerts of one locked group, that nobody has."""
    now, firing = decision.now, [row for row in rows if row.state is AlertState.FIRING]
    timeouts = plans.load(_group(decision, rows).policy).ack_timeouts
    for row in firing:
        timeout = timeouts.get(row.severity)
        until = now + timeout if timeout else None
        after = lifecycle.acknowledge(core(row), by=by, now=now, until=until)
        decision.move(row, after, actor=by)
    holder = (firing or rows)[0]
    return Taken(
        by=cast(str, holder.acknowledged_by),
        at=cast(datetime, holder.acknowledged_at),
        first=bool(firing),
    )


def give_time(decision: Decision, group: Group) -> None:
    """Give whoever was just called as long to answer as the policy ever gives anyone."""
    if group.next_escalation_at is not None:
        steps = plans.load(group.policy).steps
        group.next_escalation_at = decision.now + max(step.after for step in steps)


def snooze(
    db: Engine, alert: int | str, *, until: datetime, by: str, now: datetime, key: str = ""
) -> None:
    """Take an alert and its group until an instant, when escalation goes on where it stood.

    What somebody has stays theirs; only its end moves.

    Raises:
        UnknownAlertError: There is no such alert.
        TransitionError: It is pending or resolved, or the instant is past or too far away.
        StaleError: It kept changing underneath; ask again.
    """
    if not now < until <= now + LONGEST_SNOOZE:
        raise TransitionError("snooze until an instant within the next 7 days")

    def decide(decision: Decision) -> None:
        rows = _opened(decision, alert, "snooze")
        for row in rows:
            after = lifecycle.acknowledge(core(row), by=by, now=now)
            decision.move(row, lifecycle.hold_until(after, until), actor=by)
        _remark(decision, rows, f"snoozed until {until:%Y-%m-%d %H:%M} UTC", by=by)

    _act(db, decide, TypeAdapter(None), now=now, key=key)


def reassign(
    db: Engine, alert: int | str, *, to: str, by: str, now: datetime, key: str = ""
) -> None:
    """Hand an alert and its group on to a person, who is called; the policy goes on meanwhile.

    Raises:
        UnknownAlertError: There is no such alert.
        TransitionError: It is pending or resolved.
        ChannelError: `to` is no e-mail address.
        StaleError: It kept changing underneath; ask again.
    """
    channel = channels.name(*channels.parse(channels.name(channels.PERSON, to)))

    def decide(decision: Decision) -> None:
        rows = _opened(decision, alert, "reassign")
        group = _group(decision, rows)
        for row in rows:
            decision.move(row, lifecycle.release(core(row)), actor=by)
        _remark(decision, rows, f"reassigned to {to}", by=by)
        decision.settle()
        give_time(decision, group)
        outbox.want(decision.session, cast(int, group.id), Event.TRIGGER, channel, now=now)

    _act(db, decide, TypeAdapter(None), now=now, key=key)


def escalate_now(db: Engine, alert: int | str, *, by: str, now: datetime, key: str = "") -> None:
    """Have the policy's next step taken at once; whoever has the alert asks for help.

    Who asks twice within a few seconds has pressed twice, and wakes no second person.

    Raises:
        UnknownAlertError: There is no such alert.
        TransitionError: It is pending or resolved, muted, or its policy has no step.
        StaleError: It kept changing underneath; ask again.
    """

    def decide(decision: Decision) -> None:
        rows = _opened(decision, alert, "escalate")
        group = _group(decision, rows)
        if _asked_lately(decision, group, by):
            return
        for row in rows:
            decision.move(row, lifecycle.release(core(row)), actor=by)
        _remark(decision, rows, ESCALATE_NOW, by=by)
        decision.settle()
        if group.muted:
            raise TransitionError("it is muted: end the silence first")
        after = escalation.hurry(plans.load(group.policy), _cursor(group), now=now)
        if after.next_escalation_at is None:
            raise TransitionError("its policy has no step to take")
        group.next_step, group.round = after.next_step, after.round
        group.next_escalation_at = after.next_escalation_at

    _act(db, decide, TypeAdapter(None), now=now, key=key)


def resolve(db: Engine, alert: int | str, *, by: str, now: datetime, key: str = "") -> bool:
    """Close an alert, or all of a group, by hand; return False if it was closed already.

    Raises:
        UnknownAlertError: There is no such alert.
        TransitionError: It is pending.
        StaleError: It kept changing underneath; ask again.
    """

    def decide(decision: Decision) -> bool:
        if isinstance(alert, int):
            row = find(decision.session, alert)
            left = [row] if row.state is not AlertState.RESOLVED else []
        else:
            left = _open_rows(decision, _group_id(decision.session, alert))
        for row in left:
            decision.move(row, lifecycle.resolve(core(row), by=by, now=now), actor=by)
        return bool(left)

    return _act(db, decide, TypeAdapter(bool), now=now, key=key)


def note(
    db: Engine, alert: int | str, *, author: str, text: str, now: datetime, key: str = ""
) -> None:
    """Write a note on an alert, or on a whole group.

    Raises:
        UnknownAlertError: There is no such alert.
        TransitionError: The note is empty or longer than 4,000 characters.
    """
    if not 0 < len(text.strip()) <= 4000:
        raise TransitionError("a note needs 1 to 4,000 characters")

    def decide(decision: Decision) -> None:
        if isinstance(alert, int):
            row = find(decision.session, alert)
        else:
            of_group = Alert.group_id == _group_id(decision.session, alert)
            first = select(Alert).where(of_group).order_by(col(Alert.id)).limit(1)
            row = decision.session.exec(first).one()
        written = Note(alert_id=cast(int, row.id), at=now, author=author, text=text.strip())
        written.whole_group = isinstance(alert, str)
        decision.session.add(written)
        if row.group_id is not None:
            decision.tell(row.group_id)

    _act(db, decide, TypeAdapter(None), now=now, key=key)


def find(session: Session, alert: int) -> Alert:
    """Return the alert with that id.

    Raises:
        UnknownAlertError: There is none.
    """
    row = session.get(Alert, alert)
    if row is None:
        raise UnknownAlertError(f"there is no alert {alert}")
    return row


def _act(
    db: Engine,
    decide: Callable[[Decision], T],
    answers: TypeAdapter[T],
    *,
    now: datetime,
    key: str,
) -> T:
    """Return what `decide` returns; under a key that was used before, what it returned then."""

    def once() -> T:
        with deciding(db, now=now) as decision:
            before = decision.session.get(Reply, key) if key else None
            if before is not None:
                return answers.validate_python(before.answer, strict=False)
            answer = decide(decision)
            if key:
                told = answers.dump_python(answer, mode="json")
                decision.session.add(Reply(event_id=key, at=now, answer=told))
            return answer

    return retrying(once)


def _opened(decision: Decision, alert: int | str, verb: str) -> list[Alert]:
    """Return the open alerts of the group that `alert` names or belongs to, locked."""
    if isinstance(alert, int):
        row = find(decision.session, alert)
        if row.group_id is None or row.state not in OPEN:
            raise TransitionError(f"cannot {verb} a {row.state} alert")
        group_id = row.group_id
    else:
        group_id = _group_id(decision.session, alert)
    rows = _open_rows(decision, group_id)
    if not rows:
        raise TransitionError(f"cannot {verb} a resolved alert")
    return rows


def _open_rows(decision: Decision, group_id: int) -> list[Alert]:
    decision.lock(group_id)
    of_group = (Alert.group_id == group_id, col(Alert.state).in_(OPEN))
    rows = decision.session.exec(select(Alert).where(*of_group).order_by(col(Alert.fired_at)))
    return list(rows)


def _group_id(session: Session, dedup_key: str) -> int:
    found = session.exec(select(Group.id).where(Group.dedup_key == dedup_key)).one_or_none()
    if found is None:
        raise UnknownAlertError(f"there is no alert {dedup_key}")
    return found


def _group(decision: Decision, rows: list[Alert]) -> Group:
    return decision.lock(cast(int, rows[0].group_id)).group


def _remark(decision: Decision, rows: list[Alert], text: str, *, by: str) -> None:
    decision.remark(cast(int, rows[0].group_id), text, actor=by)


def _asked_lately(decision: Decision, group: Group, by: str) -> bool:
    asked = (Remark.group_id == group.id, Remark.actor == by, Remark.text == ESCALATE_NOW)
    lately = col(Remark.at) > decision.now - SAME_PRESS
    return decision.session.exec(select(Remark.id).where(*asked, lately)).first() is not None


def _cursor(group: Group) -> Cursor:
    return Cursor(**group.model_dump(include=CURSOR))
