"""The rule form: a rule as fields that widgets hold, and back. Pure.

Fields hold what stands on the screen: ratios in percent, durations as text (`5m`), labels as one
line of `name = value`. `read` turns them into a RuleDraft, which judges them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from alerts import durations, rulebook
from alerts.conditions import PAGE_WINDOWS, AnyCondition, BurnRate, Promql, Window
from alerts.rulebook import RuleDraft, Template
from models.vocabulary import Comparison, NoData, Severity, Unit
from signals.catalog import CATALOG

Fields = dict[str, Any]

KINDS: Final = {"threshold": "Threshold", "burn_rate": "Burn rate", "promql": "PromQL"}
KIND_HELP: Final = {
    "threshold": "A golden signal beyond a bound.",
    "burn_rate": "The error budget of an objective is spent too fast, over a long and a short "
    "window at once.",
    "promql": "Each series that the expression returns is a breach, as in Prometheus.",
}
NO_DATA_WORDS: Final = {
    NoData.KEEP: "Leave alerts as they are",
    NoData.ALERT: "Alert: silence is the breach",
    NoData.RESOLVE: "Resolve: silence is health",
}
UNIT_WORDS: Final = {
    Unit.SECONDS: "s",
    Unit.RATIO: "%",
    Unit.USD: "USD",
    Unit.COUNT: "",
    Unit.PER_SECOND: "per second",
    Unit.POINTS: "points",
}
STEPS: Final = {
    Unit.SECONDS: 0.5,
    Unit.RATIO: 0.5,
    Unit.USD: 0.01,
    Unit.COUNT: 10.0,
    Unit.PER_SECOND: 1.0,
    Unit.POINTS: 1.0,
}
WINDOWS: Final = ("1m", "5m", "10m", "15m", "30m", "1h", "6h", "1d")
PATIENCES: Final = ("0s", "1m", "2m", "5m", "10m", "15m", "30m", "1h")
INTERVALS: Final = ("5s", "10s", "15s", "30s", "1m", "5m")
RATIO_SIGNALS: Final = tuple(s.name for s in CATALOG.values() if s.unit is Unit.RATIO)
MOST_PAIRS: Final = 4
NEEDED: Final = "String should have at least 1 character"


class FormError(ValueError):
    """A field cannot be read; the message says which and how to write it."""


def blank(*, owner: str, policy: str) -> Fields:
    """Return the fields of a new rule: the alert on the p95 latency, still without a name."""
    template = rulebook.templates()[0]
    return from_template(template, owner=owner, policy=policy) | {"name": "", "summary": ""}


def from_template(template: Template, *, owner: str, policy: str) -> Fields:
    """Return the fields of a new rule that follows `template`."""
    return _common_defaults() | {
        "name": template.name,
        "owner": owner,
        "summary": template.summary,
        "severity": template.severity,
        "hold": durations.write(template.hold),
        "policy": policy,
        **_condition_fields(template.condition),
    }


def of(draft: RuleDraft) -> Fields:
    """Return the fields that show `draft`; `read` returns it unchanged."""
    return _common_defaults() | {
        "name": draft.name,
        "owner": draft.owner,
        "severity": draft.severity,
        "summary": draft.summary,
        "runbook_url": draft.runbook_url,
        "hold": durations.write(draft.hold),
        "keep_firing": durations.write(draft.keep_firing),
        "no_data": draft.no_data,
        "interval": durations.write(draft.interval),
        "labels": pairs_text(draft.labels),
        "policy": draft.policy,
        "enabled": draft.enabled,
        **_condition_fields(draft.condition),
    }


def read(fields: Mapping[str, Any]) -> RuleDraft:
    """Return the rule that the fields write.

    Raises:
        FormError: A field cannot be read, or the rule makes no sense; the message says why.
    """
    try:
        return RuleDraft.model_validate(
            {
                **{name: fields.get(name) or "" for name in _TEXTS},
                "severity": fields.get("severity"),
                "condition": _condition(fields),
                "for": fields.get("hold") or "0s",
                "keep_firing_for": fields.get("keep_firing") or "0s",
                "no_data": fields.get("no_data"),
                "interval": fields.get("interval") or "30s",
                "labels": pairs(fields.get("labels") or ""),
                "enabled": fields.get("enabled", True),
            }
        )
    except ValidationError as error:
        raise FormError(rulebook.why(error).replace(NEEDED, "is needed")) from error


def outline(fields: Mapping[str, Any]) -> RuleDraft:
    """Return the rule with what is still missing around its condition made up, for a preview.

    Raises:
        FormError: The condition or the patience cannot be read; the message says why.
    """
    made_up = {name: fields.get(name) or "-" for name in ("name", "policy")}
    try:
        pairs(fields.get("labels") or "")
    except FormError:
        made_up["labels"] = ""
    return read({**fields, "owner": "-", "runbook_url": "", **made_up})


def breach_fields(signal: str) -> Fields:
    """Return the alert worth having on `signal` as fields; only the unit's zero if none is."""
    breach = CATALOG[signal].breach
    if breach is None:
        return {"bound": 0.0}
    return {
        "comparison": breach.comparison,
        "bound": on_screen(breach.bound, CATALOG[signal].unit),
        "window": durations.write(breach.window),
        "hold": durations.write(breach.hold),
    }


def on_screen(value: float, unit: Unit) -> float:
    """Return `value` as the form shows it: ratios in percent."""
    return round(value * 100, 9) if unit is Unit.RATIO else value


def off_screen(shown: float, unit: Unit) -> float:
    """Return what `shown` in the form stands for."""
    return round(shown / 100, 11) if unit is Unit.RATIO else shown


def pairs(text: str) -> dict[str, str]:
    """Return the labels that `team = llm, tier = 1` writes.

    Raises:
        FormError: Something in it is no `name = value`.
    """
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value:
            raise FormError(f"labels: {part!r} is not a label: write name = value, name = value")
        found[name] = value
    return found


def pairs_text(labels: Mapping[str, str]) -> str:
    """Return `labels` as one line."""
    return ", ".join(f"{name} = {value}" for name, value in labels.items())


def scope_field(label: str) -> str:
    """Return the name of the field that holds the value wanted for `label`."""
    return f"scope_{label}"


_TEXTS: Final = ("name", "owner", "summary", "runbook_url", "policy")


def _common_defaults() -> Fields:
    return {
        "runbook_url": "",
        "keep_firing": "0s",
        "no_data": NoData.KEEP,
        "interval": "30s",
        "labels": "",
        "enabled": True,
        "severity": Severity.WARNING,
        "kind": "threshold",
        "signal": "latency_p95",
        "comparison": Comparison.ABOVE,
        "bound": 0.0,
        "window": "5m",
        "scope": [],
        "by": [],
        "objective": 99.0,
        "expression": "",
        **_window_fields(PAGE_WINDOWS),
    }


def _condition_fields(condition: AnyCondition) -> Fields:
    if isinstance(condition, Promql):
        return {"kind": "promql", "expression": condition.expression}
    common = {
        "kind": condition.kind,
        "signal": condition.signal,
        "scope": list(condition.scope),
        "by": list(condition.by),
        **{scope_field(label): value for label, value in condition.scope.items()},
    }
    if isinstance(condition, BurnRate):
        objective = on_screen(condition.objective, Unit.RATIO)
        return common | {"objective": objective, **_window_fields(condition.windows)}
    return common | {
        "comparison": condition.comparison,
        "bound": on_screen(condition.bound, condition.about.unit),
        "window": durations.write(condition.window),
    }


def _window_fields(windows: Sequence[Window]) -> Fields:
    fields: Fields = {"pairs": len(windows)}
    for index, pair in enumerate(windows):
        fields |= {
            f"long_{index}": durations.write(pair.long),
            f"short_{index}": durations.write(pair.short),
            f"factor_{index}": float(pair.factor),
        }
    return fields


def _condition(fields: Mapping[str, Any]) -> dict[str, Any]:
    kind = fields.get("kind") or "threshold"
    if kind == "promql":
        return {"kind": kind, "expression": (fields.get("expression") or "").strip()}
    signal = fields.get("signal") or ""
    wanted = {label: fields.get(scope_field(label)) for label in fields.get("scope") or ()}
    if missing := [label for label, value in wanted.items() if not value]:
        raise FormError(f"scope: say which {missing[0]}, or take it out")
    common = {"kind": kind, "signal": signal, "scope": wanted, "by": fields.get("by") or ()}
    if kind == "burn_rate":
        count = int(fields.get("pairs") or 1)
        objective = off_screen(fields.get("objective") or 0.0, Unit.RATIO)
        return common | {
            "objective": objective,
            "windows": [_pair(fields, i) for i in range(count)],
        }
    unit = CATALOG[signal].unit if signal in CATALOG else Unit.COUNT
    bound = fields.get("bound")
    if bound is None:
        raise FormError("threshold: say how much is too much")
    return common | {
        "comparison": fields.get("comparison"),
        "bound": off_screen(bound, unit),
        "window": fields.get("window") or "",
    }


def _pair(fields: Mapping[str, Any], index: int) -> dict[str, Any]:
    return {
        "long": fields.get(f"long_{index}") or "",
        "short": fields.get(f"short_{index}") or "",
        "factor": fields.get(f"factor_{index}"),
    }
