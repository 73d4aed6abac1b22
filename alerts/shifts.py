"""Reading what the next person on duty needs to know; `alerts.handover` writes it down."""

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from sqlmodel import Session, col, func, or_, select

from alerts import inbox, mutings
from alerts.handover import Held, Past, Said, Shift
from alerts.inbox import Bundle
from alerts.lifecycle import ENGINE
from alerts.wording import alert_url, summary
from models.tables import Alert, Note, Remark, Rule, Transition
from models.vocabulary import AlertState

MOST_OPEN = 50
MOST_PAST = 100
NOTES = 3  # of each open group


def shift(session: Session, *, since: datetime, base_url: str, now: datetime) -> Shift:
    """Return what is open now, and which alerts were open at some time since then."""
    bundles = inbox.together(inbox.firing_now(session))
    reasons = {item.alert.muted_by for bundle in bundles for item in bundle.items}
    known = mutings.mutings(session, reasons, now=now)
    opened = tuple(_held(session, one, known, base_url) for one in bundles[:MOST_OPEN])
    past, count = _past(session, since, base_url)
    left_out = max(0, count - len(past)) + max(0, len(bundles) - MOST_OPEN)
    return Shift(opened=opened, past=tuple(past), left_out=left_out)


def _held(session: Session, bundle: Bundle, known: mutings.Mutings, base_url: str) -> Held:
    group, first = bundle.group, bundle.items[0]
    alerts = [item.alert for item in bundle.items]
    taken = group.state is AlertState.ACKNOWLEDGED
    holders = dict.fromkeys(a.acknowledged_by for a in alerts if a.acknowledged_by)
    return Held(
        title=group.title,
        summary=first.summary,
        severity=group.severity,
        since=group.opened_at,
        url=alert_url(base_url, first.alert.id or 0),
        holders=", ".join(holders) if taken else "",
        until=min((a.ack_expires_at for a in alerts if a.ack_expires_at), default=None),
        muted=mutings.words(first.alert.muted_by, known) if group.muted else "",
        next_at=group.next_escalation_at,
        said=tuple(_said(session, cast(int, group.id))),
    )


def _said(session: Session, group_id: int) -> list[Said]:
    members = select(Alert.id).where(Alert.group_id == group_id)
    notes = session.exec(
        select(Note)
        .where(col(Note.alert_id).in_(members))
        .order_by(col(Note.id).desc())
        .limit(NOTES)
    )
    remarks = session.exec(
        select(Remark)
        .where(Remark.group_id == group_id, Remark.actor != ENGINE)
        .order_by(col(Remark.id).desc())
        .limit(NOTES)
    )
    said = [Said(at=n.at, by=n.author, text=n.text) for n in notes]
    said += [Said(at=r.at, by=r.actor, text=r.text) for r in remarks]
    return sorted(said, key=lambda one: one.at, reverse=True)[:NOTES]


def _past(session: Session, since: datetime, base_url: str) -> tuple[list[Past], int]:
    over = col(Alert.resolved_at)
    within = col(Alert.fired_at).is_not(None) & or_(over.is_(None), over >= since)
    newest = select(Alert, Rule).join(Rule).where(within).order_by(col(Alert.fired_at).desc())
    rows = session.exec(newest.limit(MOST_PAST)).all()
    who = _who_took(session, [cast(int, alert.id) for alert, _ in rows])
    count = session.exec(select(func.count()).select_from(Alert).where(within)).one()
    return [_one(alert, rule, who.get(alert.id or 0, ""), base_url) for alert, rule in rows], count


def _one(alert: Alert, rule: Rule, taken_by: str, base_url: str) -> Past:
    return Past(
        rule=rule.name,
        summary=summary(alert, rule),
        state=alert.state,
        fired_at=cast(datetime, alert.fired_at),
        resolved_at=alert.resolved_at,
        resolved_by="" if alert.resolved_by in (None, ENGINE) else str(alert.resolved_by),
        taken_by=taken_by,
        url=alert_url(base_url, alert.id or 0),
    )


def _who_took(session: Session, alert_ids: Iterable[int]) -> dict[int, str]:
    """Return who took each alert last, even if nobody has it any longer."""
    taken = session.exec(
        select(Transition.alert_id, Transition.actor)
        .where(col(Transition.alert_id).in_(list(alert_ids)))
        .where(Transition.to_state == AlertState.ACKNOWLEDGED)
        .order_by(col(Transition.id))
    )
    return dict(taken.all())
