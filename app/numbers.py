"""Numbers, ages and trust marks as the pages show them. Pure."""

from datetime import datetime, timedelta

from models.vocabulary import Bad, Comparison, Unit
from signals.catalog import Signal
from signals.units import render, span

NO_VALUE = "—"
# Under so many samples a value is an anecdote: it is marked, and drawn in grey.
THIN_BELOW = 10
STALE_AFTER = timedelta(minutes=2)

# d3-format patterns for chart axes and tooltips: https://d3js.org/d3-format
_PATTERNS = {
    Unit.SECONDS: "~s",  # 0.25 becomes "250m", which the suffix makes "250ms"
    Unit.RATIO: ".2~%",
    Unit.USD: "$,.4~f",
    Unit.COUNT: ",.2~f",
    Unit.PER_SECOND: ",.3~f",
    Unit.POINTS: ",.1~f",
}
_SUFFIXES = {Unit.SECONDS: "s", Unit.PER_SECOND: "/s"}


def number(value: float | None, unit: Unit) -> str:
    """Return `value` with its unit, or a dash when there is none: never 0 in its place."""
    return NO_VALUE if value is None else render(value, unit)


def pattern(unit: Unit) -> tuple[str, str]:
    """Return the d3-format pattern of `unit` and what to write behind the number."""
    return _PATTERNS[unit], _SUFFIXES.get(unit, "")


def age(then: datetime | None, *, now: datetime) -> str:
    """Return how long ago `then` was: `12 s ago`, `3 min ago`; `never` for None."""
    if then is None:
        return "never"
    passed = now - then
    if passed < timedelta(seconds=1):
        return "just now"
    return f"{coarse(passed)} ago"


def coarse(duration: timedelta) -> str:
    """Return `duration` in its largest unit alone, as an age wants it: `3 min`, `2 h`, `5 d`."""
    seconds = max(duration.total_seconds(), 0)
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {name}"
    return f"{int(seconds)} s"


def is_stale(then: datetime | None, *, now: datetime) -> bool:
    """Say whether what was learned at `then` is too old to be called the present."""
    return then is None or now - then > STALE_AFTER


def thin(samples: int | None) -> str:
    """Return the mark of a value that rests on few samples, such as `n = 7`, or nothing."""
    return "" if samples is None or samples >= THIN_BELOW else f"n = {samples}"


def kept(*, is_sampled: bool) -> str:
    """Return whose counts those of a sample of the requests are, or nothing."""
    return "Counted are the requests that were kept, of a sample. " if is_sampled else ""


def estimate(interval: tuple[float, float] | None, unit: Unit) -> str:
    """Return the mark of a value that a sample of the traces tells, or nothing.

    Such as `estimate, 3.1 s to 3.4 s`: where the true value lies in 95 of 100 cases.
    """
    if interval is None:
        return ""
    low, high = (render(bound, unit) for bound in interval)
    return f"estimate, {low} to {high}" if low != high else "estimate"


def target(signal: Signal) -> str:
    """Return the target in words, such as `target ≤ 3.5 s`, or nothing."""
    if signal.target is None:
        return ""
    sign = "≥" if signal.bad is Bad.LOW else "≤"
    return f"target {sign} {render(signal.target, signal.unit)}"


def threshold(signal: Signal) -> str:
    """Return the alert worth having in words, such as `alert > 5 s for 5 min`, or nothing."""
    if signal.breach is None:
        return ""
    sign = ">" if signal.breach.comparison is Comparison.ABOVE else "<"
    hold = f" for {span(signal.breach.hold)}" if signal.breach.hold else ""
    return f"alert {sign} {render(signal.breach.bound, signal.unit)}{hold}"


def bounds(signal: Signal) -> str:
    """Return target and alert threshold in one line, whichever there are."""
    return " · ".join(part for part in (target(signal), threshold(signal)) if part)


def precise(unit: Unit) -> str:
    """Return the d3-format pattern for a tooltip, where the unit stands in the title."""
    return {Unit.RATIO: ".3~%", Unit.USD: "$,.5~f"}.get(unit, ",.3~f")
