"""The lines of a timeline. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EntryKind(StrEnum):
    """What kind of thing happened."""

    STATE = "state"
    STEP = "step"
    DELIVERY = "delivery"
    REMARK = "remark"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a timeline.

    Attributes:
        text: Names channels as `alerts.channels` does.
        value: The signal's when a state was entered.
        channels: Those that `text` names.
        alert_id: Which alert it happened to; None for all of the group.
    """

    at: datetime
    kind: EntryKind
    text: str
    actor: str = ""
    value: float | None = None
    ok: bool = True
    channels: tuple[str, ...] = ()
    alert_id: int | None = None
