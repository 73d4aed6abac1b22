"""Where each golden signal stands against its target and its alert threshold. Pure."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from models.vocabulary import Bad, Comparison, DataState, Unit
from signals import Query, Reading
from signals.catalog import CATALOG, MINUTES_5, Signal

SIGNALS: Final = tuple(signal for signal in CATALOG.values() if signal.golden)
REQUESTS: Final = CATALOG["request_rate"]
_PER_REQUEST: Final = (Unit.SECONDS, Unit.RATIO, Unit.USD)


class Standing(StrEnum):
    """In a word, how a signal does."""

    OK = "ok"
    OVER_TARGET = "over target"
    UNDER_TARGET = "under target"
    BEYOND = "beyond alert threshold"
    MEASURED = "no target"  # there is a value, and nothing to hold it against
    NO_TRAFFIC = "no traffic"
    NO_DATA = "no data"
    NO_SOURCE = "no source"
    SOURCE_DOWN = "source down"
    SLOW_SOURCE = "slow source"  # asked, and there is no answer yet


def window(signal: Signal) -> timedelta:
    """Return what the present value of `signal` covers: what its alert looks at."""
    return signal.breach.window if signal.breach else MINUTES_5


def question(signal: Signal, labels: tuple[tuple[str, str], ...]) -> Query:
    """Return the question for the present value of `signal` in a part of the traffic."""
    return Query(signal=signal.name, window=window(signal), scope=labels)


def value(reading: Reading | None) -> float | None:
    """Return the value of an answer that is not split, or None when it has none."""
    return reading.samples[0].value if reading and reading.samples else None


def interval(reading: Reading | None) -> tuple[float, float] | None:
    """Return where the true value lies, when `value` is an estimate from a sample of traces."""
    return reading.samples[0].interval if reading and reading.samples else None


def counts_requests(signal: Signal) -> bool:
    """Say whether a value of `signal` is a statistic over requests."""
    return signal.unit in _PER_REQUEST


def rests_on_requests(signal: Signal) -> bool:
    """Say whether a request that was never counted is missing from a value of `signal`."""
    return signal.unit is not Unit.COUNT  # a queue is as deep as it is


def requests(signal: Signal, rate: float | None) -> int | None:
    """Return how many requests a value of `signal` rests on, from their `rate` per second."""
    return None if rate is None else round(rate * window(signal).total_seconds())


def is_silent(standing: Standing) -> bool:
    """Say that there is no value, and that no fault explains it."""
    return standing in (Standing.NO_DATA, Standing.NO_TRAFFIC, Standing.NO_SOURCE)


def standing(signal: Signal, reading: Reading | None) -> Standing:
    """Return how `signal` does. None stands for a source that never answered."""
    found = value(reading)
    if reading is None:
        return Standing.SOURCE_DOWN
    if found is None:
        empty = reading.state is DataState.NO_TRAFFIC
        return Standing.NO_TRAFFIC if empty else Standing.NO_DATA
    if signal.breach is not None and _beyond(found, signal.breach.comparison, signal.breach.bound):
        return Standing.BEYOND
    if signal.target is None:
        return Standing.MEASURED if signal.breach is None else Standing.OK
    if signal.bad is Bad.LOW:
        return Standing.OK if found >= signal.target else Standing.UNDER_TARGET
    return Standing.OK if found <= signal.target else Standing.OVER_TARGET


def _beyond(found: float, comparison: Comparison, bound: float) -> bool:
    return found > bound if comparison is Comparison.ABOVE else found < bound
