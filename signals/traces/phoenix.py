"""Arize Phoenix over its REST API.

Phoenix keeps OpenInference's attributes, and turns OpenTelemetry's into them at ingest. Its REST
API has neither costs nor resource attributes, so that a cost is computed here from tokens and no
service is known; quantiles are only in its GraphQL API, which is no versioned contract.

Source: verified against arize-phoenix 20.26.1; https://arize.com/docs/phoenix/sdk-api-reference
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from models.clock import Clock, utc_now
from signals import UnreachableError
from signals.address import Address
from signals.shapes import mapping, mappings, text
from signals.traces import SEARCHED, Abilities, Order, Span, Trace, TraceQuery, TraceSummary
from signals.traces.bounds import MAX_SPANS, check, check_values
from signals.traces.ids import MalformedIdError, span_id, trace_id
from signals.traces.scanning import scan
from signals.traces.scores import MAX_SCORES, Score, scored
from signals.traces.summaries import by_trace
from signals.traces.told import Told, assembled, iso_nanoseconds, span_of, status_of
from signals.wire import ABSENT, PATIENCE, Wire

PAGE = 1_000  # the most that Phoenix gives at once
TRACES_PER_PAGE = 100
IDS_PER_CALL = 50  # each is 40 characters of the URL
ABILITIES = Abilities(
    filters=frozenset(SEARCHED) - {"environment"},  # which is usually the resource's
    orders=(Order.NEWEST, Order.SLOWEST),
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
        return scan(self._pages(query), query, who=self._wire.who)

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

    def _pages(self, query: TraceQuery) -> Iterator[Sequence[Sequence[Span]]]:
        """Yield pages of traces in the order asked for, narrowed as far as Phoenix can."""
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
        }
        for traces in self._batches(f"{self._project}/traces", params):
            ids = [str(row["trace_id"]) for row in traces if "trace_id" in row]
            spans = by_trace(spans_of(self._spans_of(ids)))
            yield [spans.get(found, []) for found in map(_hex, ids)]

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
            found += [_score(row) for row in rows]
        params = {"trace_ids": [trace.trace_id]}
        rows = self._rows(f"{self._project}/trace_annotations", params, MAX_SCORES)
        return found + [_score(row) for row in rows]

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


def _hex(written: str) -> str:
    try:
        return trace_id(written)
    except MalformedIdError:
        return ""


def spans_of(rows: Iterable[Mapping[str, Any]]) -> Iterator[Span]:
    """Yield the spans of rows; what is no span is left out."""
    for row in rows:
        told = _told(row)
        if told is not None:
            yield span_of(told)


def _told(row: Mapping[str, Any]) -> Told | None:
    """Return what a row says, or None where it is no span."""
    try:
        context = mapping(row["context"])
        own, trace = span_id(context["span_id"]), trace_id(text(context["trace_id"]))
        start, end = iso_nanoseconds(row["start_time"]), iso_nanoseconds(row["end_time"])
        events = [
            (
                iso_nanoseconds(event["timestamp"]),
                text(event["name"]),
                mapping(event.get("attributes")),
            )
            for event in mappings(row.get("events"))
        ]
    except (KeyError, ValueError):
        return None
    if own is None:
        return None
    kind = {"openinference.span.kind": row["span_kind"]} if row.get("span_kind") else {}
    return Told(
        trace_id=trace,
        span_id=own,
        parent_id=span_id(row.get("parent_id")),
        name=text(row.get("name")),
        start_ns=start,
        duration_ms=(end - start) / 1e6,
        status=status_of(row.get("status_code")),
        message=text(row.get("status_message")),
        attributes={**kind, **mapping(row.get("attributes"))},
        events=events,
    )


def _score(row: Mapping[str, Any]) -> Score:
    result = mapping(row.get("result"))
    score, label = result.get("score"), text(result.get("label"))
    return Score(
        name=text(row.get("name")) or "score",
        value=label if score is None else score,
        label="" if score is None else label,
        comment=text(result.get("explanation")),
        span_id=span_id(row.get("span_id")),
    )
