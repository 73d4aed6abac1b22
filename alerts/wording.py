"""What an alert is called in words, from its rows. Pure."""

from typing import cast

from pydantic import ValidationError

from alerts.conditions import parse_condition
from alerts.notifiers import Message
from models.tables import Alert, Notification, Rule

# Labels that say best what misbehaves, most telling first.
SOURCES = ("feature", "service", "job", "model", "tenant")


def summary(alert: Alert, rule: Rule) -> str:
    """Return what is wrong, and for whom, in one line."""
    try:
        said = parse_condition(rule.condition).sentence(alert.value)
    except (
        ValidationError
    ):  # written by another version of Wakeful: a page must go out all the same
        said = f"{rule.name} fired"
    labels = ", ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
    return f"{said} for {labels}" if labels else said


def alert_url(base_url: str, alert_id: int) -> str:
    """Return the address of an alert's page."""
    return f"{base_url}/alerts?alert={alert_id}"


def message(alert: Alert, rule: Rule, note: Notification, *, base_url: str) -> Message:
    """Return what `note` wants said about `alert`."""
    return Message(
        event=note.wanted,
        dedup_key=alert.dedup_key,
        title=rule.name,
        summary=summary(alert, rule),
        severity=alert.severity,
        source=next((alert.labels[k] for k in SOURCES if k in alert.labels), "llm application"),
        url=alert_url(base_url, cast(int, alert.id)),
        runbook_url=rule.runbook_url,
        labels=alert.labels,
        fired_at=alert.fired_at or alert.active_at,
        acknowledged_by=alert.acknowledged_by,
        resolved_by=alert.resolved_by,
        external_id=note.external_id,
    )
