"""The life of one alert, as pure functions of what was seen and when.

        condition holds        held for `hold`         acknowledge
    (none) ---------> PENDING ---------------> FIRING -------------> ACKNOWLEDGED
       ^                 |                      ^ |  <-------------       |
       +-----------------+                        |    expire, release    |
          stops holding                           +-----------+-----------+
                                                              v
                                  RESOLVED   <--- clear for `keep_firing`, or by hand

`hold` and `keep_firing` are Prometheus' `for` and `keep_firing_for`:
https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from models.vocabulary import AlertState


class TransitionError(Exception):
    """The alert is not in a state that allows what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A rule's two patience settings.

    Attributes:
        hold: How long the condition must hold before the alert fires.
        keep_firing: How long it must be clear before the alert resolves.
    """

    hold: timedelta = timedelta()
    keep_firing: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """State of one alert, and since when.

    Attributes:
        ack_expires_at: When it is nobody's again unless it is over by then; None for never.
    """

    state: AlertState
    active_at: datetime
    fired_at: datetime | None = None
    clear_since: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    ack_expires_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None


ENGINE = "engine"


def observe(
    alert: Lifecycle | None, *, holds: bool, timing: Timing, now: datetime
) -> Lifecycle | None:
    """Return the lifecycle after one evaluation of its condition.

    Args:
        alert: The open alert, or None when there is none.
        holds: Whether the condition held. Where a data state is no observation, don't call.
        timing: The rule's patience.
        now: Time of the evaluation.

    Returns:
        The new lifecycle, or None when nothing is (any longer) wrong.

    Raises:
        TransitionError: `alert` is resolved; a new episode starts from None.
    """
    if alert is None:
        if not holds:
            return None
        alert = Lifecycle(state=AlertState.PENDING, active_at=now)

    match alert.state:
        case AlertState.PENDING if not holds:
            return None
        case AlertState.PENDING if now - alert.active_at >= timing.hold:
            return replace(alert, state=AlertState.FIRING, fired_at=now)
        case AlertState.PENDING:
            return alert
        case AlertState.FIRING | AlertState.ACKNOWLEDGED if holds:
            return replace(alert, clear_since=None)
        case AlertState.FIRING | AlertState.ACKNOWLEDGED:
            clear_since = alert.clear_since or now
            if now - clear_since >= timing.keep_firing:
                return resolve(replace(alert, clear_since=clear_since), by=ENGINE, now=now)
            return replace(alert, clear_since=clear_since)
        case AlertState.RESOLVED:
            raise TransitionError("a resolved alert is closed; start a new one")


def acknowledge(
    alert: Lifecycle, *, by: str, now: datetime, until: datetime | None = None
) -> Lifecycle:
    """Return the alert as taken by someone, until `until` if given. The first keeps it.

    Raises:
        TransitionError: The alert is pending or resolved.
    """
    match alert.state:
        case AlertState.FIRING:
            return replace(
                alert,
                state=AlertState.ACKNOWLEDGED,
                acknowledged_at=now,
                acknowledged_by=by,
                ack_expires_at=until,
            )
        case AlertState.ACKNOWLEDGED:
            return alert
        case AlertState.PENDING | AlertState.RESOLVED:
            raise TransitionError(f"cannot acknowledge a {alert.state} alert")


def hold_until(alert: Lifecycle, until: datetime) -> Lifecycle:
    """Return an alert that someone has as theirs until `until`, and nobody's from then on."""
    return replace(alert, ack_expires_at=until)


def expire(alert: Lifecycle, *, now: datetime) -> Lifecycle:
    """Return the alert as nobody's if whoever took it has run out of time."""
    due = alert.ack_expires_at
    if alert.state is not AlertState.ACKNOWLEDGED or due is None or now < due:
        return alert
    return release(alert)


def release(alert: Lifecycle) -> Lifecycle:
    """Return the alert as nobody's; one that nobody has is as it was.

    Raises:
        TransitionError: The alert is pending or resolved.
    """
    match alert.state:
        case AlertState.ACKNOWLEDGED:
            return replace(
                alert,
                state=AlertState.FIRING,
                acknowledged_at=None,
                acknowledged_by=None,
                ack_expires_at=None,
            )
        case AlertState.FIRING:
            return alert
        case AlertState.PENDING | AlertState.RESOLVED:
            raise TransitionError(f"cannot hand on a {alert.state} alert")


def resolve(alert: Lifecycle, *, by: str, now: datetime) -> Lifecycle:
    """Return the alert as over. If its condition still holds, a new episode follows.

    Raises:
        TransitionError: The alert is pending or already resolved.
    """
    if alert.state not in (AlertState.FIRING, AlertState.ACKNOWLEDGED):
        raise TransitionError(f"cannot resolve a {alert.state} alert")
    return replace(alert, state=AlertState.RESOLVED, resolved_at=now, resolved_by=by)
