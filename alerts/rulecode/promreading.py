"""Prometheus rule files, read as strictly as promtool reads them. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from alerts.rulecode import templates, yamltree
from alerts.rulecode.complaints import Complaint, RuleCodeError
from alerts.rulecode.promfile import PROMETHEUS_3, Dialect, PromFile, PromGroup, PromRule
from alerts.rulecode.reader import Fields, Reader
from alerts.rulecode.yamltree import Scalar, Tree, documents, merged

_GROUP = ("name", "interval", "query_offset", "limit", "labels", "rules")
_RULE = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
_OCTAL = re.compile(r"[+-]?0[0-7]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file holds.

    Attributes:
        complaints: Why rules and groups are missing in `file`; empty if all is there.
        remarks: What is odd, though nothing is missing that Prometheus would see.
    """

    file: PromFile
    complaints: tuple[Complaint, ...] = ()
    remarks: tuple[Complaint, ...] = ()


def parse(text: str, *, lenient: bool = False, dialect: Dialect = PROMETHEUS_3) -> Reading:
    """Return what a rule file holds. PromQL is not checked: that takes a server, or promtool.

    With `lenient`, what is sound is taken and the rest complained about: a rule with anything
    wrong in it is left out, and so is a group whose own fields are wrong.

    Raises:
        RuleCodeError: Something is wrong; with `lenient` only if the file is no YAML at all.
    """
    found = documents(text, most=1)
    reader = _FileReader(dialect=dialect)
    groups = reader.file(found[0].root if found else None)
    if reader.complaints and not lenient:
        raise RuleCodeError(reader.complaints)
    return Reading(
        file=PromFile(groups=tuple(groups)),
        complaints=tuple(reader.complaints),
        remarks=_remarks(text),
    )


def _remarks(text: str) -> tuple[Complaint, ...]:
    """Return that there is a second document, if there is, whether or not it can be read."""
    lines = text.splitlines()
    begin = next((i for i, line in enumerate(lines) if line.strip() and line[0] not in "#%"), 0)
    for number, line in enumerate(lines[begin + 1 :], start=begin + 2):
        if line.rstrip() == "---" or line.startswith("--- "):
            reason = "Prometheus reads a file's first document only; the one here is ignored"
            return (Complaint(reason=reason, line=number),)
    return ()


@dataclass(slots=True, kw_only=True)
class _FileReader(Reader):
    dialect: Dialect

    def file(self, root: Tree | None) -> list[PromGroup]:
        groups: dict[str, PromGroup] = {}
        fields = self.fields(root, ("groups",), "a rule file")
        for node in self.items(fields.get("groups"), "'groups'"):
            self.group = ""
            found = self.one_group(node)
            if found is not None and found.name in groups:
                first = groups[found.name].line
                self.complain(f"there is a group of that name on line {first} too", node.line)
            elif found is not None:
                groups[found.name] = found
        return list(groups.values())

    def one_group(self, node: Tree) -> PromGroup | None:
        """Return a group without the rules that are wrong; None if the group itself is."""
        wrong = self.wrong
        self.group = self.peek(node, "name")
        fields = self.fields(node, _GROUP, "a group")
        if not self.text(fields, "name"):
            self.complain("a group needs a name", node.line)
        group = PromGroup(
            name=self.group,
            interval=self.duration(fields, "interval") or timedelta(),
            limit=self.whole(fields, "limit"),
            query_offset=self.duration(fields, "query_offset"),
            labels=self.labels(fields),
            line=node.line,
        )
        lacking = {"query_offset": self.dialect.query_offset, "labels": self.dialect.group_labels}
        for name in sorted(fields.keys() & {n for n, known in lacking.items() if not known}):
            self.complain(f"{self.dialect.name} has no {name!r} of a group", fields[name].line)
        sound = wrong == self.wrong
        rules = self.rules(fields.get("rules"))
        return replace(group, rules=tuple(rules)) if sound else None

    def rules(self, node: Tree | None) -> list[PromRule]:
        found = []
        for number, each in enumerate(self.items(node, "'rules'"), start=1):
            self.number, self.rule = number, ""
            rule = self.one_rule(each)
            if rule is not None:
                found.append(rule)
        self.number, self.rule = None, ""
        return found

    def one_rule(self, node: Tree) -> PromRule | None:
        wrong = self.wrong
        self.rule = self.peek(node, "alert", "record")
        fields = self.fields(node, _RULE, "a rule")
        record, alert = self.text(fields, "record"), self.text(fields, "alert")
        rule = PromRule(
            record=record,
            alert=alert,
            expr=self.text(fields, "expr"),
            hold=self.duration(fields, "for") or timedelta(),
            keep_firing=self.duration(fields, "keep_firing_for") or timedelta(),
            labels=self.labels(fields),
            annotations=self.annotations(fields),
            line=node.line,
        )
        if wrong == self.wrong:
            self.check(rule, fields, node.line)
        return rule if wrong == self.wrong else None

    def check(self, rule: PromRule, fields: Fields, line: int) -> None:
        if rule.record and rule.alert:
            self.complain("a rule has 'record' or 'alert', not both", fields["record"].line)
        elif not rule.name:
            self.complain("a rule needs 'record' or 'alert'", line)
        if not rule.expr.strip():
            self.complain("a rule needs 'expr'", line)
        if rule.record:
            self.check_record(rule, fields)
        if rule.alert:
            self.check_templates("label", rule, rule.labels, fields)
            self.check_templates("annotation", rule, rule.annotations, fields)

    def check_record(self, rule: PromRule, fields: Fields) -> None:
        extra = {"for": rule.hold, "keep_firing_for": rule.keep_firing}
        for name, given in {**extra, "annotations": rule.annotations}.items():
            if given:
                self.complain(f"a recording rule has no {name!r}", fields[name].line)
        if not self.dialect.is_metric(rule.record):
            self.complain(f"{rule.record!r} is no name for a series", fields["record"].line)

    def check_templates(
        self, what: str, rule: PromRule, texts: Mapping[str, str], fields: Fields
    ) -> None:
        for name, text in texts.items():
            if "{{" in text and (reason := templates.check(rule.alert, text)):
                self.complain(f"{what} {name!r}: {reason}", self.line_of(fields, what, name))

    def line_of(self, fields: Fields, what: str, name: str) -> int | None:
        node = fields[f"{what}s"]
        pairs, _ = merged(node) if isinstance(node, yamltree.Mapping) else ([], [])
        return next((key.line for key, _ in pairs if key.text == name), None)

    def labels(self, fields: Fields) -> dict[str, str]:
        found = self.texts(fields, "labels")
        for name in found:
            if not self.dialect.is_label(name) or name == "__name__":
                line = self.line_of(fields, "label", name)
                self.complain(f"{name!r} is no name for a label", line)
        return found

    def annotations(self, fields: Fields) -> dict[str, str]:
        found = self.texts(fields, "annotations")
        for name in found:
            if not self.dialect.is_label(name):
                line = self.line_of(fields, "annotation", name)
                self.complain(f"{name!r} is no name for an annotation", line)
        return found

    def whole(self, fields: Fields, name: str) -> int:
        """Return a whole number as Go's YAML reads it, zero if it is not there."""
        node = fields.get(name)
        if node is None:
            return 0
        if isinstance(node, Scalar) and node.is_plain:
            digits = node.text.replace("_", "")
            try:
                return int(digits, 8 if _OCTAL.fullmatch(digits) else 0)
            except ValueError:
                number = self.number_of(fields, name)
                if number is None:
                    return 0
                if abs(number) < 2**63:
                    return int(number)
        self.complain(f"{name!r} must be a whole number", node.line)
        return 0
