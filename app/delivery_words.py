"""What the ledger and the outbox say, as tables and sentences."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import pandas as pd
from streamlit import column_config

from alerts.tallies import Delivered
from app import channel_words, local_time
from models.tables import Delivery, Notification
from models.vocabulary import Event, Outcome, Unit
from signals.units import render

# Cells of a table take no icons from the font: these stand in every one.
SIGNS: Final = {
    Outcome.DELIVERED: "✓",
    Outcome.EXPANDED: "→",
    Outcome.RETRYING: "↻",
    Outcome.REFUSED: "✕",
    Outcome.GAVE_UP: "✕",
    Outcome.SETTLED: "·",
}
EVENT_WORDS: Final = {
    Event.TRIGGER: "fired",
    Event.ACKNOWLEDGE: "acknowledged",
    Event.RESOLVE: "resolved",
}


def table(attempts: Sequence[tuple[Delivery, str]]) -> pd.DataFrame:
    """Return the ledger, one row an attempt; `Alerts` is the address of their page."""
    rows = [
        {
            "Time": delivery.at,
            "Outcome": f"{SIGNS[delivery.outcome]} {delivery.outcome}",
            "Channel": channel_words.words(delivery.channel),
            "Told": EVENT_WORDS[delivery.event],
            "About": title,
            "Alerts": f"/alerts?group={delivery.group_id}",
            "Attempt": delivery.attempt,
            "Took (ms)": delivery.duration_ms,
            "Answer": delivery.answer,
        }
        for delivery, title in attempts
    ]
    return pd.DataFrame(rows)


def columns(zone: str) -> dict[str, Any]:
    """Return how the columns of `table` are drawn, with times by the clock of `zone`."""
    return {
        "Time": column_config.DatetimeColumn(format="D MMM HH:mm:ss", timezone=zone, pinned=True),
        "Told": column_config.TextColumn(width=100),
        "Alerts": column_config.LinkColumn(display_text="Open", width="small"),
        "Took (ms)": column_config.NumberColumn(format="%.0f"),
        "Answer": column_config.TextColumn(width="large"),
    }


def waits(note: Notification, *, now: datetime) -> str:
    """Return what a message in the outbox waits for."""
    if note.next_attempt_at is None:
        return "was not delivered; a human must mend the channel"
    when = local_time.until(note.next_attempt_at, now=now)
    if note.leased_until is not None and note.leased_until > now:
        return "is being sent"
    return f"{'next try' if note.attempts else 'due'} {when}"


def share(day: Delivered) -> str | None:
    """Return the share of messages that got through; None when there was none to send."""
    return render(day.reached / day.wanted, Unit.RATIO) if day.wanted else None
