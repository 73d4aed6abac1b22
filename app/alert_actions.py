"""What the buttons on an alert do: ask the engine, and keep one line to say how it went.

Each is harmless when pressed twice: the engine answers who was first, a note is written only
once for each time that its dialog was opened.
"""

from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from alerts import actions
from alerts.actions import UnknownAlertError
from alerts.decision import StaleError
from alerts.lifecycle import TransitionError
from app import cached_alerts, identity, numbers, parts, wired
from models.vocabulary import AlertState

NOTE_FOR: Final = "alerts_note_for"
NOTE_TEXT: Final = "alerts_note_text"
_REFUSED: Final = ":material/block:"
_TOLD: Final = ":material/info:"


def acknowledge(alert_id: int) -> None:
    """Take the alert for the viewer, or say who has it."""
    wiring, me = wired.current(), identity.viewer()
    now = wiring.clock()
    try:
        taken = actions.acknowledge(wiring.db, alert_id, by=me, now=now)
    except TransitionError:
        parts.flash(_over(alert_id), _TOLD)
    except (UnknownAlertError, StaleError, SQLAlchemyError) as error:
        parts.flash(_failed(error), _REFUSED)
    else:
        if taken.first:
            parts.flash("You have it. Nobody else is woken for it.", ":material/front_hand:")
        elif taken.by == me:
            parts.flash("You have it already.", _TOLD)
        else:
            age = numbers.age(taken.at, now=now)
            parts.flash(f"Already taken by {parts.plain(taken.by)}, {age}.", _TOLD)
    cached_alerts.clear()


def resolve(alert_id: int) -> None:
    """Close the alert, or say that it is closed."""
    wiring = wired.current()
    try:
        closed = actions.resolve(wiring.db, alert_id, by=identity.viewer(), now=wiring.clock())
    except TransitionError:
        parts.flash("It has not fired yet: nothing to resolve.", _TOLD)
    except (UnknownAlertError, StaleError, SQLAlchemyError) as error:
        parts.flash(_failed(error), _REFUSED)
    else:
        if closed:
            parts.flash("Resolved. If its condition still holds, a new alert follows.")
        else:
            parts.flash(_over(alert_id), _TOLD)
    cached_alerts.clear()


def begin_note(alert_id: int) -> None:
    """Open the dialog in which a note is written."""
    st.session_state[NOTE_FOR] = alert_id


def drop_note() -> None:
    """Close that dialog without a note."""
    st.session_state.pop(NOTE_FOR, None)


def write_note() -> None:
    """Write what the dialog holds on the alert that it was opened for."""
    alert_id = st.session_state.pop(NOTE_FOR, None)
    if alert_id is None:  # the second half of a double click
        return
    wiring, text = wired.current(), st.session_state.get(NOTE_TEXT) or ""
    try:
        actions.note(wiring.db, alert_id, author=identity.viewer(), text=text, now=wiring.clock())
    except TransitionError as error:
        st.session_state[NOTE_FOR] = alert_id  # keep what was written on screen
        parts.flash(f"Not written: {error}.", _REFUSED)
    except (UnknownAlertError, SQLAlchemyError) as error:
        parts.flash(_failed(error), _REFUSED)
    else:
        st.session_state.pop(NOTE_TEXT, None)
        parts.flash("Note written.", ":material/edit_note:")
    cached_alerts.clear()
    st.rerun()  # a dialog closes only when the page around it is run again


def _over(alert_id: int) -> str:
    """Say why an alert can no longer be taken."""
    cached_alerts.clear()
    known = cached_alerts.detail(alert_id).data
    if known is None:
        return "This alert is gone."
    alert = known.item.alert
    if alert.state is not AlertState.RESOLVED:
        return "It has not fired yet: nothing to take."
    age = numbers.age(alert.resolved_at, now=wired.current().clock())
    return f"Already resolved by {parts.plain(alert.resolved_by or 'someone')}, {age}."


def _failed(error: Exception) -> str:
    match error:
        case UnknownAlertError():
            return "This alert is gone."
        case StaleError():
            return "It kept changing underneath: look again, then try again."
        case _:
            return f"{cached_alerts.DATABASE_DOWN} Nothing was changed: try again."
