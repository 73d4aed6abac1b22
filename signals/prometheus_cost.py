"""What an evaluation of PromQL yields and costs, as each server tells it. Pure.

Prometheus, and Thanos and Mimir after it, answer `stats=all` with samples and timings inside
`data`; VictoriaMetrics tells only how many series it fetched, and beside `data`.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from signals.promql import MalformedError, vector_reading

ALL_STATS: Final = {"stats": "all"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one evaluation yields and costs; None where the server does not tell.

    Attributes:
        series: That it yields with a value.
        samples: That it reads.
        peak: The most samples that it holds in memory at once.
        seconds: That it takes.
        fetched: Series that it reads.
    """

    series: int
    samples: int | None = None
    peak: int | None = None
    seconds: float | None = None
    fetched: int | None = None


def cost_of(body: object, *, at: datetime) -> Cost:
    """Return what the answer to an instant query says.

    Raises:
        MalformedError: It is no answer to one.
        QueryError: It has too many series.
    """
    data = _part(body, "data")
    if not isinstance(data.get("result"), list):
        raise MalformedError
    reading = vector_reading(data["result"], at=at, infinite=True)
    inside, beside = _part(data, "stats"), _part(body, "stats")
    samples, timings = _part(inside, "samples"), _part(inside, "timings")
    return Cost(
        series=len(reading.samples),
        samples=_count(samples.get("totalQueryableSamples")),
        peak=_count(samples.get("peakSamples")),
        seconds=_number(timings.get("evalTotalTime")),
        fetched=_count(beside.get("seriesFetched")),
    )


def _part(whole: object, name: str) -> Mapping[str, Any]:
    found = whole.get(name) if isinstance(whole, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _count(told: object) -> int | None:
    number = _number(told)
    return None if number is None else int(number)


def _number(told: object) -> float | None:
    """Return a number, which VictoriaMetrics tells as a text; None where it is none."""
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    try:
        number = float(told)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None
