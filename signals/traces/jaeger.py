"""Jaeger by its v3 API; servers without it give single traces by v1.

What Jaeger is asked for one span of a trace must meet, all of it, and which of the traces that meet
it are given, in what order, is its choice. So it is asked for one attribute, or else for durations;
what it gives is looked through here for the question as it was meant, and a full list says that it
is some of them. Where Jaeger could not narrow enough for that, the question is refused. It computes
nothing: no quantiles, rates or sums, so no golden signal.

Source: jaeger-idl, proto/api_v3/query_service.proto, read 2026-11; Jaeger 2.20
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import quote

from models.clock import Clock, utc_now
from signals import QueryError, UnreachableError
from signals.address import Address
from signals.attributes import ALIASES
from signals.traces import SEARCHED, Abilities, Span, Trace, TraceQuery, TraceSummary
from signals.traces.bounds import check, check_values, limit
from signals.traces.jaeger_v1 import spans_of_v1
from signals.traces.narrowing import FIELDS, WORKED_OUT
from signals.traces.otlp_json import spans_of
from signals.traces.summaries import by_trace, listed
from signals.traces.told import assembled
from signals.wire import PATIENCE, Reply, Terms, Wire

MAX_SERVICES = 10
MAX_SPELLINGS = 8  # of one label, each a question
_TRACE = Terms(answers=frozenset({404}), cut=True)
_LIST = Terms(answers=frozenset({404}))
_MARKED = frozenset({"user_id"})  # a mark may tell whom, which Jaeger cannot compare
ABILITIES = Abilities(
    filters=frozenset(SEARCHED) - _MARKED,
    narrows=frozenset({"max_duration_ms", "attributes"}),
    untold=_MARKED,
    some=True,
    lag=timedelta(seconds=10),
    notes=(
        "Jaeger computes no quantiles, rates or sums: connect Prometheus for the golden signals.",
        "Jaeger gives some of the traces that match, in no order: choose a shorter time to see "
        "them all.",
    ),
)


class Jaeger:
    """`TraceStore` on a Jaeger; `?service=` of the address names the services, with commas."""

    abilities = ABILITIES

    def __init__(
        self, address: Address, *, patience: timedelta = PATIENCE, clock: Clock = utc_now
    ) -> None:
        self.name = address.name
        self._address = address
        self._wire = Wire("Jaeger", address, patience=patience, clock=clock)
        named = address.params.get("service", "")
        self._services = tuple(name.strip() for name in named.split(",") if name.strip())

    def trace(self, trace_id: str) -> Trace | None:
        """Return a trace, or None if it is not held; see `TraceStore`."""
        reply = self._wire.get(f"/api/v3/traces/{trace_id}", {"rawTraces": "true"}, _TRACE)
        if reply.status == 404:
            return None if _is_empty(reply) else self._old_trace(trace_id)
        return assembled(trace_id, self._spans(reply), cut=reply.cut)

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return some of the traces that match, the newest first; see `TraceStore`."""
        check(query, self.abilities, self._wire.who)
        most = limit(query)
        deadline = monotonic() + self._wire.patience.total_seconds()
        found: dict[str, list[Span]] = {}
        is_full = False
        for service in self._known_services():
            for attributes in _spellings(query):
                if monotonic() > deadline:
                    raise UnreachableError(
                        f"{self._wire.who} took too long over its services: set ?service= of its "
                        "address"
                    )
                more = by_trace(self._found(query, service, attributes, most))
                found |= more
                is_full |= len(more) >= most
                if more:
                    break
        lines = listed(found.values(), query, most=most)
        is_narrowed = query.max_duration_ms is not None or query.attributes
        if is_full and is_narrowed and len(lines) < most:
            raise QueryError(
                f"{self._wire.who} gave {most:,} of the traces of this time, of which only "
                f"{len(lines)} match, and says nothing of the others: choose a shorter time"
            )
        return lines

    def values(self, field: str, *, start: datetime, end: datetime) -> list[str]:
        """Refuse: Jaeger lists no values; see `TraceStore`."""
        check_values(field, start, end, self.abilities, self._wire.who)
        return []

    def web_url(self, trace_id: str) -> str | None:
        """Return the trace on Jaeger's own pages; see `TraceStore`."""
        return self._address.web_url(trace_id, f"{self._address.url}/trace/{{trace_id}}")

    def check(self) -> str:
        """Return who answers, with its services; see `TraceStore`."""
        services = self._known_services()
        return f"{self._wire.who} answers; services {', '.join(services) or 'none yet'}"

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _known_services(self) -> Sequence[str]:
        if self._services:
            return self._services
        data = self._wire.get("/api/v3/services").data
        try:
            return [str(name) for name in data["services"]][:MAX_SERVICES]
        except (KeyError, TypeError) as error:
            raise self._wire.malformed() from error

    def _found(
        self, query: TraceQuery, service: str, attributes: Mapping[str, str], most: int
    ) -> Iterator[Span]:
        # Of one span: the span that has the attribute need not be the one that took so long.
        least = None if attributes else query.min_duration_ms
        longest = None if attributes else query.max_duration_ms
        params = {
            "query.serviceName": service,
            "query.startTimeMin": _rfc3339(query.start),
            "query.startTimeMax": _rfc3339(query.end),
            "query.searchDepth": most,
            "query.attributes": json.dumps(attributes) if attributes else None,
            "query.durationMin": _microseconds(least),
            "query.durationMax": _microseconds(longest),
            "query.rawTraces": "true",
        }
        reply = self._wire.get("/api/v3/traces", params, _LIST)
        if reply.status == 404:
            if not _is_empty(reply):
                raise UnreachableError(
                    f"{self._wire.who} has no v3 API, so that it can look up traces by id only"
                )
            return iter(())
        return self._spans(reply)

    def _spans(self, reply: Reply) -> Iterator[Span]:
        try:
            return spans_of(reply.data["result"]["resourceSpans"])
        except (KeyError, TypeError) as error:
            raise self._wire.malformed() from error

    def _old_trace(self, trace_id: str) -> Trace | None:
        # Older servers know a 64-bit id without its zeros.
        short = trace_id[16:] if trace_id.startswith("0" * 16) else trace_id
        reply = self._wire.get(f"/api/traces/{quote(short)}", terms=_TRACE)
        if reply.status == 404:
            return None
        traces: Any = reply.data.get("data") if isinstance(reply.data, dict) else None
        if not isinstance(traces, list):
            raise self._wire.malformed()
        spans = (span for trace in traces for span in spans_of_v1(trace))
        return assembled(trace_id, (s for s in spans if s.trace_id == trace_id), cut=reply.cut)


def _is_empty(reply: Reply) -> bool:
    """Say whether a 404 is v3's word for no traces, and not a server without v3."""
    error = reply.data.get("error") if isinstance(reply.data, dict) else None
    return isinstance(error, dict) and "httpCode" in error


def _spellings(query: TraceQuery) -> Iterator[Mapping[str, str]]:
    """Yield what to ask for in turn, until something is found: one label in its spellings.

    Jaeger compares attributes as text; the other labels are compared here. An attribute that the
    application named has one spelling, and is the closest that can be asked.
    """
    told = [*query.attributes, *query.scope.items()]
    told.sort(key=lambda pair: pair[0] in FIELDS)
    for name, value in told:
        keys = [name] if name not in FIELDS else _spelled(name)
        if keys and value:
            yield from ({key: value} for key in keys)
            return
    yield {}


def _spelled(field: str) -> Sequence[str]:
    """Return what applications call a field of Span; nothing where it is no one attribute."""
    if field in WORKED_OUT:
        return ()
    return [key for key, (name, _) in ALIASES.items() if name == field][:MAX_SPELLINGS]


def _microseconds(duration_ms: float | None) -> str | None:
    return None if duration_ms is None else f"{round(duration_ms * 1000)}us"


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
