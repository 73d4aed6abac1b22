"""A measure of one's own over the embedded store, in SQL.

A measure becomes facts of the same shape as those of a golden signal, so that windows, labels and
bounds are those of `answering`. Values of conditions are parameters, never part of the statement.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from signals.measures import (
    ATTRIBUTE,
    REQUEST,
    Aggregate,
    Condition,
    Measure,
    condition,
)
from signals.traces.from_spans import Answer, Of, of_spans


def answer(measure: Measure, attributes: Mapping[str, str]) -> Answer:
    """Return how `measure` is answered; its facts have a column for each of `attributes`.

    Args:
        measure: What is asked.
        attributes: Column -> the attribute whose value it holds, NULL where there is none.
    """
    parameters: dict[str, Any] = {}
    own = {
        column: f"nullif({_text(f'{ATTRIBUTE}{name}', parameters)}, '')"
        for column, name in attributes.items()
    }
    where = _all(map(condition, measure.where), parameters)
    match measure.aggregate:
        case Aggregate.COUNT:
            x, value, of = "1", "count({x}){o}", Of.SUM
        case Aggregate.RATIO:
            x, value = _all(map(condition, measure.part), parameters), "avg({x}){o}"
            of = Of.MEAN
        case Aggregate.QUANTILE:
            x, value = (
                _number(measure.of, parameters),
                f"quantile_cont({{x}}, {measure.quantile}){{o}}",
            )
            of = Of.QUANTILE
        case Aggregate.SUM:
            x, value, of = _number(measure.of, parameters), "sum({x}){o}", Of.SUM
    if measure.of.endswith("_ms"):
        x = f"({x} / 1000)"
    return Answer(
        facts=of_spans(x, where, own),
        value=value,
        of=of,
        q=measure.quantile,
        # No span is a count of zero, but no quantile and no share.
        is_rate=measure.aggregate in (Aggregate.COUNT, Aggregate.SUM),
        parameters=parameters,
    )


def _all(conditions: Iterable[Condition], parameters: dict[str, Any]) -> str:
    """Return SQL that holds where all `conditions` do; never NULL."""
    return "(" + (" AND ".join(_sql(one, parameters) for one in conditions) or "true") + ")"


def _sql(one: Condition, parameters: dict[str, Any]) -> str:
    if one.sign in ("=", "!="):
        sign = "=" if one.sign == "=" else "<>"
        return f"coalesce({_text(one.field, parameters)}, '') {sign} {_kept(one.value, parameters)}"
    number = _kept(float(one.value), parameters)
    return f"coalesce({_number(one.field, parameters)} {one.sign} {number}, false)"


def _text(field: str, parameters: dict[str, Any]) -> str:
    return f"CAST({_column(field, parameters)} AS VARCHAR)"


def _number(field: str, parameters: dict[str, Any]) -> str:
    number = f"TRY_CAST({_column(field, parameters)} AS DOUBLE)"
    # A text may spell `nan` or `inf`, which would be all that a sum says.
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _column(field: str, parameters: dict[str, Any]) -> str:
    if field == REQUEST:
        return "(s.parent_id IS NULL)"
    if field.startswith(ATTRIBUTE):
        return f"s.attributes[{_kept(field.removeprefix(ATTRIBUTE), parameters)}]"
    return f's."{field}"'  # of the fields that `condition` and `Measure` know


def _kept(value: str | float, parameters: dict[str, Any]) -> str:
    name = f"m{len(parameters)}"
    parameters[name] = value
    return f"${name}"
