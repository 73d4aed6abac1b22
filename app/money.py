"""Money in tables: read by the one rule of `signals.units`, sorted as the numbers they are."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from app.numbers import NO_VALUE
from models.vocabulary import Unit
from signals.units import MOST_DECIMALS, render


def usd(value: object) -> str:
    """Return dollars, or a dash where nothing is known, as by None or NaN."""
    if not isinstance(value, int | float) or math.isnan(value):
        return NO_VALUE
    return render(value, Unit.USD)


def change(value: object) -> str:
    """Return dollars more or less, with their sign, or a dash."""
    said = usd(value)
    more = isinstance(value, int | float) and value > 0 and said != usd(0)
    return f"+{said}" if more else said


def told(frame: pd.DataFrame, amounts: Sequence[str], changes: Sequence[str] = ()) -> Styler:
    """Return `frame` with its columns of money as people read them, those it has.

    No format that a column of `st.dataframe` takes has more digits for smaller amounts. It costs
    0.2 ms a row: what is drawn every few seconds takes `pattern`.
    """
    formats: dict[Any, str | Callable[[object], str] | None]
    formats = {name: usd for name in amounts if name in frame}
    formats |= {name: change for name in changes if name in frame}
    return frame.style.format(formats)


def pattern(amounts: Iterable[float | None]) -> str:
    """Return one format for a column of dollars: three digits of the smallest, at least cents."""
    smallest = min((one for one in amounts if one), default=1.0)
    decimals = 2 - math.floor(math.log10(smallest)) if smallest > 0 else 2
    return f"$%.{min(max(decimals, 2), MOST_DECIMALS)}f"
