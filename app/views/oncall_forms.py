"""What can be done to one schedule: override, swap, subscribe, delete; each folded until wanted."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

import streamlit as st

from alerts.layers import Shift
from alerts.rota import Rota
from alerts.rota_drafts import OverrideDraft, Stint
from alerts.schedule import Gap, shifts, whole_shifts
from app import oncall_actions, oncall_form, oncall_words, wired
from app.drafts import Draft
from app.http.oncall import address
from app.parts import plain, small
from app.rule_form import FormError
from models.tables import OnCallOverride
from models.wallclock import wall

SWAPPABLE: Final = timedelta(days=90)
MOST_SHIFTS: Final = 100
_SESSION: Final = "session"
_QUARTER: Final = timedelta(minutes=15)


def override(rota: Rota, people: Sequence[str], *, now: datetime, zone: tzinfo) -> None:
    """Draw the form that puts somebody else on call for a while."""
    draft = Draft(f"oncallover_{rota.row.id}")
    begins = wall(now, zone).replace(second=0, microsecond=0)
    begins -= timedelta(minutes=begins.minute % 15)
    draft.seed(
        {
            "person": None,
            "begins": begins + _QUARTER,
            "ends": begins + _QUARTER + timedelta(hours=8),
            "reason": "",
        }
    )
    with st.expander("Override: somebody else for a while", icon=":material/sync_alt:"):
        st.selectbox(
            "Who takes over",
            list(dict.fromkeys([*people, *([draft.get("person")] if draft.get("person") else [])])),
            index=None,
            key=draft.key("person"),
            accept_new_options=True,
            placeholder="Ada Lovelace <ada@example.org>",
            persist_state=_SESSION,
        )
        left, right = st.columns(2)
        with left:
            st.datetime_input("From (your clock)", key=draft.key("begins"), persist_state=_SESSION)
        with right:
            st.datetime_input("Until (your clock)", key=draft.key("ends"), persist_state=_SESSION)
        st.text_input(
            "Why", key=draft.key("reason"), placeholder="A dentist", persist_state=_SESSION
        )
        complaint = ""
        try:
            written = oncall_form.read_override(draft.fields, zone)
            st.markdown(small(plain(_instead(rota, written, now=now, zone=zone))))
        except FormError as error:
            complaint = str(error)
            st.markdown(f":orange[:material/edit:] {plain(complaint)}")
        st.button(
            "Make the override",
            icon=":material/check:",
            key=draft.key("save"),
            disabled=bool(complaint),
            on_click=oncall_actions.override,
            args=(draft, rota.row.id, zone),
        )


def swap(rota: Rota, *, now: datetime, zone: tzinfo) -> None:
    """Draw the form that lets two people take each other's shift."""
    draft = Draft(f"oncallswap_{rota.row.id}")
    called = oncall_words.names(oncall_words.people_of(rota))
    end = min(now + SWAPPABLE, rota.known_until or now + SWAPPABLE)
    # Whole ones: what begins "now" would be another shift at every look.
    coming = whole_shifts(rota.schedule, now, end)[:MOST_SHIFTS]
    stints = {f"{one.start.isoformat()} {one.person}": _stint(one) for one in coming}
    labels = {key: _label(one, called, zone) for key, one in stints.items()}
    draft.seed({"reason": ""})
    with st.expander("Swap two shifts", icon=":material/swap_horiz:"):
        chosen = []
        for name, label in (("first", "This shift"), ("second", "for this one")):
            if draft.get(name) not in stints:  # it has begun, or has changed hands
                draft.put(name, None)
            chosen.append(
                st.selectbox(
                    label,
                    list(stints),
                    index=None,
                    format_func=labels.__getitem__,
                    key=draft.key(name),
                    placeholder="Choose a shift",
                    persist_state=_SESSION,
                )
            )
        st.text_input(
            "Why", key=draft.key("reason"), placeholder="A wedding", persist_state=_SESSION
        )
        first, second = (stints.get(key or "") for key in chosen)
        if first and second:
            st.markdown(
                small(
                    plain(
                        f"{called.get(second.person)} takes {labels[chosen[0] or '']}; "
                        f"{called.get(first.person)} takes {labels[chosen[1] or '']}."
                    )
                )
            )
        st.button(
            "Swap",
            icon=":material/swap_horiz:",
            key=draft.key("save"),
            disabled=not (first and second),
            on_click=oncall_actions.swap,
            args=(draft, rota.row.id, first, second),
        )


def subscribe(rota: Rota) -> None:
    """Draw the secret address of the schedule's feed."""
    with st.expander("Subscribe in a calendar", icon=":material/rss_feed:"):
        st.markdown(
            small("Whoever has this address sees who is on call, without signing in. Keep it safe.")
        )
        st.code(address(wired.current().settings.base_url, rota.row), language=None)
        st.button(
            "New address",
            icon=":material/autorenew:",
            key=f"oncall_address_{rota.row.id}",
            help="The old one ends at once: everybody has to subscribe again.",
            on_click=oncall_actions.new_address,
            args=(rota.row.id,),
        )


def delete(rota: Rota) -> None:
    """Draw the button that deletes the schedule, behind a second thought."""
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(f"Delete **{plain(rota.row.name)}** with its overrides and its feed?")
        st.button(
            "Delete the schedule",
            type="primary",
            key=f"oncall_delete_{rota.row.id}",
            on_click=oncall_actions.delete,
            args=(rota.row.id, rota.row.name),
        )


def take_back(one: OnCallOverride) -> None:
    """Draw the button that takes an override back."""
    st.button(
        "Take back",
        icon=":material/undo:",
        key=f"oncall_take_back_{one.id}",
        help="A swap is taken back as a whole." if one.swap_id else None,
        on_click=oncall_actions.take_back,
        args=(one.id,),
    )


def _label(stint: Stint, called: Mapping[str, str], zone: tzinfo) -> str:
    when = oncall_words.stretch(stint.starts_at, stint.ends_at, zone)
    return f"{called.get(stint.person, stint.person)}, {when}"


def _stint(shift: Shift) -> Stint:
    return Stint(person=shift.person, starts_at=shift.start, ends_at=shift.end)


def _instead(rota: Rota, written: OverrideDraft, *, now: datetime, zone: tzinfo) -> str:
    """Return whom an override would replace."""
    called = oncall_words.names(oncall_words.people_of(rota))
    if written.ends_at <= now:
        return "That is over already."
    replaced = shifts(rota.schedule, max(written.starts_at, now), written.ends_at)
    names = [
        "nobody" if isinstance(one, Gap) else called.get(one.person, one.person)
        for one in replaced[:MOST_SHIFTS]
    ]
    said = f"Instead of {', then '.join(list(dict.fromkeys(names))[:6])}"
    covered = any(isinstance(one, Shift) and one.override is not None for one in replaced)
    also = "; it covers an earlier override, and wins" if covered else ""
    return f"{said}: {oncall_words.stretch(written.starts_at, written.ends_at, zone)}{also}."
