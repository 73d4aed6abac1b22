"""What keeps people from being told of an alert that fires."""

from datetime import datetime
from typing import Any

from sqlmodel import JSON, Column, Field, SQLModel


class Silence(SQLModel, table=True):
    """Alerts that nobody is told of while it lasts; once, or again and again."""

    id: int | None = Field(default=None, primary_key=True)
    matchers: list[str] = Field(sa_column=Column(JSON, nullable=False))  # all must match
    starts_at: datetime
    ends_at: datetime
    # {"zone", "weekdays", "start", "minutes"}: only then, between the two; see alerts.silences.
    recurrence: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    maintenance: bool = False  # planned work, as opposed to noise
    comment: str
    created_at: datetime
    created_by: str
    ended_by: str | None = None  # who ended it before its time; `ends_at` is when


class Inhibition(SQLModel, table=True):
    """While an alert of `source` fires, those of `target` with equal labels are not told."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    source: list[str] = Field(sa_column=Column(JSON, nullable=False))
    target: list[str] = Field(sa_column=Column(JSON, nullable=False))
    equal: list[str] = Field(sa_column=Column(JSON, nullable=False))
    updated_at: datetime
    updated_by: str
