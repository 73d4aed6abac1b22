"""What an alert or a group of them is called in words, from its rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from pydantic import ValidationError
from sqlmodel import Session, case, col, select

from alerts.conditions import parse_condition
from alerts.evidence import Breach
from alerts.groups import WORST_FIRST, vendor_key
from alerts.notifiers import Line, Message
from alerts.observations import is_blind
from models.tables import Alert, Escalation, Group, Notification, Rule
from models.tables.columns import still_open
from models.vocabulary import AlertState, DataState
from signals.units import span

# Labels that say best what misbehaves, most telling first.
SOURCES = ("feature", "service", "job", "model", "tenant")
OWN_WORDS = ("summary", "message")  # annotations that say what is wrong
WORDS_LIMIT, DETAILS_LIMIT = 1000, 2000
LINES = 10  # of a group's alerts in one message
LATE = timedelta(seconds=5)  # a step taken later than this says so

Rows = Sequence[tuple[Alert, Rule]]


def summary(alert: Alert, rule: Rule) -> str:
    """Return what is wrong, and for whom, in one line: in the rule's own words, if it has any."""
    name = next((n for n in OWN_WORDS if alert.annotations.get(n, "").strip()), "")
    if not name:
        return about(_unseen(alert, rule) or sentence(rule, alert.value), alert.labels)
    said = " ".join(alert.annotations[name].split())[:WORDS_LIMIT]
    # Its own words with a template in them say themselves for whom.
    return said if "{{" in rule.annotations.get(name, "") else about(said, alert.labels)


def details(alert: Alert) -> str:
    """Return what else the rule's own words say of an alert; empty if nothing."""
    return alert.annotations.get("description", "").strip()[:DETAILS_LIMIT]


def sentence(rule: Rule, value: float | None) -> str:
    """Return what is wrong at `value`, in one line."""
    try:
        return parse_condition(rule.condition).sentence(value)
    except (
        ValidationError
    ):  # written by another version of Wakeful: a page must go out all the same
        return f"{rule.name} fired"


def _unseen(alert: Alert, rule: Rule) -> str:
    """Return what is wrong where that is a data state, and nothing that was seen; else empty."""
    if alert.value is not None or alert.data_state is DataState.OK:
        return ""
    if is_blind(alert.labels):
        return f"{rule.name} is blind: {alert.data_state}"
    return f"{sentence(rule, None)}: {alert.data_state}"


def about(said: str, labels: Mapping[str, str]) -> str:
    """Return `said` and for whom that is, if for anyone in particular."""
    whom = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))
    return f"{said} for {whom}" if whom else said


def breach(session: Session, group: Group) -> Breach | None:
    """Return what the worst alert of a group is about; None if its rule cannot be read."""
    alert, rule = worst(session, group, limit=1)[0]
    try:
        condition = parse_condition(rule.condition)
    except ValidationError:
        return None
    return Breach(
        condition=condition, labels=alert.labels, began=alert.active_at, ended=alert.resolved_at
    )


def alert_url(base_url: str, alert_id: int) -> str:
    """Return the address of an alert's page."""
    return f"{base_url}/alerts?alert={alert_id}"


def muted_words(muted_by: str) -> str:
    """Return what mutes an alert, in words: `muted by silence 3`; empty if nothing does."""
    kind, _, number = muted_by.partition(":")
    return f"muted by {kind} {number}" if kind else ""


def step_taken(row: Escalation) -> str:
    """Return what became of a step of the policy: `step 2: pagerduty:default`."""
    text = f"step {row.step + 1}: {', '.join(row.channels)}"
    if row.round:
        text = f"round {row.round + 1}, {text}"
    if row.skipped:
        text += f" skipped: {row.skipped}"
    late = row.at - row.due_at
    return f"{text} (late by {span(late)})" if late >= LATE else text


def flapping_words(flaps: int) -> str:
    """Return how an alert comes and goes, in words; empty if it does not."""
    return f"fired {flaps} times in the last hour; held open" if flaps else ""


def message(session: Session, note: Notification, *, base_url: str) -> Message:
    """Return what `note` wants said about its group, as things stand now."""
    group = session.get_one(Group, note.group_id)
    rows = worst(session, group, limit=LINES)
    alert, rule = rows[0]
    several = group.size > 1
    return Message(
        event=note.wanted,
        dedup_key=group.dedup_key,
        vendor_key=vendor_key(group.dedup_key, group.epoch),
        title=group.title,
        summary=summary(alert, rule),
        details="" if several else details(alert),
        severity=group.severity,
        source=next((alert.labels[k] for k in SOURCES if k in alert.labels), "llm application"),
        url=alert_url(base_url, cast(int, alert.id)),
        runbook_url=rule.runbook_url,
        labels=group.labels if several else alert.labels,
        lines=tuple(_line(a, r, base_url) for a, r in rows) if several else (),
        more=max(0, group.size - len(rows)),
        fired_at=group.opened_at,
        muted=muted_words(alert.muted_by) if group.muted else "",
        flapping=flapping_words(max(a.flaps for a, _ in rows)),
        acknowledged_by=_holders(rows),
        acknowledged_until=_until(rows),
        resolved_by=alert.resolved_by,
        loud=note.loud,
        external_id=note.external_id,
    )


def worst(session: Session, group: Group, *, limit: int) -> Rows:
    """Return a group's alerts, at most `limit`: open ones first, nobody's first, worst first.

    Of a group that is over, the alerts that ended last.
    """
    of_group = select(Alert, Rule).join(Rule).where(Alert.group_id == group.id)
    if group.state is AlertState.RESOLVED:
        ended = of_group.order_by(col(Alert.resolved_at).desc(), col(Alert.id))
        return session.exec(ended.limit(limit)).all()
    badness = case(*((Alert.severity == s, i) for i, s in enumerate(WORST_FIRST)))
    opened = of_group.where(still_open(Alert.state)).order_by(
        (col(Alert.state) == AlertState.ACKNOWLEDGED).asc(),
        (col(Alert.muted_by) != "").asc(),
        badness,
        col(Alert.fired_at),
        col(Alert.id),
    )
    return session.exec(opened.limit(limit)).all()


def _line(alert: Alert, rule: Rule, base_url: str) -> Line:
    state = "muted" if alert.muted_by and alert.state is AlertState.FIRING else alert.state.value
    text = f"{rule.name}: {summary(alert, rule)}"
    return Line(state=state, text=text, url=alert_url(base_url, cast(int, alert.id)))


def _holders(rows: Rows) -> str | None:
    names = dict.fromkeys(a.acknowledged_by for a, _ in rows if a.acknowledged_by)
    return ", ".join(names) or None


def _until(rows: Rows) -> datetime | None:
    ends = [a.ack_expires_at for a, _ in rows if a.ack_expires_at]
    return min(ends, default=None)
