"""Sloth's specs, of the command line and of Kubernetes. Pure; `slothrules` has what Sloth makes.

Source: https://sloth.dev/specs/default/ and https://sloth.dev/specs/kubernetes/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from alerts.rulecode.complaints import Complaint, RuleCodeError
from alerts.rulecode.reader import Fields, Reader
from alerts.rulecode.slo import (
    WINDOW,
    AlertWindow,
    AlertWindows,
    Indicator,
    Slo,
    SloAlert,
    Urgency,
    has_window,
    workbook,
)
from alerts.rulecode.yamltree import Tree, documents

VERSION = "prometheus/v1"
K8S_VERSION = "sloth.slok.dev/v1"
PERIOD = timedelta(days=30)  # Sloth's own default
_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_CAMEL = re.compile(r"(?<=[a-z])([A-Z])")
_SPEC = ("version", "service", "labels", "slos")
_SLO = ("name", "description", "objective", "labels", "sli", "alerting")
_ALERTING = ("name", "labels", "annotations", "page_alert", "ticket_alert")
_ALERT = ("disable", "labels", "annotations", "for")


@dataclass(frozen=True, slots=True, kw_only=True)
class SloReading:
    """What specs hold.

    Attributes:
        complaints: Why an SLO was left out; empty if all were taken.
        remarks: What of an SLO that was taken has no place here.
        windows: Alert windows that the file itself brings, by period.
    """

    slos: tuple[Slo, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    remarks: tuple[Complaint, ...] = ()
    windows: Mapping[timedelta, AlertWindows]


def parse(
    text: str,
    *,
    lenient: bool = False,
    period: timedelta = PERIOD,
    windows: Mapping[timedelta, AlertWindows] | None = None,
) -> SloReading:
    """Return the SLOs of Sloth specs, one a document.

    Args:
        text: Documents of kind `prometheus/v1`, PrometheusServiceLevel or AlertWindows.
        lenient: Whether to take what is sound and complain about the rest.
        period: What the error budgets are for: Sloth's specs do not say it.
        windows: When to alert, by period; the SRE workbook's for a period that is not there.

    Raises:
        RuleCodeError: Something is wrong; with `lenient` only if the file is no YAML at all.
    """
    reader = _SpecReader()
    roots = [document.root for document in documents(text) if document.root is not None]
    for root in roots:
        reader.alert_windows(root)
    known = {**(windows or {}), **reader.windows}
    slos = [s for root in roots for s in reader.spec(root, known.get(period) or workbook(period))]
    if reader.complaints and not lenient:
        raise RuleCodeError(reader.complaints)
    return SloReading(
        slos=tuple(slos),
        complaints=tuple(reader.complaints),
        remarks=tuple(reader.remarks),
        windows=reader.windows,
    )


class _SpecReader(Reader):
    """One file; `group` is the SLO that is being read."""

    def __init__(self) -> None:
        super().__init__()
        self.remarks: list[Complaint] = []
        self.windows: dict[timedelta, AlertWindows] = {}
        self.ids: set[str] = set()

    def remark(self, reason: str, line: int | None) -> None:
        self.remarks.append(Complaint(reason=reason, line=line, group=self.group))

    def loose(self, node: Tree | None, known: tuple[str, ...], what: str) -> Fields:
        """Return fields in snake case, and remark on those that have no place here.

        Sloth's Kubernetes specs write `errorQuery` where the others write `error_query`.
        """
        fields = {
            _CAMEL.sub(lambda found: "_" + found[1].lower(), name): value
            for name, value in self.fields(node, (), what).items()
        }
        for name in sorted(fields.keys() - set(known)):
            self.remark(f"{name!r} of {what} is not taken", fields[name].line)
        return {name: value for name, value in fields.items() if name in known}

    def spec(self, root: Tree, windows: AlertWindows) -> list[Slo]:
        fields = self.fields(root, (), "a Sloth spec")
        self.group = ""
        if self.text(fields, "apiVersion") == K8S_VERSION:
            kind = self.text(fields, "kind")
            if kind == "PrometheusServiceLevel":
                return self.slos(self.loose(fields.get("spec"), _SPEC, "a spec"), windows)
            if kind != "AlertWindows":
                self.complain(f"{kind!r} is no kind of spec that is taken", root.line)
        elif self.text(fields, "version") == VERSION:
            return self.slos(self.loose(root, _SPEC, "a spec"), windows)
        else:
            self.complain(f"no Sloth spec: its version must be {VERSION!r}", root.line)
        return []

    def slos(self, fields: Fields, windows: AlertWindows) -> list[Slo]:
        service, labels = self.text(fields, "service"), self.texts(fields, "labels")
        found = []
        for node in self.items(fields.get("slos"), "'slos'"):
            self.group, wrong = self.peek(node, "name"), self.wrong
            slo = self.one_slo(node, service, labels, windows)
            if wrong == self.wrong:
                found.append(slo)
        return found

    def one_slo(
        self, node: Tree, service: str, labels: Mapping[str, str], windows: AlertWindows
    ) -> Slo:
        fields = self.loose(node, _SLO, "an SLO")
        name = self.text(fields, "name")
        for what, text in (("name", name), ("service", service)):
            if not _NAME.fullmatch(text):
                self.complain(f"{text!r} is no {what}: letters, digits, '-', '_', '.'", node.line)
        if (slo_id := f"{service}-{name}") in self.ids:
            self.complain("there is another SLO of that name and service", node.line)
        self.ids.add(slo_id)
        percent = self.number_of(fields, "objective")
        if "objective" not in fields or (percent is not None and not 0 < percent < 100):
            self.complain("an objective is a percentage between 0 and 100", node.line)
        return Slo(
            name=name,
            service=service,
            description=self.text(fields, "description"),
            objective=round((percent or 0) / 100, 12),
            period=windows.period,
            labels={**labels, **self.texts(fields, "labels")},
            alerts=self.alerts(fields.get("alerting"), windows, node.line),
            line=node.line,
            indicator=self.indicator(fields.get("sli"), node.line),
        )

    def indicator(self, node: Tree | None, line: int) -> Indicator:
        fields = self.loose(node, ("events", "raw", "plugin"), "an SLI")
        if len(fields) != 1:
            self.complain("an SLI has one of 'events', 'raw' and 'plugin'", line)
            return Indicator()
        if "plugin" in fields:
            plugin = self.text(self.fields(fields["plugin"], (), "a plugin"), "id")
            self.complain(f"its SLI is the plugin {plugin!r}, which only Sloth can run", line)
            return Indicator()
        if "raw" in fields:
            raw = self.loose(fields["raw"], ("error_ratio_query",), "a raw SLI")
            return Indicator(error_ratio=self.query(raw, "error_ratio_query", line))
        events = self.loose(fields["events"], ("error_query", "total_query"), "an SLI")
        bad, total = (self.query(events, name, line) for name in ("error_query", "total_query"))
        if bad and bad == total:
            self.complain("'error_query' and 'total_query' are the same", line)
        return Indicator(bad=bad, total=total)

    def query(self, fields: Fields, name: str, line: int) -> str:
        text = self.text(fields, name).strip()
        if not text:
            self.complain(f"an SLI needs {name!r}", line)
        elif not has_window(text):
            self.complain(f"{name!r} needs {WINDOW} where its window stands", fields[name].line)
        return text

    def alerts(self, node: Tree | None, windows: AlertWindows, line: int) -> tuple[SloAlert, ...]:
        fields = self.loose(node, _ALERTING, "alerting")
        found = []
        for urgency in Urgency:
            alert = self.loose(fields.get(f"{urgency}_alert"), _ALERT, "an alert")
            if self.truth(alert, "disable"):
                continue
            name = self.text(fields, "name")
            if not name:
                self.complain("alerting needs a 'name', or both its alerts disabled", line)
            texts = [
                {**self.texts(fields, what), **self.texts(alert, what)}
                for what in ("labels", "annotations")
            ]
            found.append(
                SloAlert(
                    name=name,
                    severity=urgency.value,
                    burns=windows.burns(urgency),
                    hold=self.duration(alert, "for") or timedelta(),
                    labels=texts[0],
                    annotations=texts[1],
                )
            )
        return tuple(found)

    def alert_windows(self, root: Tree) -> None:
        fields = self.fields(root, (), "a Sloth spec")
        if self.text(fields, "kind") != "AlertWindows":
            return
        spec = self.fields(fields.get("spec"), ("sloPeriod", "page", "ticket"), "alert windows")
        period = self.duration(spec, "sloPeriod")
        pairs = [self.pair(spec.get(urgency), urgency, root.line) for urgency in Urgency]
        if not period:
            self.complain("alert windows need 'sloPeriod'", root.line)
        elif pairs[0] is not None and pairs[1] is not None:
            self.windows[period] = AlertWindows(period=period, page=pairs[0], ticket=pairs[1])

    def pair(
        self, node: Tree | None, urgency: Urgency, line: int
    ) -> tuple[AlertWindow, AlertWindow] | None:
        fields = self.fields(node, ("quick", "slow"), f"{urgency} windows")
        quick, slow = (self.window(fields.get(name), line) for name in ("quick", "slow"))
        return None if quick is None or slow is None else (quick, slow)

    def window(self, node: Tree | None, line: int) -> AlertWindow | None:
        known = ("errorBudgetPercent", "shortWindow", "longWindow")
        fields = self.fields(node, known, "a window")
        percent = self.number_of(fields, "errorBudgetPercent")
        short, long = self.duration(fields, "shortWindow"), self.duration(fields, "longWindow")
        if not percent or not short or not long:
            self.complain(f"a window needs {', '.join(map(repr, known))}", line)
            return None
        return AlertWindow(budget_ratio=percent / 100, short=short, long=long)
