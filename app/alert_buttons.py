"""The buttons on an alert or on a group of them, and the dialogs that some of them open."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import streamlit as st

from alerts.inbox import Item
from app import alert_actions, cached_people, local_time, parts, shortcuts, wired
from app.alert_actions import Ref
from models.tables import Group
from models.vocabulary import AlertState

Width = Literal["stretch", "content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the buttons are about.

    Attributes:
        ref: An alert's id, or a group's dedup key.
        key: The end of the widgets' keys.
    """

    ref: Ref
    key: str
    state: AlertState


def of_alert(item: Item) -> Target:
    """Return an alert as what buttons are about."""
    alert_id = item.alert.id or 0
    return Target(ref=alert_id, key=str(alert_id), state=item.alert.state)


def of_group(group: Group) -> Target:
    """Return a whole group as what buttons are about."""
    return Target(ref=group.dedup_key, key=f"group_{group.id}", state=group.state)


def draw(target: Target, *, prominent: bool = False) -> None:
    """Draw what can be done; each button carries what it is about, never its place.

    Args:
        target: The alert or the group.
        prominent: On its own page: wide buttons for a thumb.
    """
    width: Width = "stretch" if prominent else "content"
    is_open = target.state in (AlertState.FIRING, AlertState.ACKNOWLEDGED)
    if target.state is AlertState.FIRING:
        st.button(
            "Acknowledge",
            icon=":material/front_hand:",
            type="primary",
            key=f"alerts_acknowledge_{target.key}",
            on_click=alert_actions.acknowledge,
            args=(target.ref,),
            width=width,
            shortcut=shortcuts.ACKNOWLEDGE if prominent else None,
            help=f"Key {shortcuts.ACKNOWLEDGE}" if prominent else None,
        )
    if is_open:
        _snooze_menu(target, width)
        st.button(
            "Resolve",
            icon=":material/check_circle:",
            key=f"alerts_resolve_{target.key}",
            on_click=alert_actions.resolve,
            args=(target.ref,),
            width=width,
        )
    st.button(
        "Note",
        icon=":material/edit_note:",
        key=f"alerts_note_{target.key}",
        on_click=alert_actions.begin,
        args=(alert_actions.NOTE, target.ref),
        width=width,
    )
    if is_open:
        _more_menu(target, width)


def dialogs() -> None:
    """Draw the dialog that was asked for, if any; what was typed outlives every refresh."""
    which, _ = st.session_state.get(alert_actions.DIALOG, ("", None))
    match which:
        case alert_actions.NOTE:
            _note()
        case alert_actions.REASSIGN:
            _reassign()
        case alert_actions.SNOOZE:
            _snooze()
        case _:
            pass


def _snooze_menu(target: Target, width: Width) -> None:
    key = f"alerts_snooze_{target.key}"
    st.menu_button(
        "Snooze",
        [*alert_actions.SNOOZES, alert_actions.MORNING, alert_actions.OTHER],
        icon=":material/snooze:",
        key=key,
        on_click=alert_actions.choose_snooze,
        args=(target.ref, key),
        width=width,
    )


def _more_menu(target: Target, width: Width) -> None:
    key = f"alerts_more_{target.key}"
    st.menu_button(
        "More",
        [alert_actions.HAND_ON, alert_actions.ESCALATE],
        icon=":material/more_horiz:",
        key=key,
        on_click=alert_actions.choose_more,
        args=(target.ref, key),
        width=width,
    )


@st.dialog("Note", icon=":material/edit_note:", on_dismiss=alert_actions.drop)
def _note() -> None:
    st.text_area(
        "What should the next person know?",
        key=alert_actions.NOTE_TEXT,
        max_chars=4000,
        height=140,
        placeholder="What you saw, what you tried, what you changed",
    )
    st.button(
        "Write note",
        type="primary",
        key="alerts_note_write",
        on_click=alert_actions.write_note,
    )


@st.dialog("Reassign", icon=":material/person_add:", on_dismiss=alert_actions.drop)
def _reassign() -> None:
    answer = cached_people.known()
    st.selectbox(
        "To whom?",
        answer.data or (),
        index=None,
        key=alert_actions.PERSON,
        accept_new_options=True,
        placeholder="ada@example.org",
        help="An e-mail address. Whoever it is is called at once; the policy goes on meanwhile.",
    )
    st.button(
        "Reassign",
        type="primary",
        key="alerts_reassign",
        on_click=alert_actions.reassign,
    )


@st.dialog("Snooze until", icon=":material/snooze:", on_dismiss=alert_actions.drop)
def _snooze() -> None:
    zone = parts.viewer_zone()
    here = wired.current().clock().astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)
    st.session_state.setdefault(alert_actions.UNTIL, here + timedelta(hours=2))
    st.datetime_input(
        f"You have it until, {local_time.zone_name(zone)}",
        value=None,
        key=alert_actions.UNTIL,
        help="At most 7 days from now.",
    )
    st.button(
        "Snooze",
        type="primary",
        key="alerts_snooze",
        on_click=alert_actions.snooze_until,
    )
