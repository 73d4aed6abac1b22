"""What people do to our incidents in PagerDuty, and what it does here.

The one way in for both ways of hearing of it: webhooks, and asking at intervals.

Never backwards: a group moves only for the incident that PagerDuty knows it by now, only for what
is newer than what was followed before, and only those of its alerts that were as they are when it
happened. Whatever tells the last of these must compare two clocks; so what fired before its page
went out, and what was moved because of PagerDuty, is known to be older without.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Engine
from sqlmodel import Session, col, func, select

from alerts import actions, channels, lifecycle
from alerts.decision import OPEN, Decision, core, deciding, retrying
from alerts.groups import parse_vendor_key, vendor_key
from alerts.notifiers.pagerduty import dedup_key
from alerts.notifiers.pagerduty_replies import Happening, Reply
from models import tables
from models.tables import Alert, Group, Incident, Notification, Transition
from models.vocabulary import AlertState, Event

TRIGGERED = "triggered"
_OLDER = "not followed: what it would change is newer"
_OVER = "not followed: it is over"


def follow(db: Engine, told: Reply, *, now: datetime) -> str:
    """Do here what happened there, once however often it is told; return that in a line.

    Raises:
        StaleError: The alerts kept changing underneath; ask again.
    """

    def once() -> str:
        with deciding(db, now=now) as decision:
            if decision.session.get(tables.Reply, told.event_id) is not None:
                return "followed before"
            group_id = _group_id(decision.session, told)
            if group_id is None:  # a subscription may tell of everybody's: nothing to remember
                return "not followed: it is about no alert of ours"
            answer = _follow(decision, group_id, told)
            reply = tables.Reply(event_id=told.event_id, at=now, answer=answer)
            decision.session.add(reply)
            return answer

    return retrying(once)


def _follow(decision: Decision, group_id: int, told: Reply) -> str:
    group = decision.lock(group_id).group
    incident = decision.session.get(Incident, told.incident_id)
    if incident is None:
        incident = Incident(id=told.incident_id, group_id=group_id)
    incident.key = incident.key or told.key
    incident.status = told.status or incident.status
    decision.session.add(incident)
    if told.happening is Happening.ANNOTATED:
        decision.remark(group_id, f"note in PagerDuty: {told.text}", actor=told.by)
        return "noted"
    if incident.followed_at is not None and told.at < incident.followed_at:
        return "not followed: PagerDuty has told of something newer"
    if told.happening is Happening.OPENED:
        return "known from now on"
    if not _current(decision.session, group, incident.key):
        return "not followed: another incident took the place of that one"
    incident.followed_at = told.at
    return _ACTS[told.happening](decision, _Place(incident, group), told)


@dataclass(frozen=True, slots=True)
class _Place:
    """An incident, and its group, which is locked."""

    incident: Incident
    group: Group

    @property
    def group_id(self) -> int:
        return cast(int, self.group.id)

    def rows(self, decision: Decision, told: Reply) -> tuple[list[Alert], list[Alert]]:
        """Return the open alerts that `told` is about, and those that changed after it."""
        since = func.max(Transition.at)
        opened = (
            select(Alert, since)
            .join(Transition)
            .where(Alert.group_id == self.group_id, col(Alert.state).in_(OPEN))
            .group_by(col(Alert.id))
            .order_by(col(Alert.fired_at), col(Alert.id))
        )
        paged = select(func.max(Notification.sent_at)).where(
            *_to_pagerduty(self.group_id), Notification.sent == Event.TRIGGER
        )
        known = (told.at, self.incident.moved_at, decision.session.exec(paged).one())
        until = max(at for at in known if at is not None)
        found = decision.session.exec(opened).all()
        return [row for row, at in found if at <= until], [row for row, at in found if at > until]


def _acknowledge(decision: Decision, place: _Place, told: Reply) -> str:
    rows, newer = place.rows(decision, told)
    if not rows:
        return _OLDER if newer else _OVER
    taken = actions.take(decision, rows, by=told.by)
    if not taken.first and taken.by != told.by:
        return f"not followed: {taken.by} has it already"
    _moved(decision, place, newer)
    return f"{told.by} has it"


def _let_go(decision: Decision, place: _Place, told: Reply) -> str:
    return _release(decision, place, told) or "nobody has it any longer: escalation goes on"


def _release(decision: Decision, place: _Place, told: Reply) -> str:
    """Let go of what somebody has; return why that cannot be, empty if it was done."""
    rows, newer = place.rows(decision, told)
    held = [row for row in rows if row.state is AlertState.ACKNOWLEDGED]
    if not held:
        return _OLDER if newer else "not followed: nobody has it"
    for row in held:
        decision.move(row, lifecycle.release(core(row)), actor=told.by)
    _moved(decision, place, newer)
    return ""


def _hand_on(decision: Decision, place: _Place, told: Reply) -> str:
    """Write who has the incident; one who is only asked to take it is given time to answer."""
    decision.remark(place.group_id, f"reassigned to {told.text} in PagerDuty", actor=told.by)
    if told.status == TRIGGERED and not _release(decision, place, told):
        decision.settle()
        actions.give_time(decision, place.group)
    return f"{told.text} is asked to take it"


def _resolve(decision: Decision, place: _Place, told: Reply) -> str:
    rows, newer = place.rows(decision, told)
    if not rows:
        return _OLDER if newer else "already resolved"
    for row in rows:
        after = lifecycle.resolve(core(row), by=told.by, now=decision.now)
        decision.move(row, after, actor=told.by)
    _moved(decision, place, newer)
    return f"resolved by {told.by}"


def _merge(decision: Decision, place: _Place, told: Reply) -> str:
    into = told.text or "another incident"
    decision.remark(place.group_id, f"merged into {into} in PagerDuty", actor=told.by)
    return "not followed: merged, not resolved"


def _moved(decision: Decision, place: _Place, newer: list[Alert]) -> None:
    """Remember that whatever PagerDuty tells next happened after what was just done here."""
    if not newer:
        place.incident.moved_at = decision.now


_ACTS: dict[Happening, Callable[[Decision, _Place, Reply], str]] = {
    Happening.ACKNOWLEDGED: _acknowledge,
    Happening.UNACKNOWLEDGED: _let_go,
    Happening.REASSIGNED: _hand_on,
    Happening.RESOLVED: _resolve,
    Happening.MERGED: _merge,
}


def _group_id(session: Session, told: Reply) -> int | None:
    """Return the group that an incident is about; None if it is none of ours."""
    known = select(Incident.group_id).where(Incident.id == told.incident_id)
    by_key = select(Group.id).where(Group.dedup_key == parse_vendor_key(told.key)[0])
    assigned = select(Notification.group_id).where(
        Notification.external_id == told.incident_id,
        col(Notification.channel).startswith(channels.name(channels.PAGERDUTY_ASSIGN, "")),
    )
    for asked in (known, by_key, assigned):
        if (found := session.exec(asked).first()) is not None:
            return found
    return None


def _current(session: Session, group: Group, key: str) -> bool:
    """Say whether `key` is the incident that is open for `group`, or is about to be opened.

    When escalation goes on after an acknowledgement, the old incident stays until a page opens
    the next, and is ended by us then: see `alerts.groups.vendor_key`. Where PagerDuty tells no
    key, the incident is one that we assigned: the only one, if there was no other.
    """
    if key == vendor_key(group.dedup_key, group.epoch) or not (key or group.epoch):
        return True
    told = select(Notification.external_id).where(*_to_pagerduty(cast(int, group.id)))
    return key in {dedup_key(external_id) for external_id in session.exec(told)}


def _to_pagerduty(group_id: int) -> tuple[ColumnElement[bool], ...]:
    services = channels.name(channels.PAGERDUTY, "")
    of_group = col(Notification.group_id) == group_id
    return (of_group, col(Notification.channel).startswith(services))
