"""Alerts, the groups in which people are told of them, and what happened to each."""

from datetime import datetime
from typing import Any

from sqlmodel import JSON, Column, Field, Index, SQLModel, text

from models.tables.columns import word
from models.vocabulary import AlertState, DataState, Severity

_IS_OPEN = text("state <> 'resolved'")


class Group(SQLModel, table=True):
    """Alerts that people are told of together: one message, one incident, one escalation.

    Most hold a single alert. Where a group stands follows from its alerts (`alerts.groups`) and is
    written in the transaction that changes one of them.
    """

    __tablename__ = "alert_group"
    __table_args__ = (
        Index("group_open", "key", unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
    )

    id: int | None = Field(default=None, primary_key=True)
    # Identity at every vendor, for this episode only; random, so that a second installation
    # paging the same PagerDuty service can never fold into this one.
    dedup_key: str = Field(unique=True)
    # How often escalation went on after somebody had it: a vendor that would fold the new page
    # into an acknowledged incident is given another key. See alerts.groups.vendor_key.
    epoch: int = 0
    key: str  # which alerts belong: unique among open groups
    labels: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))  # that these share
    title: str
    policy_id: int = Field(foreign_key="policy.id", index=True)
    # The policy as it was when the group opened: editing a policy never moves an open group.
    policy: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    opened_at: datetime = Field(index=True)
    version: int = 0
    # Standing: these names are the fields of alerts.groups.Standing.
    state: AlertState = Field(sa_type=word(AlertState), index=True)  # never pending
    severity: Severity = Field(sa_type=word(Severity))  # the worst of its open alerts
    size: int  # open alerts
    muted: bool  # every firing alert of it is
    # Escalation: these names are the fields of alerts.escalation.Cursor.
    next_step: int = 0
    round: int = 0
    next_escalation_at: datetime | None = Field(default=None, index=True)


class Alert(SQLModel, table=True):
    """One episode of one rule on one label set. `version` guards every write."""

    __table_args__ = (
        Index(
            "alert_open",
            "rule_id",
            "fingerprint",
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        Index("alert_episode", "rule_id", "fingerprint", "fired_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    rule_id: int = Field(foreign_key="rule.id")
    group_id: int | None = Field(default=None, foreign_key="alert_group.id", index=True)
    fingerprint: str
    labels: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    # The rule's, rendered when the alert last began to be pending or to fire.
    annotations: dict[str, str] = Field(
        default={}, sa_column=Column(JSON, nullable=False, server_default="{}")
    )
    severity: Severity = Field(sa_type=word(Severity))
    value: float | None
    version: int = 0
    muted_by: str = ""  # what keeps people from being told of it: see alerts.muting; empty if none
    # What its source can say of it now, if it cannot be seen or was never seen to hold.
    data_state: DataState = Field(
        default=DataState.OK, sa_column_kwargs={"server_default": "ok"}, sa_type=word(DataState)
    )
    data_since: datetime | None = None  # since when; None while it is seen
    flaps: int = 0  # episodes of the last hour when this one fired, if too many: alerts.flapping
    # Lifecycle: these names are the fields of alerts.lifecycle.Lifecycle.
    state: AlertState = Field(sa_type=word(AlertState), index=True)
    active_at: datetime
    fired_at: datetime | None = Field(default=None, index=True)
    clear_since: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    ack_expires_at: datetime | None = Field(default=None, index=True)
    resolved_at: datetime | None = None
    resolved_by: str | None = None


class Transition(SQLModel, table=True):
    """One change of state, never updated."""

    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    at: datetime
    from_state: AlertState | None = Field(sa_type=word(AlertState))
    to_state: AlertState = Field(sa_type=word(AlertState))
    actor: str
    value: float | None = None


class Remark(SQLModel, table=True):
    """Something that happened to a group beside its alerts' changes of state, never updated."""

    id: int | None = Field(default=None, primary_key=True)
    group_id: int = Field(foreign_key="alert_group.id", index=True)
    at: datetime
    actor: str
    text: str


class Note(SQLModel, table=True):
    """What someone wrote on an alert, or on all of its group."""

    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    at: datetime
    author: str
    text: str
    whole_group: bool = False  # written on the group, of which `alert_id` is one
