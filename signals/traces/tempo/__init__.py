"""Grafana Tempo, by TraceQL.

traceql    our questions in TraceQL
answering  signals, by TraceQL metrics

Tempo's JSON is protobuf's: ids in base64, enums by name, 64-bit numbers as text; a search writes
ids in hexadecimal without their leading zeros. A list is the first traces that it came across,
the newest where the server knows the hint; it says of a trace what its root says, and no sums.

Source: https://grafana.com/docs/tempo/latest/api_docs/, read 2026-11
"""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from models.clock import Clock, utc_now
from models.vocabulary import CostSource
from signals import Query, QueryError, Reading, Series
from signals.address import Address
from signals.shapes import mapping, mappings, text
from signals.traces import (
    FILTERS,
    NARROWING,
    SEARCHED,
    Abilities,
    Span,
    Trace,
    TraceQuery,
    TraceSummary,
)
from signals.traces.bounds import MAX_VALUES, check, check_values, limit
from signals.traces.ids import MalformedIdError, span_id
from signals.traces.ids import trace_id as normal
from signals.traces.otlp_json import pairs, spans_of, whole
from signals.traces.tempo import answering, traceql
from signals.traces.tempo.answering import Answering
from signals.traces.told import Told, assembled, is_server, span_of, status_of
from signals.wire import ABSENT, PATIENCE, Reply, Terms, Wire

LONGEST = timedelta(hours=168)  # of one search, by default
MAX_SEARCHES = 10
SPANS_PER_SET = 100  # the most that Tempo gives
MAX_TAGS = 4
_UNLISTED = {
    *("tokens", "cost_usd", "cost_source", "model", "provider", "tools", "worst_score"),
}
_TRACE = Terms(answers=frozenset({404}), cut=True)
ABILITIES = Abilities(
    # An outcome is worked out from several attributes, and a user may be told by a mark.
    filters=frozenset(SEARCHED) - {"outcome", "user_id"},
    values=frozenset(FILTERS) - {"outcome"},
    narrows=frozenset(NARROWING),
    untold=traceql.UNTOLD,
    listed=frozenset(TraceSummary.__dataclass_fields__) - _UNLISTED,
    signals=answering.SIGNALS,
    estimates=frozenset(answering.QUANTILES),
    some=True,
    lag=answering.CUTOFF,
    notes=(
        "Tempo lists no cost, tokens or model: open a trace to see them.",
        "Tempo matches a label on any span of a trace.",
        "Tempo compares scores that spans hold as numbers, and not those of their events.",
        "Tempo's quantiles are read off a histogram of powers of two, and count a request when it "
        "starts.",
    ),
)


class Tempo:
    """`TraceStore` and `Source` on a Tempo; `?tenant=` of the address is its X-Scope-OrgID."""

    abilities = ABILITIES

    def __init__(
        self, address: Address, *, patience: timedelta = PATIENCE, clock: Clock = utc_now
    ) -> None:
        self.name = address.name
        self._address = address
        tenant = address.params.get("tenant", "")
        headers = {"X-Scope-OrgID": tenant} if tenant else {}
        self._wire = Wire("Tempo", address, headers=headers, patience=patience, clock=clock)
        self._answering = Answering(self._wire, clock)

    def trace(self, trace_id: str) -> Trace | None:
        """Return a trace, or None if it is not held; see `TraceStore`."""
        reply = self._wire.get(f"/api/v2/traces/{trace_id}", terms=_TRACE)
        if reply.status == 404:  # not there, or a server from before this path
            reply = self._wire.get(f"/api/traces/{trace_id}", terms=_TRACE)
            if reply.status == 404:
                return None
            batches = self._told(reply, "batches")
            return assembled(trace_id, spans_of(batches), cut=reply.cut)
        found = self._told(reply, "trace", "metrics", "status") or {}
        partial = str(reply.data.get("status", "")).upper() == "PARTIAL"
        return assembled(trace_id, spans_of(found.get("resourceSpans")), cut=reply.cut or partial)

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return traces that match, the newest first; see `TraceStore`."""
        check(query, self.abilities, self._wire.who)
        most = limit(query)
        found: dict[str, TraceSummary] = {}
        if query.end - query.start > LONGEST * MAX_SEARCHES:
            raise QueryError(
                f"{self._wire.who} is searched over {(LONGEST * MAX_SEARCHES).days} days at most: "
                "choose a shorter time"
            )
        for start, end in _periods(query.start, query.end):
            if len(found) >= most:
                break
            params = {
                "q": traceql.search(query),
                "start": math.floor(start.timestamp()),
                "end": math.ceil(end.timestamp()),
                "limit": most - len(found),
                "spss": SPANS_PER_SET,
            }
            reply = self._wire.get("/api/search", params)
            traces = self._told(reply, "traces", "metrics") or ()
            found |= {line.trace_id: line for line in self._lines(traces, query)}
        lines = sorted(found.values(), key=lambda line: line.started_at, reverse=True)
        return lines[:most]

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        """Return the values of one of `FILTERS`, in no order; see `TraceStore`."""
        check_values(field, start, end, self.abilities, self._wire.who)
        times = {
            "start": math.floor(max(start, end - LONGEST).timestamp()),
            "end": math.ceil(end.timestamp()),
        }
        try:
            tags = self._wire.get("/api/v2/search/tags", times).data
            known = {tag for scope in tags["scopes"] for tag in scope.get("tags") or ()}
            found: dict[str, None] = {}
            for key in [key for key in traceql.KEYS[field] if key in known][:MAX_TAGS]:
                reply = self._wire.get(f"/api/v2/search/tag/.{key}/values", times)
                found |= {str(each["value"]): None for each in reply.data.get("tagValues") or ()}
        except (KeyError, TypeError, AttributeError) as error:
            raise self._wire.malformed() from error
        return list(found)[:MAX_VALUES]

    def answers(self, query: Query) -> bool:
        """Say whether TraceQL metrics can tell; see `Source`."""
        return answering.answers(query)

    def read(self, query: Query, *, at: datetime) -> Reading:
        """Return the values over the window that ends at `at`; see `Source`."""
        return self._answering.read(query, at=at)

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return the values at each step that ends a window of Tempo's; see `Source`."""
        return self._answering.read_range(query, start=start, end=end, step=step)

    def newest(self, *, at: datetime) -> datetime | None:
        """Return when the newest request started; see `Source`."""
        return self._answering.newest(at=at)

    def web_url(self, trace_id: str) -> str | None:
        """Return the trace where `?web=` of the address says: Tempo's pages are Grafana's."""
        return self._address.web_url(trace_id)

    def check(self) -> str:
        """Return who answers, with its version; see `TraceStore`."""
        reply = self._wire.get("/api/status/buildinfo", terms=ABSENT)
        told = reply.data if isinstance(reply.data, dict) else {}
        return f"{self._wire.who} answers; version {told.get('version', 'unknown')}"

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _told(self, reply: Reply, name: str, *others: str) -> Any:
        """Return one field of an answer; protobuf's JSON leaves out what is empty."""
        data = reply.data
        if not isinstance(data, dict) or (data and not {name, *others} & data.keys()):
            raise self._wire.malformed()
        return data.get(name)

    def _lines(self, traces: Any, query: TraceQuery) -> Iterator[TraceSummary]:
        for trace in mappings(traces):
            line = line_of(trace)
            if line is not None and query.start <= line.started_at < query.end:
                yield line


def _periods(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the time asked for in periods that Tempo takes, the newest first."""
    while end > start:
        first = max(start, end - LONGEST)
        yield first, end
        end = first


def line_of(found: Mapping[str, Any]) -> TraceSummary | None:
    """Return what a search tells of one trace: its root's words, and how many spans there are."""
    try:
        trace_id = normal(text(found.get("traceID")))
    except MalformedIdError:
        return None
    sets = mappings(found.get("spanSets")) or [mapping(found.get("spanSet"))]  # before 2.2
    spans = [span for each in sets for span in mappings(each.get("spans"))]
    root = next((span for span in map(_span, spans, [trace_id] * len(spans)) if span), None)
    if root is None:
        return None
    stats = mappings(list(mapping(found.get("serviceStats")).values()))
    return TraceSummary(
        trace_id=trace_id,
        name=root.name or text(found.get("rootTraceName")),
        started_at=root.started_at,
        duration_ms=root.duration_ms,
        status=root.status,
        outcome=root.outcome,
        feature=root.feature,
        tenant=root.tenant,
        model=None,
        prompt_version=root.prompt_version,
        session_id=root.session_id,
        tokens=None,
        cost_usd=None,
        cost_source=CostSource.NONE,
        span_count=sum(whole(each.get("spanCount")) for each in stats) or len(spans),
        error_count=sum(whole(each.get("errorCount")) for each in stats),
    )


def _span(found: Mapping[str, Any], trace_id: str) -> Span | None:
    """Return a root that a search tells of; None for another span."""
    told = pairs(found.get("attributes"))
    if whole(told.pop("nestedSetParent", 0)) >= 0:
        return None
    status, kind = told.pop("status", None), told.pop("kind", None)
    return span_of(
        Told(
            trace_id=trace_id,
            span_id=span_id(found.get("spanID")) or "0" * 16,
            parent_id=None,
            name=text(found.get("name")),
            start_ns=whole(found.get("startTimeUnixNano")),
            duration_ms=whole(found.get("durationNanos")) / 1e6,
            status=status_of(status),
            message=str(told.pop("statusMessage", "")),
            is_server=is_server(kind),
            attributes=told,
        )
    )
