"""The condition of a policy's step as fields that widgets hold, and back. Pure."""

from collections.abc import Mapping
from datetime import time
from typing import Any, Final

from alerts.policies import HoursDraft, OnlyDraft
from models.vocabulary import Severity

OFFICE_HOURS: Final = (time(9), time(17))
OFFICE_DAYS: Final = (0, 1, 2, 3, 4)


def named(part: str, number: int) -> str:
    """Return the name of the field that holds a `part` of the condition of a step."""
    return f"only_{part}_{number}"


def fields(only: OnlyDraft, number: int, *, zone: str = "UTC") -> dict[str, Any]:
    """Return the fields that show `only`; without hours, those that would be proposed.

    Args:
        only: The condition.
        number: Of its step.
        zone: The one to propose.
    """
    hours = only.hours or HoursDraft(
        start=OFFICE_HOURS[0], end=OFFICE_HOURS[1], zone=zone, weekdays=OFFICE_DAYS
    )
    return {
        named("severities", number): list(only.severities),
        named("more_than", number): only.more_than,
        named("timed", number): only.hours is not None,
        named("start", number): hours.start,
        named("end", number): hours.end,
        named("zone", number): hours.zone,
        named("days", number): list(hours.weekdays),
    }


def read(found: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the condition that the fields write, for OnlyDraft to judge."""

    def of(part: str) -> Any:
        return found.get(named(part, number))

    chosen = of("severities") or ()
    return {
        "severities": tuple(one for one in Severity if one in chosen),
        "more_than": int(of("more_than") or 0),
        "hours": {
            "start": of("start"),
            "end": of("end"),
            "zone": of("zone") or "UTC",
            "weekdays": tuple(sorted(of("days") or ())),
        }
        if of("timed")
        else None,
    }
