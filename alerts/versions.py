"""What a rule was: a version for each change, with author and instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlmodel import Session, col, delete, func, select

from alerts.rulecode.changes import Difference, differences
from models.tables import Rule, RuleVersion

KEPT = 200  # versions of one rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One version, and what it changed; nothing where it is the first that is known."""

    version: RuleVersion
    differences: tuple[Difference, ...]


def record(session: Session, rule: Rule, draft: Mapping[str, Any]) -> None:
    """Keep `rule` as it now stands, in its draft; the oldest versions beyond `KEPT` go."""
    _add(session, rule, draft)
    oldest = rule.version - KEPT
    of_rule = (col(RuleVersion.rule_id) == rule.id, col(RuleVersion.version) <= oldest)
    session.exec(delete(RuleVersion).where(*of_rule))


def keep_first(session: Session, rule: Rule, draft: Mapping[str, Any] | None) -> None:
    """Keep `rule` before its first change, if it is older than the record of versions.

    Args:
        session: To read and write.
        rule: Before the change.
        draft: None if it cannot be read: there is nothing to go back to.
    """
    known = select(func.count()).where(col(RuleVersion.rule_id) == rule.id)
    if draft is not None and not session.exec(known).one():
        _add(session, rule, draft)


def history(session: Session, rule_id: int, *, limit: int = 30) -> list[Step]:
    """Return the newest versions of a rule, newest first, each with what it changed."""
    of_rule = select(RuleVersion).where(RuleVersion.rule_id == rule_id)
    newest = of_rule.order_by(col(RuleVersion.version).desc()).limit(limit + 1)
    rows = list(session.exec(newest))
    before = [*rows[1:], None]
    steps = [
        Step(version=row, differences=tuple(differences(old.draft, row.draft)) if old else ())
        for row, old in zip(rows, before, strict=True)
    ]
    return steps[:limit]


def _add(session: Session, rule: Rule, draft: Mapping[str, Any]) -> None:
    session.add(
        RuleVersion(
            rule_id=cast(int, rule.id),
            version=rule.version,
            at=rule.updated_at,
            author=rule.updated_by,
            draft=dict(draft),
        )
    )
