"""Which traces show what an alert is about, and a way of asking that holds nothing up."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Protocol
from urllib.parse import quote

from alerts.conditions import AnyCondition, Spans
from alerts.notifiers import NO_EVIDENCE, Evidence, TraceLink
from signals import SignalError
from signals.measures import Measure, attribute_of
from signals.traces import FILTERS, Order, TraceQuery, TraceStore, TraceSummary

logger = logging.getLogger(__name__)

MOST = 3  # traces in a message
PATIENCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """Which traces explain a breach.

    Attributes:
        title: What the list of them is called.
    """

    title: str
    order: Order = Order.NEWEST
    errors_only: bool = False

    @property
    def telling(self) -> bool:
        """Say whether they differ from any other traces of that time."""
        return self.errors_only or self.order is not Order.NEWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """What an alert is about.

    Attributes:
        labels: The alert's.
        began: When its condition began to hold.
        ended: None while it is open.
    """

    condition: AnyCondition
    labels: Mapping[str, str]
    began: datetime
    ended: datetime | None = None


def worst(condition: AnyCondition) -> Worst:
    """Return which traces of an alert's window to look at first."""
    if isinstance(condition, Spans):
        return _of_measure(condition.measure)
    return worst_of(getattr(condition, "signal", ""))


def worst_of(signal: str) -> Worst:
    """Return which traces to look at first where a signal of the catalog is bad."""
    if signal.startswith("latency"):
        return Worst(title="Slowest traces", order=Order.SLOWEST)
    if signal == "error_ratio":
        return Worst(title="Failed traces", errors_only=True)
    if signal in ("cost", "cost_per_request", "token_rate"):
        return Worst(title="Dearest traces", order=Order.DEAREST)
    return Worst(title="Newest traces")


def _of_measure(measure: Measure) -> Worst:
    if "status = error" in (*measure.where, *measure.part):
        return Worst(title="Failed traces", errors_only=True)
    if measure.of == "duration_ms" or any("duration_ms >" in one for one in measure.part):
        return Worst(title="Slowest traces", order=Order.SLOWEST)
    if measure.of == "cost_usd":
        return Worst(title="Dearest traces", order=Order.DEAREST)
    return Worst(title="Newest traces")


def question(
    which: Worst, labels: Mapping[str, str], *, start: datetime, end: datetime, limit: int
) -> TraceQuery:
    """Return what to ask a trace store for; labels that traces do not have are left out."""
    return TraceQuery(
        start=start,
        end=end,
        scope={name: value for name, value in labels.items() if name in FILTERS},
        attributes=tuple(
            (attribute_of(name), value) for name, value in labels.items() if attribute_of(name)
        ),
        errors_only=which.errors_only,
        order=which.order,
        limit=limit,
    )


class Finder(Protocol):
    """Finds the traces that explain a breach."""

    def __call__(self, breach: Breach, *, now: datetime) -> Evidence:
        """Return up to three traces, worst first; none if there are none or in no time."""
        ...


def none(breach: Breach, *, now: datetime) -> Evidence:  # noqa: ARG001 - see `Finder`
    """Return no traces: there is no trace store."""
    return NO_EVIDENCE


class TraceEvidence:
    """The worst traces of a breach, from a store that may be slow or down.

    A message waits at most `patience` for them. One question is asked at a time: while an answer
    is overdue, nobody waits for another. Without an answer a message says nothing about traces.
    """

    def __init__(self, store: TraceStore, *, base_url: str, patience: timedelta = PATIENCE) -> None:
        self._store = store
        self._base_url = base_url
        self._patience = patience
        self._asking = threading.Lock()

    def __call__(self, breach: Breach, *, now: datetime) -> Evidence:
        """Return up to three traces, worst first; see `Finder`."""
        if not worst(breach.condition).telling or not self._asking.acquire(blocking=False):
            return NO_EVIDENCE
        answers: SimpleQueue[Evidence] = SimpleQueue()
        # A daemon: a store that never answers must not keep the process from ending.
        threading.Thread(target=self._ask, args=(breach, now, answers), daemon=True).start()
        try:
            return answers.get(timeout=self._patience.total_seconds())
        except Empty:
            logger.warning("evidence store=%s outcome=too late", self._store.name)
            return NO_EVIDENCE

    def _ask(self, breach: Breach, now: datetime, answers: SimpleQueue[Evidence]) -> None:
        found = NO_EVIDENCE
        try:
            which = worst(breach.condition)
            traces = self._store.search(
                question(
                    which,
                    {**getattr(breach.condition, "scope", {}), **breach.labels},
                    # One window earlier: what was decided on began there.
                    start=breach.began - getattr(breach.condition, "window", timedelta()),
                    end=breach.ended or now,
                    limit=MOST,
                )
            )
            links = tuple(_link(trace, self._base_url) for trace in traces[:MOST])
            found = Evidence(title=which.title, traces=links) if links else NO_EVIDENCE
        except SignalError as error:
            logger.warning("evidence store=%s error=%s", self._store.name, error)
        except Exception:  # the top of this thread: a message goes out all the same
            logger.exception("evidence failed store=%s", self._store.name)
        finally:
            self._asking.release()
        answers.put(found)


def _link(trace: TraceSummary, base_url: str) -> TraceLink:
    return TraceLink(
        title=trace.name,
        url=f"{base_url}/traces?trace={quote(trace.trace_id, safe='')}",
        duration=timedelta(milliseconds=trace.duration_ms),
        cost_usd=trace.cost_usd,
    )
