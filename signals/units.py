"""Numbers as people read them. Ratios become percent here and nowhere else."""

import math
from datetime import timedelta

from models.vocabulary import Unit

MOST_DECIMALS = 7


def render(value: float, unit: Unit) -> str:
    """Return `value` with its unit, to three significant digits: `6.2 s`, `3.1 %`, `$0.08`."""
    match unit:
        case Unit.SECONDS if abs(value) < 1:
            return f"{_digits(value * 1000)} ms"
        case Unit.SECONDS:
            return f"{_digits(value)} s"
        case Unit.RATIO:
            return f"{_digits(value * 100)} %"
        case Unit.USD:
            return _dollars(value)
        case Unit.PER_SECOND:
            return f"{_digits(value)}/s"
        case Unit.POINTS:
            return f"{_digits(value)} points"
        case Unit.COUNT:
            return _digits(value)


def span(duration: timedelta) -> str:
    """Return `duration` in its one or two largest units: `45 s`, `5 min`, `1 h 30 min`, `7 d`."""
    seconds = round(duration.total_seconds())
    days, seconds = divmod(seconds, 86400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    named = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    parts = [f"{count} {unit}" for count, unit in named if count]
    return " ".join(parts[:2]) or "0 s"


def _dollars(value: float) -> str:
    """Return dollars to the cent, and below a dollar to three significant digits if that is more.

    Every card, table, tooltip and message says money so.
    """
    amount = round(abs(value), MOST_DECIMALS)
    sign = "-" if value < 0 < amount else ""
    if amount == 0 or amount >= 1:
        return f"{sign}${amount:,.2f}"
    whole, _, decimals = _digits(amount).partition(".")
    return f"{sign}${whole}.{decimals.ljust(2, '0')}"


def _digits(value: float) -> str:
    """Return `value` to three significant digits, without an exponent."""
    if value == 0 or abs(value) >= 999.5:
        return f"{value:,.0f}"
    decimals = min(2 - math.floor(math.log10(abs(value))), MOST_DECIMALS)
    text = f"{value:.{max(decimals, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
