"""Log lines, joined to traces by trace_id. One file per store behind `LogStore`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One line.

    Attributes:
        severity: OpenTelemetry's text, such as `INFO`; empty if unknown.
        body: The message, redacted.
        trace_id: 32 lower hex digits, or None for a line outside any request.
    """

    at: datetime
    severity: str
    body: str
    service: str
    trace_id: str | None = None
    span_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


class LogStore(Protocol):
    """Somewhere that log lines can be read from. Every call is bounded in time and size."""

    @property
    def name(self) -> str:
        """Return the name that pages and errors use."""
        ...

    def lines(
        self,
        trace_id: str,
        *,
        limit: int = 500,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> list[LogRecord]:
        """Return the lines of one trace, oldest first.

        Args:
            trace_id: 32 lower hex digits.
            limit: At most this many.
            start: When the trace began, if known: some stores must be told where to look.
            end: When it ended; lines shortly after it count too.

        Raises:
            SignalError: The store could not answer.
        """
        ...

    def check(self) -> str:
        """Return one line that shows who answers, with its version; raises as `lines`."""
        ...


class LogSink(Protocol):
    """Somewhere that log lines can be put."""

    def write(self, records: Sequence[LogRecord]) -> None:
        """Store `records`, durably before it returns.

        Raises:
            BusyError: The queue is full; try again after a second or two.
        """
        ...
