"""Kill after kill, each at a chosen boundary, while incidents begin and end; then the count.

An incident lasts until both vendors have heard of it, then it ends. So whatever a vendor does not
hear in the end was lost, and nothing else was.
"""

import itertools
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from alerts import channels
from drill.engine import POINTS
from drill.site import DrillError, Site, Victim, until
from drill.vendors import Vendors
from models.database import read_only
from models.tables import Group, Notification

NEW = 3  # incidents that begin with each life of an engine
PROVOKED_SECONDS = 2.0
IN_HAND_SECONDS = 0.4  # longer than a send to a stand-in takes
MOST_PROVOCATIONS = 40


@dataclass(slots=True, kw_only=True)
class Toll:
    """What one drill cost.

    Attributes:
        kills: By point.
        incidents: How many there were.
        lost: Those of which a vendor never heard, or heard no end.
        disordered: Those of which PagerDuty heard something after their end.
        renamed: Those that PagerDuty shows more than once: under several dedup keys.
        folded: Events that PagerDuty folded, being repeated under the same key.
        caught: For each kill, the posts that were in Slack and not recorded when it came.
        twice: Posts in Slack beyond the first of an incident.
    """

    kills: Counter[str] = field(default_factory=Counter)
    incidents: int = 0
    lost: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    folded: int = 0
    caught: list[set[tuple[int | None, int]]] = field(default_factory=list)
    twice: int = 0

    @property
    def clean(self) -> bool:
        """Say whether the promise was kept."""
        broken = self.lost or self.disordered or self.renamed
        return not broken and self.twice <= self.all_caught and self.most_caught <= 1

    @property
    def all_caught(self) -> int:
        """Return how many posts were caught by any kill."""
        return sum(map(len, self.caught))

    @property
    def most_caught(self) -> int:
        """Return how many one kill caught at most."""
        return max(map(len, self.caught), default=0)


class Incidents:
    """The incidents of one drill: begun here, ended once both vendors know of them."""

    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors
        self.all: list[str] = []
        self._open: set[str] = set()

    def begin(self, count: int) -> None:
        """Let `count` more features breach, and those heal that both vendors know of."""
        fresh = [f"feature-{len(self.all) + n:05}" for n in range(count)]
        self.all += fresh
        self._open = {f for f in self._open if not self.told(f)} | set(fresh)
        self._vendors.breach(self._open)

    def told(self, feature: str) -> bool:
        """Say whether both vendors know of an incident."""
        return bool(self._vendors.posts(feature) and self._vendors.events(feature))

    def ended(self, feature: str) -> bool:
        """Say whether both vendors know that it is over."""
        events, posts = self._vendors.events(feature), self._vendors.posts(feature)
        over = bool(events) and events[-1]["event_action"] == "resolve"
        return over and any(post["text"].startswith("Resolved") for post in posts)


def drill(place: Site, *, kills: int, engines: int, seed: int = 1) -> Toll:
    """Kill engines `kills` times, at all points in turn; `engines` run side by side.

    Each is to die at another point: whoever does the work dies at it, and the next takes over.
    """
    rng = random.Random(seed)
    toll, incidents = Toll(), Incidents(place.vendors)
    points = itertools.cycle(POINTS)
    while toll.kills.total() < kills:
        while len(place.running) < engines:
            place.start(next(points), rng.randint(1, 3))
        died = _provoke(place, incidents)
        toll.kills[died] += 1
        # What an earlier kill caught may still wait for whoever takes over.
        toll.caught.append(_unrecorded(place) - set().union(*toll.caught))
        print(".", end="", flush=True)
    place.kill()
    _finish(place, incidents, toll)
    _count(toll, incidents, place.vendors)
    print(flush=True)
    return toll


def _provoke(place: Site, incidents: Incidents) -> str:
    """Begin and end incidents until an engine has killed itself; return at which point."""
    for _ in range(MOST_PROVOCATIONS):
        incidents.begin(NEW)
        try:
            until(lambda: _dead(place), what="killed", seconds=PROVOKED_SECONDS)
        except DrillError:
            continue
        [victim, *_] = _dead(place)
        if victim.process.returncode != -9:
            raise DrillError(f"an engine ended by itself, with {victim.process.returncode}")
        place.running.remove(victim)
        return victim.point
    waiting = " and ".join(engine.point for engine in place.running)
    raise DrillError(f"no engine came to its point: {waiting}")


def _dead(place: Site) -> list[Victim]:
    return [engine for engine in place.running if engine.process.poll() is not None]


def _unrecorded(place: Site) -> set[tuple[int | None, int]]:
    """Return the posts that a dead engine made and did not record.

    What another engine has in hand is recorded a moment later: it is not among those that are
    there both times.
    """
    before = _in_hand(place)
    time.sleep(IN_HAND_SECONDS)
    return before & _in_hand(place)


def _in_hand(place: Site) -> set[tuple[int | None, int]]:
    with Session(read_only(place.db)) as session:
        rows = session.exec(
            select(Notification.id, Notification.attempts, Group.labels)
            .join(Group)
            .where(
                col(Notification.channel).startswith(f"{channels.SLACK}:"),
                col(Notification.leased_by).is_not(None),
                col(Notification.external_id).is_(None),
            )
        ).all()
    return {(i, n) for i, n, labels in rows if place.vendors.posts(labels.get("feature", ""))}


def _finish(place: Site, incidents: Incidents, toll: Toll) -> None:
    """Let an engine that nobody kills bring everything to its end; what it cannot is lost."""
    place.start()
    for what in (incidents.told, incidents.ended):
        try:
            until(lambda what=what: all(map(what, incidents.all)), what="in the end", seconds=120)
        except DrillError:
            toll.lost += [f for f in incidents.all if not what(f)]
        place.vendors.breach(set())
    place.stop()


def _count(toll: Toll, incidents: Incidents, vendors: Vendors) -> None:
    toll.incidents = len(incidents.all)
    for feature in incidents.all:
        events = vendors.events(feature)
        actions = [event["event_action"] for event in events]
        end = actions.index("resolve") if "resolve" in actions else len(actions)
        if "trigger" in actions[end:]:
            toll.disordered.append(feature)
        if len({event["dedup_key"] for event in events}) > 1:
            toll.renamed.append(feature)
        toll.folded += max(0, len(events) - 2)
        toll.twice += max(0, len(vendors.posts(feature)) - 1)
