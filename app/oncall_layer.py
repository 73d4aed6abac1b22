"""The widgets of one layer of an on-call schedule. Each keeps its field of the draft."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

import streamlit as st

from app import oncall_actions, oncall_form, oncall_words, ordering, parts
from app.drafts import Draft
from app.oncall_form import field
from app.parts import plain
from app.rule_form import FormError

_SESSION: Final = "session"  # what was typed outlives a look at another page


def draw(draft: Draft, place: int, number: int, people: Sequence[str], *, zone: tzinfo) -> None:
    """Draw layer `number`, which stands at `place` from the bottom."""
    title = f"Layer {place + 1}" + (", wins over those before" if place else "")
    with parts.card(f"oncall_layer_{number}", title):
        left, right = st.columns([1, 3])
        with left:
            st.text_input(
                "What to call it",
                key=draft.key(field("title", number)),
                placeholder="everyone",
                persist_state=_SESSION,
            )
        with right:
            members = field("members", number)
            st.multiselect(
                "People, in the order of their turns",
                list(dict.fromkeys([*people, *(draft.get(members) or ())])),
                key=draft.key(members),
                accept_new_options=True,
                select_all=False,
                placeholder="Ada Lovelace <ada@example.org>",
                persist_state=_SESSION,
            )
        _turns(draft, number, zone)
        _hours(draft, number)
        try:
            oncall_form.read_layer(draft.fields, number, zone)
        except FormError as error:
            st.markdown(f":orange[:material/edit:] {plain(str(error))}")
        ordering.buttons(draft, number)


def _turns(draft: Draft, number: int, zone: tzinfo) -> None:
    rotation = st.segmented_control(
        "Turns change",
        list(oncall_form.ROTATIONS),
        format_func=oncall_form.ROTATIONS.__getitem__,
        required=True,
        key=draft.key(field("rotation", number)),
        persist_state=_SESSION,
    )
    unit = draft.get(field("unit", number))
    if rotation == "custom":
        left, right = st.columns(2)
        with left:
            st.number_input(
                "After",
                min_value=1,
                max_value=8784,
                step=1,
                key=draft.key(field("every", number)),
                persist_state=_SESSION,
            )
        with right:
            unit = st.selectbox(
                "Unit",
                list(oncall_form.UNITS),
                key=draft.key(field("unit", number)),
                persist_state=_SESSION,
            )
    by_week = rotation == "weekly" or (rotation == "custom" and unit == "weeks")
    *first, second, third = st.columns(3 if by_week else 2)
    if by_week:
        with first[0]:
            st.selectbox(
                "Handed over on",
                [*range(7), None],
                format_func=_day,
                key=draft.key(field("weekday", number)),
                persist_state=_SESSION,
            )
    with second:
        st.time_input(
            "At" if by_week else "Handed over at",
            key=draft.key(field("handover", number)),
            persist_state=_SESSION,
        )
    with third:
        st.datetime_input(
            f"Since ({zone})",
            key=draft.key(field("begins", number)),
            help="The first person begins then; the first turn ends at the first hand-over after.",
            persist_state=_SESSION,
        )


def _hours(draft: Draft, number: int) -> None:
    chosen = st.segmented_control(
        "Hours",
        [*oncall_form.HOURS, "custom"],
        format_func=lambda key: oncall_form.HOURS.get(key, ("Other", ()))[0],
        required=True,
        key=draft.key(field("hours", number)),
        on_change=oncall_actions.choose_hours,
        args=(draft, number),
        help="Outside of these the layers below count.",
        persist_state=_SESSION,
    )
    if chosen == "always":
        return
    windows = draft.get(field("windows", number)) or []
    for place in windows:
        _window(draft, number, place)
    if len(windows) < oncall_form.MOST_WINDOWS:
        st.button(
            "Add hours",
            icon=":material/add:",
            key=draft.key(f"add_window_{number}"),
            on_click=oncall_actions.add_window,
            args=(draft, number),
        )


def _window(draft: Draft, number: int, place: int) -> None:
    left, opens, closes, last = st.columns([4, 2, 2, 2], vertical_alignment="bottom")
    with left:
        st.pills(
            "On",
            list(range(7)),
            selection_mode="multi",
            format_func=lambda day: oncall_words.WEEKDAYS[day][:3],
            key=draft.key(field("days", number, place)),
            persist_state=_SESSION,
        )
    with opens:
        st.time_input("from", key=draft.key(field("opens", number, place)), persist_state=_SESSION)
    with closes:
        st.time_input(
            "to",
            key=draft.key(field("closes", number, place)),
            help="The next day, if that is not later than it begins.",
            persist_state=_SESSION,
        )
    with last:
        st.button(
            "Remove",
            icon=":material/close:",
            key=draft.key(f"remove_window_{number}_{place}"),
            on_click=oncall_actions.remove_window,
            args=(draft, number, place),
        )


def _day(weekday: int | None) -> str:
    return oncall_form.ANY_DAY if weekday is None else oncall_words.WEEKDAYS[weekday]
