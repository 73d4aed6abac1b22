"""What OpenSLO measures, as PromQL; and documents that others refer to by name. Pure."""

from dataclasses import dataclass, field
from datetime import timedelta

from alerts import durations
from alerts.rulecode.complaints import Complaint
from alerts.rulecode.reader import Fields, Reader
from alerts.rulecode.slo import WINDOW, Indicator, has_window
from alerts.rulecode.yamltree import Tree

# A value is bad where it is not what the objective wants: `lte 0.2` is missed above 0.2.
_MISSED = {"lte": ">", "lt": ">=", "gte": "<", "gt": "<="}
_RATIO = ("counter", "good", "bad", "total", "raw", "rawType")
KINDS = (
    "DataSource",
    "SLO",
    "SLI",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
    "Service",
)


@dataclass(slots=True, kw_only=True)
class Metrics(Reader):
    """Reads indicators; `objects` has every document by kind and name."""

    remarks: list[Complaint] = field(default_factory=list)
    objects: dict[str, dict[str, Fields]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )

    def remark(self, reason: str, line: int | None) -> None:
        """Remember something that has no place here, though the rest is taken."""
        self.remarks.append(Complaint(reason=reason, line=line, group=self.group))

    def referred(self, node: Tree, kind: str, reference: str) -> tuple[str, Fields | None]:
        """Return the name and the document that stands at `node`, or that it names."""
        fields = self.fields(node, (reference, "apiVersion", "kind", "metadata", "spec"), kind)
        if reference not in fields:
            metadata = self.fields(fields.get("metadata"), (), "metadata")
            return self.text(metadata, "name"), fields
        name = self.text(fields, reference)
        document = self.objects[kind].get(name)
        if document is None:
            self.complain(f"there is no {kind} named {name!r}", fields[reference].line)
        return name, document

    def indicator(self, spec: Fields, objective: Fields, line: int) -> Indicator:
        """Return what an SLO measures; `objective` has the bound of a threshold metric."""
        document: Fields | None
        if "indicatorRef" in spec:
            name = self.text(spec, "indicatorRef")
            document = self.objects["SLI"].get(name)
            if document is None:
                self.complain(f"there is no SLI named {name!r}", spec["indicatorRef"].line)
                return Indicator()
        elif "indicator" in spec:
            document = self.fields(spec["indicator"], ("metadata", "spec"), "an indicator")
        else:
            self.complain("an SLO needs an 'indicator' or an 'indicatorRef'", line)
            return Indicator()
        known = ("description", "thresholdMetric", "ratioMetric")
        fields = self.fields(document.get("spec"), known, "an SLI's spec")
        if ("thresholdMetric" in fields) == ("ratioMetric" in fields):
            self.complain("an SLI has one of 'ratioMetric' and 'thresholdMetric'", line)
            return Indicator()
        if "ratioMetric" in fields:
            return self.ratio(fields["ratioMetric"])
        return self.threshold(fields["thresholdMetric"], objective, line)

    def ratio(self, node: Tree) -> Indicator:
        """Return a ratio of counts, or one that is stored as it is."""
        fields = self.fields(node, _RATIO, "a ratio metric")
        if "raw" in fields:
            raw, kind = self.query(fields["raw"], "'raw'"), self.text(fields, "rawType")
            if kind not in ("success", "failure"):
                self.complain("'raw' needs a 'rawType': success or failure", node.line)
            return Indicator(error_ratio=raw if kind == "failure" else f"1 - ({raw})")
        if ("good" in fields) == ("bad" in fields) or "total" not in fields:
            self.complain("a ratio has 'total' and one of 'good' and 'bad', or 'raw'", node.line)
            return Indicator()
        total = self.query(fields["total"], "'total'")
        if "bad" in fields:
            return Indicator(bad=self.query(fields["bad"], "'bad'"), total=total)
        return Indicator(good=self.query(fields["good"], "'good'"), total=total)

    def threshold(self, node: Tree, objective: Fields, line: int) -> Indicator:
        """Return the share of time in which a value misses the objective's bound."""
        query = self.query(node, "'thresholdMetric'", window=False)
        op, value = self.text(objective, "op"), self.number_of(objective, "value")
        if op not in _MISSED or value is None:
            self.complain("an objective on a threshold needs 'op' and 'value'", line)
            return Indicator()
        missed = f"({query}) {_MISSED[op]} bool {value:.12g}"
        return Indicator(error_ratio=f"avg_over_time(({missed})[{WINDOW}:])")

    def in_slices(self, indicator: Indicator, target: float, width: timedelta) -> Indicator:
        """Return the share of time slices whose share of good events is below `target`."""
        step, share = durations.write(width), indicator.errors(width)
        missed = f"({share}) > bool {round(1 - target, 12):.12g}"
        return Indicator(error_ratio=f"avg_over_time(({missed})[{WINDOW}:{step}])")

    def query(self, node: Tree, what: str, *, window: bool = True) -> str:
        """Return the PromQL of a metric source.

        Args:
            node: The metric source.
            what: What to call it.
            window: Whether the query must leave its window open, or must not.
        """
        fields = self.fields(node, ("metricSource",), what)
        known = ("metricSourceRef", "type", "spec")
        source = self.fields(fields.get("metricSource"), known, "a metric source")
        kind = self.text(source, "type") or self.type_of(self.text(source, "metricSourceRef"))
        if kind.lower() not in ("prometheus", ""):
            self.complain(f"{what} is asked of {kind}, not of Prometheus", node.line)
            return ""
        spec = self.fields(source.get("spec"), (), "a metric source's spec")
        text = (self.text(spec, "query") or self.text(spec, "promql")).strip()
        if not text:
            self.complain(f"{what} needs metricSource.spec.query", node.line)
        elif window and not has_window(text):
            self.complain(f"{what} needs {WINDOW} where its query's window stands", node.line)
        elif not window and has_window(text):
            self.complain(f"{what} is a value of its own and must not have {WINDOW}", node.line)
        return text

    def type_of(self, name: str) -> str:
        """Return what a data source is, empty if nobody says."""
        document = self.objects["DataSource"].get(name, {})
        spec = self.fields(document.get("spec"), (), "a data source's spec")
        return self.text(spec, "type")
