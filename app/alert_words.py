"""What a page says about an alert beside its summary: since when, who has it, what comes. Pure."""

from datetime import datetime, timedelta, tzinfo

from alerts import mutings, plans
from alerts.inbox import Bundle, Item
from alerts.lifecycle import ENGINE
from alerts.mutings import Mutings
from alerts.tallies import Watch
from app import channel_words
from app.local_time import clock, until
from models.tables import Alert, Group
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


def coming(item: Item, known: Mutings, *, now: datetime) -> str:
    """Return what happens next if nobody does anything: whom the policy tells, and when."""
    alert = item.alert
    if alert.state is AlertState.PENDING:
        fires = alert.active_at + item.rule.hold
        return f"fires {until(fires, now=now)} if it lasts"
    if alert.state is not AlertState.FIRING:
        return ""
    if alert.muted_by:
        return _muted(alert.muted_by, known, now=now)
    return _next(item.group, now=now)


def group_since(bundle: Bundle, *, now: datetime, zone: tzinfo) -> str:
    """Return for how long a group has been what it is."""
    group = bundle.group
    if group.state is AlertState.RESOLVED:
        ends = (item.alert.resolved_at for item in bundle.items)
        ended = max(filter(None, ends), default=now)
        return f"ended {_ago(ended, now, zone)}, after {span(ended - group.opened_at)}"
    alerts = f"{group.size} alert{'' if group.size == 1 else 's'} open"
    return f"{alerts}, for {_age(group.opened_at, now, zone)}"


def group_who(bundle: Bundle, *, now: datetime) -> str:
    """Return who has a group, and until when; or how much of it nobody has."""
    taken = [item.alert for item in bundle.items if item.alert.state is AlertState.ACKNOWLEDGED]
    names = ", ".join(dict.fromkeys(alert.acknowledged_by or "somebody" for alert in taken))
    if bundle.group.state is AlertState.RESOLVED:
        return "it is over"
    if not taken:
        return "nobody has it"
    if bundle.group.state is AlertState.FIRING:
        return f"{names} has {len(taken)} of {bundle.group.size}, nobody has the others"
    first = min((a.ack_expires_at for a in taken if a.ack_expires_at), default=None)
    end = f"; nobody's again {until(first, now=now)}" if first else ""
    return f"{names} has it{end}"


def group_coming(bundle: Bundle, known: Mutings, *, now: datetime) -> str:
    """Return what happens next to a group if nobody does anything."""
    group = bundle.group
    if group.state is not AlertState.FIRING:
        return ""
    if group.muted:
        reasons = (item.alert.muted_by for item in bundle.items if item.alert.muted_by)
        return _muted(next(reasons, ""), known, now=now)
    return _next(group, now=now)


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


def _muted(reason: str, known: Mutings, *, now: datetime) -> str:
    muting = known.get(reason)
    end = f", ends {until(muting.until, now=now)}" if muting and muting.until else ""
    return f"nobody is told, {mutings.words(reason, known)}{end}"


def _next(group: Group | None, *, now: datetime) -> str:
    if group is None or group.next_escalation_at is None:
        return "the policy is at its end: nobody else will be told"
    told = channel_words.next_step(plans.load(group.policy).steps, group.next_step)
    return f"next: {told} {until(group.next_escalation_at, now=now)}"


def _age(begin: datetime, now: datetime, zone: tzinfo) -> str:
    return f"{span(max(now - begin, timedelta()))}, since {clock(begin, now=now, zone=zone)}"


def _ago(then: datetime, now: datetime, zone: tzinfo) -> str:
    return f"{span(max(now - then, timedelta()))} ago, at {clock(then, now=now, zone=zone)}"
