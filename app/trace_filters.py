"""What a list of traces is narrowed to, chosen in one row and kept in the URL.

Names in the URL: `order`, `slower` (seconds), `dearer` (US dollars), `errors`, `tool`,
`session_id`, `user` (a mark, never who it is), and those of `app.scope`.
"""

from typing import Final

import streamlit as st

from app import scope
from app.trace_search import Filters
from signals.redact import pseudonym
from signals.traces import FILTERS, Abilities, Order, people

# In the URL a choice stands as it is labelled.
_ORDERS: Final = {
    "Newest": Order.NEWEST,
    "Slowest": Order.SLOWEST,
    "Dearest": Order.DEAREST,
    "Worst score": Order.WORST,
}
_NAMED: Final = {"tool": "Tool", "session_id": "Session", "user": "User"}
_NUMBERS: Final = ("slower", "dearer")


def choose(abilities: Abilities) -> Filters:
    """Draw the choice, of what the store can do only, and return it."""
    chosen = scope.choose()
    with st.container(horizontal=True, vertical_alignment="center", key="traces_filters"):
        orders = [word for word, order in _ORDERS.items() if order in abilities.orders]
        order = st.segmented_control(
            "Order",
            orders,
            default=orders[0],
            required=True,
            key="order",
            label_visibility="collapsed",
            bind="query-params",
        )
        slower = _at_least("slower", "Slower than, in seconds", "Slower than … s", 0.5)
        errors_only = st.toggle("Errors only", key="errors", bind="query-params")
        dearer, named = _more(abilities)
    told = [(field, _shown(field, value)) for field, value in named.items() if value]
    return Filters(
        window=chosen.span,
        scope=chosen.labels,
        named=tuple(told),
        errors_only=errors_only,
        slower_than_ms=slower * 1000 if slower else None,
        dearer_than_usd=dearer or None,
        order=_ORDERS[order],
    )


def _more(abilities: Abilities) -> tuple[float | None, dict[str, str | None]]:
    """Draw what is rarely chosen; return the least cost and the names by their fields."""
    costs = "cost_usd" in abilities.listed
    known = {key: title for key, title in _NAMED.items() if _field(key) in abilities.filters}
    if not (costs or known):
        return None, {}
    with st.popover("Tool, user, cost", icon=":material/tune:"):
        dearer = (
            _at_least("dearer", "Costs at least, in US dollars", "Any cost", 0.01)
            if costs
            else None
        )
        return dearer, {_field(key): _text(key, title) for key, title in known.items()}


def clear() -> None:
    """Choose nothing but the time and the order."""
    for key in (*FILTERS, *_NAMED, *_NUMBERS):
        st.session_state[key] = None
    st.session_state["errors"] = False


def _at_least(key: str, title: str, placeholder: str, step: float) -> float | None:
    return st.number_input(
        title,
        min_value=0.0,
        value=None,
        step=step,
        format="%g",
        placeholder=placeholder,
        key=key,
        label_visibility="collapsed" if key == "slower" else "visible",
        bind="query-params",
        width=170 if key == "slower" else "stretch",
    )


def _text(key: str, title: str) -> str | None:
    found: str | None = st.text_input(
        title,
        value=None,
        key=key,
        placeholder=f"Any {title.lower()}",
        bind="query-params",
        max_chars=200,
        on_change=_hide_user if key == "user" else None,
    )
    return found.strip() if found else None


def _field(key: str) -> str:
    return "user_id" if key == "user" else key


def _shown(field: str, value: str) -> str:
    return _mark(value) if field == "user_id" else value


def _mark(user: str) -> str:
    return user if people.is_mark(user) else people.mark(pseudonym(user))


def _hide_user() -> None:
    """Put a mark in the place of who was typed, on the page and in the URL."""
    typed = (st.session_state["user"] or "").strip()
    if typed:
        st.session_state["user"] = _mark(typed)
