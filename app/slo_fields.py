"""The widgets of an SLO: its objective, the windows that alert, and what its budget is for."""

import streamlit as st

from alerts.conditions.burn_rate import LONGEST_NOTE
from app import condition_form
from app.condition_widgets import part_of_traffic, signal, zone
from app.drafts import Draft
from app.field_widgets import SESSION, duration
from models.vocabulary import Period


def burn_rate(draft: Draft) -> None:
    """Draw the objective, the windows that alert, and what its budget is for."""
    signal(draft, list(condition_form.RATIO_SIGNALS))
    st.number_input(
        "Objective (%)",
        min_value=0.0,
        max_value=100.0,
        step=0.1,
        format="%g",
        key=draft.key("objective"),
        help="Share of good requests: with 99 %, one in a hundred may fail.",
        persist_state=SESSION,
    )
    for index in range(draft.get("pairs")):
        _pair(draft, index)
    with st.container(horizontal=True, gap="small"):
        if draft.get("pairs") < condition_form.MOST_PAIRS:
            st.button(
                "Add windows",
                icon=":material/add:",
                key=draft.key("add_pair"),
                on_click=_pairs_changed,
                args=(draft, 1),
            )
        if draft.get("pairs") > 1:
            st.button(
                "Remove the last",
                icon=":material/remove:",
                key=draft.key("remove_pair"),
                on_click=_pairs_changed,
                args=(draft, -1),
            )
    _period(draft)
    part_of_traffic(draft)


def _period(draft: Draft) -> None:
    left, right = st.columns(2)
    with left:
        st.selectbox(
            "Budget for",
            list(Period),
            format_func=condition_form.PERIOD_WORDS.__getitem__,
            key=draft.key("period"),
            help="What the page of SLOs counts the budget over. It decides nothing here.",
            persist_state=SESSION,
        )
    with right:
        if draft.get("period") is Period.MONTH:
            zone(draft, "A month in", "Whose midnight begins a new month.")
    st.text_area(
        "When the budget is spent",
        key=draft.key("policy_when_spent"),
        placeholder="Freeze: only fixes are deployed until the budget is back.",
        help="The budget policy that was agreed on: the page of SLOs shows it while nothing is "
        "left.",
        max_chars=LONGEST_NOTE,
        height=70,
        persist_state=SESSION,
    )


def _pair(draft: Draft, index: int) -> None:
    left, middle, right = st.columns(3)
    with left:
        duration(draft, f"long_{index}", "Over", condition_form.WINDOWS, "The long window.")
    with middle:
        duration(
            draft,
            f"short_{index}",
            "and over",
            condition_form.WINDOWS,
            "The short window, so that the alert ends soon after the trouble does.",
        )
    with right:
        st.number_input(
            "Times too fast",
            min_value=0.0,
            step=0.1,
            format="%g",
            key=draft.key(f"factor_{index}"),
            help="1 spends the budget exactly; 14.4 over an hour spends 2 % of a month's.",
            persist_state=SESSION,
        )


def _pairs_changed(draft: Draft, by: int) -> None:
    count = min(max(draft.get("pairs") + by, 1), condition_form.MOST_PAIRS)
    draft.put("pairs", count)
    last = count - 1
    for field in ("long", "short", "factor"):
        draft.seed({f"{field}_{last}": draft.get(f"{field}_{last - 1}")})
