"""The keys of the keyboard, each on a button that shows it; Streamlit keeps C and R for itself.

A key does nothing while somebody types in a box, or while a page has no such button.
"""

from typing import Final

import streamlit as st

from app import alert_order, cached_alerts, parts

ACKNOWLEDGE: Final = "A"
NEXT: Final = "J"
PREVIOUS: Final = "K"
SEARCH: Final = "S"


def first_alert() -> None:
    """Draw the way from the inbox to its most urgent alert, if there is any."""
    found = cached_alerts.inbox_now().data
    _, after = alert_order.neighbours(alert_order.ids(found), 0) if found else (None, None)
    if after is not None:
        _button("Open the first", "arrow_downward", NEXT, after)


def next_alerts(asked: str) -> None:
    """Draw the ways from an alert to those before and after it in the inbox."""
    found = cached_alerts.inbox_now().data
    if found is None or not asked.isascii() or not asked.isdigit():
        return
    before, after = alert_order.neighbours(alert_order.ids(found), int(asked[:18]))
    _button("Previous", "arrow_upward", PREVIOUS, before)
    _button("Next", "arrow_downward", NEXT, after)


def search() -> None:
    """Draw the way to the search of traces from every page."""
    if st.button(
        "Search",
        icon=":material/search:",
        type="tertiary",
        key="go_search",
        shortcut=SEARCH,
        help=f"Find a trace, a request, a session or a user. Key {SEARCH}.",
    ):
        parts.go("traces")


def _button(label: str, icon: str, key: str, alert_id: int | None) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        type="tertiary",
        key=f"alerts_go_{key}",
        shortcut=key,
        help=f"Key {key}",
        disabled=alert_id is None,
        on_click=_open,
        args=(alert_id,),
    )


def _open(alert_id: int | None) -> None:
    if alert_id is not None:
        st.query_params.pop("group", None)
        st.query_params["alert"] = str(alert_id)
