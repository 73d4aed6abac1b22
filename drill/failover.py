"""One of two engines is killed while a thousand alerts are open; the other carries on."""

import time
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from alerts import running
from drill.site import Site, until
from drill.vendors import Vendors
from models.clock import utc_now
from models.database import read_only
from models.tables import Group, Notification, Rule

ALERTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """How a failover went.

    Attributes:
        evaluated_seconds: From the kill to the next evaluation.
        taken_over_seconds: From the kill until nothing is held by the dead engine.
        lost: Incidents that PagerDuty never heard of, or whose end it did not hear.
        doubled: Incidents that PagerDuty shows more than once.
        twice: Posts in Slack beyond the first of an incident.
    """

    alerts: int
    evaluated_seconds: float
    taken_over_seconds: float
    lost: int
    doubled: int
    twice: int


def failover(place: Site, *, alerts: int = ALERTS) -> Failover:
    """Kill one of two engines in the middle of telling `alerts` incidents, and time the other."""
    features, vendors = {f"feature-{n:05}" for n in range(alerts)}, place.vendors
    victim = place.start()
    until(lambda: len(_engines(place)) == 1, what="the first engine runs")
    [victim_id] = _engines(place)
    place.start()
    until(lambda: len(_engines(place)) == 2, what="the second engine runs")
    vendors.breach(features)
    until(lambda: _groups(place) >= alerts, what="all alerts are open", seconds=300)
    until(
        lambda: len(vendors.slack.posts) > alerts // 10 and _held(place, victim_id),
        what="the first engine is telling of them",
        seconds=300,
    )
    victim.process.kill()
    victim.process.wait()
    place.running.remove(victim)
    killed, killed_at = time.monotonic(), utc_now()
    until(lambda: _evaluated_since(place, killed_at), what="the next evaluation")
    evaluated = time.monotonic() - killed
    until(lambda: not _held(place, victim_id), what="nothing is held by the dead engine")
    taken_over = time.monotonic() - killed
    until(lambda: len(_keys(vendors)) >= alerts, what="every incident is paged", seconds=600)
    vendors.breach(set())
    until(lambda: len(_over(vendors)) >= alerts, what="every incident is over", seconds=600)
    place.stop()
    keys, over = _keys(vendors), _over(vendors)
    return Failover(
        alerts=alerts,
        evaluated_seconds=evaluated,
        taken_over_seconds=taken_over,
        lost=sum(not (keys.get(feature, set()) & over) for feature in features),
        doubled=sum(len(found) > 1 for found in keys.values()),
        twice=len(vendors.slack.posts) - alerts,
    )


def _engines(place: Site) -> list[str]:
    with Session(read_only(place.db)) as session:
        return [row.id for row in running.engines(session)]


def _groups(place: Site) -> int:
    with Session(read_only(place.db)) as session:
        return session.exec(select(func.count()).select_from(Group)).one()


def _held(place: Site, engine_id: str) -> bool:
    """Say whether an engine holds messages or rules that are due."""
    with Session(read_only(place.db)) as session:
        messages = select(Notification.id).where(Notification.leased_by == engine_id)
        rules = select(Rule.id).where(Rule.leased_by == engine_id)
        due = col(Notification.next_attempt_at).is_not(None)
        return bool(session.exec(messages.where(due)).first() or session.exec(rules).first())


def _evaluated_since(place: Site, at: object) -> bool:
    with Session(read_only(place.db)) as session:
        return session.exec(select(Rule.id).where(col(Rule.evaluated_at) > at)).first() is not None


def _keys(vendors: Vendors) -> dict[str, set[str]]:
    """Return PagerDuty's keys of each incident."""
    keys: dict[str, set[str]] = {}
    for event in list(vendors.pagerduty.events):
        if event["event_action"] == "trigger":
            feature = event["payload"]["custom_details"]["labels"]["feature"]
            keys.setdefault(feature, set()).add(event["dedup_key"])
    return keys


def _over(vendors: Vendors) -> set[str]:
    """Return the keys whose end PagerDuty has heard."""
    events = list(vendors.pagerduty.events)
    return {e["dedup_key"] for e in events if e["event_action"] == "resolve"}
