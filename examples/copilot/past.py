"""What the last seven days were like: the load, a slow model two days ago, a prompt's roll-out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from examples.copilot.breaks import HEALTHY, Break, Conditions, conditions
from examples.copilot.people import daily_shape
from examples.copilot.prompts import ROLLOUT_PERCENT
from examples.copilot.world import REQUESTS_PER_SECOND

DAYS = 7
LASTS = timedelta(days=DAYS)
INCIDENT_AGO = timedelta(days=2)
INCIDENT_LASTS = timedelta(minutes=25)
ROLLOUT_AGO = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The time before `now`, of which `lasts` is kept."""

    now: datetime
    lasts: timedelta = LASTS

    @property
    def start(self) -> datetime:
        """Return when it begins."""
        return self.now - self.lasts

    @property
    def incident(self) -> tuple[datetime, datetime]:
        """Return when the model was slow."""
        began = (self.now - INCIDENT_AGO).replace(minute=10, second=0, microsecond=0)
        return began, began + INCIDENT_LASTS

    def in_incident(self, at: datetime) -> bool:
        """Say whether the model was slow at `at`."""
        began, ended = self.incident
        return began <= at < ended

    def odds(self, at: datetime) -> Conditions:
        """Return the conditions at `at`."""
        return conditions([Break.SLOW_MODEL]) if self.in_incident(at) else HEALTHY

    def rollout_percent(self, at: datetime) -> int:
        """Return the share of users on the candidate prompt at `at`."""
        return ROLLOUT_PERCENT if at >= self.now - ROLLOUT_AGO else 0

    def requests_per_second(self, at: datetime) -> float:
        """Return the load at `at`."""
        return REQUESTS_PER_SECOND * daily_shape(at)
