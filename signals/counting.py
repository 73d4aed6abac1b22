"""Asking metrics and traces for what each counted of the same, to hold one against the other."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from models.vocabulary import SpanKind
from signals import SPANS, Query, QueryError, Source
from signals.counts import Count, Period, Split
from signals.discovery import Answerer
from signals.measures import Aggregate, Measure
from signals.promql import Asked
from signals.recipes import Recipe
from signals.reconciling import SHORTEST, Reconciled, incomparable, reconcile, young

LONGEST = timedelta(hours=1)
# What ended may wait for an exporter's batch, or the next scrape: lateness is no loss.
SETTLING = timedelta(minutes=3)
MINUTE = timedelta(minutes=1)
PRESENT = timedelta(minutes=5)  # within which a counter that is there was scraped twice
MOST_SPLITS = 3
MOST_VALUES = 50
MOST_MODELS = 12  # each is a question of its own
LONGEST_VALUE = 200
# An outcome is what a sampler goes by; of a call, traces tell only the outcome of its request.
OF_REQUESTS = ("feature", "model", "outcome", "environment", "tenant")
OF_CALLS = ("model", "feature", "environment", "tenant")

Counts = Mapping[str, Count]  # by the value of a label, "" where it is not said


class Metrics(Source, Protocol):
    """A source that says who in it answers a question."""

    def asked(self, query: Query) -> tuple[Answerer, Asked]:
        """Return who answers `query`, and what is asked for it; raises QueryError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """The traces that metrics are held against.

    Attributes:
        lag: For how long after its end a span may not be there yet.
        held_since: Returns when the oldest span that is held ended, None where that is unknown;
            raises SignalError.
    """

    source: Source
    lag: timedelta = timedelta()
    held_since: Callable[[], datetime | None] = lambda: None


def counted(metrics: Metrics, traces: Traces, *, now: datetime) -> Reconciled:
    """Return what metrics and traces each miss of the hour up to some minutes before `now`.

    Metrics of an application count its requests, those of a gateway or a client library the calls
    of models, of which a request may make several: each is held against as many in the traces.

    Raises:
        SignalError: One of them could not answer.
    """
    rate = Query(signal="request_rate", window=LONGEST)
    if not metrics.answers(rate):
        return incomparable(f"No stack that {metrics.name} knows counts requests.")
    answerer, _ = metrics.asked(rate)
    if not isinstance(answerer, Recipe):
        return incomparable(
            f"{metrics.name} counts requests by an expression of your own: nobody can say whether "
            "it counts requests or calls."
        )
    calls = answerer.pack.calls
    ours = tuple(map(_of_kind, calls)) or (rate,)
    if not all(map(traces.source.answers, ours)):
        what = "calls of models" if calls else "requests"
        return incomparable(
            f"The metrics of {answerer.title} count {what}, and {traces.source.name} cannot "
            "count those."
        )
    period = _period(metrics, rate, traces, now)
    if period.length < SHORTEST:
        found = young(period)
    else:
        theirs = _Counter(source=metrics, queries=(rate,), period=period)
        held = _Counter(source=traces.source, queries=ours, period=period)
        splits, notes = _splits(theirs, held, answerer, calls)
        found = reconcile(
            theirs.whole(),
            held.whole(),
            splits,
            period=period,
            what="calls" if calls else "requests",
        )
        found = replace(found, notes=(*found.notes, *notes))
    return replace(found, metrics_by=answerer.title, traces_by=traces.source.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counter:
    """One side: the sum of what `queries` yield over a period is what it counted."""

    source: Source
    queries: tuple[Query, ...]
    period: Period

    def knows(self, label: str) -> bool:
        return all(self.source.answers(replace(query, by=(label,))) for query in self.queries)

    def whole(self) -> Count:
        return self._read(self.queries).get("", Count())

    def by(self, label: str) -> Counts:
        return self._read([replace(query, by=(label,)) for query in self.queries], label)

    def with_model(self, model: str) -> Count:
        """Return how many calls were of `model` themselves, whatever their request was of."""
        queries = [
            replace(query, measure=_narrowed(query.measure, model))
            for query in self.queries
            if query.measure
        ]
        return self._read(queries).get("", Count())

    def _read(self, queries: Iterable[Query], label: str = "") -> Counts:
        found: dict[str, Count] = {}
        for query in queries:
            asked = replace(query, window=self.period.length)
            # A measure counts, a rate is per second.
            times = 1.0 if query.measure else self.period.length.total_seconds()
            for sample in self.source.read(asked, at=self.period.end).samples:
                value = sample.labels.get(label, "") if label else ""
                before = found.get(value, Count())
                high = sample.interval[1] if sample.interval else sample.value
                found[value] = Count(
                    n=before.n + sample.value * times,
                    margin=before.margin + (high - sample.value) * times,
                )
        return found


def _of_kind(kind: SpanKind) -> Query:
    measure = Measure(aggregate=Aggregate.COUNT, where=(f"kind = {kind.value}",))
    return Query(signal=SPANS, window=LONGEST, measure=measure)


def _narrowed(measure: Measure, model: str) -> Measure:
    return Measure(aggregate=measure.aggregate, where=(*measure.where, f"model = {model}"))


def _period(metrics: Metrics, rate: Query, traces: Traces, now: datetime) -> Period:
    """Return what both can be asked about: of a source that is younger, only since it is there."""
    late = max(SETTLING, traces.lag + MINUTE)
    end = _floor(now - late)
    start = end - LONGEST
    series = metrics.read_range(replace(rate, window=PRESENT), start=start, end=end, step=MINUTE)
    if first := min((one.seconds[0] for one in series if one.seconds), default=0.0):
        start = max(start, datetime.fromtimestamp(first, tz=UTC))
    held = traces.held_since()
    if held is not None and held > start:
        start = min(_floor(held) + MINUTE, end)
    return Period(start=start, end=end)


def _splits(
    metrics: _Counter, traces: _Counter, answerer: Answerer, calls: Sequence[SpanKind]
) -> tuple[list[Split], list[str]]:
    """Return the counts by the first labels that both know, and why one is left out."""
    labels = [
        label
        for label in (OF_CALLS if calls else OF_REQUESTS)
        if not answerer.lacking([label]) and traces.knows(label)
    ]
    splits, notes = [], []
    for label in labels[:MOST_SPLITS]:
        try:
            theirs, held = metrics.by(label), traces.by(label)
        except QueryError as error:  # as of too many values
            notes.append(f"Not compared by {label}: {str(error).rstrip('.')}.")
            continue
        if max(len(theirs), len(held)) > MOST_VALUES:
            notes.append(f"Not compared by {label}: it has more than {MOST_VALUES} values.")
            continue
        if calls and label == "model":
            held = {model: traces.with_model(model) for model in _largest(theirs, held)}
            theirs = {model: theirs.get(model, Count()) for model in held}
        splits.append(Split(label=label, metrics=theirs, traces=held))
    return splits, notes


def _largest(*several: Counts) -> list[str]:
    """Return the models to ask for: those of the most calls on either side, and without any."""
    most: dict[str, float] = {}
    for counts in several:
        for model, count in counts.items():
            is_plain = model and " ".join(model.split()) == model and len(model) <= LONGEST_VALUE
            if is_plain:
                most[model] = max(count.n, most.get(model, 0.0))
    named = sorted(most, key=lambda model: -most[model])[:MOST_MODELS]
    return ["", *named]


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
