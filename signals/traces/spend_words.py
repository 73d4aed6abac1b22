"""Spend in words, as pages and messages say it. Pure."""

from collections.abc import Sequence
from typing import Final

from models.vocabulary import Unit
from signals.traces.spending import Spend
from signals.units import render

NO_VALUE: Final = "—"
NOT_SAID: Final = "not said"
MOST_MOVERS: Final = 3


def name(value: str | None) -> str:
    """Return a value of a label as it is shown."""
    return NOT_SAID if value is None else value


def usd(value: float | None) -> str:
    """Return dollars, or a dash."""
    return NO_VALUE if value is None else render(value, Unit.USD)


def known_usd(row: Spend) -> str:
    """Return what was spent, as a floor if some calls have no price."""
    if row.usd is None:
        return NO_VALUE
    return f"≥ {usd(row.usd)}" if row.unpriced else usd(row.usd)


def interval(row: Spend) -> str:
    """Return where the true sum lies that a sample of the traces tells, or nothing."""
    if row.usd is None or not row.margin_usd:
        return ""
    return f"{usd(max(row.usd - row.margin_usd, 0.0))} to {usd(row.usd + row.margin_usd)}"


def change(row: Spend) -> float | None:
    """Return by how much more was spent than before; None without a period before to compare.

    What was not there in one of the periods, but in the other, has cost nothing in it.
    """
    if row.usd is None and row.before_usd is None:
        return None
    return (row.usd or 0.0) - (row.before_usd or 0.0)


def change_words(row: Spend) -> str:
    """Return by how much more was spent than before, in words: `+$3.20 (+40 %)`, `new`."""
    by = change(row)
    if by is None:
        return ""
    amount = f"{'+' if by >= 0 else '-'}{usd(abs(by))}"
    if not row.before_usd:
        return f"{amount} (new)"
    if row.usd is None:
        return f"{amount} (nothing any more)"
    ratio = by / row.before_usd
    return f"{amount} ({'+' if by >= 0 else '-'}{render(abs(ratio), Unit.RATIO)})"


def movers(rows: Sequence[Spend]) -> list[str]:
    """Return what changed most in dollars, up or down, in words."""
    moved = [(abs(by), row) for row in rows if (by := change(row))]
    moved.sort(key=lambda one: -one[0])
    return [f"{name(row.value)} {change_words(row)}" for _, row in moved[:MOST_MOVERS]]


def provenance(row: Spend) -> str:
    """Return where a cost comes from: `reported`, `computed`, `82 % reported`; empty without."""
    ratio = row.reported_ratio
    if ratio is None:
        return ""
    if ratio in (0, 1):
        return "reported" if ratio else "computed"
    return f"{render(ratio, Unit.RATIO)} reported"


def unpriced(row: Spend) -> str:
    """Return what part of the calls has no price, or nothing."""
    ratio = row.unpriced_ratio
    return f"{render(ratio, Unit.RATIO)} of calls have no price" if ratio else ""
