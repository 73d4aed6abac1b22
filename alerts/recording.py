"""What came of an attempt to deliver: written into the outbox, in the caller's transaction."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select, update

from alerts import channels
from alerts.evidence import Breach
from alerts.notifiers import Message, NotifyError, Person, PostGoneError, Receipt
from alerts.outbox import want_threads
from models.tables import Delivery, Notification
from models.vocabulary import Event, Outcome

logger = logging.getLogger(__name__)

BACKOFF = timedelta(seconds=5)
BACKOFF_LIMIT = timedelta(minutes=5)
PATIENCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A leased row as it was when leased, and what to say for it.

    Attributes:
        breach: What to show traces of; None where they are not shown.
    """

    note: Notification
    was_in_doubt: bool
    message: Message
    breach: Breach | None = None


def outcome(
    note: Notification, found: Sequence[Person], error: NotifyError | None, *, now: datetime
) -> Outcome:
    """Return how an attempt at `note` ended."""
    if error is None:
        return Outcome.EXPANDED if found else Outcome.DELIVERED
    if isinstance(error, PostGoneError):
        return Outcome.SETTLED
    if error.permanent:
        return Outcome.REFUSED
    return Outcome.GAVE_UP if now - note.wanted_at >= PATIENCE else Outcome.RETRYING


def sent(session: Session, claim: Claim, receipt: Receipt, *, now: datetime) -> None:
    """Write that the vendor took the message."""
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
    if claim.message.news is not None:
        note.told = dict(claim.message.news.told)
    if note.revision == claim.note.revision:
        note.error, note.next_attempt_at, note.loud = "", None, False
    if receipt.external_id and receipt.external_id != note.external_id:
        note.external_id = receipt.external_id
        session.flush()
        want_threads(session, note.group_id, now=now)


def failed(
    session: Session, claim: Claim, entry: Delivery, error: NotifyError, *, now: datetime
) -> None:
    """Write that it did not, and when to try again, if ever."""
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
    if isinstance(error, PostGoneError):
        _forget_post(session, note, claim)
    elif note.wanted_at == claim.note.wanted_at:
        note.error, note.next_attempt_at = str(error), _next_attempt(entry, error, now)
    elif note.wanted is not Event.TRIGGER and note.sent is None and not note.in_doubt:
        note.next_attempt_at = None  # it surely never heard of the alert: say nothing of its end
    else:
        note.next_attempt_at = max(now, note.not_before or now)
    if note.not_before is not None:
        _hold(session, note, until=note.not_before)
    of_thread = channels.parse(note.channel)[0] in channels.FOLLOWING
    if entry.outcome in (Outcome.REFUSED, Outcome.GAVE_UP) and not of_thread:
        session.flush()
        want_threads(session, note.group_id, now=now)


def _forget_post(session: Session, note: Notification, claim: Claim) -> None:
    """Let the thread `note` wait for another post: the one it belonged to was deleted."""
    note.error, note.next_attempt_at = "", None
    parent = claim.message.news.parent if claim.message.news else None
    post = channels.post_of(note.channel)
    gone = (col(Notification.group_id) == note.group_id, col(Notification.channel) == post)
    same = col(Notification.external_id) == parent
    session.exec(update(Notification).where(*gone, same).values(external_id=None))


def _hold(session: Session, note: Notification, *, until: datetime) -> None:
    """Let everything that is due in the same channel wait as well: the limit is the channel's."""
    waiting = select(Notification).where(
        col(Notification.channel).in_(channels.sharing(note.channel)),
        col(Notification.next_attempt_at) < until,
        Notification.id != note.id,
    )
    # What another engine has in hand finds out for itself.
    for row in session.exec(waiting.with_for_update(skip_locked=True)):
        row.not_before = row.next_attempt_at = until
        session.add(row)


def _still_ours(note: Notification, claim: Claim) -> bool:
    lease = (claim.note.leased_by, claim.note.leased_until)
    return (note.leased_by, note.leased_until) == lease


def _next_attempt(entry: Delivery, error: NotifyError, now: datetime) -> datetime | None:
    if entry.outcome is not Outcome.RETRYING:
        return None
    doublings = min(entry.attempt - 1, 10)
    first = error.retry_after or BACKOFF  # a vendor that limits us says itself how soon
    backoff = min(first * float(2**doublings), BACKOFF_LIMIT)
    return now + max(backoff, error.retry_after or timedelta())
