"""Rules of any origin, ready to become drafts; `leaving` is the way back. Pure.

An alert of Prometheus has a name that need not be unique, and a group. Its draft keeps both beside
a name of its own, so that nothing is lost on the way back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from alerts import durations
from alerts.rulecode.promfile import PromFile, PromGroup, PromRule
from alerts.rulecode.slo import Slo, expression
from models.vocabulary import Severity

# An alerting expression returns nothing while all is well, too.
NO_DATA = "alertWhenNoData cannot be told from health here: add an absence rule for it"
RECORDING = "recording rules stay with Prometheus"
OWNER_CHARACTERS = 120
TEXT_CHARACTERS = 2000
# A name with all that may tell it apart fits into a rule's 120 characters.
NAME_CHARACTERS, TELLING_CHARACTERS = 80, 30
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=1)  # between two evaluations
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
        group: Its group, without the rules.
        position: Its place in the group, from 0.
        draft: Fields of a RuleDraft, as JSON has them; empty if it was not taken.
        complaint: Why it was not taken; empty if it was.
        notes: What of it works differently here.
    """

    name: str
    rule: PromRule
    group: PromGroup
    position: int
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
    names = iter(_unique([_called(g, r) for g, r in alerts]))
    found = []
    for group in file.groups:
        bare = replace(group, rules=())
        for position, rule in enumerate(group.rules):
            one = Taken(name=rule.record, rule=rule, group=bare, position=position)
            if rule.alert:
                name, notes = next(names), list[str]()
                draft = _draft(group, rule, defaults, notes) | {"name": name, "position": position}
                found.append(replace(one, name=name, draft=draft, notes=tuple(notes)))
            else:
                found.append(replace(one, complaint=RECORDING))
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
        replace(one, notes=(*one.notes, NO_DATA)) if loud and one.draft else one
        for one, loud in zip(taken, silent, strict=True)
    ]


def _burns(slo: Slo, severity: str) -> str:
    return f"The error budget of {slo.service} {slo.name} burns too fast ({severity})"


def said_severity(labels: Mapping[str, str]) -> Severity | None:
    """Return how bad the labels say it is; None if they do not, or in words that are not ours."""
    return SEVERITIES.get(_severity_text(labels).strip().lower())


def said_owner(labels: Mapping[str, str]) -> str:
    """Return who the labels say owns it; empty if nobody, or if it varies with the series."""
    owner = _first(labels, OWNER_LABELS)
    return "" if "{{" in owner else _shown(owner, OWNER_CHARACTERS)


def said_summary(annotations: Mapping[str, str]) -> str:
    """Return what the annotations say it means; empty if that varies with the series."""
    text = _first(annotations, SUMMARY_ANNOTATIONS).replace("\0", "")
    return "" if "{{" in text else text.strip()[:TEXT_CHARACTERS].strip()


def said_runbook(annotations: Mapping[str, str]) -> str:
    """Return the link to what to do; empty if there is none."""
    url = _shown(_first(annotations, RUNBOOK_ANNOTATIONS), TEXT_CHARACTERS)
    return url if url.startswith(("https://", "http://")) else ""


def evaluated_every(group: PromGroup) -> timedelta | None:
    """Return how often rules of a group are evaluated here; None if the group does not say."""
    if not group.interval:
        return None
    whole = -(-group.interval // SHORTEST) * SHORTEST
    return min(whole, LONGEST)


def _draft(
    group: PromGroup, rule: PromRule, defaults: Defaults, notes: list[str]
) -> dict[str, Any]:
    labels = group.labels_of(rule)
    draft: dict[str, Any] = {
        "owner": said_owner(labels) or defaults.owner,
        "severity": _severity(labels, defaults, notes).value,
        "summary": said_summary(rule.annotations),
        "runbook_url": _runbook(rule.annotations, notes),
        "condition": {"kind": "promql", "expression": rule.expr},
        "for": durations.write(rule.hold),
        "keep_firing_for": durations.write(rule.keep_firing),
        "labels": labels,
        "annotations": dict(rule.annotations),
        "policy": defaults.policy,
        "alertname": rule.alert,
        "group": group.name,
    }
    if interval := evaluated_every(group):
        draft["interval"] = durations.write(interval)
        if interval != group.interval:
            notes.append(f"evaluated every {durations.write(interval)}")
    if group.limit:
        notes.append(f"the group's limit of {group.limit} alerts is not applied")
    if group.query_offset:
        offset = durations.write(group.query_offset)
        notes.append(f"the group's query_offset of {offset} is not applied")
    return draft


def _called(group: PromGroup, rule: PromRule) -> tuple[str, str, str]:
    """Return an alert's name and what may tell it apart, as texts for a page."""
    name = _shown(rule.alert, NAME_CHARACTERS) or "unnamed"
    severity = _shown(_severity_text(group.labels_of(rule)), TELLING_CHARACTERS)
    return name, severity, _shown(group.name, TELLING_CHARACTERS)


def _shown(text: str, limit: int) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:limit].strip()


def _severity_text(labels: Mapping[str, str]) -> str:
    return _first(labels, SEVERITY_LABELS)


def _severity(labels: Mapping[str, str], defaults: Defaults, notes: list[str]) -> Severity:
    known, text = said_severity(labels), _severity_text(labels)
    if known is None and text:
        notes.append(f"severity {text!r} is none of ours: {defaults.severity} is taken")
    return known or defaults.severity


def _runbook(annotations: Mapping[str, str], notes: list[str]) -> str:
    url = said_runbook(annotations)
    if not url and (text := _first(annotations, RUNBOOK_ANNOTATIONS).strip()):
        notes.append(f"runbook {text!r} is no link")
    return url


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
