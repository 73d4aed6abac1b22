"""Entries of a draft that stand in an order: the buttons that move one, or take it out."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from app.drafts import Draft

ORDER: Final = "order"  # the field of a draft that holds the numbers of its entries


def buttons(draft: Draft, number: int) -> None:
    """Draw the buttons of the entry `number`; the last one left cannot be taken out."""
    order = draft.get(ORDER)
    with st.container(horizontal=True, gap="small"):
        _move(draft, number, -1, disabled=number == order[0])
        _move(draft, number, 1, disabled=number == order[-1])
        st.button(
            "Remove",
            icon=":material/delete:",
            key=draft.key(f"remove_{number}"),
            on_click=_remove,
            args=(draft, number),
            disabled=len(order) == 1,
        )


def moved(order: Sequence[int], number: int, by: int) -> list[int]:
    """Return `order` with an entry moved up or down; at either end it stays."""
    changed = [one for one in order if one != number]
    changed.insert(max(order.index(number) + by, 0), number)
    return changed


def _move(draft: Draft, number: int, by: int, *, disabled: bool) -> None:
    up = by < 0
    st.button(
        "Up" if up else "Down",
        icon=f":material/arrow_{'upward' if up else 'downward'}:",
        key=draft.key(f"{'up' if up else 'down'}_{number}"),
        on_click=_moved,
        args=(draft, number, by),
        disabled=disabled,
    )


def _moved(draft: Draft, number: int, by: int) -> None:
    if number in draft.get(ORDER):  # clicked twice, it may be gone
        draft.put(ORDER, moved(draft.get(ORDER), number, by))


def _remove(draft: Draft, number: int) -> None:
    draft.put(ORDER, [one for one in draft.get(ORDER) if one != number])
