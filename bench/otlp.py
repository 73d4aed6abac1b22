"""OTLP batches of the demo's application, made once and renewed by the byte.

So making them takes next to nothing from the server that is measured.
"""

import struct
from collections.abc import Iterator
from datetime import datetime
from random import Random

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from examples.copilot import otlp
from examples.copilot.breaks import HEALTHY
from examples.copilot.people import Crowd
from examples.copilot.pipeline import Copilot
from examples.copilot.plan import Plan

BATCH_SPANS = 500
NANOSECONDS = 1_000_000_000
# The tags of start, end and an event's time in protobuf: field number, wire type 1.
# Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
_TIME_TAGS = (0x39, 0x41, 0x09)


class Batch:
    """500 spans, as often as needed, each time other traces at another time."""

    def __init__(self, request: ExportTraceServiceRequest) -> None:
        spans = request.resource_spans[0].scope_spans[0].spans
        self.count = len(spans)
        self.ends_ns = max(span.end_time_unix_nano for span in spans)
        self._body = np.frombuffer(request.SerializeToString(), np.uint8)
        words = np.ascontiguousarray(sliding_window_view(self._body, 8)).view("<i8").ravel()
        # A time is told from other bytes by its tag; no eight bytes of an id come by chance.
        tagged = np.isin(self._body[: len(words) - 1], _TIME_TAGS)
        times = [time for span in spans for time in _times(span)]
        self._times = _places(1 + np.flatnonzero(tagged & np.isin(words[1:], times)))
        ids = [int.from_bytes(span.trace_id[:8], "little", signed=True) for span in spans]
        self._ids = _places(np.flatnonzero(np.isin(words, ids)))

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return len(self._body)

    def renewed(self, number: int, *, ends_at: float) -> bytes:
        """Return it as batch `number`, its last span ending at the Unix time `ends_at`."""
        body = self._body.copy()
        moved = body[self._times].view("<i8") + (int(ends_at * NANOSECONDS) - self.ends_ns)
        body[self._times] = moved.view(np.uint8)
        body[self._ids] = np.frombuffer(struct.pack(">Q", number), np.uint8)
        return body.tobytes()


def batches(count: int, *, now: datetime, seed: int = 7) -> list[Batch]:
    """Return `count` different batches of requests that all started within two seconds."""
    rng = Random(seed)
    crowd, copilot = Crowd(rng), Copilot(rng)
    started_ns = int(now.timestamp() * NANOSECONDS)

    def request() -> ExportTraceServiceRequest:
        plans: list[tuple[int, Plan, int]] = []
        spans = 0
        while spans < BATCH_SPANS:
            plan = copilot.plan(crowd.ask(percent=10), HEALTHY, queue_depth=5)
            plans.append((started_ns + rng.randrange(2 * NANOSECONDS), plan, 1))
            spans += len(plan.steps)
        made, _ = otlp.requests(plans, rng)
        # The last trace is cut, as happens to an exporter that sends what is full.
        del made.resource_spans[0].scope_spans[0].spans[BATCH_SPANS:]
        return made

    return [Batch(request()) for _ in range(count)]


def _times(span: Span) -> Iterator[int]:
    yield span.start_time_unix_nano
    yield span.end_time_unix_nano
    for event in span.events:
        yield event.time_unix_nano


def _places(starts: np.ndarray) -> np.ndarray:
    """Return the places of the eight bytes from each start, one row each."""
    return starts[:, None] + np.arange(8)
