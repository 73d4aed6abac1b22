"""A new silence in a form, with what it hides now and would have hidden lately."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import streamlit as st

from alerts import hiding
from alerts.hiding import Seen
from app import (
    cached_alerts,
    cached_silences,
    channel_words,
    parts,
    silence_actions,
    silence_form,
    silence_words,
    wired,
)
from app.drafts import Draft
from app.local_time import zone_name
from app.opened import way_back
from app.parts import plain, small
from app.rule_form import FormError

_SESSION: Final = "session"
_ZONES: Final = ("UTC", "Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
MOST_OPTIONS: Final = 300  # matchers that are proposed


def render(alert: str) -> None:
    """Draw the form of a new silence, of the alert whose id is `alert` if it is one."""
    way_back("All silences", *silence_actions.OPENED)
    parts.page_header("New silence")
    draft = Draft(f"silences_new_{alert[:20]}")
    zone = parts.viewer_zone()
    labels = _labels_of(alert)
    draft.seed(silence_form.blank(now=wired.current().clock(), zone=zone, labels=labels))
    _form(draft)


def proposals(seen: Sequence[Seen]) -> list[str]:
    """Return a matcher for each label and value of alerts of late, the most frequent first."""
    counted: dict[str, int] = {}
    for one in seen:
        for text in silence_form.proposed(one.labels):
            counted[text] = counted.get(text, 0) + 1
    return sorted(counted, key=lambda text: (-counted[text], text))[:MOST_OPTIONS]


def matchers_input(draft: Draft, field: str, label: str, seen: Sequence[Seen]) -> None:
    """Draw a box that takes matchers, with those of alerts of late proposed."""
    st.multiselect(
        label,
        list(dict.fromkeys([*(draft.get(field) or ()), *proposals(seen)])),
        key=draft.key(field),
        accept_new_options=True,
        select_all=False,
        placeholder='feature="chat", model=~"gpt-.*" …',
        help='Write label="value", label!="value", label=~"regex" or label!~"regex"; all must '
        "hold. The label rule is the rule's name.",
        persist_state=_SESSION,
    )


def _labels_of(alert: str) -> Mapping[str, str]:
    if not (alert.isascii() and alert.isdigit() and len(alert) <= 18):
        return {}
    found = cached_alerts.detail(int(alert)).data
    if found is None:
        return {}
    item = found.item
    return hiding.seen_labels(item.alert.labels, rule=item.rule.name, severity=item.alert.severity)


@st.fragment(run_every=60, key="silence_form")
def _form(draft: Draft) -> None:
    parts.show_flash()
    answer, now = cached_silences.alerts(), wired.current().clock()
    seen = (*answer.data.opened, *answer.data.fired) if answer.data else ()
    with parts.card("silences_what", "Which alerts"):
        matchers_input(draft, "matchers", "Alerts where all of these hold", seen)
        st.text_input(
            "Why",
            key=draft.key("comment"),
            max_chars=1000,
            placeholder="Known: the provider is degraded, ticket 123",
            persist_state=_SESSION,
        )
        st.toggle(
            "This is planned maintenance",
            key=draft.key("maintenance"),
            help="It is marked so wherever the silence is shown.",
            persist_state=_SESSION,
        )
    with parts.card("silences_when", "When"):
        again = st.segmented_control(
            "When",
            [silence_form.ONCE, silence_form.AGAIN],
            required=True,
            key=draft.key("when"),
            label_visibility="collapsed",
            persist_state=_SESSION,
        )
        if again == silence_form.AGAIN:
            _recurring(draft)
        else:
            _once(draft)
    with parts.card("silences_preview", "What it hides"):
        if answer.error:
            parts.source_down(answer.error, answer.at, now=now)
        _preview(draft.fields, answer.data)
    _outcome(draft)


def _once(draft: Draft) -> None:
    st.toggle("Start later", key=draft.key("later"), persist_state=_SESSION)
    if draft.get("later"):
        fresh = silence_form.blank(now=wired.current().clock(), zone=parts.viewer_zone())
        draft.seed({name: fresh[name] for name in ("from_date", "from_time")})
        left, right = st.columns(2)
        left.date_input("From", key=draft.key("from_date"), persist_state=_SESSION)
        clock = f"at, {zone_name(parts.viewer_zone())}"
        right.time_input(clock, key=draft.key("from_time"), persist_state=_SESSION)
    _duration(draft, "length", "For", silence_form.LENGTHS)


def _recurring(draft: Draft) -> None:
    now, zone = wired.current().clock(), parts.viewer_zone()
    fresh = silence_form.blank(now=now, zone=zone)
    draft.seed({name: fresh[name] for name in ("days", "start", "window", "zone", "last")})
    st.pills(
        "On",
        range(7),
        selection_mode="multi",
        format_func=channel_words.DAYS.__getitem__,
        key=draft.key("days"),
        persist_state=_SESSION,
    )
    first, second, third = st.columns(3)
    first.time_input("From", key=draft.key("start"), persist_state=_SESSION)
    with second:
        _duration(draft, "window", "For", silence_form.WINDOWS)
    third.selectbox(
        "By the clock of",
        list(dict.fromkeys([*_ZONES, zone_name(zone), draft.get("zone") or "UTC"])),
        key=draft.key("zone"),
        accept_new_options=True,
        persist_state=_SESSION,
    )
    st.date_input(
        "Last day",
        key=draft.key("last"),
        min_value=now.astimezone(zone).date(),
        max_value=now.astimezone(zone).date() + timedelta(days=364),
        persist_state=_SESSION,
    )


def _duration(draft: Draft, field: str, label: str, options: Sequence[str]) -> None:
    chosen = draft.get(field)
    st.selectbox(
        label,
        list(dict.fromkeys([*options, *([chosen] if chosen else [])])),
        key=draft.key(field),
        accept_new_options=True,
        help="Write 90m, 2h or 3d.",
        persist_state=_SESSION,
    )


def _preview(fields: Mapping[str, Any], seen: cached_silences.Alerts | None) -> None:
    try:
        wanted = silence_form.read_matchers(fields.get("matchers"))
        again = silence_form.recurrence(silence_form.read_recurrence(fields))
    except FormError as error:
        st.markdown(small(f"Not to be said yet: {plain(str(error))}."))
        return
    if seen is None:
        return
    found = hiding.hidden(wanted, again, opened=seen.opened, lately=seen.fired)
    days = cached_silences.LOOKS_BACK.days
    for sentence in silence_words.hides(found, days=days, complete=seen.complete):
        st.markdown(plain(sentence))
    if warning := silence_words.mattered(found):
        st.warning(plain(warning), icon=":material/front_hand:")


def _outcome(draft: Draft) -> None:
    complaint = ""
    try:
        now = wired.current().clock()
        silence_form.read(draft.fields, now=now, zone=parts.viewer_zone())
    except FormError as error:
        complaint = str(error)
        st.warning(f"Not ready yet. {plain(complaint)}", icon=":material/edit:")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Silence",
            type="primary",
            icon=":material/notifications_off:",
            key="silences_save",
            disabled=bool(complaint),
            on_click=silence_actions.save,
            args=(draft,),
        )
        st.button("Cancel", key="silences_cancel", on_click=silence_actions.cancel, args=(draft,))
