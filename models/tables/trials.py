"""Tests of channels: messages marked TEST that are about no alert."""

from datetime import datetime

from sqlmodel import Field, SQLModel, UniqueConstraint

from models.tables.columns import word
from models.vocabulary import Event, Outcome


class Trial(SQLModel, table=True):
    """A test that someone asked for."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)  # the same for every repetition of one click
    at: datetime = Field(index=True)
    by: str
    about: str  # the policy or the channel that is tested, as people call it
    # Identity at the vendors: no alert's, so that no answer to a test can touch one.
    dedup_key: str = Field(unique=True)


class TrialMessage(SQLModel, table=True):
    """One event of a trial for one channel, and how its telling went."""

    __table_args__ = (UniqueConstraint("trial_id", "channel", "event"),)

    id: int | None = Field(default=None, primary_key=True)
    trial_id: int = Field(foreign_key="trial.id", index=True)
    channel: str
    event: Event = Field(sa_type=word(Event))
    due_at: datetime | None = Field(default=None, index=True)  # none once it is over
    attempts: int = 0
    in_doubt: bool = False  # an attempt may have reached the vendor without our knowing
    leased_by: str | None = None
    leased_until: datetime | None = None
    told_at: datetime | None = None  # of the last attempt
    duration_ms: float | None = None
    outcome: Outcome | None = Field(default=None, sa_type=word(Outcome))
    answer: str = ""  # what the vendor said, or why it could not be asked; never a secret
    external_id: str | None = None  # the vendor's handle on what it was told, to end it
