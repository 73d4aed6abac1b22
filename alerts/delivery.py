"""Sending what the outbox holds: one attempt at one message at a time.

At least once, folded: `deliver_next` commits a lease, sends, then commits the outcome. Killed in
between, the message is sent again; PagerDuty folds it by dedup key, Slack updates the post whose
id is stored. Nothing is sent while a transaction is open.

Slack folds neither a new post nor a reply in a thread: killed between the send and its record,
there is one more of it, at most one for each kill.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Engine, literal, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from alerts import channels, evidence, recording, threads
from alerts.evidence import Finder
from alerts.notifiers import Directory, Message, Notifier, NotifyError, Person, Poster, Receipt
from alerts.outbox import free, want, want_page
from alerts.recording import Claim
from alerts.wording import breach, message
from models.database import read_only
from models.tables import Delivery, Group, Notification
from models.vocabulary import AlertState, Event

LEASE = timedelta(minutes=1)  # longer than any one send may take
# Longest due first, as the index has them: of ten thousand that are due, one is read.
_FIRST = (col(Notification.next_attempt_at), col(Notification.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Every channel kind this installation can use.

    Attributes:
        notifiers: By kind of place.
        directories: By kind of person.
        posters: By kind of place, for what is about no alert.
        reach: The kinds of place by which a person is told, in order.
        page: Channels that a person's page needs beside it, such as the incident to assign; see
            `alerts.outbox.want_page`.
        base_url: Where links in messages lead.
        evidence: Finds the traces that explain a breach. Asked outside any transaction; it never
            raises, and takes at most a few seconds.
    """

    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    directories: Mapping[str, Directory] = field(default_factory=dict)
    posters: Mapping[str, Poster] = field(default_factory=dict)
    reach: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    base_url: str = ""
    evidence: Finder = evidence.none


def deliver_next(
    db: Engine, usable: Channels, kinds: Collection[str], *, now: datetime, by: str
) -> Delivery | None:
    """Make one attempt at the longest-due notification of `kinds`, leased by the engine `by`.

    Returns:
        The ledger's entry, or None when nothing is due.
    """
    # Lanes with nothing to do look every second: they must not take the lock of those that have.
    claim = _claim(db, usable, kinds, now=now, by=by) if _is_due(db, kinds, now) else None
    if claim is None:
        return None
    said = claim.message
    if claim.breach is not None:
        said = replace(said, evidence=usable.evidence(claim.breach, now=now))
    started = time.perf_counter()
    people: list[Person] = []
    receipt, error = Receipt(answer=""), None
    kind, target = channels.parse(claim.note.channel)
    try:
        if kind in channels.PEOPLE:
            people = find_people(usable, kind, target, now=now)
            receipt = Receipt(answer=", ".join(f"{p.name} <{p.email}>" for p in people))
        else:
            receipt = notifier_of(usable, kind).send(target, said)
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
        outcome=recording.outcome(claim.note, people, error, now=now),
        loud=claim.message.loud,
        answer=receipt.answer if error is None else str(error),
    )
    ended = now + timedelta(milliseconds=elapsed_ms)
    with Session(db, expire_on_commit=False) as session:
        group = session.get_one(Group, entry.group_id, with_for_update=True)
        session.add(entry)
        if error is None:
            recording.sent(session, claim, receipt, now=ended)
            _tell(session, usable, group, people, now=now)
        else:
            recording.failed(session, claim, entry, error, now=ended)
        session.commit()
    return entry


def _is_due(db: Engine, kinds: Collection[str], now: datetime) -> bool:
    with Session(read_only(db)) as session:
        return (
            session.exec(select(Notification.id).where(*_due(kinds, now)).limit(1)).first()
            is not None
        )


def _claim(
    db: Engine, usable: Channels, kinds: Collection[str], *, now: datetime, by: str
) -> Claim | None:
    """Lease the longest-due row, so that no two engines send it, and word its message."""
    due = select(Notification).where(*_due(kinds, now)).order_by(*_FIRST)
    with Session(db, expire_on_commit=False) as session:
        while True:
            note = session.exec(due.limit(1).with_for_update(skip_locked=True)).one_or_none()
            if note is None:
                return None
            worded = _worded(session, note, base_url=usable.base_url)
            if worded is not None:
                break
            note.next_attempt_at = None  # until there is a post, or something new
            session.add(note)
            session.commit()
        was_in_doubt = note.in_doubt
        note.leased_by, note.leased_until = by, now + LEASE
        note.attempts, note.in_doubt = note.attempts + 1, True
        shown = channels.parse(note.channel)[0] in channels.KEPT_CURRENT
        about = breach(session, session.get_one(Group, note.group_id)) if shown else None
        session.add(note)
        session.commit()
        return Claim(note=note, was_in_doubt=was_in_doubt, message=worded, breach=about)


def _worded(session: Session, note: Notification, *, base_url: str) -> Message | None:
    """Return what to say for `note`; None for a thread that there is nothing to tell."""
    if channels.parse(note.channel)[0] not in channels.FOLLOWING:
        return message(session, note, base_url=base_url)
    news = threads.news(session, note, session.get_one(Group, note.group_id))
    if news is None:
        return None
    return replace(message(session, note, base_url=base_url), news=news)


def _due(kinds: Collection[str], now: datetime) -> tuple[ColumnElement[bool], ...]:
    of_kind = or_(*(col(Notification.channel).startswith(f"{kind}:") for kind in kinds))
    due = (col(Notification.next_attempt_at) <= now, free(Notification, now=now), of_kind)
    if not set(kinds) & set(channels.FOLLOWING):
        return due
    # A reply takes no page's turn: the vendor counts what it is sent by channel. The busy channels
    # are found once, not once for each reply: ten thousand of those took 38 s.
    post, kind = aliased(Notification), f"{channels.SLACK}:"
    thread = literal(f"{channels.SLACK_THREAD}:").concat(func.substr(post.channel, len(kind) + 1))
    busy = select(thread).where(
        col(post.next_attempt_at) <= now, col(post.channel).startswith(kind)
    )
    return (*due, col(Notification.channel).not_in(busy))


def find_people(usable: Channels, kind: str, target: str, *, now: datetime) -> list[Person]:
    """Return who answers for `target`, first to be told first.

    Raises:
        NotifyError: Nobody does, or it could not be found out.
    """
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


def notifier_of(usable: Channels, kind: str) -> Notifier:
    """Return what tells channels of that kind.

    Raises:
        NotifyError: It is not configured.
    """
    notifier = usable.notifiers.get(kind)
    if notifier is None:
        raise NotifyError(f"{kind} is not configured: see the settings table", permanent=True)
    return notifier


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
