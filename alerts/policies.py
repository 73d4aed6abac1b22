"""Escalation policies: read, checked at the door, written."""

from datetime import time, timedelta
from typing import Any, Self, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from alerts import channels, plans
from alerts.durations import Duration
from alerts.escalation import Hours, Only, Plan, Step
from models.tables import Group, Policy
from models.tables.columns import still_open
from models.vocabulary import Severity


class PolicyError(Exception):
    """The policy cannot be saved; one sentence says why."""


class HoursDraft(BaseModel):
    """A part of the week, as someone wrote it."""

    model_config = ConfigDict(extra="forbid")

    start: time
    end: time
    zone: str = "UTC"
    weekdays: tuple[int, ...] = Field(default=tuple(range(7)), min_length=1)

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not a time zone such as Europe/Berlin") from error
        return name

    @model_validator(mode="after")
    def _are_some(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end are the same: leave the hours out for around the clock")
        if not all(0 <= day <= 6 for day in self.weekdays):
            raise ValueError("weekdays go from 0, Monday, to 6")
        return self


class OnlyDraft(BaseModel):
    """When a step is taken at all, as someone wrote it."""

    model_config = ConfigDict(extra="forbid")

    severities: tuple[Severity, ...] = ()
    more_than: int = Field(default=0, ge=0, le=100_000)
    hours: HoursDraft | None = None

    def only(self) -> Only:
        """Return what the core knows of it."""
        hours = self.hours
        return Only(
            severities=frozenset(self.severities),
            more_than=self.more_than,
            hours=Hours(
                start=hours.start,
                end=hours.end,
                zone=hours.zone,
                weekdays=frozenset(hours.weekdays),
            )
            if hours
            else None,
        )


class StepDraft(BaseModel):
    """One step as someone wrote it."""

    model_config = ConfigDict(extra="forbid")

    after: Duration = Field(default=timedelta(), ge=timedelta(), le=timedelta(days=7))
    channels: tuple[str, ...] = Field(min_length=1)
    only: OnlyDraft = OnlyDraft()

    @field_validator("channels")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(channels.nameable(name) for name in names)

    def step(self) -> Step:
        """Return what the core knows of it."""
        return Step(after=self.after, channels=self.channels, only=self.only.only())


class PolicyDraft(BaseModel):
    """A policy as someone wrote it; pydantic's ValidationError says what is wrong with it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=80)
    repeat: int = Field(default=0, ge=0, le=20)
    steps: tuple[StepDraft, ...] = Field(min_length=1, max_length=20)
    group_by: tuple[str, ...] | None = Field(default=None, max_length=10)
    group_wait: Duration = Field(default=timedelta(), ge=timedelta(), le=timedelta(hours=1))
    group_interval: Duration = Field(default=timedelta(), ge=timedelta(), le=timedelta(days=1))
    storm_limit: int = Field(default=20, ge=0, le=10_000)
    ack_timeouts: dict[Severity, Duration] = {}

    @field_validator("ack_timeouts")
    @classmethod
    def _last(cls, timeouts: dict[Severity, timedelta]) -> dict[Severity, timedelta]:
        for severity, timeout in timeouts.items():
            if not timedelta(minutes=1) <= timeout <= timedelta(days=7):
                raise ValueError(f"an acknowledgement of {severity} lasts from 1m to 7d")
        return timeouts


def draft_of(policy: Policy) -> PolicyDraft:
    """Return `policy` as it would be written."""
    return PolicyDraft(
        name=policy.name,
        repeat=policy.repeat,
        steps=tuple(_step_draft(step) for step in plans.load_steps(policy.steps)),
        group_by=None if policy.group_by is None else tuple(policy.group_by),
        group_wait=policy.group_wait,
        group_interval=policy.group_interval,
        storm_limit=policy.storm_limit,
        ack_timeouts=plan_of(policy).ack_timeouts,
    )


def plan_of(policy: Policy) -> Plan:
    """Return the plan that a group opened now would keep."""
    return Plan(
        steps=plans.load_steps(policy.steps),
        repeat=policy.repeat,
        group_wait=policy.group_wait,
        group_interval=policy.group_interval,
        ack_timeouts={
            Severity(name): timedelta(seconds=s) for name, s in policy.ack_timeouts.items()
        },
    )


def policies(session: Session) -> list[Policy]:
    """Return every policy, by name."""
    return list(session.exec(select(Policy).order_by(col(Policy.name))))


def save_policy(db: Engine, draft: PolicyDraft, *, policy_id: int | None = None) -> int:
    """Write a policy, new or changed; return its id. Open groups go on with the one they have.

    Raises:
        PolicyError: Another policy has that name, or the one to change is gone.
    """
    with Session(db) as session:
        row = put_policy(session, draft, policy_id=policy_id)
        session.commit()
        return cast(int, row.id)


def put_policy(session: Session, draft: PolicyDraft, *, policy_id: int | None) -> Policy:
    """Do what `save_policy` does, as a part of the caller's transaction."""
    other = session.exec(select(Policy).where(Policy.name == draft.name)).one_or_none()
    if other is not None and other.id != policy_id:
        raise PolicyError(f"there is already a policy named {draft.name!r}")
    row = session.get(Policy, policy_id) if policy_id else Policy(name=draft.name, steps=[])
    if row is None:
        raise PolicyError("this policy is gone")
    row.sqlmodel_update(_columns(draft))
    session.add(row)
    session.flush()
    return row


def groups_on_older(session: Session, policy: Policy) -> list[Group]:
    """Return the open groups that go on with an older version of `policy`, longest first."""
    newest = plans.dump(plan_of(policy))
    opened = (Group.policy_id == policy.id, still_open(Group.state))
    rows = session.exec(select(Group).where(*opened).order_by(col(Group.opened_at)))
    return [row for row in rows if row.policy != newest]


def _columns(draft: PolicyDraft) -> dict[str, Any]:
    values = draft.model_dump(include={"name", "repeat", "group_wait", "group_interval"})
    return values | {
        "steps": [plans.dump_step(step.step()) for step in draft.steps],
        "group_by": None if draft.group_by is None else list(draft.group_by),
        "storm_limit": draft.storm_limit,
        "ack_timeouts": {s.value: t.total_seconds() for s, t in draft.ack_timeouts.items()},
    }


def _step_draft(step: Step) -> StepDraft:
    hours = step.only.hours
    return StepDraft(
        after=step.after,
        channels=step.channels,
        only=OnlyDraft(
            severities=tuple(s for s in Severity if s in step.only.severities),
            more_than=step.only.more_than,
            hours=HoursDraft(
                start=hours.start,
                end=hours.end,
                zone=hours.zone,
                weekdays=tuple(sorted(hours.weekdays)),
            )
            if hours
            else None,
        ),
    )
