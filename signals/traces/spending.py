"""What requests cost and what came of them: questions, and answers with their provenance.

A row is a value of one label. Money goes to the label of the request, as everywhere, except that
each model is charged what its own calls cost: a request that used two models is a request of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from signals.traces.recomputing import ReportedUses

SPLITS = ("feature", "tenant", "model", "prompt_version", "outcome", "environment")
MAX_ROWS = 500
MAX_BARS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendQuery:
    """What to add up.

    Attributes:
        edges: The beginnings of the bars, ascending; the first is that of the period.
        end: Of the last bar, exclusive.
        before: The period to compare with, [start, end).
        by: Of `SPLITS`; None for the whole.
        scope: Sorted (label, value) pairs of `SPLITS` that all must hold.
    """

    edges: tuple[datetime, ...]
    end: datetime
    before: tuple[datetime, datetime]
    by: str | None = None
    scope: tuple[tuple[str, str], ...] = ()

    @property
    def start(self) -> datetime:
        """Return when the period begins."""
        return self.edges[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What one value of a label cost.

    Attributes:
        value: Of the label; None for requests that do not say.
        usd: The sum of the known costs; None when no call had one.
        before_usd: The same of the period before.
        reported_usd: The part of `usd` that the application or its gateway reported; the rest was
            computed from tokens and the price list.
        priced: Calls with a cost.
        unpriced: Calls that used tokens of a model without a known price: `usd` is a floor.
        requests: Those that ended in the period.
        concluded: Requests of which it is known how they turned out.
        successes: Those of them that turned out well: see `signals.traces.outcomes`.
        margin_usd: Half the 95 % interval of `usd`, where it and the counts are estimated from a
            sample of the traces; None where nothing was sampled.
    """

    value: str | None
    usd: float | None
    before_usd: float | None
    reported_usd: float
    priced: int
    unpriced: int
    requests: int
    concluded: int
    successes: int
    margin_usd: float | None = None

    @property
    def per_request(self) -> float | None:
        """Return dollars per request; None without a known cost or a request."""
        return None if self.usd is None or not self.requests else self.usd / self.requests

    @property
    def per_success(self) -> float | None:
        """Return dollars, those of failures included, per request that turned out well."""
        return None if self.usd is None or not self.successes else self.usd / self.successes

    @property
    def reported_ratio(self) -> float | None:
        """Return the part of the cost that was reported, not computed; None without any."""
        return None if not self.usd else self.reported_usd / self.usd

    @property
    def unpriced_ratio(self) -> float | None:
        """Return the part of the calls that has no price; None without calls."""
        calls = self.priced + self.unpriced
        return None if not calls else self.unpriced / calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The answer to a `SpendQuery`.

    Attributes:
        rows: Those that were the dearest, now or before, at most `MAX_ROWS`, by what they cost
            now; one for the whole.
        values: How many rows there would be.
    """

    rows: tuple[Spend, ...]
    values: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A part of one bar: what one value cost between two edges.

    Attributes:
        edge: The number of the bar.
        value: Of the label; None for requests that do not say, and for the whole.
        rest: It stands for all values that were not asked for by name.
    """

    edge: int
    value: str | None
    rest: bool
    usd: float


class SpendStore(Protocol):
    """A trace store that adds up what requests cost. Every call is bounded in time and size."""

    def spend(self, query: SpendQuery) -> Bill:
        """Return what was spent, by value; no row where nothing happened.

        Raises:
            SignalError: The store could not answer.
        """
        ...

    def bars(self, query: SpendQuery, shown: Sequence[str | None]) -> list[Bar]:
        """Return what was spent from edge to edge; the values not `shown` as one, the rest.

        Raises as `spend`.
        """
        ...

    def reported(self, query: SpendQuery) -> ReportedUses:
        """Return what calls with a reported cost used, whatever `query` splits by.

        Raises as `spend`.
        """
        ...

    def held_since(self) -> datetime | None:
        """Return when the oldest span that is held ended; None without any. Raises as `spend`."""
        ...
