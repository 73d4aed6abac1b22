"""What the buttons on silences and inhibitions do; each keeps one line to say how it went."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from alerts import silences
from alerts.silences import SilenceError
from app import cached_alerts, cached_silences, identity, opened, parts, silence_form, wired
from app.drafts import Draft
from app.parts import plain
from app.rule_form import FormError

OPENED: Final = ("silence", "alert")  # what the address of the form says
INHIBITION: Final = ("inhibition",)
_REFUSED: Final = ":material/block:"


def save(draft: Draft) -> None:
    """Write the silence that was typed, and go back to the list."""
    fields, wiring = draft.fields, wired.current()
    if not fields:  # the second half of a double click
        return

    def write() -> str:
        now = wiring.clock()
        wanted = silence_form.read(fields, now=now, zone=parts.viewer_zone())
        number = silences.silence(wiring.db, wanted, by=identity.viewer(), now=now)
        return f"Silence {number} is kept. What it hides is muted within seconds."

    if _done(write):
        draft.drop()
        opened.close(*OPENED)


def cancel(draft: Draft) -> None:
    """Forget what was typed, and go back to the list."""
    draft.drop()
    opened.close(*OPENED, *INHIBITION)


def end(silence_id: int) -> None:
    """End a silence now."""
    wiring = wired.current()

    def write() -> str:
        ended = silences.end(wiring.db, silence_id, by=identity.viewer(), now=wiring.clock())
        return "Ended. What fires is told again." if ended else "It was over already."

    _done(write)


def extend(silence_id: int, until: datetime) -> None:
    """Have a silence last until an instant."""
    wiring = wired.current()

    def write() -> str:
        longer = silences.extend(wiring.db, silence_id, until=until, now=wiring.clock())
        return "It lasts longer now." if longer else "It lasts as long already."

    _done(write)


def save_inhibition(draft: Draft, inhibition_id: int | None) -> None:
    """Write the inhibition that was typed, and go back to the list."""
    fields, wiring = draft.fields, wired.current()
    if not fields:  # the second half of a double click
        return

    def write() -> str:
        wanted = silence_form.read_inhibition(fields)
        silences.put_inhibition(
            wiring.db,
            wanted,
            by=identity.viewer(),
            now=wiring.clock(),
            inhibition_id=inhibition_id,
        )
        return f"Saved {plain(wanted.name)}. It holds within seconds."

    if _done(write):
        draft.drop()
        opened.close(*INHIBITION)


def remove_inhibition(inhibition_id: int) -> None:
    """Remove an inhibition."""

    def write() -> str:
        silences.remove_inhibition(wired.current().db, inhibition_id)
        return "Removed. What it muted is told again."

    _done(write)


def _done(write: Callable[[], str]) -> bool:
    """Write, keep one line to say how it went, and return whether it was written."""
    try:
        said = write()
    except (FormError, SilenceError) as error:
        parts.flash(f"Nothing was changed: {plain(str(error))}.", _REFUSED)
        return False
    except SQLAlchemyError:
        parts.flash(f"{cached_alerts.DATABASE_DOWN} Nothing was changed: try again.", _REFUSED)
        return False
    finally:
        cached_silences.clear()
    parts.flash(said)
    return True
