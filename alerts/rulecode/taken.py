"""Rules of any origin, ready to become drafts, and back to a Prometheus rule file. Pure.

An alert of Prometheus has more than a draft has fields for: annotations, a group, and a name that
need not be unique. `Taken` keeps them, so that nothing is lost on the way back.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alerts import durations
from alerts.rulecode.promfile import PromFile, PromGroup, PromRule
from alerts.rulecode.slo import Slo, expression
from models.vocabulary import NoData, Severity

RECORDING = "recording rules stay with Prometheus"
NAME_CHARACTERS = 120
# Labels that say how bad, who owns, and what to do: the first that is there counts.
SEVERITY_LABELS = ("severity", "priority")
OWNER_LABELS = ("owner", "team")
SUMMARY_ANNOTATIONS = ("summary", "description", "message")
RUNBOOK_ANNOTATIONS = ("runbook_url", "runbook")
SEVERITIES = {
    "page": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
    "error": Severity.ERROR,
    "major": Severity.ERROR,
    "high": Severity.ERROR,
    "p2": Severity.ERROR,
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "ticket": Severity.WARNING,
    "minor": Severity.WARNING,
    "p3": Severity.WARNING,
    "info": Severity.INFO,
    "none": Severity.INFO,
    "p4": Severity.INFO,
    "p5": Severity.INFO,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a rule gets that does not say it itself."""

    owner: str
    policy: str
    severity: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One rule, and whether it was taken.

    Attributes:
        name: Unique among what was taken together; `rule.alert` is what the file called it.
        draft: Fields of a RuleDraft, as JSON has them; empty if it was not taken.
        complaint: Why it was not taken; empty if it was.
        notes: What of it works differently here.
    """

    name: str
    rule: PromRule
    group: PromGroup
    draft: Mapping[str, Any] = field(default_factory=dict)
    complaint: str = ""
    notes: tuple[str, ...] = ()

    @property
    def line(self) -> int | None:
        """Return where the rule stands in its file."""
        return self.rule.line


def to_drafts(file: PromFile, defaults: Defaults) -> list[Taken]:
    """Return every rule of a file, in its order, the alerting ones as drafts.

    A name that several alerts share is made unique by the severity in parentheses, by the group
    if that is not enough, and by a number if nothing tells them apart.
    """
    alerts = [(g, r) for g in file.groups for r in g.rules if r.alert]
    names = iter(_unique([(r.alert, _severity_text(g.labels_of(r)), g.name) for g, r in alerts]))
    found = []
    for group in file.groups:
        for rule in group.rules:
            if rule.alert:
                found.append(_taken(next(names), group, rule, defaults))
            else:
                bare = replace(group, rules=())
                found.append(Taken(name=rule.record, rule=rule, group=bare, complaint=RECORDING))
    return found


def from_slos(slos: Sequence[Slo], defaults: Defaults) -> list[Taken]:
    """Return each alert of each SLO as a draft on one PromQL expression, without recordings."""
    groups = []
    for slo in slos:
        rules = tuple(
            PromRule(
                alert=alert.name,
                expr=expression(slo, alert),
                hold=alert.hold,
                labels={
                    "severity": alert.severity,
                    **slo.labels,
                    "service": slo.service,
                    "slo": slo.name,
                    **alert.labels,
                },
                annotations={"summary": _burns(slo, alert.severity), **alert.annotations},
                line=slo.line,
            )
            for alert in slo.alerts
        )
        groups.append(PromGroup(name=f"{slo.service}-{slo.name}", rules=rules, line=slo.line))
    taken = to_drafts(PromFile(groups=tuple(groups)), defaults)
    silent = [alert.alert_on_no_data for slo in slos for alert in slo.alerts]
    return [
        replace(one, draft={**one.draft, "no_data": NoData.ALERT.value})
        if loud and one.draft
        else one
        for one, loud in zip(taken, silent, strict=True)
    ]


def _burns(slo: Slo, severity: str) -> str:
    return f"The error budget of {slo.service} {slo.name} burns too fast ({severity})"


def to_promfile(taken: Iterable[Taken]) -> PromFile:
    """Return the rules as a file: groups in the order in which they first appear."""
    rules: dict[str, list[PromRule]] = {}
    groups: dict[str, PromGroup] = {}
    for one in taken:
        groups.setdefault(one.group.name, one.group)
        rules.setdefault(one.group.name, []).append(one.rule)
    return PromFile(
        groups=tuple(replace(g, rules=tuple(rules[name])) for name, g in groups.items())
    )


def _taken(name: str, group: PromGroup, rule: PromRule, defaults: Defaults) -> Taken:
    notes: list[str] = []
    labels = group.labels_of(rule)
    draft: dict[str, Any] = {
        "name": name,
        "owner": _first(labels, OWNER_LABELS) or defaults.owner,
        "severity": _severity(labels, defaults, notes).value,
        "summary": _first(rule.annotations, SUMMARY_ANNOTATIONS)[:2000],
        "runbook_url": _runbook(rule.annotations, notes),
        "condition": {"kind": "promql", "expression": rule.expr},
        "for": durations.write(rule.hold),
        "keep_firing_for": durations.write(rule.keep_firing),
        "no_data": NoData.KEEP.value,
        "labels": labels,
        "policy": defaults.policy,
    }
    if group.interval:
        draft["interval"] = durations.write(group.interval)
    _note_group(group, notes)
    bare = replace(group, rules=())
    if complaint := _unfit(name, group):
        return Taken(name=name, rule=rule, group=bare, complaint=complaint)
    return Taken(name=name, rule=rule, group=bare, draft=draft, notes=tuple(notes))


def _unfit(name: str, group: PromGroup) -> str:
    if len(name) > NAME_CHARACTERS:
        return f"its name is longer than {NAME_CHARACTERS} characters"
    if name != name.strip():
        return "its name begins or ends with a space"
    if group.interval and group.interval.total_seconds() < 1:
        return "its group is evaluated more often than once a second"
    return ""


def _note_group(group: PromGroup, notes: list[str]) -> None:
    if group.limit:
        notes.append(f"the group's limit of {group.limit} alerts is not applied")
    if group.query_offset:
        offset = durations.write(group.query_offset)
        notes.append(f"the group's query_offset of {offset} is not applied")


def _severity_text(labels: Mapping[str, str]) -> str:
    return _first(labels, SEVERITY_LABELS)


def _severity(labels: Mapping[str, str], defaults: Defaults, notes: list[str]) -> Severity:
    text = _severity_text(labels)
    known = SEVERITIES.get(text.strip().lower())
    if known is None and text:
        notes.append(f"severity {text!r} is none of ours: {defaults.severity} is taken")
    return known or defaults.severity


def _runbook(annotations: Mapping[str, str], notes: list[str]) -> str:
    url = _first(annotations, RUNBOOK_ANNOTATIONS).strip()
    if url and not url.startswith(("https://", "http://")):
        notes.append(f"runbook {url!r} is no link")
        return ""
    return url[:2000]


def _first(texts: Mapping[str, str], names: Sequence[str]) -> str:
    return next((texts[name] for name in names if texts.get(name)), "")


def _unique(named: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return names made unique: `name`, `name (severity)`, `name (group)`, `name (group) 2`."""
    names = [name for name, _, _ in named]
    for place in (1, 2):
        shared = Counter(name for name, _, _ in named)
        unlike = Counter((one[0], one[place]) for one in named)
        names = [
            f"{one[0]} ({one[place]})"
            if name == one[0]
            and shared[name] > 1
            and one[place]
            and all(unlike[other[0], other[place]] == 1 for other in named if other[0] == name)
            else name
            for name, one in zip(names, named, strict=True)
        ]
    return _numbered(names, named)


def _numbered(names: Sequence[str], named: Sequence[tuple[str, str, str]]) -> list[str]:
    counts, used, found = Counter(names), set(names), []
    seen: Counter[str] = Counter()
    for name, (_, _, group) in zip(names, named, strict=True):
        if counts[name] == 1:
            found.append(name)
            continue
        base = f"{name} ({group})"
        seen[base] += 1
        number = seen[base]
        new = base if number == 1 else f"{base} {number}"
        while new in used:
            number += 1
            new = f"{base} {number}"
        used.add(new)
        found.append(new)
    return found
