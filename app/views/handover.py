"""The hand-over: what is open, who has it, and what happened in the last hours, to paste."""

from datetime import timedelta
from typing import Final

import streamlit as st

from alerts import handover
from app import cached_alerts, parts, wired
from app.parts import small

SHIFTS: Final = {
    "8 h": timedelta(hours=8),
    "12 h": timedelta(hours=12),
    "24 h": timedelta(hours=24),
    "7 d": timedelta(days=7),
}
REFRESH: Final = timedelta(seconds=30)


def render() -> None:
    """Draw the part of the alerts page that hands over."""
    st.markdown(small("What the next person on duty needs to know, ready to paste."))
    shift = st.segmented_control(
        "My shift lasted",
        list(SHIFTS),
        default="12 h",
        required=True,
        key="handover_shift",
        bind="query-params",
    )
    _live(SHIFTS[shift or "12 h"])


@st.fragment(run_every=REFRESH, key="handover")
def _live(lasted: timedelta) -> None:
    now = wired.current().clock()
    answer = cached_alerts.shift(lasted)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    written_at = answer.at or now
    text = handover.markdown(
        answer.data, since=written_at - lasted, now=written_at, zone=parts.viewer_zone()
    )
    st.code(text, language="markdown", wrap_lines=True)
    st.download_button(
        "Save as file",
        text,
        file_name=f"handover-{written_at:%Y-%m-%d-%H%M}.md",
        mime="text/markdown",
        icon=":material/download:",
        key="handover_save",
        on_click="ignore",
    )
