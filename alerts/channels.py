"""Channel names: "kind:target", such as `slack:#llm-alerts`. Pure.

    slack:#name             a Slack channel
    slack-dm:email          a Slack direct message to that person
    pagerduty:name          a PagerDuty service, by its routing key; one alone is `default`
    pagerduty-assign:email  this alert's PagerDuty incident, assigned to that person
    apprise:name            a service of Apprise's (e-mail, Teams, SMS, …), by its address
    oncall:default          whoever PagerDuty says is on call, or of one escalation policy: its id
    schedule:name           whoever is on call by one of our own schedules
    person:email            a named person

The last three name people, not places: when they are due they expand to the kinds above.
"""

SLACK = "slack"
SLACK_DM = "slack-dm"
PAGERDUTY = "pagerduty"
PAGERDUTY_ASSIGN = "pagerduty-assign"
APPRISE = "apprise"
ONCALL = "oncall"
SCHEDULE = "schedule"
PERSON = "person"
KINDS = (SLACK, SLACK_DM, PAGERDUTY, PAGERDUTY_ASSIGN, APPRISE, ONCALL, SCHEDULE, PERSON)
PEOPLE = (ONCALL, SCHEDULE, PERSON)
KEPT_CURRENT = (SLACK, SLACK_DM)  # posts that are updated in place, without calling anybody


class ChannelError(ValueError):
    """Not the name of a channel."""


def parse(channel: str) -> tuple[str, str]:
    """Return the (kind, target) that `channel` names.

    Raises:
        ChannelError: It has no known kind or no target.
    """
    kind, _, target = channel.partition(":")
    if kind not in KINDS or not target.strip():
        kinds = ", ".join(KINDS)
        raise ChannelError(f"{channel!r} is not a channel: write kind:target, kind one of {kinds}")
    if kind in (SLACK_DM, PAGERDUTY_ASSIGN, PERSON) and "@" not in target:
        raise ChannelError(f"{channel!r} needs an e-mail address after {kind}:")
    return kind, target.strip()


def name(kind: str, target: str) -> str:
    """Return the channel of that kind and target."""
    return f"{kind}:{target}"
