"""What metrics and traces do not know of each other, in words. Pure."""

from collections.abc import Sequence

import pandas as pd

from signals.counts import Part, Side, percent
from signals.reconciling import Reconciled, Verdict
from signals.units import span

Labels = Sequence[tuple[str, str]]


def badge(found: Reconciled) -> str:
    """Return the verdict in a few words, with its figures."""
    missed = {side: share for side, share in found.shares.items() if share}
    match found.verdict:
        case Verdict.SILENT:
            return " and ".join(f"{side} are silent" for side in missed)
        case Verdict.TRACES_MISS | Verdict.METRICS_MISS | Verdict.BOTH_MISS:
            return ", ".join(f"{side} miss {percent(share)}" for side, share in missed.items())
        case _:
            return found.verdict.value


def sentence(found: Reconciled) -> str:
    """Return what the verdict means."""
    match found.verdict:
        case Verdict.NOT_COMPARABLE | Verdict.THIN | Verdict.YOUNG:
            return found.why
        case Verdict.AGREE:
            return f"In all they differ by less than {percent(found.within)}."
        case _:
            said = ", and ".join(filter(None, (_lack(found, side) for side in Side)))
            return f"{said[0].upper()}{said[1:]}."


def lack(found: Reconciled, side: Side, labels: Labels = ()) -> str:
    """Return what a number that `side` tells does not rest on; nothing where nothing is missing.

    Args:
        found: What is known.
        side: Who tells the number.
        labels: The part of the traffic that it is about.
    """
    said = _lack(found, side, labels)
    if not said or found.period is None:
        return said
    return f"{said}, over {span(found.period.length)}"


def _lack(found: Reconciled, side: Side, labels: Labels = ()) -> str:
    missed = found.misses(side, labels)
    if not missed:
        return ""
    about = "about " if found.is_estimate and missed < 1 else ""
    held = "none" if missed >= 1 else f"{about}{percent(1 - missed)}"
    if side is Side.TRACES:
        return f"traces hold {held} of the {found.what} that metrics count"
    return f"metrics count {held} of the {found.what} that traces hold"


def counted(found: Reconciled, side: Side) -> str:
    """Return how many `side` counted, as `12,034`, or a dash; sampled traces with their margin."""
    if found.whole is None:
        return "—"
    count = found.whole.count(side)
    return f"{'≈ ' if count.margin else ''}{round(count.n):,}"


def margin(found: Reconciled) -> str:
    """Return how far the count of sampled traces may be off, or nothing."""
    if not found.is_estimate or found.whole is None:
        return ""
    count = found.whole.traces
    low, high = (round(count.n + sign * count.margin) for sign in (-1, 1))
    return f"estimate of a sample, {max(low, 0):,} to {high:,}"


def table(found: Reconciled) -> pd.DataFrame:
    """Return the parts of which the most is missing, one per row."""
    return pd.DataFrame(
        [
            {
                "Part": f"{part.label} {part.value}",
                "Metrics": f"{round(part.metrics.n):,}",
                "Traces": f"{round(part.traces.n):,}",
                "Missing": _missing(part),
            }
            for part in found.worst
        ]
    )


def footnote(found: Reconciled) -> list[str]:
    """Return what the comparison rests on, a sentence each."""
    said = list(found.notes)
    if found.verdict is Verdict.BOTH_MISS:
        said.append("The totals differ by less: what one misses hides what the other does.")
    if found.what == "calls" and found.whole is not None:
        said.append(
            "These metrics count calls of models, not requests, and so do we in the traces: a call "
            "that two libraries trace counts twice there."
        )
    if found.whole is not None and found.period is not None:
        said.append(
            f"Differences below {percent(found.within)}, or of what chance would explain, count as "
            "none: shares are lower bounds."
        )
    return said


def _missing(part: Part) -> str:
    return f"{part.lacking} miss {percent(part.misses(part.lacking))}" if part.lacking else ""
