"""How many traces took how long, and when: counted by a store that can, cell by cell."""

from dataclasses import dataclass
from datetime import timedelta
from math import floor, log10
from typing import Final, Protocol, runtime_checkable

from signals.traces import TraceQuery

# Eight rows a power of ten: each row is a third slower than the one beneath.
PER_DECADE: Final = 8
LEAST_MS: Final = 1.0  # what is faster stands in the lowest row
MOST_COLUMNS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatQuery:
    """What to count.

    Attributes:
        traces: Which traces; their order and limit do not matter.
        step: How much time a column covers, from the beginning on; `MOST_COLUMNS` at the most.
    """

    traces: TraceQuery
    step: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The traces of one column and one row; cells without any are left out.

    Attributes:
        column: From 0, the time from the beginning of the query in steps.
        row: See `edge_ms`.
        failed: Those of `traces` whose root failed.
    """

    column: int
    row: int
    traces: int
    failed: int


@runtime_checkable
class HeatStore(Protocol):
    """A trace store that counts. Every call is bounded in time and size."""

    @property
    def name(self) -> str:
        """Return the name that pages and errors use."""
        ...

    def heat(self, query: HeatQuery) -> list[Cell]:
        """Return the cells in no order.

        Raises:
            QueryError: The question is beyond what the store can tell.
            SignalError: The store could not answer.
        """
        ...


def edge_ms(row: int) -> float:
    """Return the duration at which a row begins; it ends where the next begins."""
    return float(10 ** (row / PER_DECADE))


def row_of(duration_ms: float) -> int:
    """Return the row of a duration."""
    return floor(log10(max(duration_ms, LEAST_MS)) * PER_DECADE)
