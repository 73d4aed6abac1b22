"""What a page looks at: how far back, and which part of the traffic. Kept in the URL.

The keys are the names in the URL, the same on every page, so that a choice goes along from page
to page and a link shows the next person the same thing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import cached

RANGES: Final = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
DEFAULT_RANGE: Final = "1h"
_FIRST: Final = {"feature": "Feature", "model": "Model"}
_MORE: Final = {
    "tenant": "Tenant",
    "prompt_version": "Prompt version",
    "environment": "Environment",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What was chosen.

    Attributes:
        span: How far back.
        labels: Sorted (label, value) pairs that all must hold, as in `signals.Query.scope`.
    """

    span: timedelta
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> str:
        """Return the labels as a person reads them, or nothing."""
        return ", ".join(f"{label} {value}" for label, value in self.labels)


def row() -> DeltaGenerator:
    """Return the row of the choice, for a page that has more to choose in it."""
    return st.container(horizontal=True, vertical_alignment="center", key="scope", gap="small")


def choose(labels: Sequence[str] | None = None, *, where: DeltaGenerator | None = None) -> Scope:
    """Draw the choice and return it.

    Args:
        labels: What the traffic can be narrowed by; None for all there is.
        where: A `row`; one of its own without.
    """
    with where or row():
        span = RANGES[
            st.segmented_control(
                "Range",
                list(RANGES),
                default=DEFAULT_RANGE,
                required=True,
                key="range",
                label_visibility="collapsed",
                bind="query-params",
            )
        ]
        narrowed = narrow(labels)
    return Scope(span=span, labels=narrowed)


def linked(labels: Sequence[str] | None = None) -> Scope:
    """Return what the address says, on a page without anything to choose."""
    known = [*_FIRST, *_MORE] if labels is None else labels
    told = ((label, st.query_params.get(label, "")) for label in known)
    span = RANGES.get(st.query_params.get("range", ""), RANGES[DEFAULT_RANGE])
    return Scope(span=span, labels=tuple(sorted((label, value) for label, value in told if value)))


def narrow(labels: Sequence[str] | None = None) -> tuple[tuple[str, str], ...]:
    """Draw the choice of a part of the traffic and return it: see `Scope.labels`."""
    first, more = (
        {label: title for label, title in known.items() if labels is None or label in labels}
        for known in (_FIRST, _MORE)
    )
    chosen = {label: _select(label, title, width=170) for label, title in first.items()}
    if more:
        with st.popover("More", icon=":material/filter_list:"):
            chosen |= {label: _select(label, title) for label, title in more.items()}
    return tuple(sorted((label, value) for label, value in chosen.items() if value))


def _select(label: str, title: str, width: int | None = None) -> str | None:
    values = list(cached.label_values(label))
    linked = st.query_params.get(label)
    if linked and linked not in values:
        values.append(linked)  # a link stays true when its value has had no traffic for a day
    return st.selectbox(
        title,
        values,
        index=None,
        placeholder=f"Any {title.lower()}",
        key=label,
        label_visibility="collapsed" if width else "visible",
        width=width or "stretch",
        accept_new_options=True,
        bind="query-params",
    )
