"""What a vendor's reply does here: one call into the engine, and an answer in one line."""

from dataclasses import dataclass

from sqlalchemy import Engine

from alerts import actions
from alerts.actions import UnknownAlertError
from alerts.decision import StaleError
from alerts.lifecycle import TransitionError
from app.http.replies import ReplyError
from models.clock import Clock


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
