"""How requests turned out, told after the fact by whoever saw what became of the answer.

A draft is accepted or edited minutes later, a ticket is resolved or reopened days later: no span
can know. Told outcomes come before the span's own attribute `outcome`; the latest one counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

# What can be told, those worth their money first; spans say `success`, `error` and the like.
WELL = ("accepted", "edited", "resolved")
OUTCOMES = (*WELL, "rejected", "abandoned", "escalated", "reopened")
SUCCESSES = ("success", *WELL)
# What is said of an answer without being how it turned out: these change no cost per success.
THUMBS = ("thumbs_up", "thumbs_down")
CONFIRMATION_REJECTED = "confirmation_rejected"
JUDGEMENTS = ("rightly_stopped", "wrongly_stopped")  # of a guardrail, by whoever looked at it
TOLD = (*OUTCOMES, *THUMBS, CONFIRMATION_REJECTED, *JUDGEMENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeEvent:
    """What became of one request.

    Attributes:
        trace_id: 32 lower hex digits.
        outcome: Of `TOLD`.
        at: When that was, aware UTC.
    """

    trace_id: str
    outcome: str
    at: datetime


class OutcomeSink(Protocol):
    """Somewhere that outcomes can be put."""

    def record(self, events: Sequence[OutcomeEvent]) -> None:
        """Store `events`, durably before it returns; a trace is told of each outcome once.

        Raises:
            BusyError: Too much is waiting; try again after a second or two.
        """
        ...
