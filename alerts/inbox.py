"""Reading alerts: what is wrong now, what happened to one alert, what was sent."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlmodel import Session, col, func, or_, select

from alerts.conditions import AnyCondition, parse_condition
from alerts.wording import LATE, step_taken, summary
from models.tables import (
    Alert,
    Delivery,
    Escalation,
    Group,
    Heartbeat,
    Note,
    Notification,
    Remark,
    Rule,
    SourceStatus,
    Transition,
)
from models.vocabulary import AlertState, Outcome, Severity

OPEN = (AlertState.FIRING, AlertState.ACKNOWLEDGED)
_WORST_FIRST = list(Severity)
_GOOD = (Outcome.DELIVERED, Outcome.EXPANDED)
_ROWS = select(Alert, Rule, Group).join(Rule).join(Group, isouter=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One alert with its rule, as a list shows it.

    Attributes:
        group: Those that people are told of together; None while it is pending.
    """

    alert: Alert
    rule: Rule
    summary: str
    group: Group | None

    @property
    def condition(self) -> AnyCondition:
        """Return what the alert's rule watches."""
        return parse_condition(self.rule.condition)


class EntryKind(StrEnum):
    """What kind of thing happened to an alert."""

    STATE = "state"
    STEP = "step"
    DELIVERY = "delivery"
    REMARK = "remark"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of an alert's timeline.

    Attributes:
        text: Names channels as `alerts.channels` does.
        value: The signal's when a state was entered.
        channels: Those that `text` names.
    """

    at: datetime
    kind: EntryKind
    text: str
    actor: str = ""
    value: float | None = None
    ok: bool = True
    channels: tuple[str, ...] = ()


def firing_now(session: Session) -> list[Item]:
    """Return the firing and acknowledged alerts: nobody's first, then worst, then longest."""
    items = _items(session, _ROWS.where(col(Alert.state).in_(OPEN)).limit(1000))
    return sorted(
        items,
        key=lambda i: (
            i.alert.state is AlertState.ACKNOWLEDGED,
            _WORST_FIRST.index(i.alert.severity),
            i.alert.fired_at or i.alert.active_at,
        ),
    )


def pending(session: Session) -> list[Item]:
    """Return the alerts that may fire soon, longest first."""
    return _listed(session, AlertState.PENDING, limit=200, newest_first=False)


def resolved(session: Session, *, limit: int = 100) -> list[Item]:
    """Return the alerts that are over, newest first."""
    return _listed(session, AlertState.RESOLVED, limit=limit, newest_first=True)


def item(session: Session, alert_id: int) -> Item | None:
    """Return one alert with its rule, or None if there is no such alert."""
    return next(iter(_items(session, _ROWS.where(col(Alert.id) == alert_id))), None)


def group(session: Session, group_id: int) -> list[Item]:
    """Return the alerts of one group: open ones first, longest first; at most 500."""
    over = col(Alert.state) == AlertState.RESOLVED
    of_group = _ROWS.where(col(Alert.group_id) == group_id)
    return _items(session, of_group.order_by(over, col(Alert.fired_at)).limit(500))


def timeline(session: Session, alert_id: int) -> list[Entry]:
    """Return everything that happened to one alert and was told of its group, oldest first."""
    of_group = session.exec(select(Alert.group_id).where(Alert.id == alert_id)).one_or_none()
    entries = [
        *(
            _state(row)
            for row in session.exec(select(Transition).where(Transition.alert_id == alert_id))
        ),
        *(
            _step(row)
            for row in session.exec(select(Escalation).where(Escalation.group_id == of_group))
        ),
        *(
            _delivery(row)
            for row in session.exec(select(Delivery).where(Delivery.group_id == of_group))
        ),
        *(
            Entry(at=row.at, kind=EntryKind.REMARK, text=row.text, actor=row.actor)
            for row in session.exec(select(Remark).where(Remark.group_id == of_group))
        ),
        *(
            Entry(at=row.at, kind=EntryKind.NOTE, text=row.text, actor=row.author)
            for row in session.exec(select(Note).where(Note.alert_id == alert_id))
        ),
    ]
    return sorted(entries, key=lambda entry: entry.at)


def deliveries(
    session: Session, *, channel: str = "", outcome: str = "", limit: int = 200
) -> list[tuple[Delivery, str]]:
    """Return the ledger, newest first, each with what its group is called."""
    query = select(Delivery, Group.title).join(Group)
    if channel:
        query = query.where(col(Delivery.channel).startswith(channel))
    if outcome:
        query = query.where(Delivery.outcome == outcome)
    return list(session.exec(query.order_by(col(Delivery.id).desc()).limit(limit)))


def outbox(session: Session) -> list[tuple[Notification, str]]:
    """Return what is still to be said or could not be said, longest-waiting first."""
    query = (
        select(Notification, Group.title)
        .join(Group)
        .where(or_(col(Notification.next_attempt_at).is_not(None), Notification.error != ""))
        .where(or_(Notification.error == "", Group.state != AlertState.RESOLVED))
    )
    return list(session.exec(query.order_by(col(Notification.wanted_at)).limit(500)))


def firing_intervals(
    session: Session, signal: str, *, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Return when rules on `signal` were firing, clipped to [start, end], by start."""
    rows = session.exec(
        select(Alert, Rule)
        .join(Rule)
        .where(
            col(Alert.fired_at) < end,
            or_(col(Alert.resolved_at).is_(None), col(Alert.resolved_at) > start),
        )
        .order_by(col(Alert.fired_at))
        .limit(1000)
    )
    return [
        (max(cast(datetime, alert.fired_at), start), min(alert.resolved_at or end, end))
        for alert, rule in rows
        if rule.condition.get("signal") == signal
    ]


def counts(session: Session) -> dict[AlertState, int]:
    """Return how many alerts are open, by state; states without any are left out."""
    query = select(Alert.state, func.count()).where(Alert.state != AlertState.RESOLVED)
    return {AlertState(state): n for state, n in session.exec(query.group_by(col(Alert.state)))}


def sources(session: Session) -> list[SourceStatus]:
    """Return what the engine last learned about each source, by name."""
    return list(session.exec(select(SourceStatus).order_by(col(SourceStatus.name))))


def heartbeats(session: Session) -> list[Heartbeat]:
    """Return when each engine job last finished, by name."""
    return list(session.exec(select(Heartbeat).order_by(col(Heartbeat.job))))


def _listed(session: Session, state: AlertState, *, limit: int, newest_first: bool) -> list[Item]:
    by_age = col(Alert.active_at)
    of_state = _ROWS.where(col(Alert.state) == state)
    return _items(
        session, of_state.order_by(by_age.desc() if newest_first else by_age).limit(limit)
    )


def _items(session: Session, query: Any) -> list[Item]:
    return [
        Item(alert=alert, rule=rule, summary=summary(alert, rule), group=group)
        for alert, rule, group in session.exec(query)
    ]


def _state(row: Transition) -> Entry:
    state = row.to_state.value
    return Entry(at=row.at, kind=EntryKind.STATE, text=state, actor=row.actor, value=row.value)


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
