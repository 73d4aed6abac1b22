"""The line below a PromQL expression: whether it parses, what it yields now, and what it costs."""

from datetime import timedelta
from typing import Final

import streamlit as st

from app import verdict_words, verdicts
from app.parts import plain, small

POLL: Final = timedelta(seconds=1)


def draw(typed: str | None) -> None:
    """Draw what the server makes of what was typed, or that it is still thinking."""
    expression = (typed or "").strip()
    if not expression:
        return
    verdict = verdicts.of(expression)
    if verdict is None:
        _thinking(expression)
    else:
        icon = ":material/error:" if verdict.complaint else ":material/query_stats:"
        st.markdown(small(f"{icon} {plain(verdict_words.sentence(verdict))}"))


@st.fragment(run_every=POLL)
def _thinking(expression: str) -> None:
    st.markdown(small("The server has not yet said what it yields and costs."))
    if verdicts.of(expression):
        st.rerun()
