"""One schedule in a form: its layers can be added, moved and taken out, and are drawn at once."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from alerts import rota as rotas
from alerts.rota import Rota
from alerts.rota_drafts import MOST_LAYERS, ScheduleDraft, known_zones
from alerts.schedule import Schedule, on_call, shifts
from app import (
    cached_oncall,
    oncall_actions,
    oncall_form,
    oncall_grid,
    oncall_layer,
    oncall_words,
    parts,
    wired,
)
from app.cached_oncall import RotaList
from app.drafts import Draft
from app.oncall_grid import Look
from app.opened import way_back
from app.parts import plain, small
from app.rule_form import FormError
from models.vocabulary import RotaSource

_SESSION: Final = "session"
_ADDRESSES: Final = {
    RotaSource.ICAL: (
        "Address of the calendar",
        "https://calendar.google.com/calendar/ical/…/basic.ics",
        "Read every five minutes. Who attends an event is on call; else an e-mail address in its "
        "title, or the name of somebody below. Of two that overlap, the one that began later wins.",
    ),
    RotaSource.PAGERDUTY: (
        "Id of the schedule in PagerDuty",
        "PI7DH85",
        "It ends the schedule's address in PagerDuty. An escalation policy there must use it, and "
        "WAKEFUL_PAGERDUTY_API_TOKEN must be set.",
    ),
}


def render(asked: str) -> None:
    """Draw the form for the schedule whose id is `asked`, or a new one."""
    way_back("Back", *(oncall_actions.EDITED if asked == "new" else ("edit",)))
    now = wired.current().clock()
    answer = cached_oncall.every()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    rota = answer.data.rota(asked)
    draft = Draft(f"oncalledit_{asked[:20]}")
    if rota is not None:
        parts.page_header(plain(rota.row.name))
        draft.seed(oncall_form.of(rotas.draft_of(rota.row)))
        _form(draft, rota, answer.data)
    elif asked == "new":
        parts.page_header("New schedule")
        zone = str(parts.viewer_zone())
        draft.seed(oncall_form.blank(zone=zone, now=now))
        _form(draft, None, answer.data)
    else:
        parts.empty(
            f"There is no schedule {asked[:40]}",
            "It may have been deleted, or made in another installation.",
            icon="search_off",
            key="oncall_unknown",
        )


@st.fragment(run_every=60, key="oncall_form")
def _form(draft: Draft, rota: Rota | None, found: RotaList) -> None:
    parts.show_flash()
    zone = _head(draft)
    source = draft.get("source") or RotaSource.OWN
    if source is RotaSource.OWN:
        order = draft.get("order") or []
        for place, number in enumerate(order):
            oncall_layer.draw(draft, place, number, found.people, zone=zone)
        if len(order) < MOST_LAYERS:
            st.button(
                "Add a layer on top",
                icon=":material/add:",
                key=draft.key("add"),
                on_click=oncall_actions.add_layer,
                args=(draft, zone),
            )
    else:
        _elsewhere(draft, source, found.people)
    _outcome(draft, rota)


def _head(draft: Draft) -> tzinfo:
    with parts.card("oncall_head"):
        left, right = st.columns(2)
        with left:
            st.text_input(
                "Name",
                key=draft.key("name"),
                placeholder="payments",
                help="Policies tell `schedule:name`.",
                persist_state=_SESSION,
            )
        with right:
            st.selectbox(
                "Time zone",
                sorted({*known_zones(), draft.get("zone")}),
                key=draft.key("zone"),
                help="By whose clocks turns are handed over, in summer and in winter.",
                persist_state=_SESSION,
            )
        st.segmented_control(
            "Where it is kept",
            list(RotaSource),
            format_func=oncall_words.SOURCES.__getitem__,
            required=True,
            key=draft.key("source"),
            persist_state=_SESSION,
        )
    zone = draft.get("zone")
    return ZoneInfo(zone if zone in known_zones() else "UTC")


def _elsewhere(draft: Draft, source: RotaSource, people: Sequence[str]) -> None:
    label, placeholder, help_ = _ADDRESSES[source]
    with parts.card("oncall_elsewhere"):
        st.text_input(
            label, key=draft.key("address"), placeholder=placeholder, persist_state=_SESSION
        )
        st.markdown(small(help_))
        if source is RotaSource.ICAL:
            st.multiselect(
                "People whom it may name",
                list(dict.fromkeys([*people, *(draft.get("people") or ())])),
                key=draft.key("people"),
                accept_new_options=True,
                select_all=False,
                placeholder="Ada Lovelace <ada@example.org>",
                persist_state=_SESSION,
            )


def _outcome(draft: Draft, rota: Rota | None) -> None:
    now = wired.current().clock()
    complaint = ""
    try:
        written = oncall_form.read(draft.fields)
    except FormError as error:
        complaint = str(error)
        st.warning(f"Not ready yet. {plain(complaint)}", icon=":material/edit:")
    else:
        if written.source is RotaSource.OWN:
            _preview(written, rota, now=now)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Save schedule",
            type="primary",
            icon=":material/save:",
            key="oncall_save",
            disabled=bool(complaint),
            on_click=oncall_actions.save,
            args=(draft, rota.row.id if rota else None),
        )
        st.button("Cancel", key="oncall_cancel", on_click=oncall_actions.cancel, args=(draft,))


def _preview(written: ScheduleDraft, rota: Rota | None, *, now: datetime) -> None:
    zone = parts.viewer_zone()
    overrides = rota.schedule.overrides if rota else ()
    schedule = Schedule(
        zone=ZoneInfo(written.zone),
        layers=tuple(layer.rotation() for layer in written.layers),
        overrides=overrides,
    )
    called = oncall_words.names(
        [*(p for layer in written.layers for p in layer.people), *(one.person for one in overrides)]
    )
    marks = {one.id: "override" for one in overrides}
    look = Look(zone=zone, names=called, marks=marks)
    with parts.card("oncall_preview", "The next two weeks"):
        pieces = shifts(schedule, now, now + oncall_words.WATCHED)
        st.html(oncall_grid.STYLE + oncall_grid.strip(pieces, look))
        said = [plain(oncall_words.layer(layer)) for layer in reversed(written.layers)]
        said.append(f"By the clocks of {plain(written.zone)}.")
        st.markdown(small("\n".join(said)))
        gaps = oncall_words.gaps(pieces)
        look_of_gaps: parts.Look = ("red", "event_busy") if gaps else ("green", "event_available")
        short, _, listed = oncall_words.coverage(gaps, zone).partition(": ")
        st.markdown(f"{parts.mark(short, look_of_gaps)} {plain(listed)}")
        changed = _changed(rota, schedule, now=now)
        if changed:
            st.warning(plain(changed), icon=":material/swap_horiz:")


def _changed(rota: Rota | None, schedule: Schedule, *, now: datetime) -> str:
    """Return who is on call at this moment by the new layers, if that is not who was."""
    if rota is None or rota.row.source is not RotaSource.OWN:
        return ""
    before, after = on_call(rota.schedule, now), on_call(schedule, now)
    people = [shift.person if shift else "" for shift in (before, after)]
    if people[0] == people[1]:
        return ""
    called = oncall_words.names([one for one in people if one])
    was, becomes = (called.get(one, "nobody") for one in people)
    return f"Saved, this changes who is on call now: from {was} to {becomes}."
