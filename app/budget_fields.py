"""The widgets of a budget: how much, for how long or for which day, and its forecast."""

import streamlit as st

from app import condition_form
from app.condition_widgets import part_of_traffic, zone
from app.drafts import Draft
from app.field_widgets import SESSION, duration


def budget(draft: Draft) -> None:
    """Draw the amount, what it is for, and the forecast."""
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
    with left:
        st.number_input(
            "More than (USD)",
            key=draft.key("amount"),
            min_value=0.0,
            step=10.0,
            format="%g",
            persist_state=SESSION,
        )
    with middle:
        if draft.get("by_day"):
            zone(draft, "A day in", "Whose midnight begins a new day.")
        else:
            duration(
                draft,
                "budget_window",
                "Within",
                condition_form.BUDGET_WINDOWS,
                "What the amount is for, ending now: 1d is the last 24 hours.",
            )
    with right:
        duration(
            draft,
            "pace",
            "or at the pace of the last",
            condition_form.PACES,
            "Forecast: what was spent in this time, if it went on so; of a calendar day, until it "
            "ends. 0s: only what was spent.",
        )
    st.toggle(
        "By calendar day",
        key=draft.key("by_day"),
        help="From midnight to midnight where the clocks are those of a time zone, 23 to 25 hours.",
        persist_state=SESSION,
    )
    part_of_traffic(draft)
