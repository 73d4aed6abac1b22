"""The outbox: what each channel should know, until it has been told.

Level-triggered: one row per group and channel holds what is `wanted` and what was `sent`, so a
late trigger cannot follow a resolve, and a channel never told of a group is not told of its end.
What the message says is worded when it is sent, from what is true then. `alerts.delivery` sends.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Engine, not_, or_
from sqlmodel import Session, col, select, update

from alerts import channels, plans
from models.tables import EngineBeat, Group, Notification, ReportMessage, Rule, TrialMessage
from models.vocabulary import Event

# An engine that has not beaten for so long is taken for dead: what it leased is anybody's.
DEAD_AFTER = timedelta(seconds=8)
THREAD_WAIT = timedelta(seconds=5)


def want(session: Session, group_id: int, event: Event, channel: str, *, now: datetime) -> None:
    """Set what `channel` should know; an end is only told where the beginning may be known."""
    row = _row(session, group_id, channel)
    if row is None:
        row = Notification(group_id=group_id, channel=channel, wanted=event, wanted_at=now)
    worth_saying = event is Event.TRIGGER or row.sent is not None or row.in_doubt
    row.wanted, row.wanted_at, row.attempts, row.error = event, now, 0, ""
    row.revision += 1
    row.loud = event is Event.TRIGGER
    row.next_attempt_at = max(now, row.not_before or now) if worth_saying else None
    session.add(row)


def want_threads(session: Session, group_id: int, *, now: datetime) -> None:
    """Have the threads of a group's posts told what happened; of no post, there is no thread.

    They wait a moment, so that a burst is one reply and no page waits for a reply's turn.
    """
    posted = (Notification.group_id == group_id, col(Notification.external_id).is_not(None))
    for post in session.exec(select(Notification).where(*posted)).all():
        thread = channels.thread_of(post.channel)
        if thread is None:
            continue
        row = _row(session, group_id, thread)
        if row is None:
            row = Notification(group_id=group_id, channel=thread, wanted=post.wanted, wanted_at=now)
        row.revision += 1
        row.wanted = post.wanted
        if row.next_attempt_at is None:
            due = max(now + THREAD_WAIT, row.not_before or now)
            row.wanted_at, row.attempts, row.error, row.next_attempt_at = now, 0, "", due
        session.add(row)


def want_page(session: Session, group_id: int, needed: Sequence[str], *, now: datetime) -> None:
    """Have the channels told that a person's page needs, unless one of their kind knows already.

    One that was told of an acknowledgement since knows nothing of what goes on after it.
    """
    of_group = select(Notification).where(Notification.group_id == group_id)
    rows = session.exec(of_group.order_by(col(Notification.id))).all()
    for channel in needed:
        kind = channels.parse(channel)[0]
        alike = [row for row in rows if channels.parse(row.channel)[0] == kind]
        if not any(row.wanted is Event.TRIGGER for row in alike):
            known = alike[0].channel if alike else channel
            want(session, group_id, Event.TRIGGER, known, now=now)


def want_everywhere(session: Session, group: Group, event: Event, *, now: datetime) -> None:
    """Set what every channel that was to hear of `group` should know now."""
    group_id = cast(int, group.id)
    told = select(Notification.channel).where(Notification.group_id == group_id)
    for channel in session.exec(told).all():
        kind = channels.parse(channel)[0]
        if kind in channels.PEOPLE:
            settle(session, group_id, channel)
        elif kind not in channels.FOLLOWING:
            want(session, group_id, event, channel, now=now)


def want_updates(session: Session, group: Group, event: Event, *, now: datetime) -> None:
    """Have the posts that are kept up to date show what changed, without calling anybody.

    A channel that could not be told is not tried again for that, and posts are updated at most
    once in the policy's group interval.
    """
    interval = plans.load(group.policy).group_interval
    rows = session.exec(
        select(Notification).where(Notification.group_id == group.id).with_for_update()
    )
    for row in rows:
        kept = channels.parse(row.channel)[0] in channels.KEPT_CURRENT
        known = row.sent is not None or row.in_doubt
        if not kept or not (known or row.next_attempt_at):
            continue
        row.revision += 1
        if row.next_attempt_at is None and not row.error:
            due = max(now, row.not_before or now, (row.sent_at or now) + interval)
            row.wanted, row.wanted_at, row.attempts, row.next_attempt_at = event, now, 0, due
        elif row.next_attempt_at is not None:
            row.wanted = event
        session.add(row)


def settle(session: Session, group_id: int, channel: str) -> None:
    """Stop looking for people: nobody needs to be found for alerts that someone has."""
    key = (col(Notification.group_id) == group_id, col(Notification.channel) == channel)
    session.exec(update(Notification).where(*key).values(next_attempt_at=None))


def release_leases(db: Engine) -> None:
    """End every lease: at the start of an engine that is alone, all are a dead engine's."""
    with Session(db) as session:
        for table in (Notification, Rule, ReportMessage, TrialMessage):
            session.exec(update(table).values(leased_by=None, leased_until=None))
        session.commit()


def free(
    table: type[Notification | ReportMessage | Rule | TrialMessage], *, now: datetime
) -> ColumnElement[bool]:
    """Return the condition that no living engine holds a row of `table`."""
    alive = select(EngineBeat.id).where(EngineBeat.at > now - DEAD_AFTER)
    return or_(
        col(table.leased_by).is_(None),
        col(table.leased_until) <= now,
        col(table.leased_by).not_in(alive),
    )


def leading(channel: str) -> ColumnElement[bool]:
    """Return the condition that the column `channel` names none that follows from another.

    What follows, such as a thread, may wait in a storm or be locked by people: nobody is called
    for that.
    """
    return not_(or_(*(col(channel).startswith(f"{kind}:") for kind in channels.FOLLOWING)))


def _row(session: Session, group_id: int, channel: str) -> Notification | None:
    key = (Notification.group_id == group_id, Notification.channel == channel)
    return session.exec(select(Notification).where(*key).with_for_update()).one_or_none()
