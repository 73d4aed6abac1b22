"""What people are told, and what they answer."""

from datetime import datetime
from typing import Any

from sqlmodel import JSON, Column, Field, SQLModel, UniqueConstraint

from models.tables.columns import word
from models.vocabulary import Event, Outcome


class Escalation(SQLModel, table=True):
    """One policy step taken, never updated."""

    id: int | None = Field(default=None, primary_key=True)
    group_id: int = Field(foreign_key="alert_group.id", index=True)
    at: datetime
    due_at: datetime  # later `at` means late: the timeline says so
    step: int
    round: int
    channels: list[str] = Field(sa_column=Column(JSON, nullable=False))
    skipped: str = ""  # why nobody was told, if nobody was


class Notification(SQLModel, table=True):
    """What one channel should know about one group, and what it was last told: the outbox.

    Level-triggered, like Alertmanager's notification log: a newer `wanted` replaces an unsent
    one, so a late trigger cannot follow a resolve. Due when `next_attempt_at` has come; with
    none it is settled, or has failed if `error` says so.
    """

    __table_args__ = (UniqueConstraint("group_id", "channel"),)

    id: int | None = Field(default=None, primary_key=True)
    group_id: int = Field(foreign_key="alert_group.id", index=True)
    channel: str  # "kind:target": see alerts.channels
    wanted: Event = Field(sa_type=word(Event))
    wanted_at: datetime
    revision: int = 0  # counts what was wanted: an answer is about the revision it was sent for
    loud: bool = (
        False  # a step of the policy asks for attention; else the post is brought up to date
    )
    sent: Event | None = Field(default=None, sa_type=word(Event))
    sent_at: datetime | None = None
    external_id: str | None = None  # the vendor's handle on what it was told, to update it
    # Of a thread: up to which row of each table it was told; see alerts.threads.
    told: dict[str, int] = Field(default={}, sa_column=Column(JSON, nullable=False))
    attempts: int = 0  # since `wanted` last changed
    # Some attempt may have reached the vendor without our knowing: killed in mid-send, timed out.
    # Such a channel is told of the alert's end even though `sent` is empty.
    in_doubt: bool = False
    leased_by: str | None = None  # an engine that is sending this now
    leased_until: datetime | None = None
    next_attempt_at: datetime | None = Field(default=None, index=True)
    not_before: datetime | None = None  # as the vendor asked
    error: str = ""


class Delivery(SQLModel, table=True):
    """One delivery attempt and the vendor's answer, never updated: the ledger."""

    id: int | None = Field(default=None, primary_key=True)
    group_id: int = Field(foreign_key="alert_group.id", index=True)
    channel: str
    event: Event = Field(sa_type=word(Event))
    at: datetime = Field(index=True)
    duration_ms: float
    attempt: int
    outcome: Outcome = Field(sa_type=word(Outcome))
    loud: bool = False  # it called for attention, as opposed to a post brought up to date
    answer: str  # what the vendor said, or why it could not be asked; never a secret


class Reply(SQLModel, table=True):
    """One action or vendor event that was followed, by the id that its repetitions share."""

    event_id: str = Field(primary_key=True)
    at: datetime = Field(index=True)
    answer: Any = Field(default=None, sa_column=Column(JSON))  # what whoever repeats it is told
