"""`Source` over TraceQL metrics: latency, errors and rate of requests.

Tempo counts a request when it starts, in whole windows (t - step, t] that begin at multiples of
the step, and reads quantiles off a histogram of powers of two, so that they are estimates. The
newest half minute is left out: its spans have not arrived. At most 24 hours are read at once.

Source: https://grafana.com/docs/tempo/latest/metrics-from-traces/metrics-queries/,
pkg/traceql/engine_metrics.go (AlignRequest, IntervalMapperQueryRange)
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from models.clock import Clock
from signals import Query, QueryError, Reading, Sample, Series
from signals.traces.otlp_json import pairs, whole
from signals.traces.tempo import traceql
from signals.wire import Reply, Wire

CUTOFF = timedelta(seconds=30)  # Tempo's query_end_cutoff
LONGEST = timedelta(hours=24)  # Tempo's max_duration of metrics
MAX_CHUNKS = 31
MAX_POINTS = 11_000
QUANTILES = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}
SIGNALS = frozenset({*QUANTILES, "error_ratio", "request_rate"})
# Labels that requests' roots carry themselves: a metric sees one span at a time.
LABELS = frozenset({"feature", "tenant", "environment", "prompt_version", "session_id"})

Labels = tuple[tuple[str, str], ...]
Values = dict[Labels, dict[int, float]]  # labels -> milliseconds since 1970 -> value
_NIL = ("", "<nil>", "nil")


def answers(query: Query) -> bool:
    """Say whether TraceQL metrics can tell."""
    return (
        query.signal in SIGNALS and {*query.by, *dict(query.scope)} <= LABELS and len(query.by) < 2
    )


class Answering:
    """Asks TraceQL metrics of one Tempo."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock

    def read(self, query: Query, *, at: datetime) -> Reading:
        """Return the values over the window that ends at `at`, or half a minute ago."""
        self._check(query)
        end = min(at, self._clock() - CUTOFF)
        if query.window > LONGEST:
            raise QueryError(
                f"{self._wire.who} computes over 24 h at most: ask for a shorter window"
            )
        params = {"start": _ns(end - query.window), "end": _ns(end)}

        def ask(expression: str) -> Values:
            reply = self._wire.get("/api/metrics/query", {**params, "q": expression})
            return self._values(reply, query, instant=True)

        seconds = query.window.total_seconds()
        samples = [
            Sample(labels=dict(labels), value=value, at=at)
            for labels, points in self._computed(query, ask, seconds).items()
            for value in points.values()
        ]
        return Reading(samples=tuple(samples))

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return the values at those steps that end one of Tempo's windows."""
        self._check(query)
        if step <= timedelta() or end < start:
            raise QueryError("a period needs an end after its start and a step above zero")
        if (end - start) // step >= MAX_POINTS:
            raise QueryError(f"more than {MAX_POINTS} points: ask for a longer step")
        last = min(end, self._clock() - CUTOFF)
        found: Values = defaultdict(dict)
        for first, until in _chunks(start, last, query.window):
            params = {
                "start": _ns(first),
                "end": _ns(until),
                "step": f"{query.window.total_seconds():g}s",
            }

            def ask(expression: str, params: Mapping[str, Any] = params) -> Values:
                reply = self._wire.get("/api/metrics/query_range", {**params, "q": expression})
                return self._values(reply, query, instant=False)

            seconds = query.window.total_seconds()
            for labels, points in self._computed(query, ask, seconds).items():
                found[labels] |= points
        wanted = _instants(start, last, step)
        if not any(ms % _ms(query.window) == 0 for ms in wanted):
            raise QueryError(
                f"{self._wire.who} counts in whole windows: ask for instants at multiples of "
                f"{query.window.total_seconds():g} s"
            )
        return [
            Series(
                labels=dict(labels),
                seconds=[ms / 1000 for ms in sorted(points) if ms in wanted],
                values=[points[ms] for ms in sorted(points) if ms in wanted],
            )
            for labels, points in sorted(found.items())
            if any(ms in wanted for ms in points)
        ]

    def newest(self, *, at: datetime) -> datetime | None:
        """Return when the newest request of the last hour, else of the last day, started."""
        for reach in (timedelta(hours=1), LONGEST):
            params = {
                "q": f"{{ {traceql.ROOT} }} with (most_recent=true)",
                "start": int((at - reach).timestamp()),
                "end": math.ceil(at.timestamp()),
                "limit": 1,
                "spss": 1,
            }
            found = self._wire.get("/api/search", params).data
            starts = [
                whole(trace.get("startTimeUnixNano")) for trace in (found or {}).get("traces") or ()
            ]
            if starts:
                return min(datetime.fromtimestamp(max(starts) / 1e9, tz=UTC), at)
        return None

    def _check(self, query: Query) -> None:
        if not answers(query):
            raise QueryError(
                f"{self._wire.who} cannot tell {query.signal} by these labels: it knows "
                f"{', '.join(sorted(SIGNALS))} by one of {', '.join(sorted(LABELS))}"
            )

    def _computed(self, query: Query, ask: Any, seconds: float) -> Values:
        scope = dict(query.scope)
        by = f" by ({traceql.grouped(query.by[0])})" if query.by else ""
        if query.signal in QUANTILES:
            quantile = QUANTILES[query.signal]
            return dict(
                ask(f"{traceql.roots(scope)} | quantile_over_time(duration, {quantile}){by}")
            )
        counted: Values = ask(f"{traceql.roots(scope)} | count_over_time(){by}")
        if query.signal == "request_rate":
            return {
                labels: {ms: n / seconds for ms, n in points.items()}
                for labels, points in counted.items()
            }
        failed: Values = ask(f"{traceql.roots(scope, failed=True)} | count_over_time(){by}")
        return {
            labels: {ms: failed.get(labels, {}).get(ms, 0.0) / n for ms, n in points.items() if n}
            for labels, points in counted.items()
        }

    def _values(self, reply: Reply, query: Query, *, instant: bool) -> Values:
        try:
            if str(reply.data.get("status", "")).upper() in ("PARTIAL", "1"):
                raise QueryError(
                    f"{self._wire.who} computed only a part of the answer: ask for less time"
                )
            found: Values = defaultdict(dict)
            for series in reply.data.get("series") or ():
                labels = self._named(query, pairs(series.get("labels")))
                samples = [series] if instant else series.get("samples") or ()
                for sample in samples:
                    value = float(sample.get("value") or 0.0)
                    ms = 0 if instant else whole(sample.get("timestampMs"))
                    if ms in found[labels]:
                        raise QueryError(
                            f"{self._wire.who} spells {query.by[0]} in two ways at once, which "
                            "cannot be put together: split by another label"
                        )
                    if math.isfinite(value):
                        found[labels][ms] = value
        except (AttributeError, TypeError, ValueError) as error:
            raise self._wire.malformed() from error
        return found

    def _named(self, query: Query, told: Mapping[str, Any]) -> Labels:
        labels = dict(query.scope)
        for name in query.by:
            for key in traceql.KEYS[name][: traceql.MAX_KEYS]:
                value = next((str(v) for k, v in told.items() if k.lstrip(".") == key), "")
                if value not in _NIL:
                    labels[name] = value
                    break
        return tuple(labels.items())


def _chunks(
    start: datetime, end: datetime, window: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Yield periods of whole windows, each at most as long as Tempo takes at once."""
    if window > LONGEST:
        raise QueryError("Tempo computes over 24 h at most: ask for a shorter window")
    width = window * max(1, LONGEST // window - 1)  # Tempo adds a window in front
    if (end - start) > width * MAX_CHUNKS:
        raise QueryError("that is more than Tempo should be asked at once: ask for less time")
    seconds = window.total_seconds()
    first = datetime.fromtimestamp((start.timestamp() // seconds - 1) * seconds, tz=UTC)
    until = datetime.fromtimestamp(end.timestamp() // seconds * seconds, tz=UTC)
    while first < until:
        yield first, min(first + width, until)
        first += width


def _instants(start: datetime, end: datetime, step: timedelta) -> set[int]:
    count = max(0, (end - start) // step + 1)
    return {_ms(start + number * step - _EPOCH) for number in range(count)}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _ms(span: timedelta) -> int:
    return round(span / timedelta(milliseconds=1))


def _ns(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000
