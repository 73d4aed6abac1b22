"""Who is told next, and when. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.groups import Standing
from models.vocabulary import AlertState, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A part of the day, on some days of the week, by the clock of one place.

    Attributes:
        start, end: Local times; from `end` before `start` on, the night after a day belongs to it.
        weekdays: 0 is Monday.
    """

    start: time
    end: time
    zone: str = "UTC"
    weekdays: frozenset[int] = frozenset(range(7))

    def cover(self, at: datetime) -> bool:
        """Say whether `at` is within."""
        local = at.astimezone(ZoneInfo(self.zone))
        clock, today = local.time(), local.weekday()
        if self.start < self.end:
            return self.start <= clock < self.end and today in self.weekdays
        if clock >= self.start:
            return today in self.weekdays
        return clock < self.end and (today - 1) % 7 in self.weekdays


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """When a step is taken at all; by default always.

    Attributes:
        severities: Of the group; empty for any.
        more_than: Open alerts of the group.
        hours: None for around the clock.
    """

    severities: frozenset[Severity] = frozenset()
    more_than: int = 0
    hours: Hours | None = None

    def reason_against(self, situation: "Situation", *, now: datetime) -> str:
        """Return why a step is not taken now; empty if it is."""
        if self.severities and situation.severity not in self.severities:
            return f"only for {', '.join(s for s in Severity if s in self.severities)}"
        if situation.size <= self.more_than:
            return f"only for more than {self.more_than} alerts"
        if self.hours and not self.hours.cover(now):
            return "not at this time of the week"
        return ""


ALWAYS = Only()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rung of a policy.

    Attributes:
        after: Wait since the previous step (since the group was to be told, for the first).
        channels: Names of the channels to tell: see `alerts.channels`.
    """

    after: timedelta
    channels: tuple[str, ...]
    only: Only = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A policy as a group keeps it: steps, taken `1 + repeat` times while nobody has the alerts.

    Attributes:
        group_wait: How long a new group collects alerts before its first step.
        group_interval: Least time between two tellings of what has joined a group.
        ack_timeouts: After how long an acknowledgement runs out; a severity without one, never.
    """

    steps: tuple[Step, ...]
    repeat: int = 0
    group_wait: timedelta = timedelta()
    group_interval: timedelta = timedelta()
    ack_timeouts: Mapping[Severity, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Position in a plan; `next_step` is past the last once every step was taken.

    Attributes:
        next_escalation_at: None while there is nobody to tell: all told, taken, muted or over.
    """

    next_step: int = 0
    round: int = 0
    next_escalation_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the conditions of steps are about."""

    severity: Severity
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What became of a due step.

    Attributes:
        skipped: Why nobody was told; empty if the step was taken.
    """

    step: Step
    skipped: str = ""


def start(plan: Plan, *, now: datetime) -> Cursor:
    """Return the cursor of a group that is to be told from now on."""
    return _at(plan, 0, 0, since=now + plan.group_wait)


def advance(
    plan: Plan, cursor: Cursor, situation: Situation, *, now: datetime
) -> tuple[Cursor, Move | None]:
    """Return the cursor moved past the step that is due, and that step, or None if none is.

    Delays count from when the previous step was really taken: after an outage people still get
    the time to react that the policy gives them. A step whose condition is not met is passed by,
    and the next one is due after its own delay.
    """
    if cursor.next_escalation_at is None or now < cursor.next_escalation_at:
        return cursor, None
    step = plan.steps[cursor.next_step]
    move = Move(step=step, skipped=step.only.reason_against(situation, now=now))
    return _at(plan, cursor.next_step + 1, cursor.round, since=now), move


def pause(cursor: Cursor) -> Cursor:
    """Return the cursor where it stands, with nothing due."""
    return replace(cursor, next_escalation_at=None)


def resume(plan: Plan, cursor: Cursor, *, now: datetime) -> Cursor:
    """Return the cursor going on where it stood: its next step is due now.

    Where every step was taken already, the last round is taken once more: nobody has the alerts.
    """
    if not plan.steps or cursor.next_escalation_at is not None:
        return cursor
    if cursor == Cursor():
        return start(plan, now=now)
    if cursor.next_step >= len(plan.steps):
        return replace(cursor, next_step=0, next_escalation_at=now)
    return replace(cursor, next_escalation_at=now)


def hurry(plan: Plan, cursor: Cursor, *, now: datetime) -> Cursor:
    """Return the cursor with its next step due now, whatever the plan says."""
    running = cursor.next_escalation_at is not None
    cursor = cursor if running else resume(plan, cursor, now=now)
    if cursor.next_escalation_at is None:
        return cursor
    return replace(cursor, next_escalation_at=now)


def restart(plan: Plan, cursor: Cursor, *, now: datetime) -> Cursor:
    """Return the cursor at the first step again: something new has joined what somebody had."""
    if not plan.steps:
        return cursor
    first = now + plan.group_interval + plan.steps[0].after
    return Cursor(next_step=0, round=0, next_escalation_at=first)


def follow(
    plan: Plan, cursor: Cursor, before: Standing, after: Standing, *, joined: bool, now: datetime
) -> Cursor:
    """Return the cursor of a group that stood as `before` and stands as `after` from now on.

    Args:
        plan: The group's.
        cursor: Until now.
        before: Where it stood; a group without an alert so far is not audible.
        after: Where it stands.
        joined: Whether an alert has joined it since.
        now: When.
    """
    if not after.audible:
        return pause(cursor)
    if before.audible:
        return cursor
    if joined and before.state is AlertState.ACKNOWLEDGED:
        return restart(plan, cursor, now=now)
    return resume(plan, cursor, now=now)


def _at(plan: Plan, index: int, number: int, *, since: datetime) -> Cursor:
    if index < len(plan.steps):
        due = since + plan.steps[index].after
        return Cursor(next_step=index, round=number, next_escalation_at=due)
    if number >= plan.repeat or not plan.steps:
        return Cursor(next_step=index, round=number)
    # The last person told gets as long to answer as the policy ever gives anyone.
    wait = max(step.after for step in plan.steps)
    return Cursor(next_step=0, round=number + 1, next_escalation_at=since + wait)
