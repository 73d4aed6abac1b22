"""OpenSLO documents, version openslo/v1. Pure.

Source: https://github.com/OpenSLO/OpenSLO, the specification in its README
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta

from alerts.rulecode.complaints import RuleCodeError
from alerts.rulecode.openslo_metrics import KINDS, Metrics
from alerts.rulecode.reader import Fields
from alerts.rulecode.slo import Burn, Indicator, Slo, SloAlert
from alerts.rulecode.sloth import SloReading
from alerts.rulecode.yamltree import Scalar, Tree, documents

VERSION = "openslo/v1"
PERIOD = timedelta(days=30)  # where an SLO does not say
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9./|\\]{0,253}[a-z0-9])?")
_DURATION = re.compile(r"(\d{1,5})([mhdwMQY])", re.ASCII)
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "M": timedelta(days=30),
    "Q": timedelta(days=90),
    "Y": timedelta(days=365),
}
_SLO = ("description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod")
_POLICY = ("description", "alertWhenNoData", "alertWhenResolved", "alertWhenBreaching")
_CONDITION = ("kind", "op", "threshold", "lookbackWindow", "alertAfter")


def parse(text: str, *, lenient: bool = False) -> SloReading:
    """Return the SLOs of OpenSLO documents, which may refer to each other in any order.

    Raises:
        RuleCodeError: Something is wrong; with `lenient` only if the file is no YAML at all.
    """
    reader = _Reader()
    for document in documents(text):
        if document.root is not None:
            reader.collect(document.root)
    slos = [slo for name in reader.objects["SLO"] for slo in reader.slo(name)]
    reader.group = ""
    if reader.complaints and not lenient:
        raise RuleCodeError(reader.complaints)
    return SloReading(
        slos=tuple(slos),
        complaints=tuple(reader.complaints),
        remarks=tuple(reader.remarks),
        windows={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    period: timedelta = PERIOD
    calendar: bool = False


@dataclass(slots=True, kw_only=True)
class _Reader(Metrics):
    """All documents of a text; `group` is the SLO that is being read."""

    nodes: dict[tuple[str, str], Tree] = field(default_factory=dict)

    def collect(self, root: Tree) -> None:
        """Remember a document under its kind and name."""
        fields = self.fields(root, ("apiVersion", "kind", "metadata", "spec"), "a document")
        version, kind = self.text(fields, "apiVersion"), self.text(fields, "kind")
        metadata = self.fields(fields.get("metadata"), (), "metadata")
        name = self.text(metadata, "name")
        if version != VERSION:
            self.complain(f"apiVersion {version!r}: only {VERSION} is read", root.line)
        elif kind not in KINDS:
            self.complain(f"kind {kind!r} is none of {', '.join(KINDS)}", root.line)
        elif not _NAME.fullmatch(name):
            self.complain(f"{name!r} is no name: lower-case letters, digits and '-'", root.line)
        elif name in self.objects[kind]:
            self.complain(f"there is another {kind} named {name!r}", root.line)
        else:
            self.objects[kind][name] = fields
            self.nodes[kind, name] = root

    def slo(self, name: str) -> list[Slo]:
        """Return an SLO document's SLOs: one for each of its objectives."""
        self.group, wrong = name, self.wrong
        document, line = self.objects["SLO"][name], self.nodes["SLO", name].line
        spec = self.fields(
            document.get("spec"), (*_SLO, "objectives", "alertPolicies"), "an SLO's spec"
        )
        window = self.window(spec, line)
        labels = self.labels(document)
        alerts = self.alerts(spec)
        objectives = self.items(spec.get("objectives"), "'objectives'")
        if not objectives:
            self.complain("an SLO needs 'objectives'", line)
        service = self.text(spec, "service")
        if not service:
            self.complain("an SLO needs a 'service'", line)
        elif service not in self.objects["Service"]:
            self.remark(f"its service {service!r} is in no document; the name is taken", line)
        found = []
        for number, node in enumerate(objectives, start=1):
            target, indicator = self.objective(node, spec, line)
            found.append(
                Slo(
                    name=name if len(objectives) == 1 else f"{name}-{number}",
                    service=service,
                    objective=target,
                    period=window.period,
                    calendar=window.calendar,
                    indicator=indicator,
                    description=self.text(spec, "description"),
                    labels=labels,
                    alerts=tuple(alerts),
                    line=line,
                )
            )
        return found if wrong == self.wrong else []

    def labels(self, document: Fields) -> dict[str, str]:
        """Return a document's labels, those that are lists with commas between."""
        metadata = self.fields(document.get("metadata"), (), "metadata")
        found = {}
        for key, node in self.pairs(metadata.get("labels"), "labels"):
            if isinstance(node, Scalar):
                found[key.text] = node.text
            else:
                values = self.items(node, f"label {key.text!r}")
                found[key.text] = ",".join(v.text for v in values if isinstance(v, Scalar))
        return found

    def window(self, spec: Fields, line: int) -> _Window:
        """Return what the error budget is for."""
        nodes = self.items(spec.get("timeWindow"), "'timeWindow'")
        if not nodes:
            self.remark("it has no 'timeWindow': 30 days are taken", line)
            return _Window()
        if len(nodes) > 1:
            self.complain("'timeWindow' has exactly one element", nodes[1].line)
        fields = self.fields(nodes[0], ("duration", "isRolling", "calendar"), "a time window")
        period = self.shorthand(fields, "duration", nodes[0].line)
        calendar = "calendar" in fields and not self.truth(fields, "isRolling")
        if period and self.text(fields, "duration")[-1] in "MQY" and not calendar:
            self.remark(f"'duration' is taken as {period.days} days", fields["duration"].line)
        if calendar:
            self.remark("when its calendar starts, and in what zone, is not taken", nodes[0].line)
        return _Window(period=period or PERIOD, calendar=calendar)

    def shorthand(self, fields: Fields, name: str, line: int) -> timedelta | None:
        """Return a duration as OpenSLO writes it, None if it is not there or wrong."""
        text = self.text(fields, name)
        found = _DURATION.fullmatch(text)
        if found is None or not int(found[1]):
            reason = f"{name!r} must be like 5m, 1h, 30d, 4w, 1M, 1Q or 1Y"
            self.complain(f"{reason}, not {text!r}", fields[name].line if name in fields else line)
            return None
        return int(found[1]) * _UNITS[found[2]]

    def objective(self, node: Tree, spec: Fields, line: int) -> tuple[float, Indicator]:
        """Return a target in (0, 1) and what counts towards it."""
        known = ("displayName", "op", "value", "target", "targetPercent")
        fields = self.fields(node, (*known, "timeSliceTarget", "timeSliceWindow"), "an objective")
        target, percent = (self.number_of(fields, name) for name in ("target", "targetPercent"))
        if (target is None) == (percent is None):
            self.complain("an objective has one of 'target' and 'targetPercent'", node.line)
        value = target if target is not None else round((percent or 0) / 100, 12)
        if not 0 < value < 1:
            self.complain("an objective must be between 0 and 1, or 0 and 100 percent", node.line)
        indicator = self.indicator(spec, fields, line)
        method = self.text(spec, "budgetingMethod") or "Occurrences"
        if method == "Timeslices":
            return value, self.slices(indicator, fields, node.line)
        if method != "Occurrences":
            self.complain(f"budgeting by {method!r} is not known here", line)
        return value, indicator

    def slices(self, indicator: Indicator, fields: Fields, line: int) -> Indicator:
        """Return the share of time slices that are bad, of slices' own share of bad events."""
        target = self.number_of(fields, "timeSliceTarget")
        width = self.shorthand(fields, "timeSliceWindow", line)
        if target is None or not 0 < target <= 1:
            self.complain("'timeSliceTarget' must be above 0 and at most 1", line)
            return indicator
        return indicator if width is None else self.in_slices(indicator, target, width)

    def alerts(self, spec: Fields) -> list[SloAlert]:
        """Return an alert for each policy, of its one condition."""
        found = []
        for node in self.items(spec.get("alertPolicies"), "'alertPolicies'"):
            name, policy = self.referred(node, "AlertPolicy", "alertPolicyRef")
            if policy is None:
                continue
            known = (*_POLICY, "conditions", "notificationTargets")
            fields = self.fields(policy.get("spec"), known, "an alert policy's spec")
            if "notificationTargets" in fields:
                self.remark("whom to notify is a policy of ours, not its targets", node.line)
            conditions = self.items(fields.get("conditions"), "'conditions'")
            if len(conditions) != 1:
                self.complain(f"alert policy {name!r} needs exactly one condition", node.line)
                continue
            if "alertWhenBreaching" in fields and not self.truth(fields, "alertWhenBreaching"):
                self.remark(f"alert policy {name!r} does not alert on a breach", node.line)
                continue
            silent = self.truth(fields, "alertWhenNoData") if "alertWhenNoData" in fields else None
            alert = self.condition(conditions[0], name, silent)
            if alert is not None:
                found.append(alert)
        return found

    def condition(self, node: Tree, policy: str, silent: bool | None) -> SloAlert | None:
        """Return the alert of one condition."""
        name, document = self.referred(node, "AlertCondition", "conditionRef")
        if document is None:
            return None
        spec = self.fields(document.get("spec"), ("description", "severity", "condition"), "a spec")
        fields = self.fields(spec.get("condition"), _CONDITION, "a condition")
        kind, factor = self.text(fields, "kind"), self.number_of(fields, "threshold")
        long = self.shorthand(fields, "lookbackWindow", node.line)
        if kind not in ("", "burnrate"):
            self.complain(f"condition {name!r}: kind {kind!r} is not known here", node.line)
        if (op := self.text(fields, "op")) not in ("", "gt", "gte"):
            self.complain(f"condition {name!r}: a burn rate alerts above, not {op!r}", node.line)
        if factor is None or factor <= 0:
            self.complain(f"condition {name!r} needs a 'threshold' above 0", node.line)
        hold = timedelta()
        if "alertAfter" in fields and not self.text(fields, "alertAfter").startswith("0"):
            hold = self.shorthand(fields, "alertAfter", node.line) or hold
        if long is None or factor is None:
            return None
        description = self.text(spec, "description")
        return SloAlert(
            name=policy or name,
            severity=self.text(spec, "severity"),
            burns=(Burn(long=long, short=None, factor=factor),),
            hold=hold,
            alert_on_no_data=silent,
            annotations={"summary": description} if description else {},
        )
