"""A measure over spans, as fields that widgets hold, and back. Pure.

Of a rule and of a panel of a dashboard; a prefix keeps their fields apart.
"""

from collections.abc import Mapping
from typing import Any, Final

from models.vocabulary import Unit
from signals.measures import Aggregate, Measure

OF_NUMBER: Final = (Aggregate.QUANTILE, Aggregate.SUM)


def fields(measure: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the fields that show `measure`, each name after `prefix`."""
    values = {
        "aggregate": Aggregate(measure.get("aggregate", Aggregate.COUNT)),
        "of": measure.get("of") or "duration_ms",
        "quantile": float(measure.get("quantile", 0.95)),
        "where": "\n".join(measure.get("where", ())),
        "part": "\n".join(measure.get("part", ())),
    }
    return {f"{prefix}{name}": value for name, value in values.items()}


def read(found: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the measure as it was typed, right or wrong."""
    aggregate = found.get(f"{prefix}aggregate") or Aggregate.COUNT
    measure: dict[str, Any] = {
        "aggregate": aggregate,
        "where": _lines(found.get(f"{prefix}where")),
    }
    if aggregate in OF_NUMBER:
        measure["of"] = found.get(f"{prefix}of") or ""
    if aggregate is Aggregate.QUANTILE:
        measure["quantile"] = found.get(f"{prefix}quantile")
    if aggregate is Aggregate.RATIO:
        measure["part"] = _lines(found.get(f"{prefix}part"))
    return measure


def unit(found: Mapping[str, Any], prefix: str) -> Unit:
    """Return the unit of what was typed so far."""
    aggregate = found.get(f"{prefix}aggregate") or Aggregate.COUNT
    of = (found.get(f"{prefix}of") or "") if aggregate in OF_NUMBER else ""
    return Measure.model_construct(aggregate=aggregate, of=of).unit


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]
