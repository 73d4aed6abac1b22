"""Sending the messages of reports: one attempt at one message at a time, none sent twice.

A lease is committed, the message is sent, its outcome is committed. What an attempt may have
delivered, killed in between or without an answer, is not tried again: an alert said twice is better
than one not said, a report said twice is noise. The ledger tells, and a person may send it anew.
What certainly did not arrive is tried again for an hour or so.
"""

import time
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from alerts import channels
from alerts.delivery import LEASE, Channels
from alerts.notifiers import Bulletin, NotifyError, Receipt
from alerts.outbox import free
from models.tables import ReportMessage
from models.vocabulary import Outcome

BACKOFF = timedelta(seconds=30)
BACKOFF_LIMIT = timedelta(minutes=10)
TRIES = 10  # take an hour
PERHAPS = "it may have arrived: it is not sent again by itself"


def deliver_next(db: Engine, usable: Channels, *, now: datetime, by: str) -> ReportMessage | None:
    """Make one attempt at the longest-due message of a report, leased by the engine `by`.

    Returns:
        The message as it stands then, or None when nothing is due.
    """
    claim = _claim(db, now=now, by=by)
    if claim is None or claim.outcome is Outcome.GAVE_UP:
        return claim
    started = time.perf_counter()
    receipt, error = Receipt(answer=""), None
    try:
        receipt = _post(claim, usable)
    except NotifyError as raised:
        error = raised
    elapsed_ms = (time.perf_counter() - started) * 1000
    with Session(db, expire_on_commit=False) as session:
        row = session.get_one(ReportMessage, claim.id, with_for_update=True)
        if (row.leased_by, row.leased_until) != (claim.leased_by, claim.leased_until):
            return row  # another engine took us for dead, and answers for it now
        row.leased_by = row.leased_until = None
        row.told_at, row.duration_ms = now, round(elapsed_ms, 1)
        if error is None:
            row.outcome, row.answer = Outcome.DELIVERED, receipt.answer
            row.due_at, row.in_doubt = None, False
        else:
            _failed(row, error, now=now)
        session.add(row)
        session.commit()
    return row


def _claim(db: Engine, *, now: datetime, by: str) -> ReportMessage | None:
    """Lease the longest-due message; one that an engine died with is given up instead."""
    due = (col(ReportMessage.due_at) <= now, free(ReportMessage, now=now))
    first = (
        select(ReportMessage).where(*due).order_by(col(ReportMessage.due_at), col(ReportMessage.id))
    )
    with Session(db, expire_on_commit=False) as session:
        row = session.exec(first.limit(1).with_for_update(skip_locked=True)).one_or_none()
        if row is None:
            return None
        if row.in_doubt:
            row.outcome, row.due_at = Outcome.GAVE_UP, None
            row.leased_by = row.leased_until = None
            row.answer = f"the engine ended while it was being sent; {PERHAPS}"
        else:
            row.leased_by, row.leased_until = by, now + LEASE
            row.attempts, row.in_doubt = row.attempts + 1, True
        session.add(row)
        session.commit()
        return row


def _post(claim: ReportMessage, usable: Channels) -> Receipt:
    kind, target = channels.parse(claim.channel)
    poster = usable.posters.get(kind)
    if poster is None:
        raise NotifyError(f"{kind} is not configured: see the settings table", permanent=True)
    return poster.post(target, Bulletin(title=claim.title, lines=tuple(claim.lines), url=claim.url))


def _failed(row: ReportMessage, error: NotifyError, *, now: datetime) -> None:
    row.answer, row.in_doubt, row.due_at = str(error), error.uncertain, None
    if error.permanent:
        row.outcome, row.in_doubt = Outcome.REFUSED, False
    elif error.uncertain:
        row.outcome, row.answer = Outcome.GAVE_UP, f"{error}; {PERHAPS}"
    elif row.attempts >= TRIES:
        row.outcome = Outcome.GAVE_UP
    else:
        backoff = min(BACKOFF * float(2 ** (row.attempts - 1)), BACKOFF_LIMIT)
        row.outcome = Outcome.RETRYING
        row.due_at = now + max(backoff, error.retry_after or timedelta())
