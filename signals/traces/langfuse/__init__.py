"""Langfuse 4 by its v2 observations, v2 metrics and v3 scores; servers before it by v1.

rows       observations and scores as our spans
filters    what observations are asked for
narrowing  which traces say something, or were scored so
metrics    signals
first_api  servers before version 4

A trace is all observations of one id; its cost is their sum, for the root has none. A project's
key pair is the address's user and password. Calls are limited on the cloud, so that a list costs
two or three of them, and what Langfuse says of its limits is heeded.

Source: `langfuse` 5.0.4 (PyPI), api/; web/public/generated/api/openapi.yml, read 2026-11
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from models.clock import Clock, utc_now
from signals import Query, QueryError, Reading, Series
from signals.address import Address
from signals.traces import NARROWING, SEARCHED, Abilities, Span, Trace, TraceQuery, TraceSummary
from signals.traces.bounds import MAX_SPANS, MAX_VALUES, check, check_values
from signals.traces.ids import as_uuid
from signals.traces.langfuse import metrics, narrowing
from signals.traces.langfuse.filters import Condition, any_of, roots, within
from signals.traces.langfuse.first_api import FirstApi
from signals.traces.langfuse.metrics import Metrics
from signals.traces.langfuse.rows import hex_id, score_of, spans
from signals.traces.scanning import scan
from signals.traces.scores import MAX_SCORES, Score, scored
from signals.traces.summaries import by_trace
from signals.traces.told import assembled, instant, iso_nanoseconds
from signals.wire import ABSENT, PATIENCE, Terms, Wire

PAGE = 1_000  # the most that v2 gives at once
SCORES_PAGE = 100  # more is refused
TRACES_PER_PAGE = 100
BEFORE, AFTER = timedelta(hours=1), timedelta(days=1)
NEWEST_KEPT = timedelta(seconds=30)
_ALL = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
_LIGHT = "core,basic,metadata,model,usage,prompt,trace_context"
# Metadata is cut after 200 characters otherwise.
_WHOLE_METADATA = "attributes,resourceAttributes"
_V2 = Terms(answers=frozenset({404}), bucket="v2")
ABILITIES = Abilities(
    filters=frozenset(SEARCHED),
    listed=frozenset(TraceSummary.__dataclass_fields__) - {"worst_score"},
    values=frozenset({"environment", "model"}),
    narrows=frozenset(NARROWING),
    signals=metrics.SIGNALS,
    estimates=metrics.ESTIMATES,
    lag=metrics.FRESH,
    notes=(
        "Langfuse lists the newest first only.",
        "Langfuse's metrics are at most a minute old, and count a request when it starts.",
    ),
)

OLD_ABILITIES = replace(
    ABILITIES,
    values=frozenset(),
    narrows=frozenset({"max_duration_ms"}),
    signals=frozenset(),
    estimates=frozenset(),
    lag=timedelta(minutes=10),
    notes=(
        "This Langfuse is asked by its v1 API, whose data may be ten minutes late.",
        "Langfuse before version 4 tells no golden signals here: connect Prometheus for those.",
    ),
)


class Langfuse:
    """`TraceStore` and `Source` on one project."""

    def __init__(
        self,
        address: Address,
        *,
        patience: timedelta = PATIENCE,
        clock: Clock = utc_now,
        page: int = PAGE,
    ) -> None:
        self.name = address.name
        self._address = address
        self._page = page
        self._wire = Wire("Langfuse", address, patience=patience, clock=clock)
        self._metrics = Metrics(self._wire)
        self._first = FirstApi(self._wire)
        self._is_old = False  # found out by asking
        self._newest: tuple[datetime, datetime | None] | None = None
        self._lock = Lock()

    @property
    def abilities(self) -> Abilities:
        """Return what this store can do: less, once it is known to be from before version 4."""
        return OLD_ABILITIES if self._is_old else ABILITIES

    def trace(self, trace_id: str) -> Trace | None:
        """Return a trace with its scores, or None if it is not held; see `TraceStore`."""
        # Ids given by older SDKs are UUIDs, with their dashes.
        wanted = any_of("traceId", [trace_id, as_uuid(trace_id)])
        rows = self._observations([wanted], _ALL, MAX_SPANS + 1)
        if rows is None:
            return self._first.trace(trace_id)
        found = assembled(trace_id, spans(rows))
        if found is None:
            return None
        told = str(rows[0].get("traceId"))
        shown = scored(found.spans, self._scores(told))
        return Trace(trace_id=trace_id, spans=tuple(shown), cut=found.cut)

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return the traces that match, the newest first; see `TraceStore`."""
        check(query, self.abilities, self._wire.who)
        # Scores are no part of what is listed: they were compared by then.
        return scan(self._pages(query), replace(query, max_score=None), who=self._wire.who)

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        """Return the values of one of `FILTERS`, most frequent first; see `TraceStore`."""
        check_values(field, start, end, self.abilities, self._wire.who)
        return self._metrics.values(field, start=start, end=end, most=MAX_VALUES)

    def answers(self, query: Query) -> bool:
        """Say whether Langfuse's metrics can tell; see `Source`."""
        return not self._is_old and metrics.answers(query)

    def read(self, query: Query, *, at: datetime) -> Reading:
        """Return the values over the window that ends within the minute before `at`."""
        return self._metrics.read(query, at=at)

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return the values at whole minutes, hours or days; see `Source`."""
        return self._metrics.read_range(query, start=start, end=end, step=step)

    def newest(self, *, at: datetime) -> datetime | None:
        """Return when the newest observation of the last day started; asked twice a minute."""
        with self._lock:
            kept = self._newest
        if kept is not None and timedelta() <= at - kept[0] < NEWEST_KEPT:
            return kept[1]
        rows = self._observations(within(at - AFTER, at), "core", 1)
        starts = self._starts(rows or ())
        newest = min(max(starts), at) if starts else None
        with self._lock:
            self._newest = (at, newest)
        return newest

    def web_url(self, trace_id: str) -> str | None:
        """Return the trace on Langfuse's own pages; see `TraceStore`."""
        return self._address.web_url(trace_id, f"{self._address.url}/trace/{{trace_id}}")

    def check(self) -> str:
        """Return who answers, with its version; see `TraceStore`."""
        health = self._wire.get("/api/public/health")
        version = health.data.get("version") if isinstance(health.data, dict) else None
        rows = self._observations([], "core", 1)
        way = "v1, whose data may be ten minutes late" if rows is None else "v2"
        return f"{self._wire.who} answers; version {version or 'unknown'}, read by {way}"

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _pages(self, query: TraceQuery) -> Iterator[Sequence[Sequence[Span]]]:
        """Yield pages of traces, the newest first, narrowed as far as Langfuse can."""
        ids = self._narrowed(query)
        if ids is not None and not self._is_old:
            yield from self._pages_of(sorted(ids), query)
            return
        size = min(TRACES_PER_PAGE, self._page)
        cursor = None
        while True:
            reply = self._ask_v2(roots(query), "core,basic", size, cursor)
            if reply is None:
                check(query, self.abilities, self._wire.who)
                yield from self._first.pages(query)
                return
            found, cursor = reply
            yield self._traces(found)
            if cursor is None:
                return

    def _narrowed(self, query: TraceQuery) -> set[str] | None:
        """Return the traces among which are all that match; None if all have to be looked at."""
        around = within(query.start - BEFORE, query.end + AFTER)

        def ask(more: Sequence[Condition]) -> list[Mapping[str, Any]] | None:
            most = narrowing.MOST_OBSERVATIONS + 1
            return self._observations([*around, *more], "core", most)

        told = [narrowing.told(name, value, ask) for name, value in query.attributes]
        if query.max_score is not None and not self._is_old:
            told.append(narrowing.scored(query, query.max_score, self._wire))
        known = [ids for ids in told if ids is not None]
        found = set.intersection(*known) if known else None
        if found is None or len(found) <= narrowing.MOST_TRACES:
            return found
        if query.max_score is None:
            return None
        raise QueryError(
            f"{self._wire.who} scored more than {narrowing.MOST_TRACES:,} traces so since this "
            "time began: choose a shorter time"
        )

    def _pages_of(
        self, ids: Sequence[str], query: TraceQuery
    ) -> Iterator[Sequence[Sequence[Span]]]:
        """Yield pages of those of the traces called `ids` whose roots match, the newest first."""
        found: list[Mapping[str, Any]] = []
        for first in range(0, len(ids), TRACES_PER_PAGE):
            wanted = any_of("traceId", ids[first : first + TRACES_PER_PAGE])
            found += self._observations([*roots(query), wanted], "core,basic", MAX_SPANS) or []
        found.sort(key=lambda row: self._starts([row]), reverse=True)
        for first in range(0, len(found), TRACES_PER_PAGE):
            yield self._traces(found[first : first + TRACES_PER_PAGE])

    def _traces(self, found: Sequence[Mapping[str, Any]]) -> Sequence[Sequence[Span]]:
        ids = list(dict.fromkeys(str(row.get("traceId")) for row in found))
        if not ids:
            return []
        starts = self._starts(found)
        filters = [*within(min(starts) - BEFORE, max(starts) + AFTER), any_of("traceId", ids)]
        rows = self._observations(filters, _LIGHT, MAX_SPANS + 1) or []
        if len(rows) > MAX_SPANS:
            raise QueryError(f"{self._wire.who} lists more than {MAX_SPANS:,} spans: ask for fewer")
        told = by_trace(spans(rows))
        return [told.get(hex_id(each), []) for each in ids]

    def _starts(self, rows: Sequence[Mapping[str, Any]]) -> list[datetime]:
        try:
            return [instant(iso_nanoseconds(row["startTime"])) for row in rows]
        except (KeyError, ValueError) as error:
            raise self._wire.malformed() from error

    def _observations(
        self, filters: Sequence[Mapping[str, Any]], fields: str, most: int
    ) -> list[Mapping[str, Any]] | None:
        """Return at most `most` rows of v2, page by page; None from a server without v2."""
        rows: list[Mapping[str, Any]] = []
        cursor = None
        while len(rows) < most:
            reply = self._ask_v2(filters, fields, min(self._page, most), cursor)
            if reply is None:
                return None
            more, cursor = reply
            rows += more
            if cursor is None:
                break
        return rows[:most]

    def _ask_v2(
        self, filters: Sequence[Mapping[str, Any]], fields: str, size: int, cursor: str | None
    ) -> tuple[list[Mapping[str, Any]], str | None] | None:
        if self._is_old:
            return None
        # `filter` replaces every other parameter of that kind, so that all stand in it.
        params = {
            "filter": json.dumps(list(filters)) if filters else None,
            "fields": fields,
            "limit": size,
            "cursor": cursor,
            "expandMetadata": _WHOLE_METADATA if "metadata" in fields else None,
        }
        reply = self._wire.get("/api/public/v2/observations", params, _V2)
        if reply.status == 404:  # not in a v4 write mode, or from before v4
            self._is_old = True
            return None
        try:
            rows: list[Mapping[str, Any]] = [
                row for row in reply.data["data"] if isinstance(row, dict)
            ]
            following = (reply.data.get("meta") or {}).get("cursor")
        except (KeyError, TypeError, AttributeError) as error:
            raise self._wire.malformed() from error
        return rows, following if following != cursor else None

    def _scores(self, trace_id: str) -> list[Score]:
        found: list[Score] = []
        cursor = None
        while len(found) < MAX_SCORES:
            params = {
                "traceId": trace_id,
                "limit": SCORES_PAGE,
                "fields": "subject,details",
                "cursor": cursor,
            }
            reply = self._wire.get("/api/public/v3/scores", params, ABSENT)
            if reply.status == 404:
                return found
            try:
                found += [score_of(row) for row in reply.data["data"]]
                cursor = (reply.data.get("meta") or {}).get("cursor")
            except (KeyError, TypeError, AttributeError) as error:
                raise self._wire.malformed() from error
            if not cursor:
                return found
        return found
