"""The rules: read, checked at the door, written, each change with a version."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from pydantic import ValidationError
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from alerts import composites, lifecycle, pings, versions
from alerts.conditions import AnyCondition, Composite, parse_condition
from alerts.decision import Decision, core
from alerts.ruledraft import RuleDraft, draft_of, heartbeat_of, why, written
from models.tables import Alert, Policy, Rule, RuleVersion
from models.tables.columns import still_open
from models.vocabulary import AlertState
from signals.catalog import CATALOG


class RuleError(Exception):
    """The rule cannot be saved; one sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A file of the watched folder, and the line of it, if known."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}" if self.line else self.file


def origin_of(rule: Rule) -> Origin | None:
    """Return where `rule` is kept, if that is a file."""
    return Origin(file=rule.source_file, line=rule.source_line) if rule.source_file else None


def rules(session: Session) -> list[tuple[Rule, Policy]]:
    """Return every rule with its policy, by name."""
    return list(session.exec(select(Rule, Policy).join(Policy).order_by(col(Rule.name))))


def drafts(session: Session) -> dict[int, RuleDraft]:
    """Return every rule that this version can read as it would be written, by id."""
    found = {}
    for rule, policy in rules(session):
        with suppress(ValidationError):
            found[cast(int, rule.id)] = draft_of(rule, policy.name)
    return found


def save_rule(
    db: Engine, draft: RuleDraft, *, by: str, now: datetime, rule_id: int | None = None
) -> int:
    """Write a rule, new or changed; return its id. It is evaluated at the next tick.

    An open alert goes on under the changed rule, unless the rule now asks about other label
    sets: then the alert is resolved, since nothing would ever observe it again.

    Raises:
        RuleError: Another rule has that name, the policy is unknown, the rule is gone, it is
            kept in a file, is made of what makes no sense, or another is made of its old name.
    """
    with Session(db) as session:
        row = put_rule(session, draft, by=by, now=now, rule_id=rule_id)
        session.commit()
        return cast(int, row.id)


def put_rule(
    session: Session,
    draft: RuleDraft,
    *,
    by: str,
    now: datetime,
    rule_id: int | None,
    origin: Origin | None = None,
) -> Rule:
    """Do what `save_rule` does, as a part of the caller's transaction.

    A rule that is as it was but for its place has no new version. One with an `origin` is
    from then on changed from there only. A heartbeat that it names has an address from then on.
    """
    other = session.exec(select(Rule).where(Rule.name == draft.name)).one_or_none()
    if other is not None and other.id != rule_id:
        raise RuleError(f"there is already a rule named {draft.name!r}")
    policy = session.exec(select(Policy).where(Policy.name == draft.policy)).one_or_none()
    if policy is None:
        raise RuleError(f"there is no policy named {draft.policy!r}")
    values = _columns(draft) | {
        "policy_id": policy.id,
        "updated_at": now,
        "updated_by": by,
        "next_evaluation_at": now,
        "source_file": origin.file if origin else "",
        "source_line": origin.line if origin else None,
    }
    _check_parts(session, draft, rule_id)
    if heartbeat := heartbeat_of(draft.condition):
        pings.ensure(session, heartbeat, now=now)
    if rule_id is None:
        row = Rule(**values)
        session.add(row)
        session.flush()
    else:
        row = _changeable(session, rule_id, by_file=origin is not None)
        before = _known(session, row)
        if before and before.model_copy(update={"position": draft.position}) == draft:
            row.sqlmodel_update({name: values[name] for name in _PLACE})
            return row
        versions.keep_first(session, row, written(before) if before else None)
        if _watches(row) != (_subject(draft.condition), draft.labels) or not draft.enabled:
            _close_open_alerts(session, row, by=f"{by} (rule changed)", now=now)
        row.sqlmodel_update(values | {"version": row.version + 1})
        session.flush()
    versions.record(session, row, written(draft))
    return row


def set_enabled(db: Engine, rule_id: int, enabled: bool, *, by: str, now: datetime) -> None:
    """Switch a rule on or off; off also ends its open alerts, which nothing would observe.

    Raises:
        RuleError: The rule is gone, or it is kept in a file.
    """
    with Session(db) as session:
        switch(session, rule_id, enabled, by=by, now=now)
        session.commit()


def switch(session: Session, rule_id: int, enabled: bool, *, by: str, now: datetime) -> bool:
    """Do what `set_enabled` does, as a part of the caller's transaction; say if it changed."""
    row = _changeable(session, rule_id, by_file=False)
    return _switch(session, row, enabled, by=by, why="rule disabled", now=now)


def release(session: Session, rule: Rule, *, by: str, now: datetime) -> None:
    """Switch off a rule that its file no longer has; from now on it is changed here."""
    rule.source_file, rule.source_line = "", None
    _switch(session, rule, False, by=by, why="rule gone from its file", now=now)


def revert(db: Engine, version_id: int, *, by: str, now: datetime) -> Rule:
    """Make a rule what it was in one of its versions; that is a new version.

    Raises:
        RuleError: It cannot be so again; one sentence says why.
    """
    with Session(db, expire_on_commit=False) as session:
        then = session.get(RuleVersion, version_id)
        if then is None:
            raise RuleError("this version is gone")
        try:
            draft = RuleDraft.model_validate(then.draft)
        except ValidationError as error:
            raise RuleError(f"this version cannot be read any more: {why(error)}") from error
        author = f"{by} (back to version {then.version})"
        row = put_rule(session, draft, by=author, now=now, rule_id=then.rule_id)
        session.commit()
        return row


_PLACE = ("source_file", "source_line", "position")  # whose change is nobody's business


def _columns(draft: RuleDraft) -> dict[str, Any]:
    values = draft.model_dump(exclude={"condition", "interval", "policy"})
    values["condition"] = draft.condition.model_dump(mode="json")
    values["data_states"] = draft.data_states.model_dump(mode="json")
    values["interval_seconds"] = int(draft.interval.total_seconds())
    signal = CATALOG.get(getattr(draft.condition, "signal", ""))
    # A composite asks our own database, and must not wait for anybody's telemetry.
    values["own"] = isinstance(draft.condition, Composite) or bool(signal and signal.own)
    return values


def _check_parts(session: Session, draft: RuleDraft, rule_id: int | None) -> None:
    row = session.get(Rule, rule_id) if rule_id is not None else None
    was = row.name if row else draft.name
    if reason := composites.refusal(session, draft.condition, name=draft.name, was=was):
        raise RuleError(reason)


def _known(session: Session, row: Rule) -> RuleDraft | None:
    """Return a rule as it stands; None if another version of Wakeful wrote it."""
    try:
        return draft_of(row, session.get_one(Policy, row.policy_id).name)
    except ValidationError:
        return None


def _changeable(session: Session, rule_id: int, *, by_file: bool) -> Rule:
    row = session.get(Rule, rule_id)
    if row is None:
        raise RuleError("this rule is gone")
    if (origin := origin_of(row)) and not by_file:
        raise RuleError(f"{row.name!r} is kept in {origin}: change it there")
    return row


def _switch(
    session: Session, row: Rule, enabled: bool, *, by: str, why: str, now: datetime
) -> bool:
    before = _known(session, row)
    if not enabled:
        _close_open_alerts(session, row, by=f"{by} ({why})", now=now)
    if row.enabled == enabled:
        return False
    versions.keep_first(session, row, written(before) if before else None)
    row.enabled, row.version = enabled, row.version + 1
    row.updated_at, row.updated_by, row.next_evaluation_at = now, by, now
    session.flush()
    if before is not None:
        versions.record(session, row, written(before.model_copy(update={"enabled": enabled})))
    return True


def _watches(row: Rule) -> tuple[Any, dict[str, str]]:
    try:
        return _subject(parse_condition(row.condition)), row.labels
    except ValidationError:
        return None, row.labels


def _subject(condition: AnyCondition) -> tuple[Any, ...]:
    """Return what decides which label sets a condition yields."""
    fields = condition.model_dump(include={"kind", "signal", "scope", "by", "expression"})
    return tuple(sorted(fields.items(), key=lambda item: item[0]))


def _close_open_alerts(session: Session, rule: Rule, *, by: str, now: datetime) -> None:
    is_open = (Alert.rule_id == rule.id, still_open(Alert.state))
    by_group = col(Alert.group_id).asc()
    decision = Decision(session, now=now)
    for row in session.exec(select(Alert).where(*is_open).order_by(by_group)).all():
        if row.state is AlertState.PENDING:
            decision.forget(row)
        else:
            decision.move(row, lifecycle.resolve(core(row), by=by, now=now), actor=by)
    decision.settle()
