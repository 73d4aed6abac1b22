"""A policy walked through without an alert: whom it would tell, when, and what it would skip. Pure.

The same `escalation` that the engine follows is asked at every instant at which a step is due, as
if nobody answered.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from alerts import escalation
from alerts.escalation import Cursor, Plan, Situation

MOST_TURNS = 500  # a policy has at most 20 steps, taken at most 21 times


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One step, at the instant at which it is due.

    Attributes:
        step: Its place in the policy; 0 is the first.
        round: How often the policy was walked through before.
        skipped: Why nobody is told; empty if somebody is.
    """

    at: datetime
    step: int
    round: int
    channels: tuple[str, ...]
    skipped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChange:
    """One change of the clocks.

    Attributes:
        before, after: What the clock is ahead of UTC.
    """

    at: datetime
    before: timedelta
    after: timedelta


def rehearse(plan: Plan, situation: Situation, *, now: datetime) -> tuple[Turn, ...]:
    """Return every step in order, as if a group of that situation were opened now."""
    return follow(plan, escalation.start(plan, now=now), situation)


def follow(plan: Plan, cursor: Cursor, situation: Situation) -> tuple[Turn, ...]:
    """Return the steps that follow from where a group stands, as if nobody answered."""
    turns: list[Turn] = []
    while (due := cursor.next_escalation_at) is not None and len(turns) < MOST_TURNS:
        step, number = cursor.next_step, cursor.round
        cursor, move = escalation.advance(plan, cursor, situation, now=due)
        if move is None:
            break
        turns.append(
            Turn(
                at=due,
                step=step,
                round=number,
                channels=move.step.channels,
                skipped=move.skipped,
            )
        )
    return tuple(turns)


def told(turns: Iterable[Turn]) -> Turn | None:
    """Return the first of `turns` that tells somebody, if any does."""
    return next((turn for turn in turns if not turn.skipped), None)


def zones(plan: Plan) -> tuple[str, ...]:
    """Return the time zones that the plan's own hours are written in."""
    named = (step.only.hours.zone for step in plan.steps if step.only.hours)
    return tuple(dict.fromkeys(named))


def clock_changes(zone: tzinfo, start: datetime, end: datetime) -> tuple[ClockChange, ...]:
    """Return when clocks in `zone` are changed within (start, end], to the second."""
    found: list[ClockChange] = []
    low = start
    while low < end:
        high = min(low + timedelta(days=1), end)
        before, after = _offset(low, zone), _offset(high, zone)
        if before != after:
            found.append(ClockChange(at=_when(zone, low, high), before=before, after=after))
        low = high
    return tuple(found)


def _when(zone: tzinfo, low: datetime, high: datetime) -> datetime:
    """Return the first second of (low, high] with the offset of `high`."""
    before = _offset(low, zone)
    low, high = (datetime.fromtimestamp(int(at.timestamp()), at.tzinfo) for at in (low, high))
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high


def _offset(at: datetime, zone: tzinfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
