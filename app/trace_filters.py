"""What a list of traces is narrowed to, chosen in one row and kept in the URL.

Names in the URL: `order`, `slower` and `faster` (seconds), `dearer` (US dollars), `score` (points),
`errors`, `outcome`, `tool`, `request_id`, `session_id`, `user` (a mark, never who it is),
`attribute` (`name=value`, several with commas), and those of `app.scope` and `app.trace_time`.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import streamlit as st

from app import parts, scope, trace_facts, trace_time, wired
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
_NAMED: Final = {
    "outcome": "Outcome",
    "tool": "Tool",
    "session_id": "Session",
    "request_id": "Request",
    "user": "User",
}
_NUMBERS: Final = ("slower", "faster", "dearer", "score")
_SWITCH: Final = "errors"
_ATTRIBUTE: Final = "attribute"
MOST_ATTRIBUTES: Final = 3
# Everything that the URL may hold of a search, besides a time of its own.
KEYS: Final = (
    *("range", "order", _SWITCH, *_NUMBERS, _ATTRIBUTE, *_NAMED),
    *(field for field in FILTERS if field not in _NAMED),
)
_USUAL: Final = {"range": scope.DEFAULT_RANGE, "order": next(iter(_ORDERS))}


@dataclass(frozen=True, slots=True, kw_only=True)
class _More:
    """What is rarely chosen; None for any."""

    faster: float | None = None
    dearer: float | None = None
    score: float | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    named: dict[str, str | None] = field(default_factory=dict)


def choose(abilities: Abilities, *, beside: Callable[[], None] = lambda: None) -> Filters:
    """Draw the choice, of what the store can do only, and return it; `beside` draws more there."""
    chosen = scope.choose()
    period = trace_time.chosen()
    with st.container(horizontal=True, vertical_alignment="center", key="traces_filters"):
        if period is not None:
            trace_time.draw(period, now=wired.current().clock())
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
        slower = _number("slower", "Slower than, in seconds", "Slower than … s", 0.5)
        errors_only = st.toggle("Errors only", key=_SWITCH, bind="query-params")
        more = _more(abilities)
        beside()
    told = [(name, _shown(name, value)) for name, value in more.named.items() if value]
    return Filters(
        window=chosen.span,
        since=period[0] if period else None,
        until=period[1] if period else None,
        scope=chosen.labels,
        named=tuple(told),
        errors_only=errors_only,
        slower_than_ms=slower * 1000 if slower else None,
        faster_than_ms=more.faster * 1000 if more.faster else None,
        dearer_than_usd=more.dearer or None,
        score_at_most=more.score,
        attributes=more.attributes,
        order=_ORDERS[order],
    )


def _more(abilities: Abilities) -> _More:
    """Draw what is rarely chosen, of what the store can do."""
    costs, narrows = "cost_usd" in abilities.listed, abilities.narrows
    known = {key: title for key, title in _NAMED.items() if _field(key) in abilities.filters}
    if not (costs or narrows or known):
        return _More()
    with st.popover("More filters", icon=":material/tune:"):
        return _More(
            faster=_number("faster", "Faster than, in seconds", "Any speed", 0.5)
            if "max_duration_ms" in narrows
            else None,
            dearer=_number("dearer", "Costs at least, in US dollars", "Any cost", 0.01)
            if costs
            else None,
            score=_number("score", "Scored at most, of 100 points", "Any score", 5.0)
            if "max_score" in narrows
            else None,
            attributes=_attributes() if "attributes" in narrows else (),
            named={_field(key): _text(key, title) for key, title in known.items()},
        )


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Return the attributes that `text` names: `name=value`, several with commas.

    Raises:
        ValueError: It names none, or too many.
    """
    found = []
    for part in text.split(","):
        name, is_pair, value = (said.strip() for said in part.partition("="))
        if not (name and is_pair and value):
            raise ValueError("Write an attribute as name=value, several with commas between.")
        found.append((name, value))
    if len(found) > MOST_ATTRIBUTES:
        raise ValueError(f"At most {MOST_ATTRIBUTES} attributes at a time.")
    return tuple(found)


def _attributes() -> tuple[tuple[str, str], ...]:
    text = st.text_input(
        "Attribute of any span",
        value=None,
        key=_ATTRIBUTE,
        placeholder="name=value",
        bind="query-params",
        max_chars=500,
        on_change=_hide_people,
    )
    try:
        return pairs(text) if text else ()
    except ValueError as error:
        st.warning(parts.plain(str(error)))
        return ()


def written() -> dict[str, str]:
    """Return what was chosen as the URL writes it, without what would be so anyway."""
    found = {}
    for key in KEYS:
        value = st.session_state.get(key)
        if value is None or value is False or value in ("", _USUAL.get(key)):
            continue
        found[key] = "true" if value is True else f"{value:g}" if key in _NUMBERS else str(value)
    return found


def put(chosen: Mapping[str, str]) -> None:
    """Choose what a saved search holds, as the URL would write it, and nothing else."""
    for key in KEYS:
        value: object = chosen.get(key)
        if key in _NUMBERS:
            value = _read_number(chosen.get(key))
        elif key == _SWITCH:
            value = chosen.get(key) == "true"
        st.session_state[key] = _USUAL.get(key) if value is None else value


def _read_number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def clear() -> None:
    """Choose nothing but the time and the order."""
    for key in (*FILTERS, *_NAMED, *_NUMBERS, _ATTRIBUTE):
        st.session_state[key] = None
    st.session_state[_SWITCH] = False


def _number(key: str, title: str, placeholder: str, step: float) -> float | None:
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


def _shown(name: str, value: str) -> str:
    return _mark(value) if name == "user_id" else value


def _mark(user: str) -> str:
    return user if people.is_mark(user) else people.mark(pseudonym(user))


def _hide_user() -> None:
    """Put a mark in the place of who was typed, on the page and in the URL."""
    typed = (st.session_state["user"] or "").strip()
    if typed:
        st.session_state["user"] = _mark(typed)


def _hide_people() -> None:
    """Put marks in the place of people whom an attribute names, on the page and in the URL."""
    text = st.session_state[_ATTRIBUTE] or ""
    with contextlib.suppress(ValueError):
        told = [
            f"user_id={_mark(value)}" if trace_facts.names_person(name) else f"{name}={value}"
            for name, value in pairs(text)
        ]
        if text:
            st.session_state[_ATTRIBUTE] = ", ".join(told)
