"""What a file of rules holds, whatever its format, and what is wrong in it.

A file is our own YAML, a Prometheus rule file, or SLOs as Sloth or OpenSLO write them; its first
fields say which.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from typing import cast

from pydantic import ValidationError

from alerts import promtool, ruledraft, rulefile, rulegroups
from alerts.conditions import Promql
from alerts.policies import PolicyDraft
from alerts.promtool import PromtoolError
from alerts.rulebook import Origin
from alerts.rulecode import openslo, promreading, sloth, yamltree
from alerts.rulecode.complaints import Complaint, RuleCodeError
from alerts.rulecode.promfile import PromFile, PromGroup, PromRule
from alerts.rulecode.reader import Reader
from alerts.rulecode.taken import Defaults, Taken, from_slos, to_drafts
from alerts.ruledraft import RuleDraft
from alerts.rulegroups import GroupDraft
from alerts.rulelint import Finding, in_order, itself
from alerts.rulelint.among import Others


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """One sound rule of a file.

    Attributes:
        notes: What of it works differently here.
        rule_id: The rule here that it is; None if it is new.
        was: That rule, if it can be read.
        kept_in: The file in which it is kept, if it is.
        findings: What may be wrong with it all the same; see `judged`.
    """

    draft: RuleDraft
    line: int | None = None
    notes: tuple[str, ...] = ()
    said_owner: bool = True
    rule_id: int | None = None
    was: RuleDraft | None = None
    kept_in: Origin | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def what(self) -> str:
        """Return what taking it does."""
        if self.rule_id is None:
            return "new"
        return "unchanged" if self.was == self.draft else "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a file holds.

    Attributes:
        format: Whose format it is.
        left: What is not taken though nothing is wrong with it, such as recording rules.
        complaints: Why the rest cannot be taken; empty if the file is sound.
        remarks: What else there is to know.
    """

    format: str
    rules: tuple[Offered, ...] = ()
    policies: tuple[PolicyDraft, ...] = ()
    groups: tuple[GroupDraft, ...] = ()
    left: tuple[Complaint, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    remarks: tuple[Complaint, ...] = ()


def read(text: str, defaults: Defaults) -> Offer:
    """Return what a file holds, with what is wrong in it; nothing at all if it is no YAML."""
    try:
        return _READERS[_format(text)](text, defaults)
    except RuleCodeError as error:
        return Offer(format="unknown", complaints=error.complaints)


def checked(offer: Offer) -> Offer:
    """Return `offer` without the rules whose PromQL promtool refuses.

    Where promtool is missing or does not answer nothing is refused: a remark says so.
    """
    asked = [one for one in offer.rules if isinstance(one.draft.condition, Promql)]
    recordings = [(group, one) for group in offer.groups for one in group.recordings]
    if not asked and not recordings:
        return offer
    expressions = [getattr(one.draft.condition, "expression", "") for one in asked]
    expressions += [one.expr for _, one in recordings]
    rules = tuple(PromRule(alert="a", expr=expr) for expr in expressions)
    try:
        said = promtool.check(PromFile(groups=(PromGroup(name="g", rules=rules),)))
    except PromtoolError as error:
        remark = Complaint(reason=f"PromQL was not checked: {error}")
        return replace(offer, remarks=(*offer.remarks, remark))
    reasons = {cast(int, one.number) - 1: one.reason for one in said}
    wrong = {asked[i].draft.name: reason for i, reason in reasons.items() if i < len(asked)}
    refused = [
        (*recordings[i - len(asked)], reason) for i, reason in reasons.items() if i >= len(asked)
    ]
    complaints = [
        Complaint(reason=wrong[name], line=one.line, group=one.draft.group, rule=name)
        for one in asked
        if (name := one.draft.name) in wrong
    ] + [Complaint(reason=why, group=g.name, rule=one.record) for g, one, why in refused]
    lost = {id(one) for _, one, _ in refused}
    return replace(
        offer,
        rules=tuple(one for one in offer.rules if one.draft.name not in wrong),
        groups=tuple(_without(group, lost) for group in offer.groups),
        complaints=(*offer.complaints, *complaints),
    )


def judged(offer: Offer, here: Iterable[RuleDraft] = ()) -> Offer:
    """Return `offer` with what may be wrong with each rule, as far as no source need be asked.

    Args:
        offer: What a file holds.
        here: The rules that are here already.
    """
    rules = {draft.name: draft for draft in here} | {r.draft.name: r.draft for r in offer.rules}
    others = Others(rules.items())
    return replace(offer, rules=tuple(_judged(one, others) for one in offer.rules))


def _judged(one: Offered, others: Others) -> Offered:
    owner = one.draft.owner if one.said_owner else ""
    found = itself.findings(one.draft.model_copy(update={"owner": owner}))
    found += others.findings(one.draft, one.draft.name)
    return replace(one, findings=tuple(in_order(found)))


def _without(group: GroupDraft, lost: Set[int]) -> GroupDraft:
    kept = [one for one in group.recordings if id(one) not in lost]
    return group.model_copy(update={"recordings": kept})


def _format(text: str) -> str:
    document = next(iter(yamltree.documents(text, most=1)), None)
    root = document.root if document else None
    if root is None or Reader.peek(root, "version") == str(rulefile.VERSION):
        return "wakeful"
    if Reader.peek(root, "apiVersion").startswith("openslo/"):
        return "OpenSLO"
    if Reader.peek(root, "version").startswith("prometheus/") or Reader.peek(root, "apiVersion"):
        return "Sloth"
    is_prometheus = isinstance(root, yamltree.Mapping) and any(
        isinstance(key, yamltree.Scalar) and key.text == "groups" for key, _ in root.pairs
    )
    return "Prometheus" if is_prometheus else "wakeful"


def _wakeful(text: str, _defaults: Defaults) -> Offer:
    found = rulefile.read(text)
    return Offer(
        format="wakeful",
        rules=tuple(Offered(draft=draft, line=found.lines[draft.name]) for draft in found.rules),
        policies=tuple(found.policies),
        groups=tuple(found.groups),
        complaints=tuple(found.complaints),
    )


def _prometheus(text: str, defaults: Defaults) -> Offer:
    found = promreading.parse(text, lenient=True)
    offer = _of_taken("Prometheus", to_drafts(found.file, defaults), found.file.groups, defaults)
    complaints = (*found.complaints, *offer.complaints)
    return replace(offer, complaints=complaints, remarks=found.remarks)


def _sloth(text: str, defaults: Defaults) -> Offer:
    return _of_slos("Sloth", sloth.parse(text, lenient=True), defaults)


def _openslo(text: str, defaults: Defaults) -> Offer:
    return _of_slos("OpenSLO", openslo.parse(text, lenient=True), defaults)


def _of_slos(name: str, found: sloth.SloReading, defaults: Defaults) -> Offer:
    taken = from_slos(found.slos, defaults)
    groups = list({one.group.name: one.group for one in taken}.values())
    offer = _of_taken(name, taken, groups, defaults)
    complaints = (*found.complaints, *offer.complaints)
    return replace(offer, complaints=complaints, remarks=found.remarks)


def _of_taken(
    name: str, found: Sequence[Taken], groups: Sequence[PromGroup], defaults: Defaults
) -> Offer:
    of_group = defaultdict(list)
    for one in found:
        of_group[one.group.name].append(one)
    rules, kept, left, complaints = [], [], [], []
    for group in groups:
        try:
            kept.append(rulegroups.from_taken(group, of_group[group.name]))
        except ValidationError as error:
            reason = ruledraft.why(error)
            complaints.append(Complaint(reason=reason, line=group.line, group=group.name))
    for one in found:
        if not one.draft:
            left.append(_about(one, one.complaint))
            continue
        try:
            draft = RuleDraft.model_validate(one.draft)
        except ValidationError as error:
            complaints.append(_about(one, ruledraft.why(error)))
            continue
        said_owner = draft.owner != defaults.owner
        rules.append(Offered(draft=draft, line=one.line, notes=one.notes, said_owner=said_owner))
    return Offer(
        format=name,
        rules=tuple(rules),
        groups=tuple(kept),
        left=tuple(left),
        complaints=tuple(complaints),
    )


def _about(one: Taken, reason: str) -> Complaint:
    return Complaint(reason=reason, line=one.line, group=one.group.name, rule=one.name)


_READERS = {
    "wakeful": _wakeful,
    "Prometheus": _prometheus,
    "Sloth": _sloth,
    "OpenSLO": _openslo,
}
