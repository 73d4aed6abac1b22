"""Quality and safety as tables and sentences: what rests on too little says so. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from app import numbers
from models.vocabulary import Unit
from signals.traces.quality import Approver, Feedback, Guard, Scores, Searches
from signals.traces.spend_words import name
from signals.traces.tools import ToolUse
from signals.units import render

THIN: Final = numbers.THIN_BELOW
SAMPLE: Final = "Sample"
# Columns of text that hold numbers, which stand on the right as all numbers do.
NUMERIC: Final = frozenset(
    (
        SAMPLE,
        *("Share up", "Share", "Wrongly", "Failed", "Rejects", "Median wait", "Found nothing"),
        *("Cited something", "Unsure or fell back"),
    )
)


def enough(count: int) -> str:
    """Return what a value rests on: `120`, or `n = 7, too few to say`."""
    return f"{count:,}" if count >= THIN else f"n = {count}, too few to say"


def scores(rows: Sequence[Scores], what: str) -> pd.DataFrame:
    """Return the scores; none of one that rests on too few judgements, nor of a change."""
    return pd.DataFrame(
        {
            what: [name(row.value) for row in rows],
            "Evaluation": [row.name or "unnamed" for row in rows],
            "Mean": _floats([row.mean if row.judged >= THIN else None for row in rows]),
            "Worst tenth": _floats([row.low if row.judged >= THIN else None for row in rows]),
            "Change": _floats([_change(row) for row in rows]),
            SAMPLE: [enough(row.judged) for row in rows],
        }
    )


def _change(row: Scores) -> float | None:
    thin = min(row.judged, row.before_judged) < THIN
    return (
        None
        if thin or row.mean is None or row.before_mean is None
        else (row.mean - row.before_mean)
    )


def feedback(rows: Sequence[Feedback], what: str) -> pd.DataFrame:
    """Return what people said, in counts; a share only of enough of them."""
    return pd.DataFrame(
        {
            what: [name(row.value) for row in rows],
            "Requests": _counts([row.requests for row in rows]),
            "Said anything": _counts([row.told for row in rows]),
            "Thumbs up": _counts([row.up for row in rows]),
            "Thumbs down": _counts([row.down for row in rows]),
            "Share up": [share(row.up, row.up + row.down) for row in rows],
            "Accepted": _counts([row.accepted for row in rows]),
            "Edited": _counts([row.edited for row in rows]),
            "Rejected": _counts([row.rejected for row in rows]),
            "Abandoned": _counts([row.abandoned for row in rows]),
            "Said no to a tool": _counts([row.refused for row in rows]),
        }
    )


def guards(rows: Sequence[Guard]) -> pd.DataFrame:
    """Return what guardrails did, by reason."""
    return pd.DataFrame(
        {
            "Guardrail": [row.guardrail for row in rows],
            "Reason": [reason(row) for row in rows],
            "Checks": _counts([row.checks for row in rows]),
            "Triggered": _counts([row.triggered for row in rows]),
            "Share": [share(row.triggered, row.checks) for row in rows],
            "Judged": _counts([row.right + row.wrong for row in rows]),
            "Wrongly": [judged(row) for row in rows],
        }
    )


def reason(row: Guard) -> str:
    """Return why a guardrail triggered."""
    if not row.triggered:
        return numbers.NO_VALUE
    return row.reason or "not said"


def judged(row: Guard) -> str:
    """Return how many of those that were looked at should not have been stopped."""
    looked = row.right + row.wrong
    return f"{row.wrong} of {looked}" if looked else numbers.NO_VALUE


def tools(rows: Sequence[ToolUse]) -> pd.DataFrame:
    """Return tools by what they were permitted, and what came of asking."""
    return pd.DataFrame(
        {
            "Tool": [row.tool for row in rows],
            "Calls": _counts([row.calls for row in rows]),
            "Allowed": _counts([row.allowed for row in rows]),
            "Denied": _counts([row.denied for row in rows]),
            "To be confirmed": _counts([row.confirmed for row in rows]),
            "Not said": _counts([row.unsaid for row in rows]),
            "Granted": _counts([row.granted for row in rows]),
            "Rejected": _counts([row.rejected for row in rows]),
            "Pending": _counts([row.pending for row in rows]),
            "Failed": [share(row.errors, row.calls) for row in rows],
        }
    )


def approvers(rows: Sequence[Approver]) -> pd.DataFrame:
    """Return what each person decided."""
    return pd.DataFrame(
        {
            "Approver": [row.name or "nobody named" for row in rows],
            "Granted": _counts([row.granted for row in rows]),
            "Rejected": _counts([row.rejected for row in rows]),
            "Pending": _counts([row.pending for row in rows]),
            "Rejects": [share(row.rejected, row.granted + row.rejected) for row in rows],
            "Median wait": [numbers.number(row.wait_seconds, Unit.SECONDS) for row in rows],
        }
    )


def searches(rows: Sequence[Searches], what: str) -> pd.DataFrame:
    """Return what retrieval did; a dash where no application says."""
    return pd.DataFrame(
        {
            what: [name(row.value) for row in rows],
            "Requests": _counts([row.searched for row in rows]),
            "Chunks": _floats([row.chunks for row in rows]),
            "Found nothing": [share(row.empty, row.told) for row in rows],
            "Cited something": [share(row.cited, row.citing) for row in rows],
            "Unsure or fell back": [share(row.fallbacks, row.answering) for row in rows],
        }
    )


def share(part: int, whole: int) -> str:
    """Return a share; the counts where they are too few for one, and a dash without any."""
    if not whole:
        return numbers.NO_VALUE
    return render(part / whole, Unit.RATIO) if whole >= THIN else f"{part} of {whole}"


def _counts(values: Sequence[int]) -> "pd.Series[Any]":
    return pd.Series(list(values), dtype="Int64")


def _floats(values: Sequence[float | None]) -> "pd.Series[Any]":
    return pd.Series(list(values), dtype="float64")
