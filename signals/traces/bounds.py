"""What every store makes of a question before it asks: within its abilities, and bounded."""

from collections.abc import Sequence
from datetime import datetime

from signals import QueryError
from signals.traces import FILTERS, NARROWING, SEARCHED, Abilities, Order, TraceQuery

MAX_TRACES = 1_000
MAX_VALUES = 200
MAX_SPANS = 10_000  # of one trace; more cannot be drawn

_ORDER_WORDS = {
    Order.NEWEST: "the newest first",
    Order.SLOWEST: "the slowest first",
    Order.DEAREST: "the dearest first",
    Order.WORST: "the worst scored first",
}


def check(query: TraceQuery, abilities: Abilities, who: str) -> None:
    """Raise QueryError unless a store that is called `who` can answer `query`."""
    for field in query.scope:
        _check_field(field, SEARCHED, abilities.filters, who, "filter traces by")
    if query.min_cost_usd is not None and "cost_usd" not in abilities.listed:
        raise QueryError(f"{who} cannot filter traces by cost: its lists do not tell it")
    for field, said in NARROWING.items():
        if getattr(query, field) not in (None, ()) and field not in abilities.narrows:
            raise QueryError(f"{who} cannot filter traces by {said}")
    if query.order not in abilities.orders:
        known = " or ".join(_ORDER_WORDS[order] for order in abilities.orders)
        raise QueryError(
            f"{who} cannot list {_ORDER_WORDS[query.order]}, only {known}: choose that, or a "
            "shorter time and sort here"
        )
    if query.end <= query.start:
        raise QueryError("a period needs an end after its start")


def check_values(
    field: str, start: datetime, end: datetime, abilities: Abilities, who: str
) -> None:
    """Raise QueryError unless a store that is called `who` can list the values of `field`."""
    _check_field(field, FILTERS, abilities.values, who, "list the values of")
    if end <= start:
        raise QueryError("a period needs an end after its start")


def limit(query: TraceQuery, most: int = MAX_TRACES) -> int:
    """Return how many traces to list."""
    return max(1, min(query.limit, most))


def _check_field(
    field: str, every: Sequence[str], known: frozenset[str], who: str, what: str
) -> None:
    if field not in every:
        raise QueryError(f"traces have no label {field!r}; there are {', '.join(every)}")
    if field not in known:
        raise QueryError(f"{who} cannot {what} {field}; it can by {_listed(known)}")


def _listed(fields: frozenset[str]) -> str:
    ordered: Sequence[str] = [field for field in SEARCHED if field in fields]
    return ", ".join(ordered) or "nothing"
