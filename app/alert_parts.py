"""What the inbox and the page of one alert share: its headline, its buttons, its note dialog."""

from datetime import datetime, tzinfo
from typing import Final, Literal

import streamlit as st

from alerts.inbox import Item
from alerts.rulecode.taken import RUNBOOK_ANNOTATIONS
from alerts.wording import DETAILS_LIMIT, OWN_WORDS
from app import alert_actions, alert_words, parts
from app.parts import plain, small
from models.vocabulary import AlertState


def headline(item: Item) -> str:
    """Return Markdown for how bad and in what state."""
    return f"{parts.severity_mark(item.alert.severity)} {parts.state_mark(item.alert.state)}"


def facts(item: Item, *, now: datetime, zone: tzinfo) -> str:
    """Return Markdown for since when, who has it and what comes next, in one line."""
    said = (
        alert_words.since(item.alert, now=now, zone=zone),
        alert_words.who(item.alert, now=now),
        alert_words.coming(item, now=now),
    )
    return " · ".join(plain(one) for one in said if one)


_ELSEWHERE: Final = (*OWN_WORDS, *RUNBOOK_ANNOTATIONS)  # annotations with a place of their own


def labels(item: Item) -> str:
    """Return Markdown for the labels, one mark each; empty when it has none."""
    marks = (f"{name}={value}" for name, value in sorted(item.alert.labels.items()))
    return " ".join(f":gray-badge[{plain(one)}]" for one in marks)


def annotations(item: Item) -> str:
    """Return Markdown for what the rule says of the alert beside its summary; mostly empty."""
    said = {name: text for name, text in item.alert.annotations.items() if name not in _ELSEWHERE}
    lines = [plain(text[:DETAILS_LIMIT]) for name, text in said.items() if name == "description"]
    lines += [small(plain(f"{name}: {text[:500]}")) for name, text in said.items()
              if name != "description"]  # fmt: skip
    return "\n\n".join(lines[:10])


def buttons(item: Item, *, prominent: bool = False) -> None:
    """Draw what can be done about the alert; each button carries its id, never its place.

    Args:
        item: The alert.
        prominent: On its own page: wide buttons for a thumb.
    """
    alert_id, state = item.alert.id or 0, item.alert.state
    width: Literal["stretch", "content"] = "stretch" if prominent else "content"
    if state is AlertState.FIRING:
        st.button(
            "Acknowledge",
            icon=":material/front_hand:",
            type="primary",
            key=f"alerts_acknowledge_{alert_id}",
            on_click=alert_actions.acknowledge,
            args=(alert_id,),
            width=width,
        )
    if state in (AlertState.FIRING, AlertState.ACKNOWLEDGED):
        st.button(
            "Resolve",
            icon=":material/check_circle:",
            key=f"alerts_resolve_{alert_id}",
            on_click=alert_actions.resolve,
            args=(alert_id,),
            width=width,
        )
    st.button(
        "Note",
        icon=":material/edit_note:",
        key=f"alerts_note_{alert_id}",
        on_click=alert_actions.begin_note,
        args=(alert_id,),
        width=width,
    )


def note_dialog() -> None:
    """Draw the dialog for a note, if one was asked for; typed text outlives every refresh."""
    if alert_actions.NOTE_FOR in st.session_state:
        _note()


@st.dialog("Note", icon=":material/edit_note:", on_dismiss=alert_actions.drop_note)
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
