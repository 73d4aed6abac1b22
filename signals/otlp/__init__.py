"""OTLP in protobuf and JSON -> spans and log records, mapped, redacted and priced before storage.

MalformedError   the body is not what its content type says: sending it again cannot help

Source: https://opentelemetry.io/docs/specs/otlp/
"""

from collections.abc import Sequence
from dataclasses import dataclass

from signals.logs import LogRecord
from signals.traces import Span


class MalformedError(Exception):
    """The request cannot be read. The message is for the sender, and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What one export request held.

    Attributes:
        records: Log lines; none in a request for traces.
        rejected: How many spans or lines were refused for good.
        reason: Why, for the sender; empty when nothing was refused.
    """

    spans: Sequence[Span] = ()
    records: tuple[LogRecord, ...] = ()
    rejected: int = 0
    reason: str = ""
