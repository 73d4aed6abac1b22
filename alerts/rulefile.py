"""Rules and policies as one YAML file of our own, read and written.

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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlmodel import Session

from alerts import policies, rulebook, ruledraft, rulegroups
from alerts.composites import parts_of
from alerts.policies import PolicyDraft
from alerts.rulecode import yamltree
from alerts.rulecode.complaints import Complaint, RuleCodeError
from alerts.rulecode.leaving import Leaving, leave
from alerts.rulecode.promfile import Dumper
from alerts.rulecode.reader import LIMIT_COMPLAINTS
from alerts.rulecode.yamltree import Tree
from alerts.ruledraft import RuleDraft
from alerts.rulegroups import GroupDraft

VERSION = 1
SECTIONS: Mapping[str, type[BaseModel]] = {
    "policies": PolicyDraft,
    "groups": GroupDraft,
    "rules": RuleDraft,
}
Draft = TypeVar("Draft", bound=BaseModel)


class RuleFile(BaseModel):
    """What such a file holds."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    policies: list[PolicyDraft] = []
    groups: list[GroupDraft] = []
    rules: list[RuleDraft] = []


@dataclass(slots=True, kw_only=True)
class Contents:
    """What is sound in a file, with its lines, and what is wrong with the rest.

    Attributes:
        lines: Where each rule stands, by name.
    """

    policies: list[PolicyDraft] = field(default_factory=list)
    groups: list[GroupDraft] = field(default_factory=list)
    rules: list[RuleDraft] = field(default_factory=list)
    lines: dict[str, int | None] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)


def parse(text: str) -> Contents:
    """Return a file's contents, all of them.

    Raises:
        RuleCodeError: Something in it makes no sense.
    """
    found = read(text)
    if found.complaints:
        raise RuleCodeError(found.complaints)
    return found


def read(text: str) -> Contents:
    """Return what is sound in a file, and complaints about the rest.

    Raises:
        RuleCodeError: It is too large, or no YAML.
    """
    document = next(iter(yamltree.documents(text, most=1)), None)
    root = document.root if document else None
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = f"not YAML: {' '.join(str(error).split())}"
        raise RuleCodeError([Complaint(reason=reason)]) from error
    found = Contents(complaints=list(yamltree.doubled(root)))
    if not isinstance(data, dict) or data.get("version") != VERSION:
        reason = "not a rule file: it must start with `version: 1`"
        found.complaints.append(Complaint(reason=reason, line=root.line if root else None))
        return found
    for name in data.keys() - {"version", *SECTIONS}:
        line = yamltree.line_at(root, (str(name),))
        reason = f"a rule file has no field {name!r}; it has {', '.join(SECTIONS)}"
        found.complaints.append(Complaint(reason=reason, line=line))
    found.policies = _section(data, root, "policies", PolicyDraft, found)
    found.groups = _section(data, root, "groups", GroupDraft, found)
    found.rules = _section(data, root, "rules", RuleDraft, found)
    del found.complaints[LIMIT_COMPLAINTS:]
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


def dump(session: Session) -> str:
    """Return every policy, group and rule as a file that `read` reads."""
    groups = [_plain(group) for group in rulegroups.groups(session)]
    data = {
        "version": VERSION,
        "policies": [_plain(policies.draft_of(p)) for p in policies.policies(session)],
        **({"groups": groups} if groups else {}),
        "rules": [
            ruledraft.written(ruledraft.draft_of(r, p.name)) for r, p in rulebook.rules(session)
        ],
    }
    return write(data)


def leaving(session: Session) -> Leaving:
    """Return every rule that a Prometheus rule file can hold, and why the others cannot be there.

    Rules about Wakeful itself stay.
    """
    ours = [(r, p) for r, p in rulebook.rules(session) if not r.own or parts_of(r.condition)]
    drafts = [ruledraft.draft_of(r, p.name) for r, p in ours]
    return leaving_of(drafts, rulegroups.groups(session))


def leaving_of(drafts: Iterable[RuleDraft], groups: Iterable[GroupDraft]) -> Leaving:
    """Do what `leaving` does, of rules and groups that are not kept here."""
    return leave(list(map(ruledraft.written, drafts)), list(map(rulegroups.kept, groups)))


def write(data: Any) -> str:
    """Return `data` as the YAML of our files."""
    text: str = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def _section(
    data: Mapping[str, Any], root: Tree | None, section: str, kind: type[Draft], found: Contents
) -> list[Draft]:
    items = data.get(section)
    if not isinstance(items, list | None):
        line = yamltree.line_at(root, (section,))
        found.complaints.append(Complaint(reason=f"{section!r} must be a list", line=line))
        return []
    drafts: dict[str, Draft] = {}
    for index, item in enumerate(items or ()):
        place = _Place(root, section, index, item)
        try:
            draft = kind.model_validate(item)
        except ValidationError as error:
            where = error.errors()[0]["loc"]
            found.complaints.append(place.complaint(ruledraft.why(error), *where))
            continue
        name = str(getattr(draft, "name", ""))
        if name in drafts:
            found.complaints.append(place.complaint(f"{name!r} is there more than once"))
            continue
        drafts[name] = draft
        if kind is RuleDraft:
            found.lines[name] = yamltree.line_at(root, (section, index))
    return list(drafts.values())


@dataclass(frozen=True, slots=True)
class _Place:
    root: Tree | None
    section: str
    index: int
    item: Any

    def complaint(self, reason: str, *where: str | int) -> Complaint:
        """Return a complaint about an element of a section."""
        name = str(self.item.get("name") or "") if isinstance(self.item, dict) else ""
        line = yamltree.line_at(self.root, (self.section, self.index, *where))
        if self.section == "rules":
            return Complaint(reason=reason, line=line, rule=name, number=self.index + 1)
        what = {"policies": "policy", "groups": "group"}[self.section]
        return Complaint(reason=f"{what} {name or self.index + 1}: {reason}", line=line)


def _plain(draft: BaseModel) -> dict[str, Any]:
    return draft.model_dump(mode="json", by_alias=True)
