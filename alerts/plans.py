"""Plans as they are stored: in a policy, and in the group that keeps it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from typing import Any

from alerts.escalation import Hours, Only, Plan, Step
from models.vocabulary import Severity


def load(stored: Mapping[str, Any]) -> Plan:
    """Return the plan that `dump` made `stored` of."""
    return Plan(
        steps=tuple(load_step(step) for step in stored["steps"]),
        repeat=stored.get("repeat", 0),
        group_wait=timedelta(seconds=stored.get("group_wait_seconds", 0)),
        group_interval=timedelta(seconds=stored.get("group_interval_seconds", 0)),
        ack_timeouts={
            Severity(name): timedelta(seconds=seconds)
            for name, seconds in stored.get("ack_timeouts", {}).items()
        },
    )


def dump(plan: Plan) -> dict[str, Any]:
    """Return `plan` as a group keeps it."""
    return {
        "steps": [dump_step(step) for step in plan.steps],
        "repeat": plan.repeat,
        "group_wait_seconds": plan.group_wait.total_seconds(),
        "group_interval_seconds": plan.group_interval.total_seconds(),
        "ack_timeouts": {s.value: t.total_seconds() for s, t in plan.ack_timeouts.items()},
    }


def load_steps(stored: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Return the steps that are stored as `stored`."""
    return tuple(load_step(step) for step in stored)


def load_step(stored: Mapping[str, Any]) -> Step:
    """Return one step: `{"after_seconds": number, "channels": [...], "only": {...}}`."""
    only = stored.get("only", {})
    hours = only.get("hours")
    return Step(
        after=timedelta(seconds=stored["after_seconds"]),
        channels=tuple(stored["channels"]),
        only=Only(
            severities=frozenset(Severity(s) for s in only.get("severities", ())),
            more_than=only.get("more_than", 0),
            hours=hours
            and Hours(
                start=time.fromisoformat(hours["start"]),
                end=time.fromisoformat(hours["end"]),
                zone=hours["zone"],
                weekdays=frozenset(hours["weekdays"]),
            ),
        ),
    )


def dump_step(step: Step) -> dict[str, Any]:
    """Return `step` as it is stored; a condition that is always met is left out."""
    stored: dict[str, Any] = {
        "after_seconds": step.after.total_seconds(),
        "channels": list(step.channels),
    }
    only: dict[str, Any] = {}
    if step.only.severities:
        only["severities"] = [s.value for s in Severity if s in step.only.severities]
    if step.only.more_than:
        only["more_than"] = step.only.more_than
    if step.only.hours:
        hours = step.only.hours
        only["hours"] = {
            "start": hours.start.isoformat("minutes"),
            "end": hours.end.isoformat("minutes"),
            "zone": hours.zone,
            "weekdays": sorted(hours.weekdays),
        }
    return stored | {"only": only} if only else stored
