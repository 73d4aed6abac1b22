"""Reading what the LLM application is doing. A signal is a number per label set, per window.

SignalError              a source could not answer; says nothing about the application
 ├─ QueryError           it refused the question: asking again cannot help
 └─ UnreachableError     it did not answer in time
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from models.vocabulary import DataState
from signals.measures import Measure

Labels = Mapping[str, str]
SPANS = "spans"  # what a query asks that names no golden signal but has a measure of its own


class SignalError(Exception):
    """The source could not answer. The message is for the operator: what failed, on what."""

    state = DataState.UNREACHABLE


class QueryError(SignalError):
    """The source refused the question."""

    state = DataState.QUERY_ERROR


class UnreachableError(SignalError):
    """The source did not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A calendar day in a named time zone, of a signal that adds up.

    Attributes:
        zone: IANA name, such as `Europe/Berlin`.
        rest: Not what there was since the day began, but what the rest of it would bring if it
            went on as within the query's window.
    """

    zone: str
    rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question: a signal over a window, for a part of the traffic, split by labels.

    Attributes:
        signal: A name in `signals.catalog`, or `SPANS`.
        window: What each value covers, ending at the instant asked for.
        scope: Label equalities that all must hold, as sorted (label, value) pairs.
        by: Labels that split the answer; empty for one value over all.
        offset: The answer is as it was that long ago. Sources never see one: `signals.offsets`
            asks them earlier instead.
        day: The answer is about the calendar day of the instant asked for. Sources never see
            one: `signals.days` asks them for the part of the day that is over instead.
        measure: What is asked of the spans, where `signal` is `SPANS`; else None.
    """

    signal: str
    window: timedelta
    scope: tuple[tuple[str, str], ...] = ()
    by: tuple[str, ...] = ()
    offset: timedelta = timedelta()
    day: Day | None = None
    measure: Measure | None = None
    # A tick looks every question up about ten times: 10,000 rules would hash 100,000 tuples.
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hash once."""
        asked = (self.signal, self.window, self.scope, self.by, self.offset, self.day, self.measure)
        object.__setattr__(self, "_hash", hash(asked))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one series.

    Attributes:
        labels: Identity of the series, without `__name__`; for a `Query` the labels of its scope
            and of its `by`, so that an alert says which part of the traffic it is about.
        value: In the signal's unit. Never NaN: an undefined ratio yields no sample.
        at: The instant it was asked for, aware UTC.
        interval: Where the true value lies in 95 of 100 cases, when `value` is an estimate from a
            sample of the traces; None when it is not, or nobody can say.
    """

    labels: Labels
    value: float
    at: datetime
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A source's answer at one instant.

    Attributes:
        samples: The values there are.
        no_traffic: Label sets that exist but had nothing to count in the window (0/0).
        stale_since: Since when nothing new has reached the source, if that is too long; else None.
    """

    samples: tuple[Sample, ...] = ()
    no_traffic: tuple[Labels, ...] = ()
    stale_since: datetime | None = None

    @property
    def state(self) -> DataState:
        """Say in a word what this answer is."""
        if self.stale_since is not None:
            return DataState.STALE
        if self.samples:
            return DataState.OK
        return DataState.NO_TRAFFIC if self.no_traffic else DataState.NO_SERIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series over time, for charts.

    Attributes:
        labels: Identity of the series.
        seconds: Unix times, ascending. An instant without a value is left out, never 0 or NaN.
        values: In the signal's unit, as many as `seconds`.
        idle: Those of the instants left out at which it was there but had nothing to count, as far
            as the source tells them from those at which it was not there.
    """

    labels: Labels
    seconds: Sequence[float]
    values: Sequence[float]
    idle: Sequence[float] = ()


class Source(Protocol):
    """Anything that answers for the golden signals: Prometheus, a trace store."""

    @property
    def name(self) -> str:
        """Return the name that pages and errors use, such as `prometheus` or `traces`."""
        ...

    def answers(self, query: Query) -> bool:
        """Say whether this source has `query.signal` with the labels of its scope and `by`.

        Asks nobody: it is about what the source could know, not about what it holds now.
        """
        ...

    def read(self, query: Query, *, at: datetime) -> Reading:
        """Return the values over the window that ends at `at`.

        Raises:
            SignalError: The source is unreachable, timed out, or refused the query.
        """
        ...

    def read_range(
        self, query: Query, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return the values at `start`, `start + step` … `end`, each over `query.window`.

        Raises:
            SignalError: The source is unreachable, timed out, or refused the query.
        """
        ...

    def newest(self, *, at: datetime) -> datetime | None:
        """Return the time of the newest data held, or None if there is none.

        Raises:
            SignalError: The source is unreachable, timed out, or refused the query.
        """
        ...


class Expressions(Protocol):
    """A source that also evaluates expressions of its own language, such as PromQL."""

    @property
    def name(self) -> str:
        """Return the name that pages and errors use."""
        ...

    def evaluate(self, expression: str, *, at: datetime) -> Reading:
        """Return the vector `expression` yields at `at`; raises as `Source.read`."""
        ...

    def evaluate_range(
        self, expression: str, *, start: datetime, end: datetime, step: timedelta
    ) -> list[Series]:
        """Return `expression` over time; raises as `Source.read`."""
        ...
