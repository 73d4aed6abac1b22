"""Reading alerts: what is wrong now, one alert, one group of them, what was sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlmodel import Session, case, col, func, or_, select

from alerts.conditions import AnyCondition, parse_condition
from alerts.groups import WORST_FIRST
from alerts.wording import summary
from models.tables import Alert, Delivery, Group, Heartbeat, Notification, Rule, SourceStatus
from models.tables.columns import still_open
from models.vocabulary import AlertState

OPEN = (AlertState.FIRING, AlertState.ACKNOWLEDGED)
MOST_OPEN = 1000  # as many as a page looks at
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A group with its alerts, as a list shows it; at least one.

    Attributes:
        items: Those that were read, in the order to look at them; `group.size` counts all.
    """

    group: Group
    items: tuple[Item, ...]


def firing_now(session: Session) -> list[Item]:
    """Return the firing and acknowledged alerts: nobody's first, then worst, then longest.

    Of more than `MOST_OPEN`, the first.
    """
    badness = case(*((Alert.severity == s, place) for place, s in enumerate(WORST_FIRST)))
    taken = (col(Alert.state) == AlertState.ACKNOWLEDGED).asc()
    opened = _ROWS.where(col(Alert.state).in_(OPEN))
    in_order = opened.order_by(taken, badness, col(Alert.fired_at), col(Alert.id))
    return _items(session, in_order.limit(MOST_OPEN))


def together(items: Iterable[Item]) -> list[Bundle]:
    """Return open alerts with those that people are told of together; what stood first leads."""
    bundles: dict[int, list[Item]] = {}
    for one in items:
        if one.group is not None:
            bundles.setdefault(cast(int, one.group.id), []).append(one)
    return [Bundle(group=cast(Group, own[0].group), items=tuple(own)) for own in bundles.values()]


def pending(session: Session) -> list[Item]:
    """Return the alerts that may fire soon, longest first."""
    return _listed(session, AlertState.PENDING, limit=200, newest_first=False)


def resolved(session: Session, *, limit: int = 100) -> list[Item]:
    """Return the alerts that are over, newest first."""
    return _listed(session, AlertState.RESOLVED, limit=limit, newest_first=True)


def between(session: Session, *, start: datetime, end: datetime, limit: int = 200) -> list[Item]:
    """Return the alerts that fired and were wrong at some time in [start, end], newest first."""
    query = _ROWS.where(
        col(Alert.fired_at).is_not(None),
        col(Alert.active_at) <= end,
        or_(col(Alert.resolved_at).is_(None), col(Alert.resolved_at) >= start),
    )
    return _items(session, query.order_by(col(Alert.active_at).desc()).limit(limit))


def item(session: Session, alert_id: int) -> Item | None:
    """Return one alert with its rule, or None if there is no such alert."""
    return next(iter(_items(session, _ROWS.where(col(Alert.id) == alert_id))), None)


def group(session: Session, group_id: int) -> list[Item]:
    """Return the alerts of one group: open ones first, longest first; at most 500."""
    over = col(Alert.state) == AlertState.RESOLVED
    of_group = _ROWS.where(col(Alert.group_id) == group_id)
    return _items(session, of_group.order_by(over, col(Alert.fired_at)).limit(500))


def deliveries(
    session: Session,
    *,
    channel: str = "",
    outcome: str = "",
    group_id: int | None = None,
    limit: int = 200,
) -> list[tuple[Delivery, str]]:
    """Return the ledger, newest first, each with what its group is called."""
    query = select(Delivery, Group.title).join(Group)
    if channel:
        query = query.where(col(Delivery.channel).startswith(channel))
    if outcome:
        query = query.where(Delivery.outcome == outcome)
    if group_id is not None:
        query = query.where(Delivery.group_id == group_id)
    return list(session.exec(query.order_by(col(Delivery.id).desc()).limit(limit)))


def outbox(session: Session) -> list[tuple[Notification, str]]:
    """Return what is still to be said or could not be said, longest-waiting first."""
    query = (
        select(Notification, Group.title)
        .join(Group)
        .where(or_(col(Notification.next_attempt_at).is_not(None), Notification.error != ""))
        .where(or_(Notification.error == "", still_open(Group.state)))
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
    query = select(Alert.state, func.count()).where(still_open(Alert.state))
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
