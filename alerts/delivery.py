"""Sending what the outbox holds: one attempt at one message at a time.

At least once, folded: `deliver_next` commits a lease, sends, then commits the outcome. Killed in
between, the message is sent again; PagerDuty folds it by dedup key, Slack updates the post whose
id is stored. Nothing is sent while a transaction is open.
"""

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Engine, or_
from sqlmodel import Session, col, select

from alerts import channels
from alerts.notifiers import Directory, Message, Notifier, NotifyError, Person, Receipt
from alerts.outbox import free, want, want_page
from alerts.wording import message
from models.tables import Delivery, Group, Notification
from models.vocabulary import AlertState, Event, Outcome

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=1)  # longer than any one send may take
BACKOFF = timedelta(seconds=5)
BACKOFF_LIMIT = timedelta(minutes=5)
PATIENCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Every channel kind this installation can use.

    Attributes:
        notifiers: By kind of place.
        directories: By kind of person.
        reach: The kinds of place by which a person is told, in order.
        page: Channels that a person's page needs beside it, such as the incident to assign; see
            `alerts.outbox.want_page`.
        base_url: Where links in messages lead.
    """

    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    directories: Mapping[str, Directory] = field(default_factory=dict)
    reach: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    base_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A leased row as it was when leased, and what to say for it."""

    note: Notification
    was_in_doubt: bool
    message: Message


def deliver_next(
    db: Engine, usable: Channels, kinds: Collection[str], *, now: datetime, by: str
) -> Delivery | None:
    """Make one attempt at the longest-due notification of `kinds`, leased by the engine `by`.

    Returns:
        The ledger's entry, or None when nothing is due.
    """
    claim = _claim(db, usable, kinds, now=now, by=by)
    if claim is None:
        return None
    started = time.perf_counter()
    people: list[Person] = []
    receipt, error = Receipt(answer=""), None
    kind, target = channels.parse(claim.note.channel)
    try:
        if kind in channels.PEOPLE:
            people = _find(usable, kind, target, now)
            receipt = Receipt(answer=", ".join(f"{p.name} <{p.email}>" for p in people))
        else:
            receipt = _notifier(usable, kind).send(target, claim.message)
    except NotifyError as raised:
        error = raised
    elapsed_ms = (time.perf_counter() - started) * 1000
    entry = Delivery(
        group_id=claim.note.group_id,
        channel=claim.note.channel,
        event=claim.message.event,
        at=now,
        duration_ms=round(elapsed_ms, 1),
        attempt=claim.note.attempts,
        outcome=_outcome(claim.note, people, error, now),
        answer=receipt.answer if error is None else str(error),
    )
    ended = now + timedelta(milliseconds=elapsed_ms)
    with Session(db, expire_on_commit=False) as session:
        group = session.get_one(Group, entry.group_id, with_for_update=True)
        session.add(entry)
        if error is None:
            _sent(session, claim, receipt, now=ended)
            _tell(session, usable, group, people, now=now)
        else:
            _failed(session, claim, entry, error, now=ended)
        session.commit()
    return entry


def _claim(
    db: Engine, usable: Channels, kinds: Collection[str], *, now: datetime, by: str
) -> _Claim | None:
    """Lease the longest-due row, so that no two engines send it, and word its message."""
    due = select(Notification).where(*_due(kinds, now)).order_by(col(Notification.wanted_at))
    with Session(db, expire_on_commit=False) as session:
        note = session.exec(due.limit(1).with_for_update(skip_locked=True)).one_or_none()
        if note is None:
            return None
        was_in_doubt = note.in_doubt
        note.leased_by, note.leased_until = by, now + LEASE
        note.attempts, note.in_doubt = note.attempts + 1, True
        worded = message(session, note, base_url=usable.base_url)
        session.add(note)
        session.commit()
        return _Claim(note=note, was_in_doubt=was_in_doubt, message=worded)


def _due(kinds: Collection[str], now: datetime) -> tuple[ColumnElement[bool], ...]:
    of_kind = or_(*(col(Notification.channel).startswith(f"{kind}:") for kind in kinds))
    return (col(Notification.next_attempt_at) <= now, free(Notification, now=now), of_kind)


def _find(usable: Channels, kind: str, target: str, now: datetime) -> list[Person]:
    directory = usable.directories.get(kind)
    if directory is None:
        raise NotifyError(
            "nobody can be looked up: set WAKEFUL_PAGERDUTY_API_TOKEN, or name a person:e-mail "
            "in the policy",
            permanent=True,
        )
    if not usable.reach:
        raise NotifyError(
            "a person can be reached by neither Slack nor PagerDuty: set "
            "WAKEFUL_SLACK_BOT_TOKEN or WAKEFUL_PAGERDUTY_API_TOKEN",
            permanent=True,
        )
    people = directory.find(target, at=now)
    if not people:
        raise NotifyError(f"nobody is on call for {target} at this time")
    return people


def _notifier(usable: Channels, kind: str) -> Notifier:
    notifier = usable.notifiers.get(kind)
    if notifier is None:
        raise NotifyError(f"{kind} is not configured: see the settings table", permanent=True)
    return notifier


def _outcome(
    note: Notification, found: list[Person], error: NotifyError | None, now: datetime
) -> Outcome:
    if error is None:
        return Outcome.EXPANDED if found else Outcome.DELIVERED
    if error.permanent:
        return Outcome.REFUSED
    return Outcome.GAVE_UP if now - note.wanted_at >= PATIENCE else Outcome.RETRYING


def _sent(session: Session, claim: _Claim, receipt: Receipt, *, now: datetime) -> None:
    note = session.get_one(Notification, claim.note.id, with_for_update=True)
    if not _still_ours(note, claim):
        # Another engine took us for dead and sent as well: which came last, nobody knows. So
        # the channel is told once more what is true now.
        note.next_attempt_at, note.loud, note.in_doubt = now, False, True
        note.external_id = note.external_id or receipt.external_id
        return
    note.leased_by = note.leased_until = note.not_before = None
    note.in_doubt = False
    note.sent, note.sent_at = claim.message.event, now
    note.external_id = receipt.external_id or note.external_id
    if note.revision == claim.note.revision:
        note.error, note.next_attempt_at, note.loud = "", None, False


def _failed(
    session: Session, claim: _Claim, entry: Delivery, error: NotifyError, *, now: datetime
) -> None:
    note = session.get_one(Notification, claim.note.id, with_for_update=True)
    logger.warning(
        "delivery channel=%s group=%s event=%s outcome=%s attempt=%s error=%s",
        *(entry.channel, entry.group_id, entry.event, entry.outcome, entry.attempt, error),
    )
    if not _still_ours(note, claim):
        return
    note.leased_by = note.leased_until = None
    note.in_doubt = claim.was_in_doubt or error.uncertain
    note.not_before = now + error.retry_after if error.retry_after else None
    if note.wanted_at == claim.note.wanted_at:
        note.error, note.next_attempt_at = str(error), _next_attempt(entry, error, now)
    elif note.wanted is not Event.TRIGGER and note.sent is None and not note.in_doubt:
        note.next_attempt_at = None  # it surely never heard of the alert: say nothing of its end
    else:
        note.next_attempt_at = max(now, note.not_before or now)


def _still_ours(note: Notification, claim: _Claim) -> bool:
    lease = (claim.note.leased_by, claim.note.leased_until)
    return (note.leased_by, note.leased_until) == lease


def _next_attempt(entry: Delivery, error: NotifyError, now: datetime) -> datetime | None:
    if entry.outcome is not Outcome.RETRYING:
        return None
    doublings = min(entry.attempt - 1, 10)
    backoff = min(BACKOFF * float(2**doublings), BACKOFF_LIMIT)
    return now + max(backoff, error.retry_after or timedelta())


def _tell(
    session: Session, usable: Channels, group: Group, people: list[Person], *, now: datetime
) -> None:
    """Want messages to the first of `people`, unless someone has the alerts meanwhile."""
    if not people or group.state is not AlertState.FIRING or group.muted:
        return
    group_id = cast(int, group.id)
    want_page(session, group_id, usable.page, now=now)
    for channel in (channels.name(kind, people[0].email) for kind in usable.reach):
        want(session, group_id, Event.TRIGGER, channel, now=now)
