"""Tests of channels: messages marked TEST, through the real notifiers, about no alert.

A trial has a dedup key of its own that belongs to no group, so that whatever a vendor answers can
touch no alert, and every channel that was told of its beginning is told of its end. Its rows are
asked for here, by pages and commands, and sent by the engine: see `alerts.trial_delivery`.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select

from alerts import channels
from models.tables import Trial, TrialMessage
from models.vocabulary import Event

MOST_CHANNELS = 30
KEPT = timedelta(days=30)


class TrialError(Exception):
    """The test cannot be sent; one sentence says why."""


def begin(
    db: Engine, names: Iterable[str], *, about: str, by: str, now: datetime, key: str = ""
) -> int:
    """Ask for a test of the channels in `names`; return its id.

    Args:
        db: Where the engine will find it.
        names: As `alerts.channels` writes them.
        about: What is tested, as people call it.
        by: Who asks.
        now: The instant.
        key: What comes twice under the same key is sent once.

    Raises:
        TrialError: There is no channel, or too many.
        ChannelError: One of them is none.
    """
    wanted = list(dict.fromkeys(channels.name(*channels.parse(name)) for name in names))
    if not wanted:
        raise TrialError("choose at least one channel to test")
    if len(wanted) > MOST_CHANNELS:
        raise TrialError(f"at most {MOST_CHANNELS} channels are tested at a time")
    identity = uuid.uuid4().hex
    trial = Trial(
        key=key or identity, at=now, by=by, about=about, dedup_key=f"wakeful-test-{identity}"
    )
    with Session(db) as session:
        if (before := _under(session, trial.key)) is not None:
            return before
        try:
            session.add(trial)
            session.flush()
        except IntegrityError:  # the same click, through another process
            session.rollback()
            return cast(int, _under(session, trial.key))
        trial_id = cast(int, trial.id)
        session.add_all(
            TrialMessage(trial_id=trial_id, channel=name, event=Event.TRIGGER, due_at=now)
            for name in wanted
        )
        session.commit()
        return trial_id


def trials(session: Session, *, about: str = "", limit: int = 5) -> list[Trial]:
    """Return the last tests, of anything or of what is called `about`, newest first."""
    query = select(Trial).order_by(col(Trial.id).desc()).limit(limit)
    return list(session.exec(query.where(Trial.about == about) if about else query))


def messages(session: Session, trial_ids: Iterable[int]) -> list[TrialMessage]:
    """Return the messages of these tests, in the order in which they came to be."""
    of_trials = select(TrialMessage).where(col(TrialMessage.trial_id).in_(list(trial_ids)))
    return list(session.exec(of_trials.order_by(col(TrialMessage.id))))


def forget(session: Session, *, now: datetime) -> None:
    """Remove the tests that are long over."""
    old = select(Trial.id).where(Trial.at < now - KEPT)
    session.exec(delete(TrialMessage).where(col(TrialMessage.trial_id).in_(old)))
    session.exec(delete(Trial).where(col(Trial.at) < now - KEPT))


def _under(session: Session, key: str) -> int | None:
    return session.exec(select(Trial.id).where(Trial.key == key)).one_or_none()
