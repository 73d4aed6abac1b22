"""Every table of rules, alerts and delivery.

Rows carry no behaviour; times are aware UTC and come from the caller. Spans and logs live
elsewhere: see `signals.traces` and `signals.logs`.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import (
    JSON,
    CheckConstraint,
    Column,
    Field,
    Index,
    SQLModel,
    UniqueConstraint,
    text,
)

from models.columns import word
from models.oncall import OnCallCalendar, OnCallOverride, OnCallSchedule
from models.vocabulary import AlertState, DataState, Event, NoData, Outcome, Severity

__all__ = [
    "Alert",
    "Dashboard",
    "Delivery",
    "Escalation",
    "Handover",
    "Heartbeat",
    "Note",
    "Notification",
    "OnCallCalendar",
    "OnCallOverride",
    "OnCallSchedule",
    "Policy",
    "Reply",
    "Rule",
    "SQLModel",
    "SourceStatus",
    "Transition",
]


class Policy(SQLModel, table=True):
    """An escalation policy: ordered steps, taken `1 + repeat` times until someone has it."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    # Ordered [{"after_seconds": number, "channels": ["slack:#llm", ...]}]: see alerts.escalation.
    steps: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    repeat: int = 0


class Rule(SQLModel, table=True):
    """A condition, how patient to be with it, and whom to tell."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    owner: str
    summary: str = ""
    runbook_url: str = ""
    severity: Severity = Field(sa_type=word(Severity))
    condition: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    labels: dict[str, str] = Field(default={}, sa_column=Column(JSON, nullable=False))
    hold: timedelta = timedelta()
    keep_firing: timedelta = timedelta()
    no_data: NoData = Field(default=NoData.KEEP, sa_type=word(NoData))
    interval_seconds: int = 30
    enabled: bool = True
    policy_id: int = Field(foreign_key="policy.id")
    version: int = 0
    updated_at: datetime
    updated_by: str
    # What the engine last saw.
    next_evaluation_at: datetime = Field(index=True)
    evaluated_at: datetime | None = None
    data_state: DataState | None = Field(default=None, sa_type=word(DataState))
    error: str = ""


class Alert(SQLModel, table=True):
    """One episode of one rule on one label set. `version` guards every write."""

    __table_args__ = (
        Index(
            "alert_open",
            "rule_id",
            "fingerprint",
            unique=True,
            sqlite_where=text("state <> 'resolved'"),
            postgresql_where=text("state <> 'resolved'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    # Identity at every vendor, for this episode only; random, so that a second installation
    # paging the same PagerDuty service can never fold into this one.
    dedup_key: str = Field(unique=True)
    rule_id: int = Field(foreign_key="rule.id", index=True)
    fingerprint: str
    labels: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    severity: Severity = Field(sa_type=word(Severity))
    value: float | None
    # The policy as it was when the alert fired: editing a policy never moves an open alert.
    steps: list[dict[str, Any]] = Field(default=[], sa_column=Column(JSON, nullable=False))
    repeat: int = 0
    version: int = 0
    # Lifecycle: these names are the fields of alerts.lifecycle.Lifecycle.
    state: AlertState = Field(sa_type=word(AlertState), index=True)
    active_at: datetime
    fired_at: datetime | None = None
    clear_since: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    # Escalation: these names are the fields of alerts.escalation.Cursor.
    next_step: int = 0
    round: int = 0
    next_escalation_at: datetime | None = Field(default=None, index=True)


class Transition(SQLModel, table=True):
    """One change of state, never updated."""

    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    at: datetime
    from_state: AlertState | None = Field(sa_type=word(AlertState))
    to_state: AlertState = Field(sa_type=word(AlertState))
    actor: str
    value: float | None = None


class Escalation(SQLModel, table=True):
    """One policy step taken, never updated."""

    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    at: datetime
    due_at: datetime  # later `at` means late: the timeline says so
    step: int
    round: int
    channels: list[str] = Field(sa_column=Column(JSON, nullable=False))


class Note(SQLModel, table=True):
    """What someone wrote on an alert."""

    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    at: datetime
    author: str
    text: str


class Notification(SQLModel, table=True):
    """What one channel should know about one alert, and what it was last told: the outbox.

    Level-triggered, like Alertmanager's notification log: a newer `wanted` replaces an unsent
    one, so a late trigger cannot follow a resolve. Due when `next_attempt_at` has come; with
    none it is settled, or has failed if `error` says so.
    """

    __table_args__ = (UniqueConstraint("alert_id", "channel"),)

    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    channel: str  # "kind:target": see alerts.channels
    wanted: Event = Field(sa_type=word(Event))
    wanted_at: datetime
    sent: Event | None = Field(default=None, sa_type=word(Event))
    sent_at: datetime | None = None
    external_id: str | None = None  # the vendor's handle on what it was told, to update it
    attempts: int = 0  # since `wanted` last changed
    # Some attempt may have reached the vendor without our knowing: killed in mid-send, timed out.
    # Such a channel is told of the alert's end even though `sent` is empty.
    in_doubt: bool = False
    leased_until: datetime | None = None  # an engine is sending this now
    next_attempt_at: datetime | None = Field(default=None, index=True)
    error: str = ""


class Delivery(SQLModel, table=True):
    """One delivery attempt and the vendor's answer, never updated: the ledger."""

    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    channel: str
    event: Event = Field(sa_type=word(Event))
    at: datetime = Field(index=True)
    duration_ms: float
    attempt: int
    outcome: Outcome = Field(sa_type=word(Outcome))
    answer: str  # what the vendor said, or why it could not be asked; never a secret


class Dashboard(SQLModel, table=True):
    """A page of panels that exactly one person answers for."""

    __table_args__ = (CheckConstraint("length(trim(owner)) > 0", name="dashboard_has_an_owner"),)

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True)
    title: str
    purpose: str
    owner: str
    # Ordered [{"title", "kind": PanelKind, "signals": [name, ...], "by": [label, ...]}].
    panels: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    position: int = 0


class Handover(SQLModel, table=True):
    """One change of a dashboard's owner, never updated."""

    id: int | None = Field(default=None, primary_key=True)
    dashboard_id: int = Field(foreign_key="dashboard.id", index=True)
    at: datetime
    from_owner: str
    to_owner: str
    by: str


class Reply(SQLModel, table=True):
    """One vendor event that was handled; vendors deliver theirs at least once."""

    event_id: str = Field(primary_key=True)
    at: datetime


class SourceStatus(SQLModel, table=True):
    """What the engine last learned about one source; shared by every process."""

    name: str = Field(primary_key=True)
    checked_at: datetime
    answered_at: datetime | None = None  # last good answer
    newest_at: datetime | None = None  # time of the newest data it held then
    state: DataState = Field(sa_type=word(DataState))
    error: str = ""


class Heartbeat(SQLModel, table=True):
    """When one engine job last finished; `/healthz` judges by it."""

    job: str = Field(primary_key=True)
    at: datetime
    duration_ms: float
    error: str = ""
