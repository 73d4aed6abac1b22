"""Langfuse before version 4, by its v1 API: single traces and lists, no signals."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from time import monotonic
from typing import Any

from signals import UnreachableError
from signals.traces import Span, Trace, TraceQuery
from signals.traces.ids import as_uuid
from signals.traces.langfuse.rows import hex_id, score_of, spans
from signals.traces.scores import scored
from signals.traces.told import assembled
from signals.wire import Terms, Wire

PAGE = 20  # each of its traces is a call of its own
PATIENCE = timedelta(seconds=20)
_TERMS = Terms(answers=frozenset({404}), bucket="legacy")


class FirstApi:
    """What `Langfuse` asks once it has found a server without the newer API."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def trace(self, trace_id: str) -> Trace | None:
        """Return a trace by v1, whose data may be ten minutes late."""
        for written in (trace_id, as_uuid(trace_id)):
            reply = self._wire.get(f"/api/public/traces/{written}", terms=_TERMS)
            if reply.status == 404:
                continue
            if not isinstance(reply.data, dict):
                raise self._wire.malformed()
            found = assembled(trace_id, spans(_completed(reply.data)))
            if found is None:
                return None
            shown = scored(found.spans, [score_of(row) for row in reply.data.get("scores") or ()])
            return Trace(trace_id=trace_id, spans=tuple(shown), cut=found.cut)
        return None

    def pages(self, query: TraceQuery) -> Iterator[Sequence[Sequence[Span]]]:
        """Yield pages of traces by v1, the newest first, each with its spans."""
        page, pages = 1, 1
        deadline = monotonic() + PATIENCE.total_seconds()
        while page <= pages:
            if monotonic() > deadline:
                raise UnreachableError(
                    f"{self._wire.who} takes too long to list by its v1 API: choose a shorter time"
                )
            params = {
                "page": page,
                "limit": PAGE,
                "fromTimestamp": query.start.isoformat(),
                "toTimestamp": query.end.isoformat(),
                "orderBy": "timestamp.desc",
            }
            reply = self._wire.get("/api/public/traces", params, Terms(bucket="legacy"))
            try:
                traces = reply.data["data"]
                pages = int(reply.data["meta"]["totalPages"])
                ids = [str(each["id"]) for each in traces]
            except (KeyError, TypeError, ValueError) as error:
                raise self._wire.malformed() from error
            found = [self.trace(each) for each in map(hex_id, ids) if each]
            yield [trace.spans for trace in found if trace is not None]
            page += 1


def _completed(trace: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a v1 trace's observations, the root with what only the trace says."""
    shared = {
        "sessionId": trace.get("sessionId"),
        "userId": trace.get("userId"),
        "traceName": trace.get("name"),
        "tags": trace.get("tags"),
    }
    about = trace["metadata"] if isinstance(trace.get("metadata"), dict) else {}
    for row in trace.get("observations") or ():
        if isinstance(row, dict):
            own = {key: value for key, value in row.items() if value is not None}
            if not row.get("parentObservationId"):
                own = {**shared, **own, "metadata": {**about, **(row.get("metadata") or {})}}
            yield {"traceId": trace.get("id"), "environment": trace.get("environment"), **own}
