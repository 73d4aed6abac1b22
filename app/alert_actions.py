"""What the buttons on an alert, or on a group of them, do; each keeps one line to say how it went.

An alert is named by its id and a group by its dedup key, as `alerts.actions` wants it. Each press
carries a key, so that one which fires twice is followed once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from alerts import actions
from alerts.actions import UnknownAlertError
from alerts.channels import ChannelError
from alerts.decision import StaleError
from alerts.lifecycle import TransitionError
from app import cached_alerts, cached_people, identity, local_time, numbers, parts, press, wired
from app.parts import plain
from models.vocabulary import AlertState

Ref = int | str

DIALOG: Final = "alerts_dialog"  # (which, for what) that is open
NOTE: Final = "note"
REASSIGN: Final = "reassign"
SNOOZE: Final = "snooze"
NOTE_TEXT: Final = "alerts_note_text"
PERSON: Final = "alerts_reassign_to"
UNTIL: Final = "alerts_snooze_until"
SNOOZES: Final = {
    "30 min": timedelta(minutes=30),
    "1 h": timedelta(hours=1),
    "4 h": timedelta(hours=4),
}
MORNING: Final = "Until the morning, 09:00"
OTHER: Final = "Until another time …"
ESCALATE: Final = "Escalate now"
HAND_ON: Final = "Reassign …"
_REFUSED: Final = ":material/block:"
_TOLD: Final = ":material/info:"


def acknowledge(ref: Ref) -> None:
    """Take the alert or the group for the viewer, or say who has it."""
    wiring, me = wired.current(), identity.viewer()
    now = wiring.clock()
    once = press.key("acknowledge", ref, now=now)
    try:
        taken = actions.acknowledge(wiring.db, ref, by=me, now=now, key=once)
    except TransitionError:
        parts.flash(_over(ref), _TOLD)
    except (UnknownAlertError, StaleError, SQLAlchemyError) as error:
        parts.flash(_failed(error), _REFUSED)
    else:
        if taken.first:
            parts.flash("You have it. Nobody else is woken for it.", ":material/front_hand:")
        elif taken.by == me:
            parts.flash("You have it already.", _TOLD)
        else:
            age = numbers.age(taken.at, now=now)
            parts.flash(f"Already taken by {plain(taken.by)}, {age}.", _TOLD)
    cached_alerts.clear()


def resolve(ref: Ref) -> None:
    """Close the alert or all of the group, or say that it is closed."""
    wiring = wired.current()
    now = wiring.clock()
    once = press.key("resolve", ref, now=now)
    try:
        closed = actions.resolve(wiring.db, ref, by=identity.viewer(), now=now, key=once)
    except TransitionError:
        parts.flash("It has not fired yet: nothing to resolve.", _TOLD)
    except (UnknownAlertError, StaleError, SQLAlchemyError) as error:
        parts.flash(_failed(error), _REFUSED)
    else:
        if closed:
            parts.flash("Resolved. If its condition still holds, a new alert follows.")
        else:
            parts.flash(_over(ref), _TOLD)
    cached_alerts.clear()


def choose_snooze(ref: Ref, widget: str) -> None:
    """Take the alert until the time that was chosen from the menu `widget`."""
    chosen, now = st.session_state.get(widget), wired.current().clock()
    if chosen == OTHER:
        begin(SNOOZE, ref)
    elif chosen == MORNING:
        _snooze(ref, local_time.mornings(now=now, zone=parts.viewer_zone())[0], chosen)
    elif chosen in SNOOZES:
        _snooze(ref, now + SNOOZES[chosen], chosen)


def snooze_until() -> None:
    """Take the alert that the dialog is about until the time that was typed."""
    ref, typed = _dialog(SNOOZE), st.session_state.get(UNTIL)
    if ref is None or typed is None:
        return
    until, _ = local_time.instant(typed, parts.viewer_zone())
    if _snooze(ref, until, until):
        drop()
    st.rerun()


def choose_more(ref: Ref, widget: str) -> None:
    """Do what was chosen from the menu `widget`."""
    chosen = st.session_state.get(widget)
    if chosen == HAND_ON:
        begin(REASSIGN, ref)
    elif chosen == ESCALATE:
        _escalate(ref)


def reassign() -> None:
    """Hand the alert that the dialog is about to the person that was chosen."""
    ref, to = _dialog(REASSIGN), (st.session_state.get(PERSON) or "").strip()
    if ref is None:
        return
    if "@" not in to:
        parts.flash("Not reassigned: choose somebody, or write an e-mail address.", _REFUSED)
        st.rerun()
    wiring, me = wired.current(), identity.viewer()
    now = wiring.clock()
    once = press.key("reassign", ref, to, now=now)
    done = _do(
        lambda: actions.reassign(wiring.db, ref, to=to, by=me, now=now, key=once),
        f"{plain(to)} is called.",
        "Not reassigned",
    )
    if done:
        drop()
        cached_people.known.clear()
    st.rerun()


def begin(which: str, ref: Ref) -> None:
    """Open a dialog about an alert or a group."""
    st.session_state[DIALOG] = (which, ref)


def drop() -> None:
    """Close the dialog that is open."""
    for key in (DIALOG, NOTE_TEXT, PERSON, UNTIL):
        st.session_state.pop(key, None)


def write_note() -> None:
    """Write what the dialog holds on what it was opened for."""
    ref, text = _dialog(NOTE), st.session_state.get(NOTE_TEXT) or ""
    if ref is None:  # the second half of a double click
        return
    wiring, me = wired.current(), identity.viewer()
    now = wiring.clock()
    once = press.key("note", ref, text, now=now)
    done = _do(
        lambda: actions.note(wiring.db, ref, author=me, text=text, now=now, key=once),
        "Note written.",
        "Not written",
    )
    if done:
        drop()
    st.rerun()  # a dialog closes only when the page around it is run again


def _escalate(ref: Ref) -> None:
    wiring, me = wired.current(), identity.viewer()
    now = wiring.clock()
    once = press.key("escalate", ref, now=now)
    _do(
        lambda: actions.escalate_now(wiring.db, ref, by=me, now=now, key=once),
        "The next step of the policy is taken now.",
        "Not escalated",
    )


def _snooze(ref: Ref, until: datetime, asked: object) -> bool:
    wiring, me = wired.current(), identity.viewer()
    now = wiring.clock()
    once = press.key("snooze", ref, asked, now=now)
    at = local_time.short(until, now=now, zone=parts.viewer_zone())
    return _do(
        lambda: actions.snooze(wiring.db, ref, until=until, by=me, now=now, key=once),
        f"You have it until {at}; then the policy goes on where it stood.",
        "Not snoozed",
    )


def _dialog(which: str) -> Ref | None:
    """Return what the open dialog is about, if it is that one."""
    kind, ref = st.session_state.get(DIALOG, ("", None))
    return ref if kind == which else None


def _do(act: Callable[[], None], said: str, refused: str) -> bool:
    """Act, keep one line to say how it went, and return whether it was done."""
    try:
        act()
    except (TransitionError, ChannelError) as error:
        parts.flash(f"{refused}: {plain(str(error))}.", _REFUSED)
        return False
    except (UnknownAlertError, StaleError, SQLAlchemyError) as error:
        parts.flash(_failed(error), _REFUSED)
        return False
    finally:
        cached_alerts.clear()
    parts.flash(said)
    return True


def _over(ref: Ref) -> str:
    """Say why an alert can no longer be taken."""
    if isinstance(ref, str):
        return "It is over already."
    cached_alerts.clear()
    known = cached_alerts.detail(ref).data
    if known is None:
        return "This alert is gone."
    alert = known.item.alert
    if alert.state is not AlertState.RESOLVED:
        return "It has not fired yet: nothing to take."
    age = numbers.age(alert.resolved_at, now=wired.current().clock())
    return f"Already resolved by {plain(alert.resolved_by or 'someone')}, {age}."


def _failed(error: Exception) -> str:
    match error:
        case UnknownAlertError():
            return "This alert is gone."
        case StaleError():
            return "It kept changing underneath: look again, then try again."
        case _:
            return f"{cached_alerts.DATABASE_DOWN} Nothing was changed: try again."
