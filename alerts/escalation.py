"""Who is told next, and when. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rung of a policy.

    Attributes:
        after: Wait since the previous step (since firing, for the first).
        channels: Names of the channels to tell: see `alerts.channels`.
    """

    after: timedelta
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A policy's steps, all taken `1 + repeat` times as long as nobody has the alert."""

    steps: tuple[Step, ...]
    repeat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Position in a plan; `next_escalation_at` is None when there is nothing left to do."""

    next_step: int = 0
    round: int = 0
    next_escalation_at: datetime | None = None


DONE = Cursor()


def start(plan: Plan, *, fired_at: datetime) -> Cursor:
    """Return the cursor of an alert that has just fired."""
    return _at(plan, 0, 0, since=fired_at)


def advance(plan: Plan, cursor: Cursor, *, now: datetime) -> tuple[Cursor, Step | None]:
    """Return the cursor moved past the step that is due, and that step, or None if none is.

    Delays count from when the previous step was really taken: after an outage people still get
    the time to react that the policy gives them.
    """
    if cursor.next_escalation_at is None or now < cursor.next_escalation_at:
        return cursor, None
    step = plan.steps[cursor.next_step]
    return _at(plan, cursor.next_step + 1, cursor.round, since=now), step


def _at(plan: Plan, index: int, number: int, *, since: datetime) -> Cursor:
    if not plan.steps:
        return DONE
    if index < len(plan.steps):
        return Cursor(
            next_step=index, round=number, next_escalation_at=since + plan.steps[index].after
        )
    if number >= plan.repeat:
        return DONE
    # The last person told gets as long to answer as the policy ever gives anyone.
    wait = max(step.after for step in plan.steps)
    return Cursor(next_step=0, round=number + 1, next_escalation_at=since + wait)


def load(steps: Sequence[Mapping[str, Any]], repeat: int) -> Plan:
    """Return the plan stored as `steps`, each `{"after_seconds": number, "channels": [...]}`."""
    return Plan(
        steps=tuple(
            Step(after=timedelta(seconds=s["after_seconds"]), channels=tuple(s["channels"]))
            for s in steps
        ),
        repeat=repeat,
    )


def dump(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return `steps` as they are stored."""
    return [{"after_seconds": s.after.total_seconds(), "channels": list(s.channels)} for s in steps]
