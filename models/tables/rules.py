"""Rules and the policies that say whom to tell."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import JSON, Column, Field, Index, SQLModel

from models.tables.columns import word
from models.vocabulary import DataState, Severity


def _texts() -> Any:
    # The default is the database's, so that the version before this one can still write rows.
    return Column(JSON, nullable=False, server_default="{}")


class Policy(SQLModel, table=True):
    """An escalation policy: ordered steps, taken `1 + repeat` times until someone has it."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    # Ordered [{"after_seconds": number, "channels": [...], "only": {...}}]: alerts.escalation.
    steps: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    repeat: int = 0
    # How alerts are told of together: see alerts.groups. [] is one group for all of the policy,
    # None a group for each alert.
    group_by: list[str] | None = Field(default=None, sa_column=Column(JSON))
    group_wait: timedelta = timedelta()
    group_interval: timedelta = timedelta()
    storm_limit: int = 0  # more new groups than this in a minute become one; 0 is never
    # {severity: seconds} after which an acknowledgement runs out; a severity without one, never.
    ack_timeouts: dict[str, float] = Field(default={}, sa_column=Column(JSON, nullable=False))


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
    # What is said of an alert. Values may be Go templates, as those of the labels may.
    annotations: dict[str, str] = Field(default={}, sa_column=_texts())
    # As a Prometheus rule file has it: its alert's name, its group and its place there.
    alertname: str = Field(default="", sa_column_kwargs={"server_default": ""})
    group: str = Field(default="", sa_column_kwargs={"server_default": ""})
    position: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    # Where it is kept, if that is not here: a file of the watched folder, and the line.
    source_file: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})
    source_line: int | None = None
    hold: timedelta = timedelta()
    keep_firing: timedelta = timedelta()
    # {a data state: what is made of it} where that is not what the kind does: alerts.datastates.
    data_states: dict[str, str] = Field(default={}, sa_column=_texts())
    interval_seconds: int = 30
    enabled: bool = True
    policy_id: int = Field(foreign_key="policy.id")
    own: bool = False  # answered by our own database: evaluated apart, whatever stands still
    version: int = 0
    updated_at: datetime
    updated_by: str
    # What the engines last saw. A lease is an engine's that evaluates the rule right now.
    next_evaluation_at: datetime = Field(index=True)
    leased_by: str | None = None
    leased_until: datetime | None = None
    evaluated_at: datetime | None = None
    data_state: DataState | None = Field(default=None, sa_type=word(DataState))
    error: str = ""


class RuleVersion(SQLModel, table=True):
    """A rule as it was from an instant on, never updated."""

    __table_args__ = (Index("rule_version", "rule_id", "version", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    rule_id: int = Field(foreign_key="rule.id")
    version: int
    at: datetime
    author: str
    draft: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))  # a RuleDraft


class RuleGroup(SQLModel, table=True):
    """A group of a Prometheus rule file, kept for the way back: see `alerts.rulegroups`."""

    name: str = Field(primary_key=True)
    position: int  # among the groups
    source_file: str = ""
    draft: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))  # a GroupDraft


class WatchedFile(SQLModel, table=True):
    """A file of the watched folder, as it was last read."""

    path: str = Field(primary_key=True)  # within the folder
    read_at: datetime
    rules: int  # that are in force: of a broken file, those of the last sound one
    complaint: str = ""  # why it was not taken; empty if it was
