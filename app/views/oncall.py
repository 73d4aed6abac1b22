"""On call: who is woken now, until when, and where nobody is; `?schedule=<id>` shows one."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

import streamlit as st

from alerts.rota import Rota
from app import cached_oncall, oncall_draw, oncall_words, parts, wired
from app.cached_oncall import RotaList
from app.opened import opened
from app.parts import plain, small
from app.views import oncall_editor, oncall_schedule

REFRESH: Final = timedelta(seconds=10)
NEW: Final = "new"


def render() -> None:
    """Draw the page."""
    asked = opened("schedule")
    if asked == NEW or (asked and opened("edit")):
        oncall_editor.render(asked)
        return
    if asked:
        oncall_schedule.render(asked)
        return
    parts.page_header("On call", "Who is woken, until when, and who is next.")
    _live()


@st.fragment(run_every=REFRESH, key="oncall")
def _live() -> None:
    parts.show_flash()
    now = wired.current().clock()
    answer = cached_oncall.every()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    if answer.data.rotas or answer.data.broken:
        parts.link("oncall", "New schedule", icon="add", schedule=NEW)
    else:
        _none_yet()
    for name, why in answer.data.broken.items():
        st.error(f"{plain(name)}: {plain(why)}.", icon=":material/block:")
    zone = parts.viewer_zone()
    for rota in answer.data.rotas:
        _card(rota, answer.data, now=now, zone=zone)
    if answer.data.rotas:
        st.markdown(small(f"Times are by your clock, {plain(str(zone))}."))


def _none_yet() -> None:
    box = parts.empty(
        "No schedule yet",
        "A schedule says who is on call: people who take turns, a calendar that you keep already, "
        "or one of PagerDuty's. Policies then tell `schedule:name`.",
        icon="calendar_month",
        key="oncall_empty",
    )
    with box:
        parts.link("oncall", "Define a schedule", icon="add", schedule=NEW)


def _card(rota: Rota, found: RotaList, *, now: datetime, zone: tzinfo) -> None:
    row = rota.row
    with parts.card(f"oncall_{row.id}"):
        st.markdown(f"**{plain(row.name)}**  \n{oncall_draw.headline(rota, now=now, zone=zone)}")
        oncall_draw.warnings(rota, now=now)
        oncall_draw.strip(rota, now=now, zone=zone)
        policies = found.named_by.get(row.id or 0, ())
        st.markdown(small(f"{oncall_words.SOURCES[row.source]} · {_used_by(policies)}"))
        parts.link("oncall", "Calendar and overrides", icon="calendar_month", schedule=str(row.id))


def _used_by(policies: tuple[str, ...]) -> str:
    if not policies:
        return "No policy tells it yet"
    one = len(policies) == 1
    return f"Told by {'the policy' if one else 'the policies'} {plain(', '.join(policies))}"
