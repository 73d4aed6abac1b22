"""Sending what tests of channels ask for: one attempt at one message at a time.

As `alerts.delivery` does it, with what differs in a test: few attempts, and an end that follows
each beginning by itself, once nothing of the trial is still to begin. An end is tried for longer,
since a test that stays open would call somebody.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from alerts import channels, delivery
from alerts.delivery import LEASE, Channels
from alerts.notifiers import Message, NotifyError, Person, Receipt
from alerts.outbox import free
from models.tables import Trial, TrialMessage
from models.vocabulary import Event, Outcome, Severity

LINGER = timedelta(seconds=5)  # between a beginning and its end: long enough to be seen
BACKOFF = timedelta(seconds=5)
BACKOFF_LIMIT = timedelta(minutes=5)
TRIES = {Event.TRIGGER: 4, Event.RESOLVE: 20}  # 20 take more than an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    row: TrialMessage
    trial: Trial
    was_in_doubt: bool


def deliver_next(db: Engine, usable: Channels, *, now: datetime, by: str) -> TrialMessage | None:
    """Make one attempt at the longest-due message of a test, leased by the engine `by`.

    Returns:
        The message as it stands then, or None when nothing is due.
    """
    claim = _claim(db, now=now, by=by)
    if claim is None:
        return None
    started = time.perf_counter()
    people: list[Person] = []
    receipt, error = Receipt(answer=""), None
    kind, target = channels.parse(claim.row.channel)
    try:
        if kind in channels.PEOPLE:
            people = delivery.find_people(usable, kind, target, now=now)
            receipt = Receipt(answer=", ".join(f"{p.name} <{p.email}>" for p in people))
        else:
            worded = _message(claim, base_url=usable.base_url)
            receipt = delivery.notifier_of(usable, kind).send(target, worded)
    except NotifyError as raised:
        error = raised
    elapsed_ms = (time.perf_counter() - started) * 1000
    with Session(db, expire_on_commit=False) as session:
        row = session.get_one(TrialMessage, claim.row.id, with_for_update=True)
        if (row.leased_by, row.leased_until) != (claim.row.leased_by, claim.row.leased_until):
            return row  # another engine took us for dead, and answers for it now
        row.leased_by = row.leased_until = None
        row.told_at, row.duration_ms = now, round(elapsed_ms, 1)
        if error is None:
            _told(row, receipt, people)
        else:
            _failed(row, claim, error, now=now)
        _follow(session, row, usable, people, now=now)
        session.commit()
    return row


def _claim(db: Engine, *, now: datetime, by: str) -> _Claim | None:
    due = select(TrialMessage).where(*_due(now))
    in_order = due.order_by(col(TrialMessage.due_at), col(TrialMessage.id)).limit(1)
    with Session(db, expire_on_commit=False) as session:
        row = session.exec(in_order.with_for_update(skip_locked=True)).one_or_none()
        if row is None:
            return None
        was_in_doubt = row.in_doubt
        row.leased_by, row.leased_until = by, now + LEASE
        row.attempts, row.in_doubt = row.attempts + 1, True
        session.add(row)
        session.commit()
        trial = session.get_one(Trial, row.trial_id)
        return _Claim(row=row, trial=trial, was_in_doubt=was_in_doubt)


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    other = aliased(TrialMessage)
    begins = (
        select(other.id)
        .where(other.trial_id == TrialMessage.trial_id)
        .where(other.event == Event.TRIGGER, col(other.due_at).is_not(None))
        .exists()
    )
    in_turn = or_(col(TrialMessage.event) == Event.TRIGGER, ~begins)
    return (col(TrialMessage.due_at) <= now, free(TrialMessage, now=now), in_turn)


def _message(claim: _Claim, *, base_url: str) -> Message:
    trial, row = claim.trial, claim.row
    return Message(
        event=row.event,
        dedup_key=trial.dedup_key,
        vendor_key=trial.dedup_key,
        title=f"TEST {trial.about}",
        summary=f"TEST of {trial.about} by {trial.by}: nothing is wrong, there is nothing to do.",
        severity=Severity.INFO,
        source="wakeful-test",
        url=f"{base_url}/policies",
        fired_at=trial.at,
        resolved_by=trial.by if row.event is Event.RESOLVE else None,
        external_id=row.external_id,
    )


def _told(row: TrialMessage, receipt: Receipt, people: list[Person]) -> None:
    row.outcome = Outcome.EXPANDED if people else Outcome.DELIVERED
    row.answer, row.due_at, row.in_doubt = receipt.answer, None, False
    row.external_id = receipt.external_id or row.external_id


def _failed(row: TrialMessage, claim: _Claim, error: NotifyError, *, now: datetime) -> None:
    row.in_doubt = claim.was_in_doubt or error.uncertain
    row.answer = str(error)
    if error.permanent:
        row.outcome, row.due_at = Outcome.REFUSED, None
    elif row.attempts >= TRIES[row.event]:
        row.outcome, row.due_at = Outcome.GAVE_UP, None
    else:
        backoff = min(BACKOFF * float(2 ** (row.attempts - 1)), BACKOFF_LIMIT)
        row.outcome = Outcome.RETRYING
        row.due_at = now + max(backoff, error.retry_after or timedelta())


def _follow(
    session: Session, row: TrialMessage, usable: Channels, people: list[Person], *, now: datetime
) -> None:
    """Add what follows from a beginning: messages to whom was found, and the end."""
    if row.event is not Event.TRIGGER or row.due_at is not None:
        return
    if people:
        direct = (channels.name(kind, people[0].email) for kind in usable.reach)
        for channel in (*usable.page, *direct):
            _add(session, row, channel, Event.TRIGGER, due_at=now)
    elif row.outcome is Outcome.DELIVERED or row.in_doubt:
        _add(session, row, row.channel, Event.RESOLVE, due_at=now + LINGER)


def _add(
    session: Session, after: TrialMessage, channel: str, event: Event, *, due_at: datetime
) -> None:
    known = select(TrialMessage.id).where(
        TrialMessage.trial_id == after.trial_id,
        TrialMessage.channel == channel,
        TrialMessage.event == event,
    )
    if session.exec(known).first() is None:
        handle = after.external_id if event is Event.RESOLVE else None
        row = TrialMessage(
            trial_id=after.trial_id,
            channel=channel,
            event=event,
            due_at=due_at,
            external_id=handle,
        )
        session.add(row)
