"""Log lines in Grafana Loki.

A trace's lines are found where the id is structured metadata (OTLP), or stands in the line. Which
streams are looked through is `?selector=` of the address, for Loki wants one, and a narrow one is
cheap; `?tenant=` is its X-Scope-OrgID. Without a time Loki looks back an hour, so it is always
told one.

Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/, read 2026-11
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from models.clock import Clock, utc_now
from signals import attributes, redact
from signals.address import Address
from signals.logs import LogRecord
from signals.traces.ids import MalformedIdError, span_id
from signals.traces.ids import trace_id as normal
from signals.traces.otlp_json import whole
from signals.traces.told import instant, nanoseconds
from signals.wire import PATIENCE, Wire

MAX_LINES = 5_000  # Loki's default max_entries_limit_per_query
LOOKBACK = timedelta(hours=24)
AFTER = timedelta(minutes=10)  # lines that follow a request
_ID_LABELS = ("trace_id", "traceId", "traceID", "traceid")
_SPAN_LABELS = ("span_id", "spanId", "spanID")
_LEVELS = ("severity_text", "detected_level", "level", "severity")
_SERVICES = ("service_name", "service", "app", "job", "container")


class Loki:
    """`LogStore` on a Loki."""

    def __init__(
        self, address: Address, *, patience: timedelta = PATIENCE, clock: Clock = utc_now
    ) -> None:
        self.name = address.name
        self._clock = clock
        tenant = address.params.get("tenant", "")
        headers = {"X-Scope-OrgID": tenant} if tenant else {}
        self._wire = Wire("Loki", address, headers=headers, patience=patience, clock=clock)
        self._selector = address.params.get("selector", '{service_name=~".+"}')

    def lines(
        self,
        trace_id: str,
        *,
        limit: int = 500,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> list[LogRecord]:
        """Return the lines of one trace, oldest first; see `LogStore`."""
        most = max(1, min(limit, MAX_LINES))
        now = self._clock()
        params = {
            "start": nanoseconds(start or now - LOOKBACK),
            "end": nanoseconds((end or now) + AFTER),
            "limit": most,
            "direction": "forward",
        }
        found: dict[tuple[int, str], LogRecord] = {}
        # The cheap filter on the line first; metadata is not part of the line.
        for query in (
            f'{self._selector} | trace_id="{trace_id}"',
            f'{self._selector} |= "{trace_id}"',
        ):
            reply = self._wire.get("/loki/api/v1/query_range", {**params, "query": query})
            for at, line, labels in self._entries(reply.data):
                found[at, line] = _record(at, line, labels, trace_id)
        return sorted(found.values(), key=lambda record: record.at)[:most]

    def check(self) -> str:
        """Return who answers, with its version; see `LogStore`."""
        data = self._wire.get("/loki/api/v1/status/buildinfo").data
        version = data.get("version", "unknown") if isinstance(data, dict) else "unknown"
        return f"{self._wire.who} answers; version {version}"

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _entries(self, data: Any) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
        try:
            for stream in data["data"]["result"]:
                for at, line, *more in stream["values"]:
                    metadata = more[0] if more and isinstance(more[0], dict) else {}
                    yield whole(at), str(line), {**stream["stream"], **metadata}
        except (KeyError, TypeError, ValueError) as error:
            raise self._wire.malformed() from error


def _record(at: int, line: str, labels: Mapping[str, Any], trace_id: str) -> LogRecord:
    rest = dict(labels)
    for key in _ID_LABELS:
        rest.pop(key, None)
    span = next((str(rest.pop(key)) for key in _SPAN_LABELS if rest.get(key)), "")
    return LogRecord(
        at=instant(at),
        severity=_first(rest, _LEVELS).upper(),
        body=redact.clean(line, redact.TEXT_LIMIT),
        service=_first(rest, _SERVICES) or "unknown",
        trace_id=_hex(trace_id),
        span_id=span_id(span),
        attributes=attributes.texts(rest),
    )


def _first(labels: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((str(labels.pop(key)) for key in keys if labels.get(key)), "")


def _hex(trace_id: str) -> str | None:
    try:
        return normal(trace_id)
    except MalformedIdError:
        return None
