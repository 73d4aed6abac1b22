"""The calls for attention of the last weeks, from the ledger, as `alerts.fatigue` wants them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from sqlmodel import Session, col, select

from alerts import channels, fatigue
from alerts.acting import Acted, acted
from alerts.fatigue import Episode, Incident, Page
from models.tables import Alert, Delivery, Rule
from models.vocabulary import AlertState, Event, Outcome

MOST = 20_000  # calls, and alerts that they were about
CHUNK = 500
_PERSONAL = (channels.SLACK_DM, channels.PAGERDUTY_ASSIGN, channels.PERSON)

Rows = Sequence[tuple[Alert, Rule]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What was called for, and what became of it.

    Attributes:
        complete: Whether that is all; of too much, the newest is there.
    """

    pages: tuple[Page, ...]
    incidents: tuple[Incident, ...]
    episodes: tuple[Episode, ...]
    complete: bool


def calls(session: Session, *, since: datetime) -> Calls:
    """Return every page since then; a post to a Slack channel calls nobody and is none."""
    told = session.exec(
        select(Delivery.at, Delivery.channel, Delivery.group_id)
        .where(Delivery.at >= since, Delivery.event == Event.TRIGGER, col(Delivery.loud))
        .where(Delivery.outcome == Outcome.DELIVERED)
        .where(~col(Delivery.channel).startswith(f"{channels.SLACK}:"))
        .order_by(col(Delivery.at).desc())
        .limit(MOST)
    ).all()
    bare = fatigue.merged(
        Page(at=at, whom=_whom(channel), group_id=group_id) for at, channel, group_id in told
    )
    groups = list(dict.fromkeys(page.group_id for page in bare))
    rows, known = _alerts(session, groups)
    pages = [_with_rules(page, rows.get(page.group_id, ())) for page in bare]
    return Calls(
        pages=tuple(pages),
        incidents=tuple(_incidents(pages, rows, known)),
        episodes=tuple(_episodes(pages, rows, known)),
        complete=len(told) < MOST and sum(map(len, rows.values())) < MOST,
    )


def _whom(channel: str) -> str:
    kind, _, target = channel.partition(":")
    return target if kind in _PERSONAL else channel


def _alerts(session: Session, groups: Sequence[int]) -> tuple[dict[int, Rows], Acted]:
    """Return the alerts of `groups` by group, and on which somebody acted."""
    found: dict[int, list[tuple[Alert, Rule]]] = defaultdict(list)
    acknowledged: set[int] = set()
    any_way: set[int] = set()
    left = MOST
    for first in range(0, len(groups), CHUNK):
        which = col(Alert.group_id).in_(groups[first : first + CHUNK])
        query = select(Alert, Rule).join(Rule).where(which).order_by(col(Alert.fired_at))
        rows = session.exec(query.limit(left)).all()
        for alert, rule in rows:
            found[cast(int, alert.group_id)].append((alert, rule))
        some = acted(session, which)
        acknowledged |= some.acknowledged
        any_way |= some.any_way
        left -= len(rows)
    return dict(found), Acted(acknowledged=frozenset(acknowledged), any_way=frozenset(any_way))


def _with_rules(page: Page, rows: Rows) -> Page:
    names = dict.fromkeys(rule.name for _, rule in _open_then(page, rows))
    return replace(page, rules=tuple(names))


def _open_then(page: Page, rows: Rows) -> Rows:
    """Return the alerts that a page was about: open then, or else the last that had fired."""
    fired = [(a, r) for a, r in rows if a.fired_at is not None and a.fired_at <= page.at]
    return [(a, r) for a, r in fired if a.resolved_at is None or a.resolved_at >= page.at] or (
        fired[-1:]
    )


def _incidents(pages: Iterable[Page], rows: Mapping[int, Rows], known: Acted) -> Iterable[Incident]:
    first: dict[int, datetime] = {}
    for page in pages:
        first.setdefault(page.group_id, page.at)
    for group_id, paged_at in first.items():
        members = [alert for alert, _ in rows.get(group_id, ())]
        ends = [alert.resolved_at for alert in members]
        yield Incident(
            group_id=group_id,
            paged_at=paged_at,
            acknowledged=any(alert.id in known.acknowledged for alert in members),
            acted_on=any(alert.id in known.any_way for alert in members),
            ended_at=None if None in ends else max(filter(None, ends), default=None),
        )


def _episodes(pages: Iterable[Page], rows: Mapping[int, Rows], known: Acted) -> Iterable[Episode]:
    about: dict[int, list[Page]] = defaultdict(list)
    alerts: dict[int, tuple[Alert, Rule]] = {}
    for page in pages:
        for alert, rule in _open_then(page, rows.get(page.group_id, ())):
            about[cast(int, alert.id)].append(page)
            alerts[cast(int, alert.id)] = (alert, rule)
    for alert_id, (alert, rule) in alerts.items():
        over = alert.state is AlertState.RESOLVED
        yield Episode(
            rule=rule.name,
            active_at=alert.active_at,
            fired_at=cast(datetime, alert.fired_at),
            cleared_at=alert.clear_since if over else None,
            ended_at=alert.resolved_at,
            paged_at=about[alert_id][0].at,
            pages=len(about[alert_id]),
            acted_on=alert_id in known.any_way,
            interval=timedelta(seconds=rule.interval_seconds),
        )
