"""The alerts that are open, and those that fired lately, as `alerts.hiding` wants them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from alerts import muting
from alerts.acting import acted
from alerts.hiding import Seen
from models.tables import Alert, Rule
from models.vocabulary import AlertState

MOST = 5000


def opened(session: Session) -> list[Seen]:
    """Return the firing and acknowledged alerts, newest first; of too many, the newest."""
    is_open = col(Alert.state).in_([AlertState.FIRING, AlertState.ACKNOWLEDGED])
    return list(_seen(session, is_open, frozenset()))


def fired(session: Session, *, since: datetime) -> list[Seen]:
    """Return the alerts that fired since then, newest first; of more than `MOST`, the newest."""
    lately = col(Alert.fired_at) >= since
    return list(_seen(session, lately, acted(session, lately).any_way))


def muted(session: Session) -> list[str]:
    """Return what mutes each open alert that is muted: see `alerts.muting`."""
    is_open = col(Alert.state).in_([AlertState.FIRING, AlertState.ACKNOWLEDGED])
    return list(session.exec(select(Alert.muted_by).where(is_open, Alert.muted_by != "")))


def _seen(session: Session, which: ColumnElement[bool], acted_on: frozenset[int]) -> Iterable[Seen]:
    columns: list[Any] = [Alert.id, Alert.labels, Alert.severity, Alert.fired_at, Rule.name]
    rows = session.exec(
        select(*columns).join(Rule).where(which).order_by(col(Alert.fired_at).desc()).limit(MOST)
    )
    for alert_id, labels, severity, fired_at, rule in rows:
        yield Seen(
            alert_id=cast(int, alert_id),
            rule=rule,
            severity=severity,
            labels=muting.identity(labels, rule=rule, severity=severity),
            fired_at=cast(datetime, fired_at),
            acted_on=alert_id in acted_on,
        )
