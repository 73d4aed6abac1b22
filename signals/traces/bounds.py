"""What every store makes of a question before it asks: within its abilities, and bounded."""

import math
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from signals import QueryError
from signals.traces import (
    FILTERS,
    MAX_ATTRIBUTES,
    NARROWING,
    SEARCHED,
    Abilities,
    Order,
    TraceQuery,
)

MAX_TRACES = 1_000
MAX_VALUES = 200
MAX_SPANS = 10_000  # of one trace; more cannot be drawn
MAX_TOLD = 500  # characters of an attribute's name, or value, that is looked for

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
    _check_numbers(query)
    _check_attributes(query, abilities, who)
    if query.order not in abilities.orders:
        known = " or ".join(_ORDER_WORDS[order] for order in abilities.orders)
        raise QueryError(
            f"{who} cannot list {_ORDER_WORDS[query.order]}, only {known}: choose that, or a "
            "shorter time and sort here"
        )
    if query.end <= query.start:
        raise QueryError("a period needs an end after its start")


def _check_numbers(query: TraceQuery) -> None:
    numbers = (query.min_duration_ms, query.max_duration_ms, query.min_cost_usd, query.max_score)
    if not all(math.isfinite(number) for number in numbers if number is not None):
        raise QueryError("traces are narrowed by numbers that are finite")


def _check_attributes(query: TraceQuery, abilities: Abilities, who: str) -> None:
    """Raise QueryError where an attribute is one that no application tells, or no URL carries."""
    if len(query.attributes) > abilities.most_attributes:
        most = "one attribute" if abilities.most_attributes == 1 else f"{MAX_ATTRIBUTES} attributes"
        raise QueryError(f"{who} cannot filter traces by more than {most} at a time")
    for name, value in query.attributes:
        if name in abilities.untold:
            raise QueryError(f"{who} cannot filter traces by {name}, which is no attribute there")
        if not name or not value:
            raise QueryError("an attribute is looked for by its name and its value")
        if max(len(name), len(value)) > MAX_TOLD:
            raise QueryError(
                f"an attribute is looked for by a name and a value of {MAX_TOLD} characters at most"
            )
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in name + value):
            raise QueryError("an attribute is looked for without line ends and control characters")


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
