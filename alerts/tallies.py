"""Counting over alerts and deliveries, for pages: by rule, by outcome, by age."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from alerts.inbox import OPEN
from alerts.outbox import leading
from models.tables import Alert, Delivery, Rule
from models.vocabulary import Outcome

_REACHED = (Outcome.DELIVERED, Outcome.EXPANDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How well the rules are being looked after.

    Attributes:
        rules: How many are enabled.
        evaluated_at: When one of these was last evaluated; None if never.
    """

    rules: int
    evaluated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """How many messages were to be delivered, and how many were.

    A message is one event of one group for one channel, however many attempts it took. What
    follows from a post, such as its thread, is not counted.
    """

    wanted: int
    reached: int


def watch(session: Session) -> Watch:
    """Return how many rules are on, and when the engine last evaluated one of them."""
    query = select(func.count(), func.max(Rule.evaluated_at)).where(col(Rule.enabled).is_(True))
    rules, evaluated_at = session.exec(query).one()
    return Watch(rules=rules, evaluated_at=evaluated_at)


def open_by_rule(session: Session) -> dict[int, list[int]]:
    """Return the ids of the firing and acknowledged alerts of each rule that has any."""
    found: dict[int, list[int]] = defaultdict(list)
    query = select(Alert.rule_id, Alert.id).where(col(Alert.state).in_(OPEN))
    for rule_id, alert_id in session.exec(query.order_by(col(Alert.id))):
        if alert_id is not None:
            found[rule_id].append(alert_id)
    return dict(found)


def delivered(session: Session, *, since: datetime) -> Delivered:
    """Return how many messages were tried since then, and how many of them got through."""
    message = (Delivery.group_id, Delivery.channel, Delivery.event)
    tried = select(*message).where(Delivery.at >= since, leading(Delivery.channel)).distinct()
    reached = tried.where(col(Delivery.outcome).in_(_REACHED))
    return Delivered(
        wanted=session.exec(select(func.count()).select_from(tried.subquery())).one(),
        reached=session.exec(select(func.count()).select_from(reached.subquery())).one(),
    )
