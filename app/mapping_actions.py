"""What the buttons on mappings do; each keeps one line to say how it went."""

from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from alerts import mappings
from app import cached, cached_sources, identity, mapping_form, opened, parts, wired
from app.drafts import Draft
from app.parts import plain
from app.rule_form import FormError
from signals.catalog import CATALOG

OPENED: Final = ("signal",)  # what the address of the form says
_REFUSED: Final = ":material/block:"


def save(draft: Draft, signal: str) -> None:
    """Write the mapping that was typed, and go back to the list."""
    fields, wiring = draft.fields, wired.current()
    if not fields:  # the second half of a double click
        return
    try:
        mapping = mapping_form.read(signal, fields)
        mappings.save_mapping(wiring.db, mapping, by=identity.viewer(), now=wiring.clock())
    except FormError as error:
        parts.flash(f"Not saved: {plain(str(error))}", _REFUSED)
    except SQLAlchemyError:
        parts.flash(f"{cached.DATABASE_DOWN} Nothing was saved: try again.", _REFUSED)
    else:
        draft.drop()
        _changed()
        parts.flash(f"Saved. {CATALOG[signal].title} is asked with your own expression now.")
        leave()


def remove(draft: Draft, signal: str) -> None:
    """Remove the mapping, so that a stack answers again, and go back to the list."""
    try:
        removed = mappings.remove_mapping(wired.current().db, signal)
    except SQLAlchemyError:
        parts.flash(f"{cached.DATABASE_DOWN} Nothing was removed: try again.", _REFUSED)
        return
    draft.drop()
    _changed()
    parts.flash("Removed." if removed else "It was removed already.")
    leave()


def leave() -> None:
    """Go back to the list."""
    opened.close(*OPENED)


def cancel(draft: Draft) -> None:
    """Forget what was typed, and go back to the list."""
    draft.drop()
    leave()


def _changed() -> None:
    own = wired.current().own
    if own is not None:
        own.forget()
    # Every number of this signal, on every page, is now asked otherwise.
    cached.clear()
    cached_sources.clear()
