"""What a rule watches, as fields that widgets hold, and back. Pure.

A part of `app.rule_form`, and in its terms.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alerts import durations, selfwatch
from alerts.conditions import (
    PAGE_WINDOWS,
    Absence,
    AnyCondition,
    Budget,
    BurnRate,
    Composite,
    Drift,
    Promql,
    Spans,
    Window,
)
from app import measure_form
from models.vocabulary import Comparison, Measure, Needed, Period, Unit
from signals.catalog import CATALOG
from signals.traces import FILTERS

Fields = dict[str, Any]

KINDS: Final = {
    "threshold": "Threshold",
    "burn_rate": "Burn rate",
    "drift": "Drift",
    "absence": "Absence",
    "budget": "Budget",
    "spans": "Spans",
    "composite": "Composite",
    "promql": "PromQL",
}
KIND_HELP: Final = {
    "threshold": "A golden signal beyond a bound.",
    "burn_rate": "The error budget of an objective is spent too fast, over a long and a short "
    "window at once.",
    "drift": "A golden signal that is not what it was, such as at the same hour last week.",
    "absence": "There is nothing of a signal any more, such as requests of a tenant.",
    "budget": "More is spent than an amount, or would be at this pace: by a tenant, a feature …",
    "spans": "How many spans, which share, a quantile or a sum of them, by any field or attribute.",
    "composite": "All or any of other rules fire.",
    "promql": "Each series that the expression returns is a breach, as in Prometheus.",
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
RATIO_SIGNALS: Final = tuple(s.name for s in CATALOG.values() if s.unit is Unit.RATIO)
OTHERS_SIGNALS: Final = tuple(s.name for s in CATALOG.values() if not s.own)
# The signals that a kind can watch, and which it watches where another was chosen before.
SIGNALS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "burn_rate": (RATIO_SIGNALS, "error_ratio"),
    "drift": (OTHERS_SIGNALS, "latency_p95"),
    "absence": (OTHERS_SIGNALS, "request_rate"),
    "budget": (("cost",), "cost"),
}
OFFSETS: Final = ("1h", "1d", "7d", "28d")
BUDGET_WINDOWS: Final = ("1h", "1d", "7d", "30d")
PACES: Final = ("0s", "15m", "1h", "6h")
LOOK_BACKS: Final = ("1h", "6h", "1d", "7d")
MEASURE_WORDS: Final = {Measure.RELATIVE: "Of what it was", Measure.ABSOLUTE: "In its unit"}
MOST_PAIRS: Final = 4
MEASURE: Final = "spans_"  # before the fields of a measure over spans
PERIOD_WORDS: Final = {
    Period.DAYS_28: "the last 28 days",
    Period.DAYS_30: "the last 30 days",
    Period.MONTH: "the calendar month",
}


class FormError(ValueError):
    """A field cannot be read; the message says which and how to write it."""


def defaults() -> Fields:
    """Return the fields that no condition has filled in."""
    return {
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
        "period": Period.DAYS_30,
        "policy_when_spent": "",
        "zone": "UTC",
        "by_day": False,
        "measure": Measure.RELATIVE,
        "change": 40.0,
        "offset": "7d",
        "drift_window": "1h",
        "baseline_requests": 20,
        "absent_for": "10m",
        "seen_within": "1d",
        "amount": 50.0,
        "budget_window": "1d",
        "pace": "0s",
        "needed": Needed.ALL,
        "rules": [],
        "spans_bound": 0.0,
        **measure_form.fields({}, MEASURE),
    }


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


def scope_field(label: str) -> str:
    """Return the name of the field that holds the value wanted for `label`."""
    return f"scope_{label}"


def labels_of(signal: str | None) -> Sequence[str]:
    """Return the labels by which `signal` is usually narrowed and split."""
    own = selfwatch.LABELS.get(signal or "")
    return (own,) if own else FILTERS


def change_unit(measure: Measure | None, signal: str | None) -> Unit:
    """Return the unit in which a change of `signal` is counted."""
    if measure is Measure.RELATIVE or signal not in CATALOG:
        return Unit.RATIO
    return CATALOG[signal].unit


def change_words(measure: Measure | None, signal: str | None) -> str:
    """Return what a change of `signal` is counted in, for a label; may be empty."""
    unit = change_unit(measure, signal)
    is_share = measure is Measure.ABSOLUTE and unit is Unit.RATIO
    return "percentage points" if is_share else UNIT_WORDS[unit]


def fields_of(condition: AnyCondition) -> Fields:
    """Return the fields that show `condition`."""
    if isinstance(condition, Promql):
        return {"kind": "promql", "expression": condition.expression}
    if isinstance(condition, Composite):
        return {"kind": "composite", "needed": condition.needed, "rules": list(condition.rules)}
    common = {
        "kind": condition.kind,
        "scope": list(condition.scope),
        "by": list(condition.by),
        **{scope_field(label): value for label, value in condition.scope.items()},
    }
    if isinstance(condition, Spans):
        return common | {
            **measure_form.fields(condition.measure.model_dump(), MEASURE),
            "comparison": condition.comparison,
            "spans_bound": on_screen(condition.bound, condition.measure.unit),
            "window": durations.write(condition.window),
        }
    common |= {"signal": condition.signal}
    if isinstance(condition, BurnRate):
        objective = on_screen(condition.objective, Unit.RATIO)
        return common | {
            "objective": objective,
            "period": condition.period,
            "zone": condition.zone,
            "policy_when_spent": condition.policy_when_spent,
            **_window_fields(condition.windows),
        }
    if isinstance(condition, Absence):
        return common | {
            "absent_for": durations.write(condition.window),
            "seen_within": durations.write(condition.seen_within),
        }
    if isinstance(condition, Budget):
        return common | {
            "amount": condition.amount_usd,
            "budget_window": durations.write(condition.window),
            "by_day": bool(condition.zone),
            "zone": condition.zone or "UTC",
            "pace": durations.write(condition.pace),
        }
    if isinstance(condition, Drift):
        return common | {
            "comparison": condition.comparison,
            "measure": condition.measure,
            "change": on_screen(condition.bound, change_unit(condition.measure, condition.signal)),
            "drift_window": durations.write(condition.window),
            "offset": durations.write(condition.offset),
            "baseline_requests": condition.baseline_requests,
        }
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


def read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition that the fields write, as data.

    Raises:
        FormError: A field cannot be read; the message says which and how to write it.
    """
    kind = fields.get("kind") or "threshold"
    if kind == "promql":
        return {"kind": kind, "expression": (fields.get("expression") or "").strip()}
    if kind == "composite":
        if not fields.get("rules"):
            raise FormError("rules: say which it is made of")
        return {"kind": kind, "needed": fields.get("needed"), "rules": fields["rules"]}
    signal = fields.get("signal") or ""
    wanted = {label: fields.get(scope_field(label)) for label in fields.get("scope") or ()}
    if missing := [label for label, value in wanted.items() if not value]:
        raise FormError(f"scope: say which {missing[0]}, or take it out")
    common = {"kind": kind, "scope": wanted, "by": fields.get("by") or ()}
    if kind == "spans":
        return common | {
            "measure": measure_form.read(fields, MEASURE),
            "comparison": fields.get("comparison"),
            "bound": _bound(fields, "spans_bound", measure_form.unit(fields, MEASURE)),
            "window": fields.get("window") or "",
        }
    common |= {"signal": signal}
    if kind == "burn_rate":
        count = int(fields.get("pairs") or 1)
        objective = off_screen(fields.get("objective") or 0.0, Unit.RATIO)
        return common | {
            "objective": objective,
            "windows": [_pair(fields, i) for i in range(count)],
            "period": fields.get("period") or Period.DAYS_30,
            "zone": fields.get("zone") or "UTC",
            "policy_when_spent": (fields.get("policy_when_spent") or "").strip(),
        }
    if kind == "absence":
        windows = {"window": "absent_for", "seen_within": "seen_within"}
        return common | {name: fields.get(field) or "" for name, field in windows.items()}
    if kind == "budget":
        by_day = bool(fields.get("by_day"))
        return common | {
            "amount_usd": fields.get("amount"),
            "window": "1d" if by_day else fields.get("budget_window") or "",
            "zone": (fields.get("zone") or "UTC") if by_day else "",
            "pace": fields.get("pace") or "0s",
        }
    if kind == "drift":
        return common | _drift(fields)
    unit = CATALOG[signal].unit if signal in CATALOG else Unit.COUNT
    return common | {
        "comparison": fields.get("comparison"),
        "bound": _bound(fields, "bound", unit),
        "window": fields.get("window") or "",
    }


def _bound(fields: Mapping[str, Any], field: str, unit: Unit) -> float:
    bound = fields.get(field)
    if bound is None:
        raise FormError("threshold: say how much is too much")
    return off_screen(bound, unit)


def _drift(fields: Mapping[str, Any]) -> dict[str, Any]:
    change, least = fields.get("change"), fields.get("baseline_requests")
    if not change:
        raise FormError("change: say how much is too much")
    return {
        "comparison": fields.get("comparison"),
        "measure": fields.get("measure"),
        "bound": off_screen(change, change_unit(fields.get("measure"), fields.get("signal"))),
        "window": fields.get("drift_window") or "",
        "offset": fields.get("offset") or "",
        "baseline_requests": 0 if least is None else least,
    }


def _pair(fields: Mapping[str, Any], index: int) -> dict[str, Any]:
    return {
        "long": fields.get(f"long_{index}") or "",
        "short": fields.get(f"short_{index}") or "",
        "factor": fields.get(f"factor_{index}"),
    }
