"""How a test of a channel went, in words. Pure."""

from datetime import datetime

from app import channel_words, local_time
from app.parts import OUTCOMES, Look
from models.tables import TrialMessage
from models.vocabulary import Event

WAITING: Look = ("gray", "hourglass_top")
_EVENTS = {Event.TRIGGER: "told", Event.RESOLVE: "told that the test is over"}


def whom(message: TrialMessage) -> str:
    """Return whom a message tells of what: `Slack #llm-alerts, told that the test is over`."""
    end = f", {_EVENTS[message.event]}" if message.event is not Event.TRIGGER else ""
    return f"{channel_words.words(message.channel)}{end}"


def standing(message: TrialMessage, *, now: datetime) -> tuple[str, Look]:
    """Return where a message stands, and how that looks."""
    if message.outcome is None:
        return "waits for the engine", WAITING
    look = OUTCOMES[message.outcome]
    if message.due_at is None:
        return message.outcome.value, look
    return f"{message.outcome}, next try {local_time.until(message.due_at, now=now)}", look


def answer(message: TrialMessage) -> str:
    """Return what the vendor said, and how long it took."""
    took = f"{message.duration_ms:.0f} ms" if message.duration_ms is not None else ""
    tries = f"attempt {message.attempts}" if message.attempts > 1 else ""
    return " · ".join(one for one in (message.answer, took, tries) if one)
