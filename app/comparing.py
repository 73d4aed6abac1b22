"""Two traces side by side: where the time and the money of one differ from the other's. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from app.waterfall.layout import Row, Waterfall

MOST = 200  # names; a runaway agent makes one up for every call


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What the spans of one name come to in one trace.

    Attributes:
        self_ms: Time in them during which none of their children ran.
        cost_usd: As far as it is part of the trace's cost; None when none is known.
        tokens: In and out; None when none are told.
    """

    count: int = 0
    self_ms: float = 0.0
    cost_usd: float | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The spans of one name in both traces."""

    name: str
    one: Sums
    other: Sums

    @property
    def slower_ms(self) -> float:
        """Return how much more time the other trace took."""
        return self.other.self_ms - self.one.self_ms


def compare(one: Waterfall, other: Waterfall) -> list[Line]:
    """Return a line for each name of a span, the greatest difference in time first."""
    ours, theirs = _by_name(one.rows), _by_name(other.rows)
    lines = [
        Line(name=name, one=_sums(ours.get(name, ())), other=_sums(theirs.get(name, ())))
        for name in dict.fromkeys((*ours, *theirs))
    ]
    return sorted(lines, key=lambda line: -abs(line.slower_ms))[:MOST]


def table(lines: Sequence[Line]) -> pd.DataFrame:
    """Return the lines as shown: seconds, dollars and tokens of A, of B, and how much more B is."""
    columns: dict[str, pd.Series] = {"Span": pd.Series([line.name for line in lines], dtype="str")}
    columns |= _triple("Spans", [(x.one.count, x.other.count) for x in lines], "Int64")
    times = [(x.one.self_ms / 1000, x.other.self_ms / 1000) for x in lines]
    columns |= _triple("Time", times, "float64")
    columns |= _triple("Cost", [(x.one.cost_usd, x.other.cost_usd) for x in lines], "float64")
    columns |= _triple("Tokens", [(x.one.tokens, x.other.tokens) for x in lines], "Int64")
    del columns["Spans ±"]
    return pd.DataFrame(columns)


def _triple(
    title: str, pairs: Sequence[tuple[float | None, float | None]], kind: str
) -> dict[str, pd.Series]:
    # What one side does not have at all is nothing there; unknown on both sides stays unknown.
    more = [None if a is None and b is None else (b or 0) - (a or 0) for a, b in pairs]
    return {
        f"{title} A": pd.Series([a for a, _ in pairs], dtype=kind),
        f"{title} B": pd.Series([b for _, b in pairs], dtype=kind),
        f"{title} ±": pd.Series(more, dtype=kind),
    }


def _by_name(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.span.name].append(row)
    return found


def _sums(rows: Sequence[Row]) -> Sums:
    costs = [row.span.cost_usd for row in rows if row.summed and row.span.cost_usd is not None]
    tokens = [
        (row.span.input_tokens or 0) + (row.span.output_tokens or 0)
        for row in rows
        if row.span.input_tokens is not None or row.span.output_tokens is not None
    ]
    return Sums(
        count=len(rows),
        self_ms=sum(row.self_ms for row in rows),
        cost_usd=sum(costs) if costs else None,
        tokens=sum(tokens) if tokens else None,
    )
