"""What a page says about an alert beside its summary: since when, who has it, what comes. Pure."""

from datetime import datetime, timedelta, tzinfo

from alerts import plans
from alerts.inbox import Item
from alerts.lifecycle import ENGINE
from alerts.tallies import Watch
from alerts.wording import muted_words
from app import channel_words
from app.local_time import clock, until
from models.tables import Alert
from models.vocabulary import AlertState
from signals.units import span

# A rule's interval is 30 s unless someone chose longer; ten of these without any is no chance.
UNWATCHED_AFTER = timedelta(minutes=5)


def since(alert: Alert, *, now: datetime, zone: tzinfo) -> str:
    """Return for how long the alert has been what it is: `firing for 3 min, since 14:03:12 CET`."""
    match alert.state:
        case AlertState.PENDING:
            return f"pending for {_age(alert.active_at, now, zone)}"
        case AlertState.RESOLVED:
            ended = alert.resolved_at or now
            lasted = span(ended - (alert.fired_at or alert.active_at))
            return f"ended {_ago(ended, now, zone)}, after {lasted}"
        case _:
            return f"firing for {_age(alert.fired_at or alert.active_at, now, zone)}"


def who(alert: Alert, *, now: datetime) -> str:
    """Return who has the alert, or had the last word on it."""
    match alert.state:
        case AlertState.PENDING:
            return "nobody has been told"
        case AlertState.FIRING:
            return "nobody has it"
        case AlertState.ACKNOWLEDGED:
            taken = alert.acknowledged_at or now
            had = f"{alert.acknowledged_by} has it, for {span(now - taken)}"
            if alert.ack_expires_at is None:
                return had
            return f"{had}; nobody's again {until(alert.ack_expires_at, now=now)}"
        case AlertState.RESOLVED:
            had = f"{alert.acknowledged_by} had it, " if alert.acknowledged_by else ""
            by = "by itself" if alert.resolved_by == ENGINE else f"by {alert.resolved_by}"
            return f"{had}resolved {by}"


def coming(item: Item, *, now: datetime) -> str:
    """Return what happens next if nobody does anything: whom the policy tells, and when."""
    alert = item.alert
    if alert.state is AlertState.PENDING:
        fires = alert.active_at + item.rule.hold
        return f"fires {until(fires, now=now)} if it lasts"
    if alert.state is not AlertState.FIRING:
        return ""
    if alert.muted_by:
        return f"{muted_words(alert.muted_by)}: nobody is told"
    group = item.group
    if group is None or group.next_escalation_at is None:
        return "the policy is at its end: nobody else will be told"
    told = channel_words.next_step(plans.load(group.policy).steps, group.next_step)
    return f"next: {told} {until(group.next_escalation_at, now=now)}"


def unwatched(watch: Watch, *, now: datetime) -> str:
    """Return why an empty inbox may not be trusted; empty when it may."""
    if not watch.rules:
        return ""
    if watch.evaluated_at is None:
        return "No rule has been evaluated yet: is the engine running?"
    silent = now - watch.evaluated_at
    if silent < UNWATCHED_AFTER:
        return ""
    return (
        f"No rule has been evaluated for {span(silent)}: is the engine running? "
        "What is shown here may be over, and what began since is missing."
    )


def _age(begin: datetime, now: datetime, zone: tzinfo) -> str:
    return f"{span(max(now - begin, timedelta()))}, since {clock(begin, now=now, zone=zone)}"


def _ago(then: datetime, now: datetime, zone: tzinfo) -> str:
    return f"{span(max(now - then, timedelta()))} ago, at {clock(then, now=now, zone=zone)}"
