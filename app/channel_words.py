"""Channels and escalation policies as people say them. Pure."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from alerts import channels
from alerts.channels import ChannelError
from alerts.escalation import Only, Plan, Step
from models.vocabulary import Severity
from signals.units import span

KIND_WORDS = {
    channels.SLACK: "Slack channel",
    channels.SLACK_DM: "Slack direct message",
    channels.SLACK_THREAD: "Slack thread",
    channels.PAGERDUTY: "PagerDuty service",
    channels.PAGERDUTY_ASSIGN: "PagerDuty assignment",
    channels.APPRISE: "Apprise service",
    channels.ONCALL: "On-call person",
    channels.SCHEDULE: "On-call schedule",
    channels.PERSON: "Named person",
}
KIND_ICONS = {
    channels.SLACK: "tag",
    channels.SLACK_DM: "chat",
    channels.SLACK_THREAD: "forum",
    channels.PAGERDUTY: "notifications",
    channels.PAGERDUTY_ASSIGN: "assignment_ind",
    channels.APPRISE: "send",
    channels.ONCALL: "support_agent",
    channels.SCHEDULE: "calendar_month",
    channels.PERSON: "person",
}
DEFAULT = "default"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # as weekdays are counted


def words(channel: str) -> str:
    """Return whom `channel` reaches: `Slack #llm-alerts`, `PagerDuty`, `whoever is on call`."""
    try:
        kind, target = channels.parse(channel)
    except ChannelError:
        return channel
    named = "" if target == DEFAULT else target
    match kind:
        case channels.SLACK:
            return f"Slack {target}"
        case channels.SLACK_DM:
            return f"Slack message to {target}"
        case channels.SLACK_THREAD:
            return f"the thread in Slack {target}"
        case channels.PAGERDUTY:
            return f"PagerDuty {named}".strip()
        case channels.PAGERDUTY_ASSIGN:
            return f"PagerDuty incident for {target}"
        case channels.APPRISE:
            return f"{target} by Apprise"
        case channels.ONCALL:
            return f"whoever is on call for {named}" if named else "whoever is on call"
        case channels.SCHEDULE:
            return f"whoever is on call by {target}"
        case _:
            return target


def all_words(names: Iterable[str]) -> str:
    """Return several channels in one phrase: `Slack #a and PagerDuty`."""
    spoken = [words(name) for name in names]
    if len(spoken) < 2:
        return "".join(spoken)
    return f"{', '.join(spoken[:-1])} and {spoken[-1]}"


def steps(plan: Plan) -> list[str]:
    """Return each step in words: `at once Slack #a`, `after 20 s PagerDuty`."""
    waited = False
    said = []
    for step in plan.steps:
        only = f" ({condition(step.only)})" if condition(step.only) else ""
        said.append(f"{_delay(step.after, waited)} {all_words(step.channels)}{only}".strip())
        waited = waited or step.after > timedelta()
    return said


def sequence(plan: Plan) -> str:
    """Return the whole policy in one line, arrow by arrow, with its repeats."""
    line = " → ".join(steps(plan))
    return f"{line[:1].upper()}{line[1:]}{repeats(plan.repeat)}"


def condition(only: Only) -> str:
    """Return when a step is taken: `only for critical, only Mon to Fri 09:00-17:00 UTC`."""
    said = []
    if only.severities:
        said.append(f"only for {' or '.join(s for s in Severity if s in only.severities)}")
    if only.more_than:
        alerts = "1 alert" if only.more_than == 1 else f"{only.more_than} alerts"
        said.append(f"only for more than {alerts}")
    if hours := only.hours:
        clock = f"{hours.start:%H:%M}-{hours.end:%H:%M} {hours.zone}"
        said.append(f"only {weekdays(hours.weekdays)} {clock}".replace("  ", " "))
    return ", ".join(said)


def weekdays(days: Iterable[int]) -> str:
    """Return days of the week: `Mon to Fri`, `Sat, Sun`; nothing for all seven."""
    chosen = sorted(set(days))
    if len(chosen) == len(DAYS):
        return ""
    if len(chosen) > 2 and chosen[-1] - chosen[0] == len(chosen) - 1:
        return f"{DAYS[chosen[0]]} to {DAYS[chosen[-1]]}"
    return ", ".join(DAYS[day] for day in chosen)


def repeats(count: int) -> str:
    """Return what follows the last step: nothing, `, then once more from the start`."""
    if count == 0:
        return ""
    return f", then {'once' if count == 1 else f'{count} times'} more from the start"


def next_step(plan_steps: Sequence[Step], index: int) -> str:
    """Return whom the step at `index` tells; empty when there is no such step."""
    return all_words(plan_steps[index].channels) if index < len(plan_steps) else ""


def _delay(after: timedelta, waited: bool) -> str:
    if after == timedelta():
        return "at the same time" if waited else "at once"
    return f"after {span(after)} more" if waited else f"after {span(after)}"
