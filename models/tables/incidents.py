"""What PagerDuty has told of our incidents."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class Incident(SQLModel, table=True):
    """One incident in PagerDuty that is about a group, and how far it was followed."""

    id: str = Field(primary_key=True)  # PagerDuty's
    group_id: int = Field(foreign_key="alert_group.id", index=True)
    key: str = ""  # its dedup key there: see alerts.groups.vendor_key
    status: str = ""  # as PagerDuty told last: triggered, acknowledged, resolved
    followed_at: datetime | None = None  # by PagerDuty's clock: when that happened
    moved_at: datetime | None = None  # by ours: when something was last done here because of it


class Poll(SQLModel, table=True):
    """A vendor that is asked at intervals, by one engine at a time."""

    name: str = Field(primary_key=True)
    next_at: datetime
    answered_at: datetime | None = None  # last good answer
    error: str = ""  # why the last question was not answered
