"""Escalation policies: read, checked at the door, written."""

from datetime import timedelta
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from alerts import channels, escalation
from alerts.durations import Duration
from alerts.escalation import Step
from models.tables import Alert, Policy, Rule
from models.vocabulary import AlertState


class PolicyError(Exception):
    """The policy cannot be saved; one sentence says why."""


class StepDraft(BaseModel):
    """One step as someone wrote it."""

    model_config = ConfigDict(extra="forbid")

    after: Duration = Field(default=timedelta(), ge=timedelta(), le=timedelta(days=7))
    channels: tuple[str, ...] = Field(min_length=1)

    @field_validator("channels")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(channels.name(*channels.parse(name)) for name in names)


class PolicyDraft(BaseModel):
    """A policy as someone wrote it; pydantic's ValidationError says what is wrong with it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=80)
    repeat: int = Field(default=0, ge=0, le=20)
    steps: tuple[StepDraft, ...] = Field(min_length=1, max_length=20)

    def stored_steps(self) -> list[dict[str, Any]]:
        """Return the steps as the table holds them."""
        return escalation.dump([Step(after=s.after, channels=s.channels) for s in self.steps])


def draft_of(policy: Policy) -> PolicyDraft:
    """Return `policy` as it would be written."""
    plan = escalation.load(policy.steps, policy.repeat)
    steps = tuple(StepDraft(after=s.after, channels=s.channels) for s in plan.steps)
    return PolicyDraft(name=policy.name, repeat=policy.repeat, steps=steps)


def policies(session: Session) -> list[Policy]:
    """Return every policy, by name."""
    return list(session.exec(select(Policy).order_by(col(Policy.name))))


def save_policy(db: Engine, draft: PolicyDraft, *, policy_id: int | None = None) -> int:
    """Write a policy, new or changed; return its id. Open alerts go on with the one they have.

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
    row.name, row.repeat, row.steps = draft.name, draft.repeat, draft.stored_steps()
    session.add(row)
    session.flush()
    return row


def alerts_on_older(session: Session, policy: Policy) -> list[int]:
    """Return the ids of open alerts that go on with an older version of `policy`."""
    rows = session.exec(
        select(Alert)
        .join(Rule)
        .where(
            Rule.policy_id == policy.id,
            col(Alert.state).in_([AlertState.FIRING, AlertState.ACKNOWLEDGED]),
        )
    )
    return [row.id for row in rows if row.id and row.steps != policy.steps]
