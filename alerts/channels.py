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

    slack-thread:#name      the thread of the post in that Slack channel

A thread follows from its post: nobody names it in a policy.
"""

SLACK = "slack"
SLACK_DM = "slack-dm"
SLACK_THREAD = "slack-thread"
PAGERDUTY = "pagerduty"
PAGERDUTY_ASSIGN = "pagerduty-assign"
APPRISE = "apprise"
ONCALL = "oncall"
SCHEDULE = "schedule"
PERSON = "person"
KINDS = (SLACK, SLACK_DM, PAGERDUTY, PAGERDUTY_ASSIGN, APPRISE, ONCALL, SCHEDULE, PERSON)
FOLLOWING = (SLACK_THREAD,)
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
    if kind not in KINDS + FOLLOWING or not target.strip():
        kinds = ", ".join(KINDS)
        raise ChannelError(f"{channel!r} is not a channel: write kind:target, kind one of {kinds}")
    if kind in (SLACK_DM, PAGERDUTY_ASSIGN, PERSON) and "@" not in target:
        raise ChannelError(f"{channel!r} needs an e-mail address after {kind}:")
    return kind, target.strip()


def nameable(channel: str) -> str:
    """Return `channel` as it is written, if a policy may name it.

    Raises:
        ChannelError: It is no channel, or follows from another.
    """
    kind, target = parse(channel)
    if kind in FOLLOWING:
        raise ChannelError(f"{channel!r} follows from {SLACK}:{target}: name that instead")
    return name(kind, target)


def name(kind: str, target: str) -> str:
    """Return the channel of that kind and target."""
    return f"{kind}:{target}"


def thread_of(channel: str) -> str | None:
    """Return the thread of the posts in `channel`; None where there is none."""
    kind, target = parse(channel)
    return name(SLACK_THREAD, target) if kind == SLACK else None


def post_of(thread: str) -> str:
    """Return the channel in which the post of `thread` stands."""
    return name(SLACK, parse(thread)[1])


def sharing(channel: str) -> tuple[str, ...]:
    """Return the channels that share one vendor's patience with `channel`, itself included."""
    kind, target = parse(channel)
    pair = (SLACK, SLACK_THREAD)
    return tuple(name(one, target) for one in pair) if kind in pair else (channel,)
