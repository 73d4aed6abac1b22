"""Widgets that several kinds of rule draw. Each keeps its field of the draft."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from zoneinfo import available_timezones

import streamlit as st

from alerts import pings
from app import cached, cached_watching, condition_form
from app.drafts import Draft
from app.field_widgets import SESSION, with_chosen
from app.parts import small
from signals.catalog import CATALOG


def signal(draft: Draft, names: list[str], on_change: Callable[..., None] | None = None) -> None:
    """Draw the choice of a signal, and what it means."""
    st.selectbox(
        "Signal",
        names,
        format_func=lambda name: CATALOG[name].title,
        key=draft.key("signal"),
        on_change=on_change or "rerun",
        args=(draft,) if on_change else None,
        persist_state=SESSION,
    )
    st.markdown(small(CATALOG[draft.get("signal")].meaning))


def part_of_traffic(draft: Draft, split_help: str | None = None) -> None:
    """Draw what narrows a signal, and what splits it, perhaps with more to say about that."""
    labels = condition_form.labels_of(draft.get("signal"))
    scope = st.multiselect(
        "Only traffic where",
        labels,
        key=draft.key("scope"),
        accept_new_options=True,
        select_all=False,
        placeholder="Everything",
        persist_state=SESSION,
    )
    for label in scope:
        field = condition_form.scope_field(label)
        draft.seed({field: None})
        st.selectbox(
            f"{label} is",
            with_chosen(_seen(label), draft.get(field)),
            index=None,
            key=draft.key(field),
            accept_new_options=True,
            placeholder="Choose a value or write one",
            persist_state=SESSION,
        )
    st.multiselect(
        "One alert for each",
        [name for name in labels if name not in scope],
        key=draft.key("by"),
        accept_new_options=True,
        select_all=False,
        placeholder="One alert for all",
        help=split_help,
        persist_state=SESSION,
    )


def zone(draft: Draft, label: str, meaning: str) -> None:
    """Draw the choice of a time zone."""
    st.selectbox(
        label,
        with_chosen(_zones(), draft.get("zone")),
        key=draft.key("zone"),
        help=meaning,
        persist_state=SESSION,
    )


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _seen(label: str) -> Sequence[str]:
    """Return the values that a label has had; heartbeats are in no telemetry."""
    if label == pings.LABEL:
        return tuple(cached_watching.heartbeats().data or ())
    return cached.label_values(label)
