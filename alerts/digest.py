"""The weekly digest: to each owner their dashboards, what they should look at, and what fired."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from alerts import channels
from alerts.notifiers import Bulletin
from alerts.ownership import flags, same
from alerts.reports import Addressed, Schedule
from models.database import read_only
from models.tables import Alert, Dashboard, Departure, Handover, Rule
from models.vocabulary import OfferState

WEEK: Final = timedelta(days=7)
MOST_OWNERS: Final = 200
_MOST_LINES: Final = 15  # of one kind, in one message


def written(db: Engine, schedule: Schedule, at: datetime, *, base_url: str) -> list[Addressed]:
    """Return the messages of the digest that was due at `at`, one for each owner.

    An owner whose name is an e-mail address is told directly; others in the channel, by name.
    Dashboards whose owner is gone are told to the channel, as everybody's.
    """
    with Session(read_only(db)) as session:
        dashboards = list(session.exec(select(Dashboard).order_by(col(Dashboard.position))))
        gone = frozenset(session.exec(select(Departure.name)))
        offered = _offered(session)
        fired = _fired(session, at)
    by_owner: dict[str, list[Dashboard]] = defaultdict(list)
    names: dict[str, str] = {}
    for one in dashboards:
        by_owner[same(one.owner)].append(one)
        names.setdefault(same(one.owner), one.owner)
    for _, owner in fired:
        names.setdefault(same(owner), owner)
    for owner in offered:
        names.setdefault(same(owner), owner)
    here = sorted(owner for owner in names if owner not in gone)[:MOST_OWNERS]
    found = [
        Addressed(
            channel=_place(names[owner], schedule),
            about=names[owner],
            bulletin=Bulletin(
                title=f"Weekly digest for {names[owner]}",
                lines=(
                    *_owned(by_owner[owner], gone, now=at),
                    *_waiting(offered, owner),
                    *_alerts(fired, owner),
                ),
                url=f"{base_url}/dashboards",
            ),
        )
        for owner in here
    ]
    orphans = [one for one in dashboards if same(one.owner) in gone]
    return [*found, *_orphaned(orphans, schedule, base_url)]


def _place(owner: str, schedule: Schedule) -> str:
    address = owner.strip()
    if "@" in address and " " not in address:
        return channels.name(channels.SLACK_DM, address)
    return schedule.channel


def _owned(
    dashboards: Sequence[Dashboard], gone: Collection[str], *, now: datetime
) -> Iterable[str]:
    if not dashboards:
        return ["You own no dashboard."]
    # Those that need somebody come first.
    ordered = sorted(dashboards, key=lambda one: not flags(one, gone, now=now))
    lines = [f"{one.title}: {_review(one, gone, now=now)}" for one in ordered]
    return _shortened(lines)


def _review(dashboard: Dashboard, gone: Collection[str], *, now: datetime) -> str:
    if found := flags(dashboard, gone, now=now):
        return f"{', '.join(found)}; open it and mark it as reviewed, or hand it over"
    at = dashboard.reviewed_at
    return f"reviewed by {dashboard.reviewed_by}, {at:%b %-d}" if at else "reviewed"


def _waiting(offered: dict[str, list[str]], owner: str) -> Iterable[str]:
    titles = [title for name, titles in offered.items() if same(name) == owner for title in titles]
    return [f"Offered to you, and unanswered: {', '.join(titles)}"] if titles else []


def _alerts(fired: Counter[tuple[str, str]], owner: str) -> Iterable[str]:
    mine = [(name, count) for (name, who), count in fired.most_common() if same(who) == owner]
    if not mine:
        return ["None of your rules fired in these seven days."]
    total = sum(count for _, count in mine)
    times = "once" if total == 1 else f"{total} times"
    lines = [f"{name}: {count}" for name, count in mine]
    return [f"Your rules fired {times} in these seven days:", *_shortened(lines)]


def _orphaned(
    dashboards: Sequence[Dashboard], schedule: Schedule, base_url: str
) -> Iterable[Addressed]:
    if not dashboards:
        return []
    lines = [f"{one.title}: {one.owner} is gone" for one in dashboards]
    said = Bulletin(
        title="Dashboards that nobody answers for",
        lines=(*_shortened(lines), "Anyone can offer them to a new owner."),
        url=f"{base_url}/dashboards",
    )
    return [Addressed(channel=schedule.channel, bulletin=said)]


def _shortened(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"and {more} more"] if more > 0 else list(lines)


def _offered(session: Session) -> dict[str, list[str]]:
    """Return the dashboards offered to each person and not answered for, by title."""
    rows = session.exec(
        select(Handover.to_owner, Dashboard.title)
        .join(Dashboard, col(Dashboard.id) == col(Handover.dashboard_id))
        .where(Handover.state == OfferState.OFFERED)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for owner, title in rows:
        found[owner].append(title)
    return found


def _fired(session: Session, at: datetime) -> Counter[tuple[str, str]]:
    """Return how often each rule fired in the week up to `at`, by (name, owner)."""
    rows = session.exec(
        select(Rule.name, Rule.owner, func.count())
        .join(Alert, col(Alert.rule_id) == col(Rule.id))
        .where(col(Alert.fired_at) >= at - WEEK, col(Alert.fired_at) < at)
        .group_by(Rule.name, Rule.owner)
    )
    return Counter({(name, owner): count for name, owner, count in rows})
