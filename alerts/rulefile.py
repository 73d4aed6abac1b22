"""Rules and policies as one YAML file, both ways.

version: 1
policies:
  - name: standard
    steps:
      - {after: 0s, channels: ["slack:#llm-alerts"]}
      - {after: 5m, channels: ["pagerduty:default"]}
rules:
  - name: Errors
    owner: ada
    condition: {kind: threshold, signal: error_ratio, bound: 0.03, window: 5m}
    for: 2m
    policy: standard
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import policies, rulebook
from alerts.policies import PolicyDraft
from alerts.rulebook import RuleDraft
from alerts.rulecode import yamltree
from alerts.rulecode.complaints import RuleCodeError
from models.database import read_only
from models.tables import Policy, Rule

LIMIT_BYTES = 5_000_000


class RuleFileError(Exception):
    """The file cannot be taken; nothing of it was."""


class RuleFile(BaseModel):
    """What such a file holds."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    policies: list[PolicyDraft] = []
    rules: list[RuleDraft] = []


def parse(text: str) -> RuleFile:
    """Return the file's contents, checked as a whole.

    Raises:
        RuleFileError: It is too large, not YAML, or something in it makes no sense.
    """
    if len(text.encode()) > LIMIT_BYTES:
        raise RuleFileError(f"a rule file may have {LIMIT_BYTES // 1_000_000} MB")
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RuleFileError(f"not YAML: {_one_line(error)}") from error
    if not isinstance(data, dict):
        raise RuleFileError("not a rule file: it must start with `version: 1`")
    try:
        found = RuleFile.model_validate(data)
    except ValidationError as error:
        line = yamltree.line_at(_root(text), error.errors()[0]["loc"])
        place = f"line {line}: " if line else ""
        raise RuleFileError(f"{place}{rulebook.why(error)}") from error
    _no_duplicates("policy", [p.name for p in found.policies])
    _no_duplicates("rule", [r.name for r in found.rules])
    return found


def json_schema() -> str:
    """Return the JSON Schema of such a file, for editors and for others' checks."""
    schema = RuleFile.model_json_schema(by_alias=True)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wakeful rules",
        "description": "Alert rules and escalation policies, as `wakeful rules import` takes them",
    }
    return json.dumps({**schema, **head}, indent=2, sort_keys=True) + "\n"


def check(db: Engine | None, found: RuleFile) -> None:
    """Raise RuleFileError if a rule names a policy that neither the file nor `db` has."""
    known = {p.name for p in found.policies}
    if db is not None:
        with Session(read_only(db)) as session:
            known |= {p.name for p in policies.policies(session)}
    for rule in found.rules:
        if rule.policy not in known:
            raise RuleFileError(f"rule {rule.name!r}: there is no policy named {rule.policy!r}")


def load(db: Engine, text: str, *, by: str, now: datetime) -> tuple[int, int]:
    """Take a file: what it names is made or replaced, by name; nothing is removed.

    Returns:
        How many policies and rules it had.

    Raises:
        RuleFileError: Something in it makes no sense; nothing was taken.
    """
    found = parse(text)
    check(db, found)
    with Session(db) as session:
        policy_ids = dict(session.exec(select(Policy.name, Policy.id)).all())
        rule_ids = dict(session.exec(select(Rule.name, Rule.id)).all())
        for policy in found.policies:
            policies.put_policy(session, policy, policy_id=policy_ids.get(policy.name))
        for rule in found.rules:
            rulebook.put_rule(session, rule, by=by, now=now, rule_id=rule_ids.get(rule.name))
        session.commit()
    return len(found.policies), len(found.rules)


def dump(session: Session) -> str:
    """Return every policy and rule as a file that `load` takes."""
    data = {
        "version": 1,
        "policies": [_plain(policies.draft_of(p)) for p in policies.policies(session)],
        "rules": [_plain(rulebook.draft_of(r, p.name)) for r, p in rulebook.rules(session)],
    }
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _root(text: str) -> yamltree.Tree | None:
    """Return the tree of a text that is YAML, for the lines of what is in it."""
    try:
        return next((document.root for document in yamltree.documents(text)), None)
    except RuleCodeError:  # deeper than any rule file; its complaints go without a line
        return None


def _plain(draft: BaseModel) -> dict[str, Any]:
    return draft.model_dump(mode="json", by_alias=True)


def _no_duplicates(what: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RuleFileError(f"{what} {twice[0]!r} is there more than once")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
