"""Which alerts one request falls into: it ran while they were wrong, in the traffic they watch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from alerts.evidence import Breach
from alerts.inbox import Item, between
from signals.traces import FILTERS

WIDEST = timedelta(days=1)  # of a rule's window, as far as it is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as far as alerts can tell it from another.

    Attributes:
        labels: Of `signals.traces.FILTERS`, those that it has.
    """

    started_at: datetime
    ended_at: datetime
    labels: Mapping[str, str] = field(default_factory=dict)


def falls_into(request: Request, breach: Breach) -> bool:
    """Say whether a request is of the traffic and the time that an alert is about.

    Its time begins one window before its condition began to hold: what was decided on lies there.
    Labels that traces do not have tell no request from another.
    """
    watched = {**getattr(breach.condition, "scope", {}), **breach.labels}
    if any(request.labels.get(name) != watched[name] for name in FILTERS if watched.get(name)):
        return False
    began = breach.began - getattr(breach.condition, "window", timedelta())
    return began <= request.ended_at and (
        breach.ended is None or request.started_at <= breach.ended
    )


def alerts_of(session: Session, request: Request) -> list[Item]:
    """Return the alerts that a request falls into and that fired, the newest first."""
    near = between(session, start=request.started_at, end=request.ended_at + WIDEST)
    return [item for item in near if falls_into(request, _breach(item))]


def _breach(item: Item) -> Breach:
    alert = item.alert
    return Breach(
        condition=item.condition,
        labels=alert.labels,
        began=alert.active_at,
        ended=alert.resolved_at,
    )
