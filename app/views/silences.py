"""Silences: what nobody is told of, until when and why; and which alerts mute others.

`?silence=new` makes a silence, with `&alert=<id>` one of that alert; `?inhibition=<id>` edits.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final

import streamlit as st

from app import cached_silences, parts, silence_actions, silence_words, wired
from app.cached_silences import Standing
from app.opened import opened
from app.parts import plain, small
from app.views import inhibition_editor, silence_editor
from models.tables import Inhibition, Silence
from signals.units import span

REFRESH: Final = timedelta(seconds=5)
CURRENT: Final = "Silences"
ENDED: Final = "Ended"
INHIBITIONS: Final = "Inhibitions"
LONGER: Final = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1))


def render() -> None:
    """Draw the page."""
    if opened("silence"):
        silence_editor.render(opened("alert"))
        return
    if asked := opened("inhibition"):
        inhibition_editor.render(asked)
        return
    parts.page_header(
        "Silences", "What fires and nobody is told of. It stays on the alerts page, marked muted."
    )
    shown = parts.choice("Show", [CURRENT, ENDED, INHIBITIONS], "silences_show", default=CURRENT)
    if shown == INHIBITIONS:
        parts.link("silences", "New inhibition", icon="add", inhibition="new")
    else:
        parts.link("silences", "New silence", icon="add", silence="new")
    _live(shown or CURRENT)


@st.fragment(run_every=REFRESH, key="silences")
def _live(shown: str) -> None:
    parts.show_flash()
    now, zone = wired.current().clock(), parts.viewer_zone()
    answer = cached_silences.standing()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    if shown == INHIBITIONS:
        _inhibitions(answer.data)
        return
    rows = answer.data.ended if shown == ENDED else answer.data.coming
    if not rows:
        _none(shown)
    for row in rows:
        _silence(row, answer.data.muted, now=now, zone=zone)


def _none(shown: str) -> None:
    if shown == ENDED:
        parts.empty("No silence has ended", "Past silences stay here.", icon="history")
        return
    parts.empty(
        "Nothing is silenced",
        "Whatever fires is told. A silence keeps known trouble or planned work from calling "
        "people.",
        icon="notifications_active",
        key="silences_empty",
    )


def _silence(row: Silence, muted: Mapping[str, int], *, now: datetime, zone: tzinfo) -> None:
    number = row.id or 0
    word, look = silence_words.standing(row, now=now)
    kind = parts.mark("maintenance", ("violet", "engineering")) if row.maintenance else ""
    with parts.card(f"silence_{number}"):
        facts = f"by {row.created_by}, {silence_words.when(row, now=now, zone=zone)}"
        lines = (
            f"{parts.mark(word, look)} {kind} **{plain(row.comment)}**",
            " ".join(f"`{matcher}`" for matcher in row.matchers),
            small(plain(f"Silence {number}, {facts}")),
        )
        st.markdown("  \n".join(lines))
        if count := muted.get(f"silence:{number}", 0):
            st.markdown(
                f":blue[:material/notifications_off:] {count} open "
                f"{'alert is' if count == 1 else 'alerts are'} muted by it"
            )
        if row.ends_at > now:
            _buttons(row, number)


def _buttons(row: Silence, number: int) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button(
            "End now",
            icon=":material/notifications_active:",
            key=f"silences_end_{number}",
            on_click=silence_actions.end,
            args=(number,),
        )
        with st.popover("Extend", icon=":material/more_time:", key=f"silences_more_{number}"):
            for more in LONGER:
                st.button(
                    f"{span(more)} more",
                    key=f"silences_extend_{number}_{more.total_seconds():.0f}",
                    on_click=silence_actions.extend,
                    args=(number, row.ends_at + more),
                    width="stretch",
                )


def _inhibitions(found: Standing) -> None:
    if not found.inhibitions:
        parts.empty(
            "No alert mutes another",
            "An inhibition keeps consequences quiet while their cause fires: one page instead of "
            "ten when a provider is down.",
            icon="call_split",
            key="inhibitions_empty",
        )
    for row in found.inhibitions:
        _inhibition(row)


def _inhibition(row: Inhibition) -> None:
    with parts.card(f"inhibition_{row.id}"):
        lines = (
            f"**{plain(row.name)}**",
            plain(silence_words.inhibition(row)),
            small(plain(f"Changed last by {row.updated_by}")),
        )
        st.markdown("  \n".join(lines))
        with st.container(horizontal=True, gap="small"):
            parts.link("silences", "Edit", icon="edit", inhibition=str(row.id))
            st.button(
                "Remove",
                icon=":material/delete:",
                key=f"inhibitions_remove_{row.id}",
                on_click=silence_actions.remove_inhibition,
                args=(row.id or 0,),
            )
