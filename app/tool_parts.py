"""The table of tools, of one trace or of a period."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app import tool_words
from signals.traces.tools import ToolUse


def table(uses: Sequence[ToolUse], *, key: str, most: int) -> None:
    """Draw a row per tool; beyond `most` rows it scrolls. `key` is unique on the page."""
    column = st.column_config
    seconds = partial(column.NumberColumn, format="%.3f s")
    st.dataframe(
        tool_words.table(uses),
        hide_index=True,
        height="content" if len(uses) <= most else 35 * (most + 1),
        key=key,
        alt="Tools, one per row: calls, errors, latency, permission outcomes",
        column_config={
            "Tool": column.TextColumn(pinned=True),
            "Calls": column.NumberColumn(format="localized"),
            "p50": seconds(help="Half of the calls took at most this long."),
            "p95": seconds(help="95 % of the calls took at most this long."),
            "Not said": column.NumberColumn(
                help="Calls that say nothing of permission that is known here."
            ),
            "Pending": column.NumberColumn(help="Not decided when the span was sent."),
        },
    )
