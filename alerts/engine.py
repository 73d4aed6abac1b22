"""What the engine does as time passes: steps that are due, acknowledgements that ran out, mutes.

One transaction per group. Every wait is a column, so that any engine may do it, at any time.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import cast

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from alerts import escalation, lifecycle, muting, outbox, plans, silences
from alerts.decision import CURSOR, OPEN, Decision, StaleError, core, deciding
from alerts.escalation import Cursor, Situation
from models.database import read_only
from models.tables import Alert, Escalation, Group, Rule
from models.vocabulary import AlertState, Event

logger = logging.getLogger(__name__)


def escalate(db: Engine, *, now: datetime) -> int:
    """Take every escalation step that is due, one transaction each; return how many."""
    with Session(read_only(db)) as session:
        due = session.exec(
            select(Group.id)
            .where(col(Group.next_escalation_at) <= now)
            .order_by(col(Group.next_escalation_at))
        ).all()
    return sum(_escalate_one(db, cast(int, group_id), now=now) for group_id in due)


def expire(db: Engine, *, now: datetime) -> int:
    """Let go of every acknowledgement whose time ran out; return of how many alerts."""
    with Session(read_only(db)) as session:
        due = session.exec(
            select(Alert.group_id)
            .where(Alert.state == AlertState.ACKNOWLEDGED, col(Alert.ack_expires_at) <= now)
            .distinct()
        ).all()
    return sum(_expire_one(db, cast(int, group_id), now=now) for group_id in due)


class Muter:
    """Keeps what mutes each open alert up to date; looks at the alerts only when that may change.

    Alerts that fire are muted as they fire: this is for what changes later.
    """

    def __init__(self, db: Engine) -> None:
        self._db = db
        self._seen: object = None

    def mute(self, *, now: datetime) -> int:
        """Write what mutes which alerts now; return for how many that changed."""
        with Session(read_only(self._db)) as session:
            seen = silences.what_counts(session, now=now)
            if seen == self._seen:
                return 0
            changes: dict[int, list[tuple[int, str]]] = {}
            for row, reason in _changes(session, silences.mutes(session, now=now)):
                changes.setdefault(cast(int, row.group_id), []).append((cast(int, row.id), reason))
        count, complete = 0, True
        for group_id in sorted(changes):
            try:
                count += _mute_group(self._db, group_id, changes[group_id], now=now)
            except StaleError:
                complete = False
        self._seen = seen if complete else None
        return count


def _escalate_one(db: Engine, group_id: int, *, now: datetime) -> bool:
    try:
        with deciding(db, now=now) as decision:
            return _step(decision, decision.lock(group_id).group)
    except StaleError:
        return False


def _step(decision: Decision, group: Group) -> bool:
    cursor = Cursor(**group.model_dump(include=CURSOR))
    if group.state is not AlertState.FIRING or group.muted:
        return False
    situation = Situation(severity=group.severity, size=group.size)
    now = decision.now
    after, move = escalation.advance(plans.load(group.policy), cursor, situation, now=now)
    if move is None:
        return False
    group.sqlmodel_update(asdict(after))
    taken = Escalation(
        group_id=cast(int, group.id),
        at=now,
        due_at=cast(datetime, cursor.next_escalation_at),
        step=cursor.next_step,
        round=cursor.round,
        channels=list(move.step.channels),
        skipped=move.skipped,
    )
    decision.session.add_all([group, taken])
    decision.tell(cast(int, group.id))
    for channel in () if move.skipped else move.step.channels:
        outbox.want(decision.session, cast(int, group.id), Event.TRIGGER, channel, now=now)
    said = move.skipped or move.step.channels
    logger.info("escalated group=%s step=%s to=%s", group.id, cursor.next_step, said)
    return True


def _expire_one(db: Engine, group_id: int, *, now: datetime) -> int:
    try:
        with deciding(db, now=now) as decision:
            decision.lock(group_id)
            held = (Alert.group_id == group_id, Alert.state == AlertState.ACKNOWLEDGED)
            count = 0
            for row in decision.session.exec(select(Alert).where(*held)):
                after = lifecycle.expire(core(row), now=now)
                if after.state is not row.state:
                    decision.move(row, after, actor=lifecycle.ENGINE)
                    count += 1
            return count
    except StaleError:
        return 0


def _changes(session: Session, mutes: muting.Mutes) -> Sequence[tuple[Alert, str]]:
    rows = session.exec(select(Alert, Rule).join(Rule).where(col(Alert.state).in_(OPEN)))
    reasons = [
        (row, mutes.reason(muting.identity(row.labels, rule=rule.name, severity=row.severity)))
        for row, rule in rows
    ]
    return [(row, reason) for row, reason in reasons if reason != row.muted_by]


def _mute_group(
    db: Engine, group_id: int, changes: Sequence[tuple[int, str]], *, now: datetime
) -> int:
    with deciding(db, now=now) as decision:
        decision.lock(group_id)
        count = 0
        for alert_id, reason in changes:
            row = decision.session.get_one(Alert, alert_id)
            if row.state in OPEN and row.muted_by != reason:
                decision.mute(row, reason)
                count += 1
        return count
