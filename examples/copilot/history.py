"""Seven days of traces and log lines, written into Wakeful's embedded store at once.

They go the way of live ones: as OTLP, decoded, redacted and priced by `signals.otlp`.
"""

import math
from collections.abc import Iterator
from concurrent.futures import Executor
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from examples.copilot import otlp
from examples.copilot.approvals import Approvals
from examples.copilot.feedback import told_of
from examples.copilot.past import LASTS, Past
from examples.copilot.people import Crowd
from examples.copilot.pipeline import Copilot
from examples.copilot.plan import Plan
from signals.otlp.logs import logs_of
from signals.otlp.spans import spans_of
from signals.traces.embedded import EmbeddedStore
from signals.traces.outcomes import OutcomeEvent

# The copilot keeps every trace while it runs; of the past, one request in so many.
ONE_IN = 190
# What went wrong is worth keeping: in the incident, one in so many.
ONE_IN_INCIDENT = 19
QUARTER = timedelta(hours=6)  # of a day: what one process makes at a time


def write_history(
    path: Path, *, now: datetime, executor: Executor, lasts: timedelta = LASTS, seed: int = 7
) -> int:
    """Fill the store at `path` with the days before `now`; return how many spans that were.

    Args:
        path: Of the DuckDB file.
        now: The end of the history.
        executor: Makes the requests up, in other processes, while this one stores them.
        lasts: How far back it reaches.
        seed: Of the random model.
    """
    past = Past(now=now, lasts=lasts)
    made = [executor.submit(quarter, past, n, seed) for n in range(math.ceil(lasts / QUARTER))]
    store = EmbeddedStore.open(path)
    count = 0
    try:
        for done in made:
            traces, logs, told = done.result()
            spans = spans_of(ExportTraceServiceRequest.FromString(traces), now=now).spans
            store.write(spans)
            store.logs.write(logs_of(ExportLogsServiceRequest.FromString(logs), now=now).records)
            store.record(told)
            count += len(spans)
    finally:
        store.close()
    return count


def quarter(past: Past, number: int, seed: int) -> tuple[bytes, bytes, list[OutcomeEvent]]:
    """Return the traces and the log lines of six hours of the past, as OTLP, and what was told."""
    rng = Random(f"{seed}/{number}")
    start = past.start + number * QUARTER
    plans = list(arrivals(past, start, min(start + QUARTER, past.now), rng))
    traces, logs = otlp.requests(plans, rng)
    ids = zip(_ids(traces), plans, strict=True)
    asked = ((trace_id, at, plan) for trace_id, (at, plan, _) in ids)
    told = [one for one in told_of(asked, rng) if one.at < past.now]
    return traces.SerializeToString(), logs.SerializeToString(), told


def _ids(traces: ExportTraceServiceRequest) -> list[str]:
    """Return the ids of the traces, each once, in order."""
    spans = traces.resource_spans[0].scope_spans[0].spans
    return [span.trace_id.hex() for span in spans if not span.parent_span_id]


def arrivals(
    past: Past, start: datetime, end: datetime, rng: Random
) -> Iterator[tuple[int, Plan, int]]:
    """Yield the kept requests of [start, end): Unix nanoseconds of the start, plan, weight."""
    crowd, copilot, approvals = Crowd(rng), Copilot(rng), Approvals(rng)
    at = start
    while True:
        kept = ONE_IN_INCIDENT if past.in_incident(at) else ONE_IN
        # Never beyond the next change of the odds: in a long pause the incident would be missed.
        pause = rng.expovariate(past.requests_per_second(at) / kept)
        at += timedelta(seconds=min(pause, 60))
        if at >= end:
            return
        if pause > 60:
            continue
        odds = past.odds(at)
        approvals.pass_time(pause, odds)
        request = crowd.ask(percent=past.rollout_percent(at))
        plan = copilot.plan(request, odds, queue_depth=approvals.depth)
        if at + timedelta(milliseconds=plan.duration_ms) < past.now:
            yield round(at.timestamp() * 1e9), plan, kept
