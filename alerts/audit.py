"""What is late that should not be: steps of policies, messages, evaluations of rules.

Every wait is a column, so that anyone can see what is overdue, whichever engine was to do it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from models.tables import Group, Notification, Rule
from signals.units import span

# Less than this is the rhythm of the engines, not lateness.
STEP_GRACE = timedelta(seconds=10)
MESSAGE_GRACE = timedelta(seconds=30)
INTERVALS = 3  # a rule that was not evaluated for so many of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """How far Wakeful lags behind with one kind of thing.

    Attributes:
        what: `step`, `message` or `evaluation`.
        count: How many are late.
        by: How late the latest is; zero if none is.
    """

    what: str
    count: int
    by: timedelta

    @property
    def sentence(self) -> str:
        """Return it in words: `2 steps are late, by up to 3 min`."""
        things = f"{self.count} {self.what}{'' if self.count == 1 else 's'}"
        return f"{things} {'is' if self.count == 1 else 'are'} late, by up to {span(self.by)}"


def audit(session: Session, *, now: datetime) -> list[Lateness]:
    """Return how late each kind of thing is, those that are not late included."""
    return [_steps(session, now), _messages(session, now), _evaluations(session, now)]


def _steps(session: Session, now: datetime) -> Lateness:
    due = col(Group.next_escalation_at)
    count, oldest = session.exec(
        select(func.count(), func.min(due)).where(due < now - STEP_GRACE)
    ).one()
    return Lateness(what="step", count=count, by=now - oldest if oldest else timedelta())


def _messages(session: Session, now: datetime) -> Lateness:
    due = col(Notification.next_attempt_at)
    count, oldest = session.exec(
        select(func.count(), func.min(due)).where(due < now - MESSAGE_GRACE)
    ).one()
    return Lateness(what="message", count=count, by=now - oldest if oldest else timedelta())


def _evaluations(session: Session, now: datetime) -> Lateness:
    rules = session.exec(
        select(Rule.next_evaluation_at, Rule.interval_seconds).where(
            col(Rule.enabled), col(Rule.next_evaluation_at) < now
        )
    )
    late = [
        now - due
        for due, seconds in rules
        if now - due > (INTERVALS - 1) * timedelta(seconds=seconds)
    ]
    return Lateness(what="evaluation", count=len(late), by=max(late, default=timedelta()))
