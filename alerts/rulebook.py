"""The rules: read, checked at the door, written. The seeds' rules are offered as templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from alerts import lifecycle
from alerts.conditions import AnyCondition, BurnRate, Condition, Threshold, parse_condition
from alerts.decision import Decision, core
from alerts.durations import Duration
from models.tables import Alert, Policy, Rule
from models.vocabulary import AlertState, NoData, Severity
from signals.catalog import CATALOG


class RuleError(Exception):
    """The rule cannot be saved; one sentence says why."""


class RuleDraft(BaseModel):
    """A rule as someone wrote it; pydantic's ValidationError says what is wrong with it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, populate_by_name=True)

    name: str = Field(min_length=1, max_length=120)
    owner: str = Field(min_length=1, max_length=120)
    severity: Severity = Severity.WARNING
    summary: str = Field(default="", max_length=2000)
    runbook_url: str = Field(default="", max_length=2000)
    condition: Condition
    hold: Duration = Field(default=timedelta(), alias="for", ge=timedelta())
    keep_firing: Duration = Field(default=timedelta(), alias="keep_firing_for", ge=timedelta())
    no_data: NoData = NoData.KEEP
    interval: Duration = Field(default=timedelta(seconds=30), ge=timedelta(seconds=1))
    labels: dict[str, str] = {}
    enabled: bool = True
    policy: str = Field(min_length=1, description="Name of an escalation policy")

    @field_validator("runbook_url")
    @classmethod
    def _is_a_link(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError("a runbook is an http or https link")
        return url


def draft_of(rule: Rule, policy: str) -> RuleDraft:
    """Return `rule` as it would be written."""
    fields = rule.model_dump(include=set(RuleDraft.model_fields) - {"condition"})
    return RuleDraft(
        **fields,
        condition=parse_condition(rule.condition),
        interval=timedelta(seconds=rule.interval_seconds),
        policy=policy,
    )


def rules(session: Session) -> list[tuple[Rule, Policy]]:
    """Return every rule with its policy, by name."""
    return list(session.exec(select(Rule, Policy).join(Policy).order_by(col(Rule.name))))


def save_rule(
    db: Engine, draft: RuleDraft, *, by: str, now: datetime, rule_id: int | None = None
) -> int:
    """Write a rule, new or changed; return its id. It is evaluated at the next tick.

    An open alert goes on under the changed rule, unless the rule now asks about other label
    sets: then the alert is resolved, since nothing would ever observe it again.

    Raises:
        RuleError: Another rule has that name, the policy is unknown, or the rule is gone.
    """
    with Session(db) as session:
        row = put_rule(session, draft, by=by, now=now, rule_id=rule_id)
        session.commit()
        return cast(int, row.id)


def put_rule(
    session: Session, draft: RuleDraft, *, by: str, now: datetime, rule_id: int | None
) -> Rule:
    """Do what `save_rule` does, as a part of the caller's transaction."""
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
    }
    if rule_id is None:
        row = Rule(**values)
        session.add(row)
    else:
        found = session.get(Rule, rule_id)
        if found is None:
            raise RuleError("this rule is gone")
        row = found
        if _watches(row) != (_subject(draft.condition), draft.labels) or not draft.enabled:
            _close_open_alerts(session, row, by=f"{by} (rule changed)", now=now)
        row.sqlmodel_update(values | {"version": row.version + 1})
    session.flush()
    return row


def set_enabled(db: Engine, rule_id: int, enabled: bool, *, by: str, now: datetime) -> None:
    """Switch a rule on or off; off also ends its open alerts, which nothing would observe."""
    with Session(db) as session:
        row = session.get_one(Rule, rule_id)
        if not enabled:
            _close_open_alerts(session, row, by=f"{by} (rule disabled)", now=now)
        row.enabled, row.version = enabled, row.version + 1
        row.updated_at, row.updated_by, row.next_evaluation_at = now, by, now
        session.commit()


def why(error: ValidationError) -> str:
    """Return pydantic's complaints as one line: `condition.bound: should be a number; …`."""
    complaints = []
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"] if part not in _KINDS)
        reason = item["msg"].removeprefix("Value error, ")
        complaints.append(f"{place}: {reason}" if place else reason)
    return "; ".join(complaints)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A rule worth having, one click away."""

    name: str
    summary: str
    severity: Severity
    condition: AnyCondition
    hold: timedelta


def templates() -> Sequence[Template]:
    """Return the seeds' rules: the golden signals' alerts, and those of "the full stack"."""
    golden = [
        Template(
            name=signal.title,
            summary=signal.meaning,
            severity=Severity.CRITICAL if signal.name in _URGENT else Severity.WARNING,
            condition=Threshold(
                signal=signal.name,
                comparison=signal.breach.comparison,
                bound=signal.breach.bound,
                window=signal.breach.window,
            ),
            hold=signal.breach.hold,
        )
        for signal in CATALOG.values()
        if signal.breach and not signal.own
    ]
    return (
        *golden,
        Template(
            name="Latency p95 over 8 s",
            summary="Slow for everyone, long enough to be no blip.",
            severity=Severity.CRITICAL,
            condition=Threshold(signal="latency_p95", bound=8, window=timedelta(minutes=5)),
            hold=timedelta(minutes=10),
        ),
        Template(
            name="Errors of a single feature",
            summary="One feature fails while the whole may still look well.",
            severity=Severity.ERROR,
            condition=Threshold(signal="error_ratio", bound=0.02, by=("feature",)),
            hold=timedelta(),
        ),
        Template(
            name="Error budget burns too fast",
            summary="At this rate the month's errors are spent in days.",
            severity=Severity.CRITICAL,
            condition=BurnRate(signal="error_ratio", objective=0.99),
            hold=timedelta(),
        ),
    )


_URGENT = ("latency_p95", "error_ratio")
_KINDS = ("threshold", "burn_rate", "promql")


def _columns(draft: RuleDraft) -> dict[str, Any]:
    values = draft.model_dump(exclude={"condition", "interval", "policy"})
    values["condition"] = draft.condition.model_dump(mode="json")
    values["interval_seconds"] = int(draft.interval.total_seconds())
    signal = CATALOG.get(getattr(draft.condition, "signal", ""))
    values["own"] = signal is not None and signal.own
    return values


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
    is_open = (Alert.rule_id == rule.id, Alert.state != AlertState.RESOLVED)
    by_group = col(Alert.group_id).asc()
    decision = Decision(session, now=now)
    for row in session.exec(select(Alert).where(*is_open).order_by(by_group)).all():
        if row.state is AlertState.PENDING:
            decision.forget(row)
        else:
            decision.move(row, lifecycle.resolve(core(row), by=by, now=now), actor=by)
    decision.settle()
