"""`Source` over Langfuse's v2 metrics.

Calls are few (from 100 a day), so that the same question within a minute is asked once: an answer
is at most a minute old. Langfuse counts a request when it starts; its quantiles are ClickHouse's
samples, so that they are estimates. Windows over time are whole minutes, hours or days.

Source: https://langfuse.com/docs/metrics/features/metrics-api; `langfuse` 5.0.4, api/metrics
"""

import json
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any

from signals import Query, QueryError, Reading, Sample, Series
from signals.attribute_values import as_points
from signals.wire import Terms, Wire

FRESH = timedelta(minutes=1)
KEPT = 256  # answers
ROWS = 1_000
MAX_POINTS = 11_000
METRICS = Terms(bucket="metrics")
_GRANULARITIES = {
    timedelta(minutes=1): "minute",
    timedelta(hours=1): "hour",
    timedelta(days=1): "day",
}
_ROOTS = {"column": "isRootObservation", "operator": "=", "value": True, "type": "boolean"}
_FAILED = {"column": "level", "operator": "any of", "value": ["ERROR"], "type": "stringOptions"}
_COLUMNS = {
    "environment": "environment",
    "model": "providedModelName",
    "prompt_version": "promptVersion",
}

Rows = Sequence[Mapping[str, Any]]
Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """One query: what is measured of which view."""

    measure: str
    aggregations: tuple[str, ...]
    filters: tuple[Mapping[str, Any], ...] = ()
    view: str = "observations"

    def key(self, aggregation: str) -> str:
        return f"{aggregation}_{self.measure}"


_COUNT = _Ask(measure="count", aggregations=("count",), filters=(_ROOTS,))
_ASKS: dict[str, tuple[_Ask, ...]] = {
    **{
        f"latency_p{percent}": (
            _Ask(measure="latency", aggregations=(f"p{percent}",), filters=(_ROOTS,)),
        )
        for percent in (50, 95, 99)
    },
    "request_rate": (_COUNT,),
    "error_ratio": (
        _COUNT,
        _Ask(measure="count", aggregations=("count",), filters=(_ROOTS, _FAILED)),
    ),
    "cost_per_request": (_COUNT, _Ask(measure="totalCost", aggregations=("sum",))),
    "cost": (_Ask(measure="totalCost", aggregations=("sum",)),),
    "token_rate": (_Ask(measure="totalTokens", aggregations=("sum",)),),
    "eval_score": (
        _Ask(measure="value", aggregations=("avg", "min", "max"), view="scores-numeric"),
    ),
}
SIGNALS = frozenset(_ASKS)
ESTIMATES = frozenset(name for name in _ASKS if name.startswith("latency"))
_LABELS = {
    **dict.fromkeys(_ASKS, frozenset({"environment"})),
    "token_rate": frozenset(_COLUMNS),  # of the span that used them
}


def answers(query: Query) -> bool:
    """Say whether Langfuse's metrics can tell."""
    labels = {*query.by, *dict(query.scope)}
    return query.signal in _ASKS and labels <= _LABELS[query.signal]


class Metrics:
    """Asks one project's metrics, sparingly."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._kept: OrderedDict[str, tuple[float, Rows]] = OrderedDict()
        self._lock = Lock()

    def read(self, query: Query, *, at: datetime) -> Reading:
        """Return the values over the window that ends with the last whole minute before `at`."""
        self._check(query)
        end = _floor(at, FRESH)
        found = self._computed(query, end - query.window, end, "")
        samples = [
            Sample(labels=dict(labels), value=value, at=at)
            for labels, points in found.items()
            for value in points.values()
        ]
        silent = () if samples or query.by else (dict(query.scope),)
        return Reading(samples=tuple(samples), no_traffic=silent)

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return the values at those steps that end a whole minute, hour or day."""
        self._check(query)
        granularity = _GRANULARITIES.get(query.window)
        if granularity is None:
            raise QueryError(
                f"{self._wire.who} tells values over time by the minute, the hour or the day: "
                "choose a time range whose points are so far apart, or connect Prometheus"
            )
        if step <= timedelta() or end < start or (end - start) / query.window > MAX_POINTS:
            raise QueryError("a period needs an end after its start, and fewer points")
        first = _floor(start - query.window, query.window)
        found = self._computed(query, first, end, granularity)
        wanted = {
            (start + number * step).timestamp() for number in range((end - start) // step + 1)
        }
        lines = []
        for labels, points in sorted(found.items()):
            # Langfuse names a bucket by its start; a value stands at its end.
            shown = {
                at + query.window.total_seconds(): value
                for at, value in points.items()
                if at + query.window.total_seconds() in wanted
            }
            if shown:
                seconds = sorted(shown)
                lines.append(
                    Series(labels=dict(labels), seconds=seconds, values=[shown[s] for s in seconds])
                )
        return lines

    def values(self, field: str, *, start: datetime, end: datetime, most: int) -> list[str]:
        """Return the values of a field of `_COLUMNS`, the most frequent first."""
        column = _COLUMNS[field]
        query = {
            "view": "observations",
            "dimensions": [{"field": column}],
            "metrics": [{"measure": "count", "aggregation": "count"}],
            "filters": [],
            "fromTimestamp": _iso(_floor(start, FRESH)),
            "toTimestamp": _iso(_floor(end, FRESH) + FRESH),
            "orderBy": [{"field": "count_count", "direction": "desc"}],
            "config": {"row_limit": most},
        }
        return [str(row[column]) for row in self._rows(query) if row.get(column) not in (None, "")]

    def _check(self, query: Query) -> None:
        if not answers(query):
            raise QueryError(f"{self._wire.who} cannot tell {query.signal} by these labels")

    def _computed(
        self, query: Query, start: datetime, end: datetime, granularity: str
    ) -> dict[Key, dict[float, float]]:
        """Return the signal by labels and by the start of its bucket, 0.0 without buckets."""
        asks = _ASKS[query.signal]
        answers = [self._asked(ask, query, start, end, granularity) for ask in asks]
        found: dict[Key, dict[float, float]] = {}
        for place in answers[0]:
            value = self._value(query, [answer.get(place, {}) for answer in answers])
            if value is not None:
                found.setdefault(place[0], {})[place[1]] = value
        return found

    def _value(self, query: Query, told: Sequence[Mapping[str, float]]) -> float | None:
        first = told[0]
        seconds = query.window.total_seconds()
        match query.signal:
            case "request_rate":
                return first.get("count_count", 0.0) / seconds
            case "cost":
                return first.get("sum_totalCost")
            case "token_rate":
                return first.get("sum_totalTokens", 0.0) / seconds
            case "error_ratio" | "cost_per_request":
                count = first.get("count_count", 0.0)
                part = next((v for k, v in told[1].items()), 0.0)
                return part / count if count else None
            case "eval_score":
                return self._points(first)
            case _:
                return next((ms / 1000 for ms in first.values()), None)

    def _points(self, told: Mapping[str, float]) -> float | None:
        """Return a mean score in points, where all scores are on one scale."""
        low, high, mean = (told.get(f"{name}_value") for name in ("min", "max", "avg"))
        if low is None or high is None or mean is None:
            return None
        if (low <= 1) != (high <= 1) or low < 0 or high > 100:
            raise QueryError(
                f"{self._wire.who} has scores on several scales, which make no mean: name them "
                "apart, and watch one"
            )
        return as_points(mean)

    def _asked(
        self, ask: _Ask, query: Query, start: datetime, end: datetime, granularity: str
    ) -> dict[tuple[Key, float], dict[str, float]]:
        scope = [
            {
                "column": _COLUMNS[name],
                "operator": "any of",
                "value": [value],
                "type": "stringOptions",
            }
            for name, value in query.scope
        ]
        rows = self._rows(
            {
                "view": ask.view,
                "dimensions": [{"field": _COLUMNS[name]} for name in query.by],
                "metrics": [
                    {"measure": ask.measure, "aggregation": each} for each in ask.aggregations
                ],
                "filters": [*ask.filters, *scope],
                "timeDimension": {"granularity": granularity} if granularity else None,
                "fromTimestamp": _iso(start),
                "toTimestamp": _iso(end),
                "orderBy": None,
                "config": {"row_limit": ROWS},
            }
        )
        if len(rows) >= ROWS:
            raise QueryError(
                f"{self._wire.who} has more than {ROWS} rows to say: ask for less time or labels"
            )
        return {self._place(query, row, granularity): _numbers(ask, row) for row in rows}

    def _place(self, query: Query, row: Mapping[str, Any], granularity: str) -> tuple[Key, float]:
        labels = dict(query.scope)
        for name in query.by:
            value = row.get(_COLUMNS[name])
            if value not in (None, ""):
                labels[name] = str(value)
        try:
            at = datetime.fromisoformat(str(row["time_dimension"])) if granularity else None
        except (KeyError, ValueError) as error:
            raise self._wire.malformed() from error
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return tuple(labels.items()), at.timestamp() if at else 0.0

    def _rows(self, query: Mapping[str, Any]) -> Rows:
        """Return the rows, of the last minute's answer if it was asked already."""
        text = json.dumps({key: value for key, value in query.items() if value is not None})
        with self._lock:
            kept = self._kept.get(text)
        if kept is not None and monotonic() - kept[0] < FRESH.total_seconds():
            return kept[1]
        reply = self._wire.get("/api/public/v2/metrics", {"query": text}, METRICS)
        try:
            rows = [row for row in reply.data["data"] if isinstance(row, dict)]
        except (KeyError, TypeError) as error:
            raise self._wire.malformed() from error
        with self._lock:
            self._kept[text] = (monotonic(), rows)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return rows


def _numbers(ask: _Ask, row: Mapping[str, Any]) -> dict[str, float]:
    """Return a row's numbers, which may come as text."""
    found = {}
    for aggregation in ask.aggregations:
        try:
            number = float(row[ask.key(aggregation)])
        except (KeyError, TypeError, ValueError):
            continue
        if math.isfinite(number):
            found[ask.key(aggregation)] = number
    return found


def _floor(at: datetime, step: timedelta) -> datetime:
    seconds = step.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, tz=UTC)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
