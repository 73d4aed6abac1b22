"""Asking PagerDuty what people did to our incidents, where its webhooks cannot reach us.

What is seen goes the way of the webhooks: `alerts.incidents`. Of several engines one asks, by
moving the due time on before it does; one that dies in the middle is followed by the next.
"""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from sqlalchemy import CursorResult, Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, or_, select, update

from alerts import channels, incidents
from alerts.decision import StaleError
from alerts.groups import vendor_key
from alerts.notifiers import NotifyError
from alerts.notifiers.pagerduty import dedup_key
from alerts.notifiers.pagerduty_incidents import Sight
from alerts.notifiers.pagerduty_wire import PAGE
from models.database import read_only
from models.tables import Group, Incident, Notification, Poll
from models.tables.columns import still_open

logger = logging.getLogger(__name__)

NAME = "pagerduty"
INTERVAL = timedelta(seconds=10)
REFUSED_INTERVAL = timedelta(minutes=1)  # nothing changes until somebody mends the token
LEASE = timedelta(seconds=30)  # longer than a round takes
ROUND_SECONDS = 10.0  # after which no further question is begun
ASKED_ONE_BY_ONE = 25


class Incidents(Protocol):
    """Where incidents are looked at: see `alerts.notifiers.pagerduty_incidents`."""

    def open(self, *, offset: int) -> tuple[list[Sight], bool]:
        """Return open incidents from `offset` on, and whether more follow; or raise NotifyError."""
        ...

    def find(self, key: str) -> list[Sight]:
        """Return the incidents under one dedup key, or raise NotifyError."""
        ...


def poll(db: Engine, vendor: Incidents, *, now: datetime) -> bool:
    """Follow what people did to our open incidents, if it is time to ask; False if it is not.

    Nothing is asked while no group of ours that is open was ever sent there.
    """
    if not _claim(db, now=now):
        return False
    keys = _keys(db)
    try:
        if keys:
            _round(db, vendor, keys, now=now)
    except NotifyError as error:
        wait = REFUSED_INTERVAL if error.permanent else INTERVAL
        wait = max(wait, error.retry_after or timedelta())
        _release(db, now=now, next_at=now + wait, error=str(error))
    else:
        _release(db, now=now, next_at=now + INTERVAL, error="")
    return True


def _round(db: Engine, vendor: Incidents, keys: set[str], *, now: datetime) -> None:
    """Look through all that is open, then ask for those of ours that were not among it.

    Those are over, or PagerDuty keeps their key with the incident's alerts: then they are known by
    their id from then on.
    """
    until = time.perf_counter() + ROUND_SECONDS
    known = _known(db)
    missing = set(keys)
    for sight in _open(vendor, until):
        before = known.get(sight.id)
        key = before.key if before is not None else sight.key
        if key in keys:
            missing.discard(key)
            _follow(db, sight, before, key, now=now)
    for key in _turn(sorted(missing), now=now):
        if time.perf_counter() > until:
            return
        for sight in vendor.find(key):
            _follow(db, sight, known.get(sight.id), key, now=now)


def _open(vendor: Incidents, until: float) -> Iterator[Sight]:
    offset, more = 0, True
    while more and time.perf_counter() <= until:
        found, more = vendor.open(offset=offset)
        yield from found
        offset += PAGE


def _follow(db: Engine, sight: Sight, before: Incident | None, key: str, *, now: datetime) -> None:
    told = sight.told(before.status if before is not None else "", key=key)
    if told is None:
        return
    try:
        answer = incidents.follow(db, told, now=now)
    except StaleError:
        return  # it is seen again in the next round
    logger.info(
        "reply door=pagerduty_polling event=%s by=%s answer=%s", told.happening, told.by, answer
    )


def _turn(keys: list[str], *, now: datetime) -> list[str]:
    """Return those whose turn it is: too many to ask for at once are asked for in rounds."""
    if len(keys) <= ASKED_ONE_BY_ONE:
        return keys
    start = int(now.timestamp() / INTERVAL.total_seconds()) * ASKED_ONE_BY_ONE % len(keys)
    return (keys[start:] + keys[:start])[:ASKED_ONE_BY_ONE]


def _keys(db: Engine) -> set[str]:
    """Return the dedup keys under which PagerDuty may know the groups that are open."""
    sent = or_(col(Notification.sent).is_not(None), col(Notification.in_doubt))
    services = channels.name(channels.PAGERDUTY, "")
    asked = (
        select(Group.dedup_key, Group.epoch, Notification.external_id, Notification.in_doubt)
        .join(Notification)
        .where(still_open(Group.state), sent)
        .where(col(Notification.channel).startswith(services))
    )
    with Session(read_only(db)) as session:
        rows = session.exec(asked).all()
    told = {dedup_key(external_id) for *_, external_id, _ in rows}
    doubtful = {vendor_key(key, epoch) for key, epoch, _, in_doubt in rows if in_doubt}
    return (told | doubtful) - {""}


def _known(db: Engine) -> dict[str, Incident]:
    opened = still_open(Group.state)
    with Session(read_only(db), expire_on_commit=False) as session:
        return {row.id: row for row in session.exec(select(Incident).join(Group).where(opened))}


def _claim(db: Engine, *, now: datetime) -> bool:
    try:
        with Session(db) as session:
            row = session.get(Poll, NAME)
            if row is None:
                session.add(Poll(name=NAME, next_at=now + LEASE))
            elif row.next_at > now:
                return False
            else:
                mine = (col(Poll.name) == NAME, col(Poll.next_at) == row.next_at)
                claim = update(Poll).where(*mine).values(next_at=now + LEASE)
                if cast(CursorResult[Any], session.exec(claim)).rowcount != 1:
                    return False
            session.commit()
    except IntegrityError:
        return False  # another engine was faster
    return True


def _release(db: Engine, *, now: datetime, next_at: datetime, error: str) -> None:
    with Session(db) as session:
        row = session.get_one(Poll, NAME, with_for_update=True)
        if error and error != row.error:
            logger.warning("poll vendor=%s error=%s", NAME, error)
        row.next_at, row.error = next_at, error[:500]
        row.answered_at = row.answered_at if error else now
        session.add(row)
        session.commit()
