"""A dashboard as Grafana's dashboard JSON, the classic model, which every Grafana imports.

What Grafana's Prometheus cannot answer, such as a measure over spans, becomes a text panel that
says so in its place.

Source: https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.dashboard_panels import WINDOW, DashboardDraft, Panel
from models.vocabulary import PanelKind, Unit, Width
from signals import Query, QueryError
from signals.catalog import CATALOG, MINUTES_5
from signals.promql import Asked

SCHEMA_VERSION: Final = 42  # of Grafana 12.1 to 13; older ones take it as it is
COLUMNS: Final = 24  # of Grafana's grid
HEIGHT: Final = 8
_WIDTHS: Final = {Width.THIRD: 8, Width.HALF: 12, Width.FULL: 24}
_UNITS: Final = {
    Unit.SECONDS: "s",
    Unit.RATIO: "percentunit",
    Unit.USD: "currencyUSD",
    Unit.COUNT: "short",
    Unit.PER_SECOND: "cps",
    Unit.POINTS: "short",
}
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_EXACT: Final = re.compile(r'(?<![!=~])=\s*"\$(\w+)"')
_NAMED: Final = re.compile(r'(\w+|"[^"]+")\s*=~\s*"\$(\w+)"')

Ask = Callable[[Query], Asked]


@dataclass(slots=True)
class _Found:
    """What the panels turn out to need.

    Attributes:
        labels: Each variable that is used, with the server's label that has its values.
        notes: What could not be taken along, a sentence each.
    """

    labels: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def export(draft: DashboardDraft, slug: str, ask: Ask | None) -> tuple[dict[str, Any], list[str]]:
    """Return the dashboard JSON, and what could not be taken along, a sentence each.

    Args:
        draft: What it shows.
        slug: Its address here, which is its uid there.
        ask: Returns the PromQL of a golden signal, or raises QueryError; None without Prometheus.
    """
    found = _Found()
    panels = []
    x = y = 0
    for number, one in enumerate(draft.panels, start=1):
        width = _WIDTHS[one.width]
        if x + width > COLUMNS:
            x, y = 0, y + HEIGHT
        place = {"h": HEIGHT, "w": width, "x": x, "y": y}
        panels.append({"id": number, "gridPos": place, **_panel(one, draft, ask, found)})
        x += width
    variables = [_variable(name, label) for name, label in found.labels.items()]
    return {
        "id": None,
        "uid": slug[:40],  # the most that Grafana takes
        "title": draft.title,
        "description": draft.purpose,
        "tags": ["wakeful"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "templating": {"list": [_datasource(), *variables]},
        "annotations": {"list": []},
        "links": [],
        "panels": panels,
    }, found.notes


def write(data: Mapping[str, Any]) -> str:
    """Return dashboard JSON as a file."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _panel(one: Panel, draft: DashboardDraft, ask: Ask | None, found: _Found) -> dict[str, Any]:
    try:
        targets = _targets(one, draft, ask, found)
    except QueryError as error:
        found.notes.append(f"{one.title}: {error}")
        content = f"Not taken along from Wakeful: {error}"
        options = {"mode": "markdown", "content": content}
        return {"type": "text", "title": one.title, "options": options, "transparent": False}
    is_number = one.kind is PanelKind.STAT
    return {
        "type": "stat" if is_number else "timeseries",
        "title": one.title,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": _defaults(one), "overrides": []},
        "options": _STAT if is_number else _TIMESERIES,
        "targets": targets,
    }


def _targets(
    one: Panel, draft: DashboardDraft, ask: Ask | None, found: _Found
) -> list[dict[str, Any]]:
    if one.measure is not None:
        raise QueryError(f"it measures spans ({one.measure.words}), which Prometheus has not")
    if one.promql:
        for label, name in _NAMED.findall(one.promql):
            found.labels.setdefault(name, label)
        return [_target(0, one.promql.replace(f"${WINDOW}", "$__rate_interval"), "__auto")]
    if ask is None:
        raise QueryError("it shows a golden signal, and no Prometheus is connected here")
    targets = []
    for index, signal in enumerate(one.signals):
        asked = _of_signal(signal, one, draft.variables, ask, found)
        theirs = {ours: label for label, ours in asked.renamed.items()}
        split = " ".join(f"{{{{{theirs.get(label, label)}}}}}" for label in one.by)
        title = CATALOG[signal].title
        legend = split if split and len(one.signals) == 1 else f"{title} {split}".strip()
        targets.append(_target(index, asked.promql, legend))
    return targets


def _of_signal(signal: str, one: Panel, variables: Sequence[str], ask: Ask, found: _Found) -> Asked:
    """Return a signal's PromQL, narrowed by those of the variables that its metrics have."""
    plain = Query(signal=signal, window=MINUTES_5, by=one.by)
    known = [name for name in variables if _answers(plain, name, ask)]
    scope = tuple(sorted((name, f"${name}") for name in known))
    asked = ask(Query(signal=signal, window=MINUTES_5, by=one.by, scope=scope))
    promql = _EXACT.sub(r'=~"$\1"', asked.promql)
    for label, name in _NAMED.findall(promql):
        if name in known:
            found.labels.setdefault(name, label)
    return Asked(promql=promql, renamed=asked.renamed)


def _answers(plain: Query, name: str, ask: Ask) -> bool:
    scope = ((name, f"${name}"),)
    try:
        ask(Query(signal=plain.signal, window=plain.window, by=plain.by, scope=scope))
    except QueryError:
        return False
    return True


def _target(index: int, expression: str, legend: str) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + index),
        "datasource": _SOURCE,
        "editorMode": "code",
        "expr": expression,
        "legendFormat": legend,
        "range": True,
        "instant": False,
    }


def _defaults(one: Panel) -> dict[str, Any]:
    colours = ((one.drawn_target, "green"), (one.drawn_threshold, "red"))
    lines = sorted((value, colour) for value, colour in colours if value is not None)
    steps: list[dict[str, Any]] = [{"color": "text", "value": None}]
    steps += [{"color": colour, "value": value} for value, colour in lines]
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "stepBefore" if one.kind is PanelKind.STEPS else "linear",
        "fillOpacity": 0 if one.kind is PanelKind.LINE else 30,
        "spanNulls": False,
        "thresholdsStyle": {"mode": "dashed" if lines else "off"},
    }
    return {
        "unit": _UNITS[one.shown_in],
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "palette-classic"},
        **({} if one.kind is PanelKind.STAT else {"custom": custom}),
    }


_TIMESERIES: Final = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
    "tooltip": {"mode": "multi", "sort": "desc"},
}
_STAT: Final = {
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    "graphMode": "area",
    "colorMode": "none",
    "textMode": "auto",
    "orientation": "auto",
}


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
    }


def _variable(name: str, label: str) -> dict[str, Any]:
    query = f"label_values({label})"  # a name with dots stays in its quotes
    return {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": f"Wakeful-{name}"},
        "current": {"text": "All", "value": "$__all"},
        "includeAll": True,
        "allValue": ".*",
        "multi": False,
        "hide": 0,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 1,
    }
