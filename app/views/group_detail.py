"""Alerts that people are told of together; where it is only one, that alert's own page."""

from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from alerts.inbox import Item
from app import alert_parts, cached_alerts, parts, wired
from app.opened import way_back
from app.parts import plain, small
from app.views import alert_detail

REFRESH: Final = timedelta(seconds=5)


def render(asked: str) -> None:
    """Draw the page of the group whose id is `asked`, which may be anything."""
    known = cached_alerts.group(int(asked)) if _is_id(asked) else None
    if known and known.data and len(known.data) == 1:
        alert_detail.render(str(known.data[0].alert.id), "group")
        return
    way_back("All alerts", "group")
    _live(asked)


@st.fragment(run_every=REFRESH, key="alert_group")
def _live(asked: str) -> None:
    parts.show_flash()
    now = wired.current().clock()
    answer = cached_alerts.group(int(asked)) if _is_id(asked) else cached_alerts.group(0)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data:
        _draw(answer.data, now=now)
    elif not answer.error:
        parts.empty(
            f"There is no group of alerts {asked[:40]}",
            "The link may come from another installation.",
            icon="search_off",
            key="group_unknown",
        )
    alert_parts.note_dialog()


def _draw(items: tuple[Item, ...], *, now: datetime) -> None:
    group, zone = items[0].group, parts.viewer_zone()
    if group is None:
        return
    st.title(plain(group.title), anchor=False)
    st.markdown(f"{parts.severity_mark(group.severity)} {parts.state_mark(group.state)}")
    for item in items:
        with parts.card(f"alert_{item.alert.id}"):
            lines = (
                f"{alert_parts.headline(item)} **{plain(item.rule.name)}**",
                plain(item.summary),
                small(alert_parts.facts(item, now=now, zone=zone)),
            )
            st.markdown("  \n".join(lines))
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                alert_parts.buttons(item)
                parts.link("alerts", "Open", icon="arrow_forward", alert=str(item.alert.id))


def _is_id(asked: str) -> bool:
    return asked.isascii() and asked.isdigit() and len(asked) <= 18
