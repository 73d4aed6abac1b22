"""How often people are called, by what, and which calls patience would have spared them. Pure.

A page is one call for attention that reached a person, or a service that calls one; what reaches
the same person about the same group within `TOGETHER` is one page, and a service that was told
along with a person counts as that person's. An episode is one alert that was open while its group
paged.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

TOGETHER = timedelta(minutes=2)
SELF_HEALED_WITHIN = timedelta(minutes=5)
NIGHT = (22, 7)  # o'clock
NOISIEST = 5
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One call.

    Attributes:
        whom: The person's e-mail address, or the channel of a service: see `alerts.channels`.
        group_id: What it was about.
        rules: The names of the rules whose alerts were open then.
    """

    at: datetime
    whom: str
    group_id: int
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A group of alerts that paged somebody.

    Attributes:
        paged_at: The first time.
        acknowledged: Whether somebody took it.
        acted_on: Whether somebody took it, noted something, or closed it by hand.
        ended_at: When it was over; None while it is open.
    """

    group_id: int
    paged_at: datetime
    acknowledged: bool
    acted_on: bool
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An alert that paged somebody.

    Attributes:
        active_at: When its condition began to hold.
        fired_at: When it had held for the rule's `for`.
        cleared_at: When it stopped holding; None while it holds or if it was closed before.
        ended_at: When it was resolved; None while it is open.
        paged_at: Its first page.
        pages: How many there were.
        interval: How often its rule is evaluated.
    """

    rule: str
    active_at: datetime
    fired_at: datetime
    cleared_at: datetime | None
    ended_at: datetime | None
    paged_at: datetime
    pages: int
    acted_on: bool
    interval: timedelta

    @property
    def may_matter(self) -> bool:
        """Say whether somebody acted on it, or may still do so."""
        return self.acted_on or self.ended_at is None

    def spared_beyond(self, now: datetime) -> timedelta:
        """Return the `for` beyond which it would not have paged; while it is open, at least that.

        It would not have fired had the rule waited longer than the condition held. And since
        each step of a policy counts from firing, the page would have come as much later as the
        rule waits longer: to an alert that is over by then, never.
        """
        over = (self.ended_at or now) - self.active_at - (self.paged_at - self.fired_at)
        held = self.cleared_at - self.active_at if self.cleared_at else over
        return max(min(held, over), timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What patience would have done for one rule.

    Attributes:
        pages: How many its alerts caused.
        episodes: By how many alerts.
        acted_on: How many of these somebody acted on.
        hold: The smallest `for` that spares as many pages as can be spared without missing one
            that was acted on; None if there is none.
        spared: How many pages it would have spared.
    """

    rule: str
    pages: int
    episodes: int
    acted_on: int
    hold: timedelta | None
    spared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How tired people are made.

    Attributes:
        incidents: How many groups paged.
        acknowledged, acted_on, self_healed: The shares of these; None without any.
        by_rule: Pages by rule, most first; a page about several rules counts for each.
        by_person: Pages by whom they reached, most first.
        by_hour: Pages by weekday, 0 is Monday, and hour of the day.
        nights: In how many nights each was called, most first.
        advice: About the rules that page most.
    """

    pages: int
    incidents: int
    acknowledged: float | None
    acted_on: float | None
    self_healed: float | None
    by_rule: tuple[tuple[str, int], ...]
    by_person: tuple[tuple[str, int], ...]
    by_hour: Mapping[tuple[int, int], int]
    nights: tuple[tuple[str, int], ...]
    advice: tuple[Advice, ...]


def report(
    pages: Sequence[Page],
    incidents: Sequence[Incident],
    episodes: Sequence[Episode],
    *,
    zone: tzinfo,
    now: datetime,
) -> Report:
    """Return what these pages amount to, by the clock of `zone`."""
    local = [(page, page.at.astimezone(zone)) for page in pages]
    nights = {(page.whom, night) for page, at in local if (night := night_of(at))}
    return Report(
        pages=len(pages),
        incidents=len(incidents),
        acknowledged=_share(incidents, lambda one: one.acknowledged),
        acted_on=_share(incidents, lambda one: one.acted_on),
        self_healed=_share(incidents, _self_healed),
        by_rule=_most(rule for page in pages for rule in page.rules),
        by_person=_most(page.whom for page in pages),
        by_hour=Counter((at.weekday(), at.hour) for _, at in local),
        nights=_most(whom for whom, _ in nights),
        advice=_noisiest(episodes, now=now),
    )


def merged(calls: Iterable[Page]) -> list[Page]:
    """Return `calls` as pages, in order: what belongs together is one."""
    found: list[Page] = []
    last: dict[tuple[int, str], datetime] = {}
    for call in sorted(calls, key=lambda one: one.at):
        before = last.get((call.group_id, call.whom))
        if before is None or call.at - before > TOGETHER:
            found.append(call)
            last[call.group_id, call.whom] = call.at
    personal: dict[int, list[datetime]] = {}
    for call in found:
        if _is_person(call.whom):
            personal.setdefault(call.group_id, []).append(call.at)
    return [
        call
        for call in found
        if _is_person(call.whom)
        or all(abs(at - call.at) > TOGETHER for at in personal.get(call.group_id, ()))
    ]


def night_of(at: datetime) -> date | None:
    """Return the day on whose evening the night of a local time began; None by day."""
    begins, ends = NIGHT
    if at.hour >= begins:
        return at.date()
    return at.date() - timedelta(days=1) if at.hour < ends else None


def advise(rule: str, episodes: Sequence[Episode], *, now: datetime) -> Advice:
    """Return what a longer `for` would have done for the pages of one rule.

    A page that somebody acted on, or may still act on, must have been sent all the same, one
    evaluation of slack included. Of a condition that flickered meanwhile nothing is known.
    """
    beyond = [(one, one.spared_beyond(now)) for one in episodes]
    limit = min((at - one.interval for one, at in beyond if one.may_matter), default=timedelta.max)
    idle = [(one, at) for one, at in beyond if not one.may_matter]
    within = [at for _, at in idle if at < limit]
    hold = _readable(max(within), limit) if within else None
    return Advice(
        rule=rule,
        pages=sum(one.pages for one in episodes),
        episodes=len(episodes),
        acted_on=sum(one.acted_on for one in episodes),
        hold=hold,
        spared=sum(one.pages for one, at in idle if hold and at < hold),
    )


def _noisiest(episodes: Sequence[Episode], *, now: datetime) -> tuple[Advice, ...]:
    by_rule: dict[str, list[Episode]] = {}
    for one in episodes:
        by_rule.setdefault(one.rule, []).append(one)
    found = [advise(rule, own, now=now) for rule, own in by_rule.items()]
    return tuple(sorted(found, key=lambda one: (-one.pages, one.rule))[:NOISIEST])


def _readable(beyond: timedelta, limit: timedelta) -> timedelta | None:
    """Return the smallest duration above `beyond` and up to `limit` that reads well, if any."""
    for size in (MINUTE, timedelta(seconds=10), timedelta(seconds=1)):
        rounded = (math.floor(beyond / size) + 1) * size
        if rounded <= limit:
            return rounded
    return None


def _is_person(whom: str) -> bool:
    return "@" in whom


def _self_healed(one: Incident) -> bool:
    if one.acted_on or one.ended_at is None:
        return False
    return one.ended_at - one.paged_at <= SELF_HEALED_WITHIN


def _share(incidents: Sequence[Incident], holds: Callable[[Incident], bool]) -> float | None:
    return sum(map(holds, incidents)) / len(incidents) if incidents else None


def _most(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(names).items(), key=lambda one: (-one[1], one[0])))
