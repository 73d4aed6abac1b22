"""The widgets of a measure over spans, for a rule and for a panel of a dashboard."""

from typing import Final

import streamlit as st

from app import measure_form
from app.drafts import Draft
from app.field_widgets import SESSION
from signals.measures import NUMBERS, Aggregate

AGGREGATES: Final = {
    Aggregate.COUNT: "How many",
    Aggregate.RATIO: "What share",
    Aggregate.QUANTILE: "Quantile of",
    Aggregate.SUM: "Sum of",
}
_WHERE: Final = "One condition a line: `kind = llm`, `duration_ms > 8000`, `attributes.team = web`"


def draw(draft: Draft, prefix: str) -> None:
    """Draw the fields."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Made of spans",
            list(AGGREGATES),
            format_func=AGGREGATES.__getitem__,
            key=draft.key(f"{prefix}aggregate"),
            persist_state=SESSION,
        )
        if draft.get(f"{prefix}aggregate") in measure_form.OF_NUMBER:
            st.selectbox(
                "Number",
                [*NUMBERS],
                key=draft.key(f"{prefix}of"),
                accept_new_options=True,
                help="Or one of your own: `attributes.…`",
                persist_state=SESSION,
            )
        if draft.get(f"{prefix}aggregate") is Aggregate.QUANTILE:
            st.number_input(
                "Quantile",
                min_value=0.01,
                max_value=0.999,
                step=0.01,
                key=draft.key(f"{prefix}quantile"),
                persist_state=SESSION,
            )
    _conditions(draft, f"{prefix}where", "Which spans")
    if draft.get(f"{prefix}aggregate") is Aggregate.RATIO:
        _conditions(draft, f"{prefix}part", "Which of those count")


def _conditions(draft: Draft, field: str, label: str) -> None:
    st.text_area(label, key=draft.key(field), height=90, help=_WHERE, persist_state=SESSION)
