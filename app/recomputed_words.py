"""Reported cost against the price list, as a table and sentences. Pure."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
from pandas.io.formats.style import Styler

from app import money, numbers
from models.vocabulary import Unit
from signals.traces.recomputing import Recomputed, together
from signals.traces.spend_words import name
from signals.units import render

LEAST: Final = 0.00005  # of a difference that is said: half of a hundredth of a percent


def difference(row: Recomputed) -> str:
    """Return how much more was reported than the list has, with what the number rests on."""
    ratio = row.difference_ratio
    if ratio is None:
        return numbers.NO_VALUE
    sign = "" if abs(ratio) < LEAST else "+" if ratio > 0 else "-"
    percent = render(abs(ratio), Unit.RATIO) if sign else "0 %"
    return " · ".join([f"{sign}{percent}", *marks(row)])


def marks(row: Recomputed) -> list[str]:
    """Return why a comparison is not to be trusted in full, if so."""
    if not row.compared:
        return []
    return [*(["estimate"] if row.is_estimate else []), *filter(None, [numbers.thin(row.seen)])]


def not_compared(row: Recomputed) -> str:
    """Return how many calls could not be compared, and why; empty if all could."""
    counts = (
        (row.without_tokens, "without tokens"),
        (row.unlisted, "not in the list"),
        (row.hourly, "priced by the hour"),
    )
    return ", ".join(f"{count:,} {why}" for count, why in counts if count)


def summary(rows: Sequence[Recomputed]) -> list[str]:
    """Return in sentences what all calls together come to."""
    whole = together(rows)
    said = []
    if whole.compared:
        said.append(
            f"For {whole.compared:,} calls {money.usd(whole.compared_usd)} was reported; the "
            f"price list has {money.usd(whole.list_usd)} for their tokens: {difference(whole)}."
        )
    if rest := not_compared(whole):
        said.append(
            f"Not compared is {money.usd(whole.usd - whole.compared_usd)} of calls: {rest}."
        )
    return said


def table(rows: Sequence[Recomputed]) -> Styler:
    """Return the table as shown: a row per model and provider."""
    frame = pd.DataFrame(
        {
            "Model": [name(row.model) for row in rows],
            "Provider": [name(row.provider) for row in rows],
            "Difference": _floats([row.difference_ratio for row in rows]),
            "Reported": [row.usd for row in rows],
            "Of it compared": _floats([row.compared_usd if row.compared else None for row in rows]),
            "Price list": _floats([row.list_usd if row.compared else None for row in rows]),
            "Difference in $": _floats([row.difference_usd for row in rows]),
            "Calls compared": [row.compared for row in rows],
            "Not compared": [not_compared(row) for row in rows],
        }
    )
    if not any(frame["Not compared"]):
        frame = frame.drop(columns=["Of it compared", "Not compared"])
    told = money.told(frame, ["Reported", "Of it compared", "Price list"], ["Difference in $"])
    for number, row in enumerate(rows):
        # Of a str the field is replaced, and there is none.
        told.format(difference(row), subset=pd.IndexSlice[[number], ["Difference"]])
    return told


def _floats(values: Sequence[float | None]) -> "pd.Series[float]":
    return pd.Series(list(values), dtype="float64")
