"""Prometheus rule files as values, and written as text. Pure; `promreading` reads them.

Source: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import yaml

from alerts import durations
from alerts.rulecode.complaints import Complaint, RuleCodeError

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a version of Prometheus understands."""

    name: str
    query_offset: bool = True
    group_labels: bool = True
    utf8_names: bool = True

    def is_label(self, name: str) -> bool:
        """Say whether `name` may name a label or an annotation."""
        return bool(name) if self.utf8_names else _LABEL.fullmatch(name) is not None

    def is_metric(self, name: str) -> bool:
        """Say whether `name` may name a recorded series."""
        if self.utf8_names:
            return bool(name) and not {"{", "}"} & set(name)
        return _METRIC.fullmatch(name) is not None


PROMETHEUS_3 = Dialect(name="Prometheus 3")
PROMETHEUS_2_42 = Dialect(  # Debian 12's
    name="Prometheus 2.42", query_offset=False, group_labels=False, utf8_names=False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromRule:
    """A recording rule, with `record`, or an alerting one, with `alert`; texts are verbatim."""

    expr: str
    record: str = ""
    alert: str = ""
    hold: timedelta = timedelta()
    keep_firing: timedelta = timedelta()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    line: int | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """Return the alert's name, or the recorded series'."""
        return self.alert or self.record


@dataclass(frozen=True, slots=True, kw_only=True)
class PromGroup:
    """Rules that are evaluated together, in order.

    Attributes:
        interval: Zero means what the server is set to.
        limit: Most series or alerts of one rule; zero means any number.
        query_offset: None means what the server is set to; zero means none.
    """

    name: str
    rules: tuple[PromRule, ...] = ()
    interval: timedelta = timedelta()
    limit: int = 0
    query_offset: timedelta | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    line: int | None = field(default=None, compare=False)

    def labels_of(self, rule: PromRule) -> dict[str, str]:
        """Return a rule's labels with the group's, which give way."""
        return {**self.labels, **rule.labels}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromFile:
    """A rule file."""

    groups: tuple[PromGroup, ...] = ()


def write(file: PromFile, *, dialect: Dialect = PROMETHEUS_3) -> str:
    """Return `file` as text that `dialect` reads to the same meaning.

    Raises:
        RuleCodeError: It says something that the dialect has no words for.
    """
    complaints: list[Complaint] = []
    groups = [_group(_lowered(group, dialect, complaints)) for group in file.groups]
    if complaints:
        raise RuleCodeError(complaints)
    return yaml.dump(
        {"groups": groups},
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100_000,
    )


def _lowered(group: PromGroup, dialect: Dialect, complaints: list[Complaint]) -> PromGroup:
    """Return the group with what the dialect lacks said otherwise."""

    def complain(what: str, rule: PromRule | None = None, number: int | None = None) -> None:
        reason = f"{dialect.name} has no {what}"
        name = rule.name if rule else ""
        complaints.append(Complaint(reason=reason, group=group.name, rule=name, number=number))

    if group.query_offset is not None and not dialect.query_offset:
        complain("query_offset")
    if group.labels and not dialect.group_labels:
        rules = tuple(replace(rule, labels=group.labels_of(rule)) for rule in group.rules)
        group = replace(group, labels={}, rules=rules)
    for number, rule in enumerate(group.rules, start=1):
        for name in (*rule.labels, *rule.annotations):
            if not dialect.is_label(name):
                complain(f"label named {name!r}", rule, number)
        if rule.record and not dialect.is_metric(rule.record):
            complain(f"series named {rule.record!r}", rule, number)
    return group


def _group(group: PromGroup) -> dict[str, Any]:
    data: dict[str, Any] = {"name": group.name}
    if group.interval:
        data["interval"] = durations.write(group.interval)
    if group.query_offset is not None:
        data["query_offset"] = durations.write(group.query_offset)
    if group.limit:
        data["limit"] = group.limit
    if group.labels:
        data["labels"] = dict(group.labels)
    return data | {"rules": [_rule(rule) for rule in group.rules]}


def _rule(rule: PromRule) -> dict[str, Any]:
    data: dict[str, Any] = {"alert": rule.alert} if rule.alert else {"record": rule.record}
    data["expr"] = rule.expr
    if rule.hold:
        data["for"] = durations.write(rule.hold)
    if rule.keep_firing:
        data["keep_firing_for"] = durations.write(rule.keep_firing)
    if rule.labels:
        data["labels"] = dict(rule.labels)
    if rule.annotations:
        data["annotations"] = dict(rule.annotations)
    return data


class Dumper(_DUMPER):  # type: ignore[misc]  # either of PyYAML's, found when we start
    """Writes a text of several lines as a block, as people do."""


def _text(dumper: Any, data: str) -> Any:
    text = str(data)
    style = "|" if "\n" in text and text.strip("\n") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, _text)
Dumper.add_multi_representer(str, _text)  # our enums are texts too
