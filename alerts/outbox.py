"""The outbox: what each channel should know, until it has been told.

Level-triggered: one row per alert and channel holds what is `wanted` and what was `sent`, so a
late trigger cannot follow a resolve, and a channel never told of an alert is not told of its end.

At least once, folded: `deliver_next` commits a lease, sends, then commits the outcome. Killed in
between, the message is sent again; PagerDuty folds it by dedup key, Slack updates the post whose
id is stored. Nothing is sent while a transaction is open.
"""

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Engine, or_
from sqlmodel import Session, col, select, update

from alerts import channels
from alerts.notifiers import Directory, Message, Notifier, NotifyError, Person, Receipt
from alerts.wording import message
from models.tables import Alert, Delivery, Notification, Rule
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
        page: Channels that a person's page needs beside it, such as the incident to assign.
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


def want(session: Session, alert_id: int, event: Event, channel: str, *, now: datetime) -> None:
    """Set what `channel` should know; an end is only told where the beginning may be known."""
    key = (Notification.alert_id == alert_id, Notification.channel == channel)
    row = session.exec(select(Notification).where(*key).with_for_update()).one_or_none()
    if row is None:
        row = Notification(alert_id=alert_id, channel=channel, wanted=event, wanted_at=now)
    worth_saying = event is Event.TRIGGER or row.sent is not None or row.in_doubt
    row.wanted, row.wanted_at, row.attempts, row.error = event, now, 0, ""
    row.next_attempt_at = now if worth_saying else None
    session.add(row)


def want_everywhere(session: Session, alert: Alert, event: Event, *, now: datetime) -> None:
    """Set what every channel that was to hear of `alert` should know now."""
    told = select(Notification.channel).where(Notification.alert_id == alert.id)
    for channel in session.exec(told).all():
        if channels.parse(channel)[0] not in channels.PEOPLE:
            want(session, cast(int, alert.id), event, channel, now=now)
        else:
            settle(session, cast(int, alert.id), channel)


def settle(session: Session, alert_id: int, channel: str) -> None:
    """Stop looking for people: nobody needs to be found for an alert that someone has."""
    key = (col(Notification.alert_id) == alert_id, col(Notification.channel) == channel)
    session.exec(update(Notification).where(*key).values(next_attempt_at=None))


def release_leases(db: Engine) -> None:
    """End every lease: at the start of an engine that is alone, all are a dead engine's."""
    with Session(db) as session:
        session.exec(update(Notification).values(leased_until=None))
        session.commit()


def deliver_next(
    db: Engine, usable: Channels, kinds: Collection[str], *, now: datetime
) -> Delivery | None:
    """Make one attempt at the longest-due notification of `kinds`.

    Returns:
        The ledger's entry, or None when nothing is due.
    """
    claim = _claim(db, usable, kinds, now)
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
        alert_id=claim.note.alert_id,
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
        session.add(entry)
        if error is None:
            _sent(session, claim, receipt, now=ended)
            _tell(session, usable, claim.note.alert_id, people, now=now)
        else:
            _failed(session, claim, entry, error, now=ended)
        session.commit()
    return entry


def _claim(db: Engine, usable: Channels, kinds: Collection[str], now: datetime) -> _Claim | None:
    """Lease the longest-due row, so that no two engines send it, and word its message."""
    with Session(db, expire_on_commit=False) as session:
        due = select(Notification).where(*_due(kinds, now)).order_by(col(Notification.wanted_at))
        for note in session.exec(due.limit(10)).all():
            was_in_doubt = note.in_doubt
            lease = (
                update(Notification)
                .where(col(Notification.id) == note.id, *_due(kinds, now))
                .values(
                    leased_until=now + LEASE,
                    attempts=col(Notification.attempts) + 1,
                    in_doubt=True,
                )
            )
            if cast(CursorResult[Any], session.exec(lease)).rowcount != 1:
                continue
            session.refresh(note)
            alert, rule = session.exec(
                select(Alert, Rule).join(Rule).where(Alert.id == note.alert_id)
            ).one()
            worded = message(alert, rule, note, base_url=usable.base_url)
            session.commit()
            return _Claim(note=note, was_in_doubt=was_in_doubt, message=worded)
    return None


def _due(kinds: Collection[str], now: datetime) -> tuple[ColumnElement[bool], ...]:
    of_kind = or_(*(col(Notification.channel).startswith(f"{kind}:") for kind in kinds))
    free = or_(col(Notification.leased_until).is_(None), col(Notification.leased_until) <= now)
    return (col(Notification.next_attempt_at) <= now, free, of_kind)


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
    note.leased_until, note.in_doubt = None, False
    note.sent, note.sent_at = claim.message.event, now
    note.external_id = receipt.external_id or note.external_id
    if not _newer(note, claim):
        note.error, note.next_attempt_at = "", None


def _failed(
    session: Session, claim: _Claim, entry: Delivery, error: NotifyError, *, now: datetime
) -> None:
    note = session.get_one(Notification, claim.note.id, with_for_update=True)
    note.leased_until = None
    note.in_doubt = claim.was_in_doubt or error.uncertain
    if not _newer(note, claim):
        note.error, note.next_attempt_at = str(error), _next_attempt(entry, error, now)
    elif note.wanted is not Event.TRIGGER and note.sent is None and not note.in_doubt:
        note.next_attempt_at = None  # it surely never heard of the alert: say nothing of its end
    logger.warning(
        "delivery channel=%s alert=%s event=%s outcome=%s attempt=%s error=%s",
        *(entry.channel, entry.alert_id, entry.event, entry.outcome, entry.attempt, error),
    )


def _newer(note: Notification, claim: _Claim) -> bool:
    """Say whether something else became wanted during the send; it is due already."""
    return (note.wanted, note.wanted_at) != (claim.note.wanted, claim.note.wanted_at)


def _next_attempt(entry: Delivery, error: NotifyError, now: datetime) -> datetime | None:
    if entry.outcome is not Outcome.RETRYING:
        return None
    doublings = min(entry.attempt - 1, 10)
    backoff = min(BACKOFF * float(2**doublings), BACKOFF_LIMIT)
    return now + max(backoff, error.retry_after or timedelta())


def _tell(
    session: Session, usable: Channels, alert_id: int, people: list[Person], *, now: datetime
) -> None:
    """Want messages to the first of `people`, unless someone has taken the alert meanwhile."""
    alert = session.get_one(Alert, alert_id, with_for_update=True)
    if not people or alert.state is not AlertState.FIRING:
        return
    known = select(Notification.channel).where(Notification.alert_id == alert_id)
    missing = set(usable.page) - set(session.exec(known).all())
    direct = (channels.name(kind, people[0].email) for kind in usable.reach)
    for channel in (*sorted(missing), *direct):
        want(session, alert_id, Event.TRIGGER, channel, now=now)
