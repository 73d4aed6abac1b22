"""Silences, maintenance windows and inhibitions: read, checked at the door, written."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Self, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from alerts import matchers, muting
from alerts.muting import Firing, Inhibit, Mutes, Quiet, Recurrence
from models.tables import Alert, Inhibition, Rule, Silence, Transition
from models.vocabulary import AlertState

LONGEST = timedelta(days=366)


class SilenceError(Exception):
    """The silence or inhibition cannot be saved or ended; one sentence says why."""


def _checked(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(matcher) for matcher in matchers.parse_all(texts))


class RecurrenceDraft(BaseModel):
    """When a silence comes again, as someone wrote it."""

    model_config = ConfigDict(extra="forbid")

    zone: str
    weekdays: tuple[int, ...] = Field(min_length=1, description="0 is Monday")
    start: time
    minutes: int = Field(ge=1, le=1440)

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not a time zone such as Europe/Berlin") from error
        return name

    @field_validator("weekdays")
    @classmethod
    def _are_days(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if not all(0 <= day <= 6 for day in days):
            raise ValueError("weekdays go from 0, Monday, to 6")
        return tuple(sorted(set(days)))


class SilenceDraft(BaseModel):
    """A silence as someone wrote it; pydantic's ValidationError says what is wrong with it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    matchers: tuple[str, ...] = Field(min_length=1, max_length=20)
    starts_at: datetime
    ends_at: datetime
    recurrence: RecurrenceDraft | None = None
    maintenance: bool = False
    comment: str = Field(min_length=1, max_length=1000, description="Why; who reads it is woken")

    @field_validator("matchers")
    @classmethod
    def _are_matchers(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        return _checked(texts)

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise ValueError("both times need a time zone")
        if self.ends_at <= self.starts_at:
            raise ValueError("it must end after it starts")
        if self.ends_at - self.starts_at > LONGEST:
            raise ValueError("a silence may last a year at most")
        return self


class InhibitionDraft(BaseModel):
    """An inhibition as someone wrote it; pydantic's ValidationError says what is wrong."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=120)
    source: tuple[str, ...] = Field(min_length=1, max_length=20)
    target: tuple[str, ...] = Field(min_length=1, max_length=20)
    equal: tuple[str, ...] = Field(default=(), max_length=20)

    @field_validator("source", "target")
    @classmethod
    def _are_matchers(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        return _checked(texts)


def silence(db: Engine, draft: SilenceDraft, *, by: str, now: datetime) -> int:
    """Write a silence; return its id. What it mutes is muted at the engine's next tick.

    Raises:
        SilenceError: It is over already.
    """
    if draft.ends_at <= now:
        raise SilenceError("the silence is over already: choose a later end")
    recurrence = draft.recurrence
    values = draft.model_dump(exclude={"recurrence", "matchers"})
    row = Silence(
        **values,
        matchers=list(draft.matchers),
        recurrence=recurrence.model_dump(mode="json") if recurrence else None,
        created_at=now,
        created_by=by,
    )
    with Session(db) as session:
        session.add(row)
        session.commit()
        return cast(int, row.id)


def end(db: Engine, silence_id: int, *, by: str, now: datetime) -> bool:
    """End a silence now; return False if it was over already.

    Raises:
        SilenceError: There is no such silence.
    """
    with Session(db) as session:
        row = session.get(Silence, silence_id, with_for_update=True)
        if row is None:
            raise SilenceError(f"there is no silence {silence_id}")
        if row.ends_at <= now:
            return False
        row.ends_at, row.ended_by = now, by
        session.commit()
        return True


def extend(db: Engine, silence_id: int, *, until: datetime, now: datetime) -> bool:
    """Have a silence last until an instant; return False if it lasts as long already.

    Raises:
        SilenceError: There is no such silence, it is over, or it would last more than a year.
    """
    with Session(db) as session:
        row = session.get(Silence, silence_id, with_for_update=True)
        if row is None:
            raise SilenceError(f"there is no silence {silence_id}")
        if row.ends_at <= now:
            raise SilenceError("the silence is over: make a new one")
        if until - row.starts_at > LONGEST:
            raise SilenceError("a silence may last a year at most")
        if until <= row.ends_at:
            return False
        row.ends_at = until
        session.commit()
        return True


def silences(session: Session, *, now: datetime, ended: bool = False) -> list[Silence]:
    """Return the silences that are or will be active, soonest first; or those that ended last."""
    if ended:
        over = select(Silence).where(col(Silence.ends_at) <= now)
        return list(session.exec(over.order_by(col(Silence.ends_at).desc()).limit(100)))
    coming = select(Silence).where(col(Silence.ends_at) > now)
    return list(session.exec(coming.order_by(col(Silence.starts_at))))


def put_inhibition(
    db: Engine, draft: InhibitionDraft, *, by: str, now: datetime, inhibition_id: int | None = None
) -> int:
    """Write an inhibition, new or changed; return its id.

    Raises:
        SilenceError: Another has that name, or the one to change is gone.
    """
    with Session(db) as session:
        named = select(Inhibition).where(Inhibition.name == draft.name)
        other = session.exec(named).one_or_none()
        if other is not None and other.id != inhibition_id:
            raise SilenceError(f"there is already an inhibition named {draft.name!r}")
        values: dict[str, Any] = draft.model_dump(mode="json") | {
            "updated_at": now,
            "updated_by": by,
        }
        row = session.get(Inhibition, inhibition_id) if inhibition_id else Inhibition(**values)
        if row is None:
            raise SilenceError("this inhibition is gone")
        row.sqlmodel_update(values)
        session.add(row)
        session.commit()
        return cast(int, row.id)


def remove_inhibition(db: Engine, inhibition_id: int) -> None:
    """Remove an inhibition; removing it twice is no error."""
    with Session(db) as session:
        row = session.get(Inhibition, inhibition_id)
        if row is not None:
            session.delete(row)
            session.commit()


def inhibitions(session: Session) -> list[Inhibition]:
    """Return every inhibition, by name."""
    return list(session.exec(select(Inhibition).order_by(col(Inhibition.name))))


def quiet(row: Silence) -> Quiet:
    """Return what `row` says, for the core."""
    recurrence = row.recurrence and RecurrenceDraft.model_validate(row.recurrence)
    return Quiet(
        silence_id=cast(int, row.id),
        matchers=tuple(map(matchers.parse, row.matchers)),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        recurrence=Recurrence(
            zone=recurrence.zone,
            weekdays=frozenset(recurrence.weekdays),
            start=recurrence.start,
            length=timedelta(minutes=recurrence.minutes),
        )
        if recurrence
        else None,
    )


def mutes(session: Session, *, now: datetime) -> Mutes:
    """Return all that mutes now."""
    rules = [
        Inhibit(
            source=tuple(map(matchers.parse, row.source)),
            target=tuple(map(matchers.parse, row.target)),
            equal=tuple(row.equal),
        )
        for row in inhibitions(session)
    ]
    rows = silences(session, now=now)
    return Mutes([quiet(row) for row in rows], rules, voices(session) if rules else (), now=now)


def what_counts(session: Session, *, now: datetime) -> object:
    """Return something that changes whenever `mutes` may mute other alerts than before."""
    active = tuple(q for row in silences(session, now=now) if (q := quiet(row)).active(now))
    rules = tuple((row.id, row.updated_at) for row in inhibitions(session))
    last = session.exec(select(func.max(Transition.id))).one() if rules else None
    return active, rules, last


def voices(session: Session) -> Iterable[Firing]:
    """Return the firing and acknowledged alerts, as sources of inhibition."""
    is_open = col(Alert.state).in_([AlertState.FIRING, AlertState.ACKNOWLEDGED])
    rows = session.exec(
        select(Alert.id, Alert.labels, Alert.severity, Rule.name).join(Rule).where(is_open)
    )
    return [
        Firing(
            alert_id=cast(int, alert_id),
            labels=muting.identity(labels, rule=rule, severity=severity),
        )
        for alert_id, labels, severity, rule in rows
    ]
