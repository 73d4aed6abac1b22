"""The box that takes whatever names a request; what was pasted stands in the URL as `trace`."""

import streamlit as st

from app.sought import seek


def draw() -> str:
    """Draw the box and return what was pasted."""
    text: str = st.text_input(
        "One request",
        key="trace",
        bind="query-params",
        placeholder="Paste a trace, request, session or user id, a link or a log line",
        icon=":material/search:",
        label_visibility="collapsed",
        on_change=_hide_user,
    )
    return text or ""


def _hide_user() -> None:
    """Put a mark in the place of a user who was pasted: the URL is for others to see."""
    sought = seek(st.session_state["trace"] or "")
    if not sought.trace_ids and [field for field, _ in sought.names] == ["user_id"]:
        ((_, mark),) = sought.names
        st.session_state["trace"] = mark
