"""Widgets that several parts of the rule form draw. Each keeps its field of the draft."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from app.drafts import Draft

SESSION: Final = "session"  # what was typed outlives a look at another page


def duration(draft: Draft, field: str, label: str, options: Sequence[str], help_: str) -> None:
    """Draw a choice of durations that takes others too."""
    st.selectbox(
        label,
        with_chosen(options, draft.get(field)),
        key=draft.key(field),
        accept_new_options=True,
        help=f"{help_} Write 90s, 5m, 1h30m or 1d.",
        persist_state=SESSION,
    )


def text(draft: Draft, field: str, label: str, placeholder: str) -> None:
    """Draw a line of text."""
    st.text_input(label, key=draft.key(field), placeholder=placeholder, persist_state=SESSION)


def with_chosen(options: Sequence[str], chosen: Any) -> list[str]:
    """Return the options, and what is chosen when it is none of them."""
    return list(dict.fromkeys([*options, *([chosen] if chosen else [])]))
