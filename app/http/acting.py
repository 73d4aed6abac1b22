"""What a vendor's reply does here: one call into the engine, and an answer in one line."""

from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from alerts import actions
from alerts.actions import UnknownAlertError
from alerts.decision import StaleError
from alerts.lifecycle import TransitionError
from app.http.replies import ReplyError
from models.clock import Clock
from models.database import read_only
from models.tables import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies:
    """Follows replies on the alerts of one database."""

    db: Engine
    clock: Clock

    def acknowledge(self, dedup_key: str, by: str) -> str:
        """Take an alert for `by`.

        Raises:
            ReplyError: It is unknown, over, or someone else's.
        """
        try:
            taken = actions.acknowledge(self.db, dedup_key, by=by, now=self.clock())
        except (UnknownAlertError, TransitionError, StaleError) as error:
            raise ReplyError(f"{error}".capitalize() + ".") from error
        if not taken.first and taken.by != by:
            raise ReplyError(f"Already taken by {taken.by}.")
        return f"{by} has it"

    def resolve(self, dedup_key: str, by: str) -> str:
        """Close an alert for `by`; closing a closed one changes nothing.

        Raises:
            ReplyError: It is unknown, or has not fired.
        """
        try:
            first = actions.resolve(self.db, dedup_key, by=by, now=self.clock())
        except (UnknownAlertError, TransitionError, StaleError) as error:
            raise ReplyError(f"{error}".capitalize() + ".") from error
        return f"resolved by {by}" if first else "already resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Which webhooks were followed already, kept in the database."""

    db: Engine
    clock: Clock

    def has(self, event_id: str) -> bool:
        """Say whether `event_id` was followed."""
        with Session(read_only(self.db)) as session:
            return session.get(Reply, event_id) is not None

    def add(self, event_id: str) -> None:
        """Remember that `event_id` was followed; adding it twice is no error."""
        try:
            with Session(self.db) as session:
                session.merge(Reply(event_id=event_id, at=self.clock()))
                session.commit()
        except IntegrityError:
            return  # another door was faster; it is there
