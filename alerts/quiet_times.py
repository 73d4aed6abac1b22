"""When alerts on a signal were, or would have been, silenced: for charts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlmodel import Session, col, or_, select

from alerts import muting, silences
from alerts.matchers import match
from models.tables import Alert, Rule, Silence

MOST_SILENCES = 200  # the newest of a period
MOST_ALERTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietTime:
    """A time within which a silence held.

    Attributes:
        why: Its comment.
        by: Who silenced.
    """

    start: datetime
    end: datetime
    why: str
    by: str


def quiet_times(
    session: Session, signals: Sequence[str], *, start: datetime, end: datetime
) -> list[QuietTime]:
    """Return when silences held within [start, end) that matched an alert on one of `signals`.

    An alert is one that fired within that time, or one that a rule without a split could open.
    """
    rows = session.exec(
        select(Silence)
        .where(col(Silence.starts_at) < end, col(Silence.ends_at) > start)
        .order_by(col(Silence.starts_at).desc())
        .limit(MOST_SILENCES)
    ).all()
    if not rows:
        return []
    seen = list(_seen(session, frozenset(signals), start, end))
    found = []
    for row in rows:
        quiet = silences.quiet(row)
        if any(match(quiet.matchers, labels) for labels in seen):
            found += [
                QuietTime(start=begins, end=ends, why=row.comment, by=row.created_by)
                for begins, ends in quiet.windows(start, end)
            ]
    return sorted(found, key=lambda one: one.start)


def _seen(
    session: Session, signals: frozenset[str], start: datetime, end: datetime
) -> Iterable[dict[str, str]]:
    """Yield the labels that matchers see of the alerts on `signals`."""
    rules = [
        rule for rule in session.exec(select(Rule)).all() if rule.condition.get("signal") in signals
    ]
    for rule in rules:
        scope = cast(dict[str, str], rule.condition.get("scope") or {})
        yield muting.identity(scope | rule.labels, rule=rule.name, severity=rule.severity)
    named = {rule.id: rule.name for rule in rules}
    alerts = session.exec(
        select(Alert.rule_id, Alert.labels, Alert.severity)
        .where(
            col(Alert.rule_id).in_(named),
            col(Alert.fired_at) < end,
            or_(col(Alert.resolved_at).is_(None), col(Alert.resolved_at) > start),
        )
        .order_by(col(Alert.fired_at).desc())
        .limit(MOST_ALERTS)
    )
    for rule_id, labels, severity in alerts:
        yield muting.identity(labels, rule=named[rule_id], severity=severity)
