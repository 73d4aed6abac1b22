"""The box that takes whatever names a request; what was pasted stands in the URL."""

from typing import Final

import streamlit as st

from app.sought import seek

TRACE: Final = "trace"  # on the Traces page
# On Investigate. By the same name, Back would lose it between the two: see `app.carrying`.
REQUEST: Final = "request"


def draw(key: str = TRACE) -> str:
    """Draw the box, whose name in the URL is `key`, and return what was pasted."""
    text: str = st.text_input(
        "One request",
        key=key,
        bind="query-params",
        placeholder="Paste a trace, request, session or user id, a link or a log line",
        icon=":material/search:",
        label_visibility="collapsed",
        on_change=_hide_user,
        args=(key,),
    )
    return text or ""


def _hide_user(key: str) -> None:
    """Put a mark in the place of a user who was pasted: the URL is for others to see."""
    sought = seek(st.session_state[key] or "")
    if not sought.trace_ids and [field for field, _ in sought.names] == ["user_id"]:
        ((_, mark),) = sought.names
        st.session_state[key] = mark
