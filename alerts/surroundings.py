"""What is known to have changed around the time when an alert began; nothing is guessed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from alerts import annotations
from alerts.wording import summary
from models.tables import Alert, Annotation, Note, Rule
from models.vocabulary import AlertState

EDITED_WITHIN = timedelta(days=1)  # before an alert began
BEGAN_WITHIN = timedelta(minutes=15)  # before or after it
EARLIER_WITHIN = timedelta(days=7)
ANNOTATED_WITHIN = timedelta(hours=6)  # before it: a bad release may take its time to show
MOST = 5  # other alerts that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another alert that began around the same time."""

    alert_id: int
    summary: str
    rule: str
    active_at: datetime
    state: AlertState


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The episode before, and what was done about it.

    Attributes:
        acknowledged_by: None if nobody took it.
        ended_at, resolved_by: None while it is open.
        note: The last that somebody wrote on it; empty if nobody did.
    """

    alert_id: int
    fired_at: datetime
    acknowledged_by: str | None = None
    ended_at: datetime | None = None
    resolved_by: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What changed around the beginning of an alert.

    Attributes:
        edited_at: When its rule was changed last, if that was shortly before or since; else None.
        edited_by: By whom.
        neighbours: Alerts of other groups that began around then, nearest first.
        more: How many more of these there were.
        earlier: How often the same alert fired in the week before.
        ended_at: When the last of these was over.
        annotated: What people and pipelines told of that time and may concern it, newest first.
        last: When the same alert fired last, however long ago; None if it never did.
    """

    edited_at: datetime | None = None
    edited_by: str = ""
    neighbours: tuple[Neighbour, ...] = ()
    more: int = 0
    earlier: int = 0
    ended_at: datetime | None = None
    annotated: tuple[Annotation, ...] = ()
    last: Earlier | None = None


def surroundings(session: Session, alert: Alert, rule: Rule) -> Surroundings:
    """Return what changed around the time when `alert` of `rule` began."""
    edited = rule.updated_at >= alert.active_at - EDITED_WITHIN
    near = sorted(_near(session, alert), key=lambda other: abs(other.active_at - alert.active_at))
    earlier, ended_at = _earlier(session, alert)
    return Surroundings(
        edited_at=rule.updated_at if edited else None,
        edited_by=rule.updated_by if edited else "",
        neighbours=tuple(near[:MOST]),
        more=max(0, len(near) - MOST),
        earlier=earlier,
        ended_at=ended_at,
        annotated=tuple(
            annotations.between(
                session,
                start=alert.active_at - ANNOTATED_WITHIN,
                end=alert.active_at + BEGAN_WITHIN,
                labels=alert.labels,
            )[:MOST]
        ),
        last=_last(session, alert),
    )


def _near(session: Session, alert: Alert) -> Iterable[Neighbour]:
    began = col(Alert.active_at)
    rows = session.exec(
        select(Alert, Rule)
        .join(Rule)
        .where(
            began.between(alert.active_at - BEGAN_WITHIN, alert.active_at + BEGAN_WITHIN),
            # Bounds the search by an index: `active_at` itself has none.
            col(Alert.fired_at).between(
                alert.active_at - BEGAN_WITHIN, alert.active_at + timedelta(days=1)
            ),
            Alert.id != alert.id,
            col(Alert.group_id).is_distinct_from(alert.group_id),
        )
        .order_by(began)
        .limit(200)
    )
    for other, rule in rows:
        yield Neighbour(
            alert_id=other.id or 0,
            summary=summary(other, rule),
            rule=rule.name,
            active_at=other.active_at,
            state=other.state,
        )


def _earlier(session: Session, alert: Alert) -> tuple[int, datetime | None]:
    same = (Alert.rule_id == alert.rule_id, Alert.fingerprint == alert.fingerprint)
    within = col(Alert.fired_at).between(alert.active_at - EARLIER_WITHIN, alert.active_at)
    query = select(func.count(), func.max(Alert.resolved_at)).where(*same, within)
    count, ended_at = session.exec(query.where(Alert.id != alert.id)).one()
    return count, ended_at


def _last(session: Session, alert: Alert) -> Earlier | None:
    same = (Alert.rule_id == alert.rule_id, Alert.fingerprint == alert.fingerprint)
    fired = col(Alert.fired_at)
    earlier = select(Alert).where(*same, Alert.id != alert.id, fired < alert.active_at)
    last = session.exec(earlier.order_by(fired.desc()).limit(1)).first()
    if last is None or last.id is None or last.fired_at is None:
        return None
    notes = select(Note.text).where(Note.alert_id == last.id)
    return Earlier(
        alert_id=last.id,
        fired_at=last.fired_at,
        acknowledged_by=last.acknowledged_by,
        ended_at=last.resolved_at,
        resolved_by=last.resolved_by,
        note=session.exec(notes.order_by(col(Note.at).desc()).limit(1)).first() or "",
    )
