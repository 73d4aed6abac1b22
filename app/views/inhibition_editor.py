"""One inhibition in a form: which alerts, while they fire, mute which others."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from alerts import hiding
from alerts.muting import Inhibit
from app import cached_silences, parts, silence_actions, silence_form, silence_words, wired
from app.drafts import Draft
from app.opened import way_back
from app.parts import plain, small
from app.rule_form import FormError
from app.views.silence_editor import matchers_input
from models.tables import Inhibition

_SESSION: Final = "session"
_LABELS: Final = ("feature", "model", "tenant", "service", "environment")


def render(asked: str) -> None:
    """Draw the form for the inhibition whose id is `asked`, or a new one."""
    way_back("All inhibitions", *silence_actions.INHIBITION)
    answer = cached_silences.standing()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=wired.current().clock())
    if answer.data is None:
        return
    row = next((one for one in answer.data.inhibitions if str(one.id) == asked), None)
    draft = Draft(f"inhibitions_{asked[:20]}")
    if row is None and asked != "new":
        parts.empty(
            f"There is no inhibition {asked[:40]}",
            "It may have been removed.",
            icon="search_off",
            key="inhibitions_unknown",
        )
        return
    parts.page_header(plain(row.name) if row else "New inhibition")
    draft.seed(_fields(row))
    _form(draft, row.id if row else None)


def _fields(row: Inhibition | None) -> dict[str, Any]:
    if row is None:
        return {"name": "", "source": [], "target": [], "equal": []}
    return {
        "name": row.name,
        "source": list(row.source),
        "target": list(row.target),
        "equal": list(row.equal),
    }


@st.fragment(run_every=60, key="inhibition_form")
def _form(draft: Draft, inhibition_id: int | None) -> None:
    parts.show_flash()
    answer, now = cached_silences.alerts(), wired.current().clock()
    seen = (*answer.data.opened, *answer.data.fired) if answer.data else ()
    with parts.card("inhibitions_form"):
        st.text_input(
            "Name",
            key=draft.key("name"),
            placeholder="A provider that is down explains slow answers",
            persist_state=_SESSION,
        )
        matchers_input(draft, "source", "While an alert fires where", seen)
        matchers_input(draft, "target", "nobody is told of alerts where", seen)
        st.multiselect(
            "if both have the same",
            list(dict.fromkeys([*_LABELS, *(draft.get("equal") or ())])),
            key=draft.key("equal"),
            accept_new_options=True,
            select_all=False,
            placeholder="Whatever their labels",
            persist_state=_SESSION,
        )
    with parts.card("inhibitions_preview", "What it mutes"):
        if answer.error:
            parts.source_down(answer.error, answer.at, now=now)
        _preview(draft.fields, answer.data)
    _outcome(draft, inhibition_id)


def _preview(fields: Mapping[str, Any], seen: cached_silences.Alerts | None) -> None:
    try:
        rule = Inhibit(
            source=silence_form.read_matchers(fields.get("source")),
            target=silence_form.read_matchers(fields.get("target")),
            equal=tuple(fields.get("equal") or ()),
        )
    except FormError as error:
        st.markdown(small(f"Not to be said yet: {plain(str(error))}."))
        return
    if seen is not None:
        found = hiding.inhibited(rule, seen.opened, now=wired.current().clock())
        st.markdown(plain(silence_words.inhibits(found)))


def _outcome(draft: Draft, inhibition_id: int | None) -> None:
    complaint = ""
    try:
        silence_form.read_inhibition(draft.fields)
    except FormError as error:
        complaint = str(error)
        st.warning(f"Not ready yet. {plain(complaint)}", icon=":material/edit:")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Save inhibition",
            type="primary",
            icon=":material/save:",
            key="inhibitions_save",
            disabled=bool(complaint),
            on_click=silence_actions.save_inhibition,
            args=(draft, inhibition_id),
        )
        st.button(
            "Cancel", key="inhibitions_cancel", on_click=silence_actions.cancel, args=(draft,)
        )
