"""Every change of a rule, with author and instant, and the way back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, delete

from alerts import policies, rulebook, ruledraft, versions
from alerts.policies import PolicyDraft
from alerts.rulebook import RuleError
from alerts.ruledraft import RuleDraft
from models.tables import Rule, RuleVersion

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE: dict[str, Any] = {
    "name": "Errors",
    "owner": "ada",
    "policy": "standard",
    "condition": {"kind": "threshold", "signal": "error_ratio", "bound": 0.03},
    "annotations": {"summary": "{{ $value }}\n"},
}


@pytest.fixture
def book(db: Engine) -> Engine:
    policy = {"name": "standard", "steps": [{"channels": ["slack:#llm"]}]}
    policies.save_policy(db, PolicyDraft.model_validate(policy))
    save(db, None, by="ada")
    return db


def save(db: Engine, rule_id: int | None, *, by: str, at: datetime = NOW, **changes: Any) -> int:
    draft = RuleDraft.model_validate(RULE | changes)
    return rulebook.save_rule(db, draft, by=by, now=at, rule_id=rule_id)


def history(db: Engine) -> list[tuple[int, str, list[str]]]:
    with Session(db) as session:
        return [
            (step.version.version, step.version.author, [str(one) for one in step.differences])
            for step in versions.history(session, 1)
        ]


def test_each_change_says_who_when_and_what(book: Engine) -> None:
    save(book, 1, by="bob", at=NOW + MINUTE, severity="critical")
    assert history(book) == [(1, "bob", ["severity: warning -> critical"]), (0, "ada", [])]
    with Session(book) as session:
        (newest, _) = versions.history(session, 1)
        assert newest.version.at == NOW + MINUTE


def test_saving_what_it_already_is_changes_nothing(book: Engine) -> None:
    save(book, 1, by="bob", at=NOW + MINUTE)
    assert history(book) == [(0, "ada", [])]
    with Session(book) as session:
        assert session.get_one(Rule, 1).updated_by == "ada"


def test_another_place_in_its_group_is_no_change(book: Engine) -> None:
    save(book, 1, by="bob", position=7)
    assert history(book) == [(0, "ada", [])]
    with Session(book) as session:
        assert session.get_one(Rule, 1).position == 7


def test_switching_off_is_a_change(book: Engine) -> None:
    rulebook.set_enabled(book, 1, False, by="bob", now=NOW)
    rulebook.set_enabled(book, 1, False, by="bob", now=NOW)
    assert history(book)[0] == (1, "bob", ["enabled: true -> false"])


def test_going_back_is_a_version_of_its_own(book: Engine) -> None:
    save(book, 1, by="bob", name="Renamed", **{"for": "5m"})
    rulebook.revert(book, 1, by="eve", now=NOW)
    assert history(book)[0] == (
        2,
        "eve (back to version 0)",
        ["name: Renamed -> Errors", "for: 5m -> 0s"],
    )
    with Session(book) as session:
        rule = session.get_one(Rule, 1)
        assert ruledraft.draft_of(rule, "standard") == RuleDraft.model_validate(RULE)


def test_there_is_no_way_back_to_a_name_that_is_taken(book: Engine) -> None:
    save(book, 1, by="bob", name="Renamed")
    save(book, None, by="bob")
    with pytest.raises(RuleError, match="already a rule named 'Errors'"):
        rulebook.revert(book, 1, by="eve", now=NOW)


def test_a_version_that_nobody_can_read_is_said(book: Engine) -> None:
    with Session(book) as session:
        session.get_one(RuleVersion, 1).draft = {"name": "Errors"}
        session.commit()
    with pytest.raises(RuleError, match="cannot be read any more: owner: Field required"):
        rulebook.revert(book, 1, by="eve", now=NOW)


def test_of_a_rule_older_than_its_versions_the_first_is_kept_too(book: Engine) -> None:
    with Session(book) as session:
        session.exec(delete(RuleVersion))
        session.commit()
    save(book, 1, by="bob", severity="info")
    assert history(book) == [(1, "bob", ["severity: warning -> info"]), (0, "ada", [])]


def test_the_oldest_versions_go(book: Engine) -> None:
    for number in range(versions.KEPT + 5):
        save(book, 1, by="bob", summary=str(number))
    with Session(book) as session:
        kept = versions.history(session, 1, limit=1000)
    assert len(kept) == versions.KEPT
    assert kept[0].version.version == versions.KEPT + 5
