"""The tables of on-call schedules. Times are aware UTC and come from the caller."""

from datetime import datetime
from typing import Any

from sqlmodel import JSON, Column, Field, SQLModel

from models.tables.columns import word
from models.vocabulary import RotaSource


class OnCallSchedule(SQLModel, table=True):
    """Whose turn it is, by rotations of our own or by someone else's calendar.

    People are written `Ada Lovelace <ada@example.org>`; the address says who somebody is.
    """

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)  # what policies call it: `schedule:name`
    zone: str  # by its name in the IANA database
    source: RotaSource = Field(sa_type=word(RotaSource))
    address: str = ""  # of the calendar, or the id in PagerDuty; may hold a secret
    # Ordered, the last on top: see alerts.rota_drafts.LayerDraft.
    layers: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    people: list[str] = Field(sa_column=Column(JSON, nullable=False))  # whom a calendar may name
    feed_token: str = Field(unique=True)
    updated_at: datetime  # of this row or its overrides
    updated_by: str


class OnCallOverride(SQLModel, table=True):
    """Somebody else for a while. The later made wins; a swap is two with one `swap_id`."""

    id: int | None = Field(default=None, primary_key=True)
    schedule_id: int = Field(foreign_key="oncallschedule.id", index=True)
    person: str
    starts_at: datetime
    ends_at: datetime = Field(index=True)
    reason: str = ""
    by: str
    at: datetime
    swap_id: str | None = Field(default=None, index=True)


class OnCallCalendar(SQLModel, table=True):
    """What the source of a schedule that is not our own last said; kept while it is down."""

    schedule_id: int = Field(foreign_key="oncallschedule.id", primary_key=True)
    next_read_at: datetime = Field(index=True)
    tried_at: datetime | None = None
    read_at: datetime | None = None  # the last good answer
    changed_at: datetime | None = None  # when an answer last differed from the one before
    digest: str = ""  # of what was read, so that the same is not taken apart again
    expanded_at: datetime | None = None  # when it was last taken apart
    known_until: datetime | None = None  # beyond, it was not asked
    error: str = ""  # why there is no newer answer
    # [{"person", "start", "end"}, ...], ISO 8601 in UTC.
    bookings: list[dict[str, str]] = Field(sa_column=Column(JSON, nullable=False))
    unknown: list[str] = Field(sa_column=Column(JSON, nullable=False))  # events that name nobody
