"""On-call schedules, overrides and swaps as someone wrote them, checked at the door."""

import re
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from alerts.durations import Duration
from alerts.layers import WEEK, Rotation, Window
from alerts.notifiers import people
from models.vocabulary import RotaSource

SHORTEST_TURN: Final = timedelta(hours=1)
LONGEST: Final = timedelta(days=366)  # of a turn or an override
MOST_LAYERS: Final = 20
_PAGERDUTY_ID = re.compile(r"[A-Z0-9]{4,20}")


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _written(mailbox: str) -> str:
    return people.write(people.read(mailbox))


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
Mailbox = Annotated[str, Field(max_length=200), AfterValidator(_written)]


@cache
def known_zones() -> frozenset[str]:
    """Return the names of every time zone there is."""
    return frozenset(available_timezones())


class Draft(BaseModel):
    """What all drafts have in common; pydantic's ValidationError says what is wrong with one."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class WindowDraft(Draft):
    """Hours that recur every week: see `alerts.layers.Window`."""

    days: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(min_length=1, max_length=7)
    opens: time
    closes: time


class LayerDraft(Draft):
    """One rotation: see `alerts.layers.Rotation`."""

    name: str = Field(min_length=1, max_length=80)
    people: tuple[Mailbox, ...] = Field(max_length=100)
    starts_at: Instant
    turn: Duration
    handover: time = time(9)
    weekday: int | None = Field(default=None, ge=0, le=6)
    windows: tuple[WindowDraft, ...] = Field(default=(), max_length=20)

    @field_validator("people")
    @classmethod
    def _somebody(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        if not named:
            raise ValueError("name at least one person")
        keys = [people.key(one) for one in named]
        twice = next((one for one, key in zip(named, keys, strict=True) if keys.count(key) > 1), "")
        if twice:
            raise ValueError(f"{twice} is in it twice: name everyone once")
        return named

    @field_validator("turn")
    @classmethod
    def _bounded(cls, turn: timedelta) -> timedelta:
        if not SHORTEST_TURN <= turn <= LONGEST or turn % SHORTEST_TURN:
            raise ValueError("a turn lasts whole hours, from an hour to a year")
        return turn

    @model_validator(mode="after")
    def _on_its_day(self) -> "LayerDraft":
        if self.weekday is not None and self.turn % WEEK:
            raise ValueError("only turns of whole weeks are handed over on one day of the week")
        return self

    def rotation(self) -> Rotation:
        """Return the layer as the core knows it."""
        return Rotation(
            name=self.name,
            people=self.people,
            starts_at=self.starts_at,
            turn=self.turn,
            handover=self.handover,
            weekday=self.weekday,
            windows=tuple(
                Window(days=frozenset(w.days), opens=w.opens, closes=w.closes) for w in self.windows
            ),
        )


class ScheduleDraft(Draft):
    """A schedule: layers of our own, the last on top, or the address of someone else's."""

    name: str = Field(min_length=1, max_length=80)
    zone: str
    source: RotaSource = RotaSource.OWN
    address: str = Field(default="", max_length=2000)
    layers: tuple[LayerDraft, ...] = Field(default=(), max_length=MOST_LAYERS)
    people: tuple[Mailbox, ...] = Field(default=(), max_length=200)

    @field_validator("name")
    @classmethod
    def _on_one_line(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("a name is one line of plain text")
        return name

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone not in known_zones():
            raise ValueError(f"{zone!r} is not a time zone: write one like Europe/Berlin")
        return zone

    @model_validator(mode="after")
    def _whole(self) -> "ScheduleDraft":
        match self.source:
            case RotaSource.OWN if not self.layers:
                raise ValueError("a schedule needs at least one layer")
            case RotaSource.ICAL:
                self.address = calendar_url(self.address)
            case RotaSource.PAGERDUTY if not _PAGERDUTY_ID.fullmatch(self.address):
                raise ValueError(
                    f"{self.address!r} is not the id of a PagerDuty schedule, such as PI7DH85"
                )
        _one_name_each([*(p for layer in self.layers for p in layer.people), *self.people])
        return self

    def stored_layers(self) -> list[dict[str, Any]]:
        """Return the layers as the table holds them."""
        return [layer.model_dump(mode="json") for layer in self.layers]


class Stint(Draft):
    """One person, for a stretch of time."""

    person: Mailbox
    starts_at: Instant
    ends_at: Instant

    @model_validator(mode="after")
    def _forward(self) -> "Stint":
        if self.ends_at <= self.starts_at:
            raise ValueError("it must end after it starts")
        if self.ends_at - self.starts_at > LONGEST:
            raise ValueError("it may last a year at most: change the schedule instead")
        return self


class OverrideDraft(Stint):
    """Somebody else, for a while."""

    reason: str = Field(default="", max_length=500)


class SwapDraft(Draft):
    """Two stretches, each with whoever is on call for all of it, to change hands."""

    first: Stint
    second: Stint
    reason: str = Field(default="", max_length=500)


def calendar_url(address: str) -> str:
    """Return the http or https address of a calendar; `webcal:` is what browsers call https.

    Raises:
        ValueError: It is none.
    """
    url = re.sub(r"^webcals?:", "https:", address.strip(), flags=re.IGNORECASE)
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port != 0)
    except ValueError:
        whole = False
    if not whole or not url.isprintable() or " " in url or not url.isascii():
        raise ValueError("the address of a calendar starts with https:// and ends in .ics, mostly")
    return url


def _one_name_each(mailboxes: list[str]) -> None:
    names: dict[str, str] = {}
    for mailbox in mailboxes:
        known = names.setdefault(people.key(mailbox), mailbox)
        if known != mailbox:
            raise ValueError(f"{known} and {mailbox} are one person: write them the same way")
