"""What a rule would have done, in words. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import pandas as pd

from alerts import channels
from alerts.backtest import Hindsight, Past
from alerts.conditions import Absence, AnyCondition, Budget, BurnRate, Composite, Drift, Promql
from alerts.paged import Told
from signals import Labels
from signals.units import span

NIGHT = (22, 7)  # o'clock
ENOUGH = 0.95  # of a stretch of time, to speak of it as a whole
KINDS = {
    channels.SLACK: "Slack",
    channels.PAGERDUTY: "PagerDuty",
    channels.ONCALL: "whoever is on call",
    channels.SCHEDULE: "whoever is on call",
    channels.PERSON: "somebody by name",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A trouble that somebody acknowledged.

    Attributes:
        labels: Of its first alert.
        began: When what was wrong began.
        ended: None while it goes on.
    """

    labels: Labels
    began: datetime
    ended: datetime | None


def summary(found: Hindsight, condition: AnyCondition, hold: timedelta) -> str:
    """Return what the rule would have done, in one sentence."""
    instants = found.instants
    covered = instants.count * instants.step
    past = f"Over the last {_covered(covered - instants.step)}"
    if found.label_sets == 0 and not found.alerts and not isinstance(condition, Promql):
        return f"{past} there was no data: nobody can say what this would have done."
    if found.known < ENOUGH * covered and not isinstance(condition, Promql):
        past += f", of which {span(found.known)} had data,"
    what = _what(condition)
    if not found.alerts:
        return f"{past} this would never have {what}."
    said = f"{past} this would have {what} {_times(len(found.alerts))}, {span(found.held)} in all"
    if found.label_sets > 1:
        said += f" across {found.label_sets} label sets"
    if not found.fired:
        return f"{said}, and fired never: it did not last {span(hold)}."
    ongoing = any(alert.ended_at is None for alert in found.fired)
    still = "; it would still be firing" if ongoing else ""
    return f"{said}, and fired {_times(len(found.fired))}{still}."


def telling(steps: Sequence[Told], zone: tzinfo) -> str:
    """Return whom it would have told and how often, `zone` being the viewer's; may be empty."""
    taken = [step for step in steps if not step.skipped]
    if not taken:
        return "It would have told nobody." if steps else ""
    told = Counter(KINDS.get(channels.parse(c)[0], c) for step in taken for c in step.channels)
    calls = [step for step in taken if is_call(step)]
    nights = sum(at_night(step.at.astimezone(zone)) for step in calls)
    whom = ", ".join(f"{who} {_times(count)}" for who, count in told.most_common())
    said = f"With nobody acknowledging, it would have told {whom}"
    if calls:
        said += f"; {_times(nights)} at night" if nights else "; never at night"
    return f"{said}."


def catching(fired: Sequence[Past], incidents: Sequence[Incident]) -> str:
    """Return which of the troubles that people acknowledged it would have caught."""
    if not incidents:
        return ""
    leads = [lead for one in incidents if (lead := lead_time(fired, one)) is not None]
    count = len(incidents)
    of = "Of the one incident" if count == 1 else f"Of the {count} incidents"
    said = f"{of} that people acknowledged in that time it would have caught"
    if not leads:
        return f"{said} none."
    first = leads[0]
    when = "before it began" if first < timedelta() else f"{span(first)} after it began"
    return f"{said} it, {when}." if count == 1 else f"{said} {len(leads)}, the first {when}."


def comparison(
    versions: Mapping[str, tuple[Hindsight, Sequence[Told]]],
    incidents: Sequence[Incident],
    zone: tzinfo,
) -> pd.DataFrame:
    """Return a row for each version of a rule: how often it would have fired, and told whom."""
    rows = {
        name: {
            "fired": len(found.fired),
            "longest": span(longest) if (longest := _longest(found)) else "",
            "calls": len(calls := [step for step in steps if is_call(step)]),
            "at night": sum(at_night(step.at.astimezone(zone)) for step in calls),
            "incidents caught": _caught(found.fired, incidents),
        }
        for name, (found, steps) in versions.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def lead_time(fired: Sequence[Past], incident: Incident) -> timedelta | None:
    """Return how long after an incident began an alert fired that is about it; None for none."""
    found = [
        alert.fired_at - incident.began
        for alert in fired
        if alert.fired_at is not None
        and (incident.ended is None or alert.fired_at < incident.ended)
        and (alert.ended_at is None or alert.ended_at > incident.began)
        and all(incident.labels.get(name, value) == value for name, value in alert.labels.items())
    ]
    return min(found, default=None)


def at_night(local: datetime) -> bool:
    """Say whether people sleep at that local time."""
    begins, ends = NIGHT
    return local.hour >= begins or local.hour < ends


def is_call(step: Told) -> bool:
    """Say whether a step calls somebody, instead of writing somewhere."""
    kinds = (channels.PAGERDUTY, *channels.PEOPLE)
    return not step.skipped and any(channels.parse(c)[0] in kinds for c in step.channels)


def _longest(found: Hindsight) -> timedelta:
    end = found.instants.at(found.instants.count - 1)
    lasted = ((a.ended_at or end) - a.fired_at for a in found.fired if a.fired_at)
    return max(lasted, default=timedelta())


def _caught(fired: Sequence[Past], incidents: Sequence[Incident]) -> str:
    caught = sum(lead_time(fired, one) is not None for one in incidents)
    return f"{caught} of {len(incidents)}"


def _covered(past: timedelta) -> str:
    days = past / timedelta(days=1)
    return f"{days:g} days" if days > 1 else f"{past / timedelta(hours=1):g} h"


def _what(condition: AnyCondition) -> str:
    match condition:
        case BurnRate():
            return "burned its budget too fast"
        case Composite():
            return "found its rules firing"
        case Budget():
            return "been over the budget"
        case Drift():
            return "drifted too far"
        case Absence():
            return "found it gone"
        case Promql():
            return "returned a breach"
        case _:
            return "been beyond the threshold"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
