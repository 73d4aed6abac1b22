"""What mutes an alert, for people: which silence until when and why, or which other alert."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from alerts import silences
from alerts.wording import muted_words
from models.tables import Alert, Rule, Silence


class MutingKind(StrEnum):
    """What can mute an alert."""

    SILENCE = "silence"
    ALERT = "alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Muting:
    """One thing that mutes alerts.

    Attributes:
        number: The silence's or the alert's id.
        why: The silence's comment, or the rule of the alert.
        by: Who silenced; empty for an alert.
        until: When the silence ends, if it recurs for now; None while an alert lasts.
    """

    kind: MutingKind
    number: int
    why: str
    by: str = ""
    until: datetime | None = None


Mutings = Mapping[str, Muting]  # by the reason that alerts carry


def mutings(session: Session, reasons: Iterable[str], *, now: datetime) -> Mutings:
    """Return what each of `reasons` stands for; what is gone is left out.

    Args:
        session: Reads.
        reasons: As `Alert.muted_by` holds them; empty ones are left out.
        now: The instant, for silences that recur.
    """
    numbers: dict[str, set[int]] = {kind.value: set() for kind in MutingKind}
    for reason in reasons:
        kind, _, number = reason.partition(":")
        if kind in numbers and number.isdigit():
            numbers[kind].add(int(number))
    return _silences(session, numbers["silence"], now) | _alerts(session, numbers["alert"])


def words(reason: str, known: Mutings) -> str:
    """Return what mutes an alert, in words: `muted by silence 3, ada: deploying`."""
    muting = known.get(reason)
    if muting is None:
        return muted_words(reason)
    return f"{muted_words(reason)}, {f'{muting.by}: ' if muting.by else ''}{muting.why}"


def _silences(session: Session, ids: Iterable[int], now: datetime) -> dict[str, Muting]:
    rows = session.exec(select(Silence).where(col(Silence.id).in_(list(ids))))
    return {
        f"{MutingKind.SILENCE}:{row.id}": Muting(
            kind=MutingKind.SILENCE,
            number=row.id or 0,
            why=row.comment,
            by=row.created_by,
            until=_end(row, now),
        )
        for row in rows
    }


def _end(row: Silence, now: datetime) -> datetime:
    """Return when the silence, or the occurrence of it that holds now, is over."""
    if row.recurrence is None:
        return row.ends_at
    windows = silences.quiet(row).windows(now, now + timedelta(days=2))
    return next((end for start, end in windows if start <= now), row.ends_at)


def _alerts(session: Session, ids: Iterable[int]) -> dict[str, Muting]:
    named = select(Alert.id, Rule.name).join(Rule).where(col(Alert.id).in_(list(ids)))
    return {
        f"{MutingKind.ALERT}:{alert_id}": Muting(
            kind=MutingKind.ALERT, number=alert_id or 0, why=name
        )
        for alert_id, name in session.exec(named)
    }
