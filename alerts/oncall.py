"""The directory behind `schedule:name`: whoever is on call by one of the schedules kept here."""

import logging
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from alerts import rota
from alerts.notifiers import NotifyError, Person, people
from alerts.notifiers.pagerduty_rest import PagerDutySchedules
from alerts.rota import NotReadError, RotaError
from models.database import read_only
from models.vocabulary import RotaSource

logger = logging.getLogger(__name__)


class ScheduledPeople:
    """Finds people by schedules; see `Directory`.

    A schedule that is kept in PagerDuty is asked for there, and answered from what PagerDuty last
    said when it cannot be asked: a page to whom it was then is better than none.
    """

    def __init__(self, db: Engine, pagerduty: PagerDutySchedules | None = None) -> None:
        self._db = db
        self._pagerduty = pagerduty

    def find(self, target: str, *, at: datetime) -> list[Person]:
        """Return who is on call by the schedule `target` at `at`; empty for a gap.

        Raises:
            NotifyError: There is no such schedule, or it could not be found out.
        """
        try:
            schedule_id = self._in_pagerduty(target)
            if schedule_id and self._pagerduty is not None:
                try:
                    return self._pagerduty.find(schedule_id, at=at)
                except NotifyError as error:
                    return self._as_last_known(target, at, error)
            return self._by_what_is_kept(target, at)
        except SQLAlchemyError as error:
            raise NotifyError("the database of schedules does not answer") from error

    def _in_pagerduty(self, name: str) -> str:
        """Return the id that the schedule has in PagerDuty; empty when it is not kept there."""
        with Session(read_only(self._db)) as session:
            row = rota.by_name(session, name)
            return row.address if row and row.source is RotaSource.PAGERDUTY else ""

    def _as_last_known(self, name: str, at: datetime, error: NotifyError) -> list[Person]:
        try:
            found = self._by_what_is_kept(name, at)
        except NotifyError:
            found = []
        if not found:
            raise error
        logger.warning("schedule answered from the last known name=%s error=%s", name, error)
        return found

    def _by_what_is_kept(self, name: str, at: datetime) -> list[Person]:
        with Session(read_only(self._db)) as session:
            try:
                shift = rota.who_is_on_call(session, name, at=at)
            except NotReadError as error:
                raise NotifyError(str(error)) from error
            except RotaError as error:
                raise NotifyError(f"{error}: correct the policy", permanent=True) from error
        return [people.read(shift.person)] if shift else []
