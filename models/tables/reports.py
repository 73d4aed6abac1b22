"""What goes out once a week, and every message of it."""

from datetime import datetime

from sqlmodel import JSON, Column, Field, SQLModel, UniqueConstraint

from models.tables.columns import word
from models.vocabulary import Outcome, ReportKind


class Report(SQLModel, table=True):
    """When a report goes out, and where to; none of a kind means that it never did."""

    kind: ReportKind = Field(sa_type=word(ReportKind), primary_key=True)
    channel: str
    weekday: int  # 0 is Monday
    hour: int  # by the clocks of `zone`
    zone: str
    due_at: datetime | None = Field(default=None, index=True)  # None: switched off
    error: str = ""  # why what is due is not written yet
    changed_at: datetime
    changed_by: str


class ReportMessage(SQLModel, table=True):
    """One message of one report, and how its sending went; one for each instant and place."""

    __table_args__ = (UniqueConstraint("kind", "scheduled_at", "channel", "about"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: ReportKind = Field(sa_type=word(ReportKind))
    scheduled_at: datetime = Field(index=True)  # the due time that it was written for
    channel: str
    about: str  # the owner whom a digest is for; empty for everyone
    title: str
    lines: list[str] = Field(sa_column=Column(JSON, nullable=False))
    url: str
    due_at: datetime | None = Field(default=None, index=True)  # none once it is over
    attempts: int = 0
    in_doubt: bool = False  # an attempt may have reached the vendor without our knowing
    leased_by: str | None = None
    leased_until: datetime | None = None
    told_at: datetime | None = None  # of the last attempt
    duration_ms: float | None = None
    outcome: Outcome | None = Field(default=None, sa_type=word(Outcome))
    answer: str = ""  # what the vendor said, or why it could not be asked; never a secret
