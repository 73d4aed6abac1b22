"""Drafts written as Prometheus rules, with what was changed here since they came. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from alerts import durations
from alerts.rulecode.promfile import PromFile, PromGroup, PromRule
from alerts.rulecode.taken import (
    OWNER_LABELS,
    evaluated_every,
    said_owner,
    said_runbook,
    said_severity,
    said_summary,
)
from models.vocabulary import Severity

Draft = Mapping[str, Any]  # a RuleDraft, as JSON has it
EVERY = timedelta(seconds=30)  # where a group does not say how often
OURS = "wakeful"  # begins the names of groups of rules that were made here


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A group with what is kept of it beside its alerts.

    Attributes:
        group: Without rules.
        recordings: Its recording rules, each with its place among the group's rules.
    """

    group: PromGroup
    recordings: Sequence[tuple[int, PromRule]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A rule file, and why some rules are not in it, by name."""

    file: PromFile
    left_out: Mapping[str, str]


@dataclass(slots=True)
class _Filling:
    group: PromGroup
    placed: list[tuple[int, PromRule]] = field(default_factory=list)


def leave(drafts: Sequence[Draft], kept: Sequence[Kept] = ()) -> Leaving:
    """Return drafts as a rule file: groups in the order of `kept`, then as they come.

    A label of a group stays one where all of its rules have it. Rules that are evaluated at
    another interval than their group says go into a group of their own.
    """
    filling = {one.group.name: _Filling(one.group, list(one.recordings)) for one in kept}
    left_out = {}
    for draft in drafts:
        if reason := _unfit(draft):
            left_out[draft["name"]] = reason
            continue
        group = _group(draft, filling)
        place = draft.get("position") or 0
        filling.setdefault(group.name, _Filling(group)).placed.append((place, _rule(draft)))
    return Leaving(
        file=PromFile(groups=tuple(map(_filled, filling.values()))),
        left_out=left_out,
    )


def _unfit(draft: Draft) -> str:
    if draft["condition"]["kind"] == "composite":
        return "it is made of other rules, which PromQL cannot ask about"
    if draft["condition"]["kind"] != "promql":
        return "it watches a golden signal, not PromQL"
    return "" if draft.get("enabled", True) else "it is switched off"


def _group(draft: Draft, known: Mapping[str, _Filling]) -> PromGroup:
    name = draft.get("group") or ""
    interval = durations.parse(draft.get("interval") or durations.write(EVERY))
    if name in known:
        group = known[name].group
        if interval == (evaluated_every(group) or EVERY):
            return group
    else:
        group = PromGroup(name=name or OURS)
    return replace(group, name=f"{group.name} every {durations.write(interval)}", interval=interval)


def _rule(draft: Draft) -> PromRule:
    return PromRule(
        alert=draft.get("alertname") or draft["name"],
        expr=draft["condition"]["expression"],
        hold=durations.parse(draft["for"]),
        keep_firing=durations.parse(draft["keep_firing_for"]),
        labels=_labels(draft),
        annotations=_annotations(draft),
    )


def _labels(draft: Draft) -> dict[str, str]:
    """Return the labels, with severity and owner as they are now, where the labels do not say."""
    labels, imported = dict(draft.get("labels") or {}), bool(draft.get("alertname"))
    severity, owner = said_severity(labels), said_owner(labels)
    silent = Severity.WARNING if imported else None
    if (severity or silent) != draft["severity"]:
        labels["severity"] = draft["severity"]
    if owner != draft["owner"] and (owner or not imported):
        key = next((name for name in OWNER_LABELS if labels.get(name)), OWNER_LABELS[0])
        labels[key] = draft["owner"]
    return labels


def _annotations(draft: Draft) -> dict[str, str]:
    annotations = dict(draft.get("annotations") or {})
    if (summary := draft.get("summary") or "") != said_summary(annotations):
        annotations["summary"] = summary
    if (runbook := draft.get("runbook_url") or "") != said_runbook(annotations):
        annotations["runbook_url"] = runbook
    return annotations


def _filled(filling: _Filling) -> PromGroup:
    rules = [rule for _, rule in sorted(filling.placed, key=lambda placed: placed[0])]
    shared = {
        name: value
        for name, value in filling.group.labels.items()
        if all(name in rule.labels for rule in rules)
    }
    return replace(
        filling.group,
        labels=shared,
        rules=tuple(replace(rule, labels=_beside(shared, rule.labels)) for rule in rules),
    )


def _beside(shared: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that a group's do not say already."""
    return {name: value for name, value in labels.items() if shared.get(name) != value}
