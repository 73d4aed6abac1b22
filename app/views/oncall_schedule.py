"""One schedule: who has it, its calendar, and what can be done to it."""

from datetime import date, datetime, timedelta, tzinfo
from typing import Final

import streamlit as st

from alerts.rota import Rota
from app import cached_oncall, oncall_draw, oncall_words, parts, wired
from app.cached_oncall import RotaList
from app.opened import way_back
from app.parts import plain, small
from app.views import oncall_forms
from models.tables import OnCallOverride
from models.vocabulary import RotaSource

REFRESH: Final = timedelta(seconds=30)
SPANS: Final = ("2 weeks", "Month")
FARTHEST: Final = 26  # spans to either side: a year of weeks
REMEMBERED: Final = timedelta(days=7)  # how long an override that is over is still listed


def render(asked: str) -> None:
    """Draw the schedule whose id is `asked`, which may be anything."""
    way_back("All schedules", "schedule")
    _live(asked)


@st.fragment(run_every=REFRESH, key="oncall_schedule")
def _live(asked: str) -> None:
    parts.show_flash()
    now = wired.current().clock()
    answer = cached_oncall.every()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    rota = answer.data.rota(asked)
    if rota is None:
        parts.empty(
            f"There is no schedule {asked[:40]}",
            "It may have been deleted, or made in another installation.",
            icon="search_off",
            key="oncall_unknown",
        )
        return
    _draw(rota, answer.data, now=now, zone=parts.viewer_zone())


def _draw(rota: Rota, found: RotaList, *, now: datetime, zone: tzinfo) -> None:
    row = rota.row
    with st.container(key=f"oncall_top_{row.id}", gap="xsmall"):
        st.title(plain(row.name), anchor=False)
        st.markdown(oncall_draw.headline(rota, now=now, zone=zone))
        oncall_draw.warnings(rota, now=now)
        if said := oncall_words.layers(rota):
            st.markdown(small("\n".join(map(plain, said))))
        parts.link("oncall", "Edit the schedule", icon="edit", schedule=str(row.id), edit="yes")
    if not rota.unread:
        _calendar(rota, now=now, zone=zone)
    _overrides(rota, now=now, zone=zone)
    if row.source is not RotaSource.PAGERDUTY and not rota.unread:
        oncall_forms.override(rota, found.people, now=now, zone=zone)
        oncall_forms.swap(rota, now=now, zone=zone)
    oncall_forms.subscribe(rota)
    oncall_forms.delete(rota)


def _calendar(rota: Rota, *, now: datetime, zone: tzinfo) -> None:
    offset = f"oncall_offset_{rota.row.id}"
    with parts.card(f"oncall_calendar_{rota.row.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            chosen = st.segmented_control(
                "Calendar",
                SPANS,
                default=SPANS[0],
                required=True,
                key=f"oncall_span_{rota.row.id}",
                label_visibility="collapsed",
                on_change=_turn,
                args=(offset, 0),
            )
            _turner("Earlier", "chevron_left", offset, -1)
            _turner("Today", "today", offset, 0)
            _turner("Later", "chevron_right", offset, 1)
        turned = st.session_state.get(offset, 0)
        first, days = _shown(now.astimezone(zone).date(), chosen or SPANS[0], turned)
        st.markdown(f"**{_title(first, days)}**")
        oncall_draw.calendar(rota, first, days, now=now, zone=zone)


def _turner(label: str, icon: str, offset: str, by: int) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{offset}_{label.lower()}",
        on_click=_turn,
        args=(offset, by),
        type="tertiary",
    )


def _turn(offset: str, by: int) -> None:
    turned = st.session_state.get(offset, 0) + by if by else 0
    st.session_state[offset] = max(-FARTHEST, min(turned, FARTHEST))


def _shown(today: date, chosen: str, turned: int) -> tuple[date, int]:
    """Return the first day shown, a Monday, and how many days are."""
    if chosen == SPANS[0]:
        return oncall_draw.monday(today) + timedelta(weeks=2 * turned), 14
    months = today.year * 12 + today.month - 1 + turned
    first = date(months // 12, months % 12 + 1, 1)
    after = date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    monday = oncall_draw.monday(first)
    weeks = -(-(after - monday).days // 7)
    return monday, 7 * weeks


def _title(first: date, days: int) -> str:
    if days > 14:
        return f"{first + timedelta(days=6):%B %Y}"  # the first Sunday lies in the month
    last = first + timedelta(days=days - 1)
    return f"{first:%-d %B} to {last:%-d %B %Y}"


def _overrides(rota: Rota, *, now: datetime, zone: tzinfo) -> None:
    listed = [one for one in rota.overrides if one.ends_at > now - REMEMBERED]
    if not listed:
        return
    called = oncall_words.names(oncall_words.people_of(rota))
    with parts.card(f"oncall_overrides_{rota.row.id}", "Overrides and swaps"):
        for one in sorted(listed, key=lambda one: one.starts_at):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(_override(one, listed, called, now=now, zone=zone), width="stretch")
                if one.ends_at > now:
                    oncall_forms.take_back(one)


def _override(
    one: OnCallOverride,
    listed: list[OnCallOverride],
    called: dict[str, str],
    *,
    now: datetime,
    zone: tzinfo,
) -> str:
    what = "swap" if one.swap_id else "override"
    state = "over" if one.ends_at <= now else "now" if one.starts_at <= now else "to come"
    who = plain(called.get(one.person, one.person))
    said = f"{parts.mark(what, ('violet', 'sync_alt'))} **{who}**, "
    said += plain(oncall_words.stretch(one.starts_at, one.ends_at, zone))
    notes = [state, f"by {one.by}", one.reason]
    later = [other for other in listed if (other.id or 0) > (one.id or 0)]
    if any(o.starts_at < one.ends_at and o.ends_at > one.starts_at for o in later):
        notes.append("a later override covers a part of it, and wins there")
    return f"{said}  \n{small(plain(' · '.join(note for note in notes if note)))}"
