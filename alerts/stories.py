"""Reading the story of an alert or of its group; `alerts.postmortem` writes it down."""

from datetime import datetime

from sqlmodel import Session

from alerts import inbox, timelines
from alerts.inbox import Item
from alerts.postmortem import Story, Subject
from alerts.wording import alert_url
from models.vocabulary import AlertState


def of_alert(session: Session, alert_id: int, *, base_url: str, now: datetime) -> Story | None:
    """Return the story of one alert, or None if there is no such alert."""
    item = inbox.item(session, alert_id)
    if item is None:
        return None
    return Story(
        title=item.rule.name,
        severity=item.alert.severity,
        written_at=now,
        subjects=(_subject(item, base_url),),
        entries=tuple(timelines.timeline(session, alert_id)),
    )


def of_group(session: Session, group_id: int, *, base_url: str, now: datetime) -> Story | None:
    """Return the story of a group of alerts, or None if there is no such group."""
    items = inbox.group(session, group_id)
    group = items[0].group if items else None
    if group is None:
        return None
    items.sort(key=lambda item: item.alert.fired_at or item.alert.active_at)
    # Once it is over, its title says what is left of it: the last alert.
    title = group.title if group.state is not AlertState.RESOLVED else _title(items)
    return Story(
        title=title,
        severity=group.severity,
        written_at=now,
        subjects=tuple(_subject(item, base_url) for item in items),
        entries=tuple(timelines.group_timeline(session, group_id)),
    )


def _title(items: list[Item]) -> str:
    rules = list(dict.fromkeys(item.rule.name for item in items))
    return ", ".join(rules) if len(items) == 1 else f"{', '.join(rules)}: {len(items)} alerts"


def _subject(item: Item, base_url: str) -> Subject:
    alert, rule = item.alert, item.rule
    return Subject(
        alert_id=alert.id or 0,
        rule=rule.name,
        owner=rule.owner,
        summary=item.summary,
        severity=alert.severity,
        state=alert.state,
        labels=alert.labels,
        active_at=alert.active_at,
        fired_at=alert.fired_at,
        resolved_at=alert.resolved_at,
        resolved_by=alert.resolved_by,
        url=alert_url(base_url, alert.id or 0),
        runbook_url=rule.runbook_url,
    )
