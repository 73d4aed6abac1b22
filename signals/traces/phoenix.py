"""Arize Phoenix over its REST API.

Phoenix keeps OpenInference's attributes, and turns OpenTelemetry's into them at ingest. Its REST
API has neither costs nor resource attributes, so that a cost is computed here from tokens and no
service is known; quantiles are only in its GraphQL API, which is no versioned contract.

Source: verified against arize-phoenix 20.26.1; https://arize.com/docs/phoenix/sdk-api-reference
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from models.clock import Clock, utc_now
from signals import QueryError, UnreachableError
from signals.address import Address
from signals.shapes import mapping, text
from signals.traces import (
    NARROWING,
    SEARCHED,
    Abilities,
    Order,
    Span,
    Trace,
    TraceQuery,
    TraceSummary,
    phoenix_filters,
)
from signals.traces.bounds import MAX_SPANS, check, check_values
from signals.traces.ids import MalformedIdError, trace_id
from signals.traces.phoenix_rows import score_of, spans_of
from signals.traces.scanning import scan
from signals.traces.scores import MAX_SCORES, Score, scored
from signals.traces.summaries import by_trace
from signals.traces.told import assembled, iso_nanoseconds
from signals.wire import ABSENT, PATIENCE, Terms, Wire

PAGE = 1_000  # the most that Phoenix gives at once
TRACES_PER_PAGE = 100
IDS_PER_CALL = 50  # each is 40 characters of the URL
MOST_TELLING = 1_000  # spans that tell an attribute; of more, traces are looked through instead
AROUND = timedelta(hours=1)
_RESOURCES = frozenset({"environment", "service"})  # told by resources, which it does not keep
_REFUSED = Terms(answers=frozenset({400, 404}))
ABILITIES = Abilities(
    filters=frozenset(SEARCHED) - _RESOURCES,
    orders=(Order.NEWEST, Order.SLOWEST),
    narrows=frozenset(NARROWING),
    untold=_RESOURCES,
    listed=frozenset(TraceSummary.__dataclass_fields__) - {"worst_score"},
    lag=timedelta(seconds=10),
    notes=(
        "Phoenix's REST API tells no cost: it is computed here from tokens and the price list.",
        "Phoenix's REST API tells no resource attributes: the service is unknown.",
        "Phoenix's REST API has no quantiles or rates: connect Prometheus for the golden signals.",
    ),
)


class Phoenix:
    """`TraceStore` on one project of a Phoenix server.

    The project is `?project=` of the address, `default` otherwise; a key is the password.
    """

    abilities = ABILITIES

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
        headers = {"Authorization": f"Bearer {address.password}"} if address.password else {}
        self._wire = Wire("Phoenix", address, headers=headers, patience=patience, clock=clock)
        project = address.params.get("project", "default")
        self._project = f"/v1/projects/{quote(project, safe='')}"

    def trace(self, trace_id: str) -> Trace | None:
        """Return a trace, or None if it is not held; see `TraceStore`."""
        params = {"trace_id": trace_id, "sort": "start_time", "order": "asc"}
        rows = list(self._rows(f"{self._project}/spans", params, MAX_SPANS + 1))
        found = assembled(trace_id, spans_of(rows))
        if found is None:
            return None
        spans = scored(found.spans, self._scores(found))
        return Trace(trace_id=trace_id, spans=tuple(spans), cut=found.cut)

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return the traces that match; see `TraceStore`."""
        check(query, self.abilities, self._wire.who)
        if query.max_score is not None:
            self._check_filters()
        # Annotations are no part of what is listed: Phoenix alone compares them.
        return scan(self._pages(query), replace(query, max_score=None), who=self._wire.who)

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        """Refuse: the REST API lists no values; see `TraceStore`."""
        check_values(field, start, end, self.abilities, self._wire.who)
        return []

    def web_url(self, trace_id: str) -> str | None:
        """Return the trace on Phoenix's own pages; see `TraceStore`."""
        return self._address.web_url(trace_id, f"{self._address.url}/redirects/traces/{{trace_id}}")

    def check(self) -> str:
        """Return who answers, with the project; see `TraceStore`."""
        reply = self._wire.get(self._project, terms=ABSENT)
        if reply.status == 404:
            raise self._no_project()
        version = reply.headers.get("x-phoenix-server-version", "of unknown version")
        return f"{self._wire.who} answers; {version}"

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _no_project(self) -> UnreachableError:
        return UnreachableError(
            f"{self._wire.who} has no project of that name: set ?project= of its address"
        )

    def _check_filters(self) -> None:
        """Raise QueryError for a server from before trace filters, which would ignore one."""
        reply = self._wire.get(f"{self._project}/traces", {"filter": "(", "limit": 1}, _REFUSED)
        if reply.status == 404:
            raise self._no_project()
        if reply.status != 400:
            raise QueryError(
                f"{self._wire.who} cannot filter traces by their score: it is from before its "
                "trace filters"
            )

    def _pages(self, query: TraceQuery) -> Iterator[Sequence[Sequence[Span]]]:
        """Yield pages of traces in the order asked for, narrowed as far as Phoenix can."""
        for rows in self._found(query):
            ids = [str(row["trace_id"]) for row in rows if "trace_id" in row]
            spans = by_trace(spans_of(self._spans_of(ids)))
            yield [spans.get(found, []) for found in map(_hex, ids)]

    def _found(self, query: TraceQuery) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Yield pages of rows of traces; first it is asked which tell an attribute, if any can."""
        filters = []
        if query.max_duration_ms is not None:
            filters.append(phoenix_filters.faster(query.max_duration_ms))
        if query.max_score is not None:
            filters.append(phoenix_filters.scored(query.max_score))
        telling = self._telling(query)
        if telling is None:
            yield from self._listed(query, filters)
            return
        rows: list[Mapping[str, Any]] = []
        for first in range(0, len(telling), TRACES_PER_PAGE):
            among = phoenix_filters.among(telling[first : first + TRACES_PER_PAGE])
            for page in self._listed(query, [*filters, among]):
                rows += page
        rows.sort(key=lambda row: _rank(row, query.order), reverse=True)
        for first in range(0, len(rows), TRACES_PER_PAGE):
            yield rows[first : first + TRACES_PER_PAGE]

    def _telling(self, query: TraceQuery) -> list[str] | None:
        """Return the traces that tell the attributes; None where all have to be looked through."""
        known: set[str] | None = None
        around = {
            "start_time": (query.start - AROUND).isoformat(),
            "end_time": (query.end + AROUND).isoformat(),
        }
        for name, value in query.attributes:
            found: set[str] = set()
            spelled = phoenix_filters.attribute(name, value)
            for each in spelled:
                params = {**around, "attribute": each}
                rows = list(self._rows(f"{self._project}/spans", params, MOST_TELLING + 1))
                if len(rows) > MOST_TELLING:
                    spelled = ()
                    break
                found |= {text(mapping(row.get("context")).get("trace_id")) for row in rows}
            if spelled:
                known = found if known is None else known & found
        return None if known is None else sorted(known)

    def _listed(
        self, query: TraceQuery, filters: Sequence[str]
    ) -> Iterator[list[Mapping[str, Any]]]:
        params: dict[str, Any] = {
            "start_time": query.start.isoformat(),
            "end_time": query.end.isoformat(),
            "sort": "latency_ms" if query.order is Order.SLOWEST else "start_time",
            "order": "desc",
            "limit": min(TRACES_PER_PAGE, self._page),
            "session_identifier": query.scope.get("session_id"),
            # Any failed span counts here; which of them fail as a whole is decided later.
            "error": True if query.errors_only else None,
            # Of the whole trace, which is at least as long as its root.
            "min_latency_ms": query.min_duration_ms,
            "filter": " and ".join(f"({each})" for each in filters) or None,
        }
        yield from self._batches(f"{self._project}/traces", params)

    def _spans_of(self, ids: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for first in range(0, len(ids), IDS_PER_CALL):
            params = {"trace_id": list(ids[first : first + IDS_PER_CALL])}
            yield from self._rows(f"{self._project}/spans", params, MAX_SPANS)

    def _scores(self, trace: Trace) -> list[Score]:
        ids = [span.span_id for span in trace.spans]
        found: list[Score] = []
        for first in range(0, len(ids), IDS_PER_CALL):
            params = {"span_ids": ids[first : first + IDS_PER_CALL]}
            rows = self._rows(f"{self._project}/span_annotations", params, MAX_SCORES)
            found += [score_of(row) for row in rows]
        params = {"trace_ids": [trace.trace_id]}
        rows = self._rows(f"{self._project}/trace_annotations", params, MAX_SCORES)
        return found + [score_of(row) for row in rows]

    def _rows(self, path: str, params: Mapping[str, Any], most: int) -> Iterator[Mapping[str, Any]]:
        """Yield at most `most` rows, page by page."""
        left = most
        for rows in self._batches(path, {**params, "limit": min(self._page, most)}):
            yield from rows[:left]
            left -= len(rows)
            if left <= 0:
                return

    def _batches(self, path: str, params: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
        cursor = None
        while True:
            reply = self._wire.get(path, {**params, "cursor": cursor}, ABSENT)
            if reply.status == 404:
                raise self._no_project()
            try:
                rows, following = reply.data["data"], reply.data.get("next_cursor")
                yield [row for row in rows if isinstance(row, dict)]
            except (KeyError, TypeError, AttributeError) as error:
                raise self._wire.malformed() from error
            if not following or following == cursor:
                return
            cursor = following


def _rank(row: Mapping[str, Any], order: Order) -> float:
    """Return what a row of a trace is sorted by."""
    try:
        start, end = iso_nanoseconds(row["start_time"]), iso_nanoseconds(row["end_time"])
    except (KeyError, ValueError):
        return 0.0
    return end - start if order is Order.SLOWEST else start


def _hex(written: str) -> str:
    try:
        return trace_id(written)
    except MalformedIdError:
        return ""
