"""Groups of Prometheus rule files: kept with their recording rules, so that they can leave again.

Wakeful evaluates neither groups nor recording rules: alerts know their group by name.
"""

from collections.abc import Iterable
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlmodel import Session, col, func, select

from alerts.durations import Duration
from alerts.rulecode.leaving import Kept
from alerts.rulecode.promfile import PromGroup, PromRule
from alerts.rulecode.taken import Taken
from models.tables import RuleGroup


class RecordingDraft(BaseModel):
    """A recording rule, which Prometheus evaluates."""

    model_config = ConfigDict(extra="forbid")

    record: str = Field(min_length=1)
    expr: str = Field(min_length=1)
    labels: dict[str, str] = {}
    position: int = Field(default=0, ge=0, description="Its place in the group")


class GroupDraft(BaseModel):
    """A group, as someone wrote it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=2000)
    interval: Duration = Field(default=timedelta(), description="0s is the server's own")
    limit: int = Field(default=0, description="Most alerts of one rule; not applied here")
    query_offset: Duration | None = Field(default=None, description="Not applied here")
    labels: dict[str, str] = Field(default={}, description="Each alert has them too")
    recordings: list[RecordingDraft] = []

    @field_validator("name")
    @classmethod
    def _fits_a_column(cls, name: str) -> str:
        if "\0" in name:  # PostgreSQL's texts hold none
            raise ValueError("a NUL character cannot be kept")
        return name


def from_taken(group: PromGroup, found: Iterable[Taken]) -> GroupDraft:
    """Return a group with the recording rules of `found`, which are its rules.

    Raises:
        ValidationError: It cannot be kept.
    """
    recordings = [
        RecordingDraft(
            record=one.rule.record,
            expr=one.rule.expr,
            labels=group.labels_of(one.rule),
            position=one.position,
        )
        for one in found
        if one.rule.record
    ]
    return GroupDraft(
        name=group.name,
        interval=group.interval,
        limit=group.limit,
        query_offset=group.query_offset,
        labels=dict(group.labels),
        recordings=recordings,
    )


def put_group(session: Session, draft: GroupDraft, *, source_file: str = "") -> None:
    """Write a group, new or changed, as a part of the caller's transaction."""
    row = session.get(RuleGroup, draft.name)
    if row is None:
        last = select(func.coalesce(func.max(RuleGroup.position), -1))
        row = RuleGroup(name=draft.name, position=session.exec(last).one() + 1, draft={})
    row.draft, row.source_file = draft.model_dump(mode="json"), source_file
    session.add(row)
    session.flush()


def groups(session: Session) -> list[GroupDraft]:
    """Return every group, in the order in which they came."""
    rows = session.exec(select(RuleGroup).order_by(col(RuleGroup.position), col(RuleGroup.name)))
    return [GroupDraft.model_validate(row.draft) for row in rows]


def kept(draft: GroupDraft) -> Kept:
    """Return a group as `leaving` wants it."""
    group = PromGroup(
        name=draft.name,
        interval=draft.interval,
        limit=draft.limit,
        query_offset=draft.query_offset,
        labels=draft.labels,
    )
    recordings = [
        (one.position, PromRule(record=one.record, expr=one.expr, labels=one.labels))
        for one in draft.recordings
    ]
    return Kept(group=group, recordings=recordings)
