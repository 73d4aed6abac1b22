"""Changing alerts: load the row, ask the core, write the row. One transaction per decision.

Everything that changes an alert goes through `move`, which writes in one transaction the alert
itself (a swap on its version), the transition, where its escalation stands, and what each channel
should now know. Acknowledgements from Slack, PagerDuty, the pages and the command line all enter
by `acknowledge`.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Engine
from sqlmodel import Session, col, select, update

from alerts import escalation, lifecycle, outbox
from alerts.escalation import Cursor, Plan
from alerts.lifecycle import Lifecycle, TransitionError
from models.tables import Alert, Escalation, Note, Policy, Rule, Transition
from models.vocabulary import AlertState, Event

logger = logging.getLogger(__name__)

LIFECYCLE = {f.name for f in fields(Lifecycle)}
CURSOR = {f.name for f in fields(Cursor)}
TRIES = 5
T = TypeVar("T")


class StaleError(Exception):
    """Another process changed the alert first; drop the decision, the next tick decides anew."""


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


def open_alert(
    session: Session,
    rule: Rule,
    after: Lifecycle,
    *,
    fingerprint: str,
    labels: Mapping[str, str],
    value: float | None,
) -> Alert:
    """Add the alert of a new episode, which is pending or firing at once."""
    row = Alert(
        dedup_key=f"wakeful-{uuid.uuid4().hex}",
        rule_id=cast(int, rule.id),
        fingerprint=fingerprint,
        labels=dict(labels),
        severity=rule.severity,
        value=value,
        **asdict(Lifecycle(state=AlertState.PENDING, active_at=after.active_at)),
    )
    session.add(row)
    session.flush()
    _record(session, row, None, actor=lifecycle.ENGINE, now=after.active_at)
    return row


def move(
    session: Session,
    row: Alert,
    after: Lifecycle,
    *,
    actor: str,
    now: datetime,
    value: float | None = None,
) -> None:
    """Write `after`, its transition, and the notifications it owes, all or nothing.

    Raises:
        StaleError: The row is no longer the one that was read.
    """
    values: dict[str, Any] = asdict(after)
    before, changed = row.state, row.state is not after.state
    if changed and value is not None:
        values["value"] = value
    if changed and after.state is AlertState.FIRING:
        policy = _policy(session, row)
        plan = escalation.load(policy.steps, policy.repeat)
        values |= {"steps": policy.steps, "repeat": policy.repeat}
        values |= asdict(escalation.start(plan, fired_at=now))
    elif changed:
        values |= asdict(escalation.DONE)
    _swap(session, row, values)
    if not changed:
        return
    _record(session, row, before, actor=actor, now=now, value=value)
    if after.state is AlertState.ACKNOWLEDGED:
        outbox.want_everywhere(session, row, Event.ACKNOWLEDGE, now=now)
    elif after.state is AlertState.RESOLVED:
        outbox.want_everywhere(session, row, Event.RESOLVE, now=now)
    logger.info("alert id=%s rule=%s state=%s by=%s", row.id, row.rule_id, after.state, actor)


def forget(session: Session, row: Alert) -> None:
    """Remove a pending alert whose condition stopped holding before it fired."""
    for step in session.exec(select(Transition).where(Transition.alert_id == row.id)):
        session.delete(step)
    session.flush()
    session.delete(row)


def acknowledge(db: Engine, alert: int | str, *, by: str, now: datetime) -> Taken:
    """Take an alert, given by id or dedup key: the one way in for everyone.

    Raises:
        UnknownAlertError: There is no such alert.
        TransitionError: It is pending or resolved.
        StaleError: It kept changing underneath; ask again.
    """

    def decide(session: Session) -> Taken:
        row = find(session, alert)
        first = row.state is AlertState.FIRING
        after = lifecycle.acknowledge(core(row), by=by, now=now)
        if first:
            move(session, row, after, actor=by, now=now)
        return Taken(
            by=cast(str, after.acknowledged_by),
            at=cast(datetime, after.acknowledged_at),
            first=first,
        )

    return _retrying(db, decide)


def resolve(db: Engine, alert: int | str, *, by: str, now: datetime) -> bool:
    """Close an alert by hand; return False if it was already closed.

    Raises:
        UnknownAlertError: There is no such alert.
        TransitionError: It is pending.
        StaleError: It kept changing underneath; ask again.
    """

    def decide(session: Session) -> bool:
        row = find(session, alert)
        if row.state is AlertState.RESOLVED:
            return False
        move(session, row, lifecycle.resolve(core(row), by=by, now=now), actor=by, now=now)
        return True

    return _retrying(db, decide)


def note(db: Engine, alert_id: int, *, author: str, text: str, now: datetime) -> None:
    """Write a note on an alert.

    Raises:
        UnknownAlertError: There is no such alert.
        TransitionError: The note is empty or longer than 4,000 characters.
    """
    if not 0 < len(text.strip()) <= 4000:
        raise TransitionError("a note needs 1 to 4,000 characters")
    with Session(db) as session:
        row = find(session, alert_id)
        session.add(Note(alert_id=cast(int, row.id), at=now, author=author, text=text.strip()))
        session.commit()


def escalate(db: Engine, *, now: datetime) -> int:
    """Take every escalation step that is due, one transaction each; return how many."""
    with Session(db) as session:
        due = session.exec(
            select(Alert.id)
            .where(col(Alert.next_escalation_at) <= now)
            .order_by(col(Alert.next_escalation_at))
        ).all()
    return sum(_escalate_one(db, cast(int, alert_id), now=now) for alert_id in due)


def _escalate_one(db: Engine, alert_id: int, *, now: datetime) -> bool:
    with Session(db) as session:
        row = session.get_one(Alert, alert_id)
        cursor = Cursor(**row.model_dump(include=CURSOR))
        after, step = escalation.advance(_plan(row), cursor, now=now)
        if step is None or row.state is not AlertState.FIRING:
            return False
        try:
            _swap(session, row, asdict(after))
        except StaleError:
            return False
        session.add(
            Escalation(
                alert_id=alert_id,
                at=now,
                due_at=cast(datetime, cursor.next_escalation_at),
                step=cursor.next_step,
                round=cursor.round,
                channels=list(step.channels),
            )
        )
        for channel in step.channels:
            outbox.want(session, alert_id, Event.TRIGGER, channel, now=now)
        session.commit()
    logger.info("escalated alert=%s step=%s to=%s", alert_id, cursor.next_step, step.channels)
    return True


def find(session: Session, alert: int | str) -> Alert:
    """Return the alert with that id or dedup key.

    Raises:
        UnknownAlertError: There is none.
    """
    key = Alert.id == alert if isinstance(alert, int) else Alert.dedup_key == alert
    row = session.exec(select(Alert).where(key)).one_or_none()
    if row is None:
        raise UnknownAlertError(f"there is no alert {alert}")
    return row


def core(row: Alert) -> Lifecycle:
    """Return the part of `row` that the lifecycle knows."""
    return Lifecycle(**row.model_dump(include=LIFECYCLE))


def _retrying(db: Engine, decide: Callable[[Session], T]) -> T:
    """Run `decide` in a transaction, anew if somebody else was faster."""
    for attempt in range(TRIES):
        with Session(db) as session:
            try:
                answer = decide(session)
                session.commit()
            except StaleError:
                if attempt + 1 == TRIES:
                    raise
            else:
                return answer
    raise AssertionError("unreachable")


def _swap(session: Session, row: Alert, values: Mapping[str, Any]) -> None:
    """Compare and swap on `version`."""
    mine = update(Alert).where(col(Alert.id) == row.id, col(Alert.version) == row.version)
    result = cast(CursorResult[Any], session.exec(mine.values(**values, version=row.version + 1)))
    if result.rowcount != 1:
        raise StaleError(f"alert {row.id} is past version {row.version}")
    session.refresh(row)


def _record(
    session: Session,
    row: Alert,
    before: AlertState | None,
    *,
    actor: str,
    now: datetime,
    value: float | None = None,
) -> None:
    session.add(
        Transition(
            alert_id=cast(int, row.id),
            at=now,
            from_state=before,
            to_state=row.state,
            actor=actor,
            value=value,
        )
    )


def _policy(session: Session, row: Alert) -> Policy:
    return session.exec(select(Policy).join(Rule).where(Rule.id == row.rule_id)).one()


def _plan(row: Alert) -> Plan:
    return escalation.load(row.steps, row.repeat)
