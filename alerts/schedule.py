"""Who is on call at an instant. Pure.

A schedule is a stack of layers in one time zone, with overrides on top. Where several have
somebody, the later layer wins, as in PagerDuty ("the lowest layer always takes precedence … the
last layer acts as an override for all layers that it overlaps"); overrides win over every layer,
and of two that overlap, the one made later.

    overrides            ··········gggg··········
    layer 2: nights      ccc·····ddd·····ccc·····
    layer 1: everyone    aaaaaaaabbbbbbbbaaaaaaaa
    on call              cccaaaaaddggggbbcccaaaaa      somebody, or nobody: a gap

Instants go in with any zone, and come out in UTC.

Source: https://support.pagerduty.com/docs/schedules
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import cast

from alerts.layers import EVER, Booking, Bookings, Layer, Shift

_OWN_RELIEFS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Nobody on call, from `start` until before `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A stack of layers, the last on top, and the overrides above them in the order made."""

    zone: tzinfo
    layers: tuple[Layer, ...]
    overrides: tuple[Booking, ...] = ()

    def stack(self) -> tuple[Layer, ...]:
        """Return the layers from the bottom to the overrides."""
        return (*self.layers, Bookings(name="", bookings=self.overrides, overriding=True))


def on_call(schedule: Schedule, at: datetime) -> Shift | None:
    """Return the shift at `at`, from when it began until when it ends; None for a gap.

    Looks at each layer around `at` alone: the work does not grow with the age of the schedule.
    """
    at = at.astimezone(UTC)
    stack, zone = schedule.stack(), schedule.zone
    coming = [next(layer.cover(zone, at), None) for layer in stack]
    number = _winner(coming, at)
    if number is None:
        return None
    shift = cast(Shift, coming[number])
    above = stack[number + 1 :]
    began = [ended for layer in above if (ended := layer.ended(zone, at)) is not None]
    return replace(shift, start=max([shift.start, *began]), end=_until(coming, number))


def shifts(schedule: Schedule, start: datetime, end: datetime) -> list[Shift | Gap]:
    """Return who is on call from `start` until before `end`: shifts and gaps, without a seam.

    The first and the last are cut off at the bounds. Empty if `end` is not after `start`.
    """
    at, end = start.astimezone(UTC), end.astimezone(UTC)
    covers = [layer.cover(schedule.zone, at) for layer in schedule.stack()]
    coming = [next(cover, None) for cover in covers]
    found: list[Shift | Gap] = []
    while at < end:
        number = _winner(coming, at)
        until = min(_until(coming, number), end)
        if number is None:
            found.append(Gap(start=at, end=until))
        else:
            found.append(replace(cast(Shift, coming[number]), start=at, end=until))
        at = until
        for index, cover in enumerate(covers):
            while (shift := coming[index]) is not None and shift.end <= at:
                coming[index] = next(cover, None)
    return found


def whole_shifts(schedule: Schedule, start: datetime, end: datetime) -> list[Shift]:
    """Return the shifts that touch the time from `start` to `end`, none of them cut off."""
    pieces = [piece for piece in shifts(schedule, start, end) if isinstance(piece, Shift)]
    for edge in {0, len(pieces) - 1} if pieces else ():
        pieces[edge] = on_call(schedule, pieces[edge].start) or pieces[edge]
    return pieces


def following(schedule: Schedule, shift: Shift) -> Shift | None:
    """Return the shift that `shift` is handed over to; None if a gap follows."""
    after = shift
    # Someone alone in a rotation relieves themselves; nobody waits for the end of that.
    for _ in range(_OWN_RELIEFS):
        found = on_call(schedule, after.end)
        if found is None or found.person != shift.person:
            return found
        after = found
    return after


def _winner(coming: Sequence[Shift | None], at: datetime) -> int | None:
    """Return the number of the topmost layer that has somebody at `at`."""
    for number in reversed(range(len(coming))):
        shift = coming[number]
        if shift is not None and shift.start <= at:
            return number
    return None


def _until(coming: Sequence[Shift | None], number: int | None) -> datetime:
    """Return when what layer `number` says ends, or gives way to a layer above it."""
    ends = [] if number is None else [cast(Shift, coming[number]).end]
    above = coming if number is None else coming[number + 1 :]
    return min([*ends, *(shift.start for shift in above if shift is not None)], default=EVER)
