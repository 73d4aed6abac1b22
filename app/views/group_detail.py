"""Alerts that people are told of together; where it is only one, that alert's own page."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

import streamlit as st

from alerts.inbox import Bundle, Item
from app import (
    alert_buttons,
    alert_parts,
    cached_alerts,
    delivery_words,
    parts,
    story_parts,
    wired,
)
from app.cached_alerts import Together
from app.opened import way_back
from app.parts import plain, small
from app.views import alert_detail
from models.tables import Group
from models.vocabulary import AlertState

REFRESH: Final = timedelta(seconds=5)
PER_PAGE: Final = 20


def render(asked: str) -> None:
    """Draw the page of the group whose id is `asked`, which may be anything."""
    known = cached_alerts.group(int(asked)) if _is_id(asked) else None
    if known and known.data and len(known.data.items) == 1:
        alert_detail.render(str(known.data.items[0].alert.id), "group")
        return
    way_back("All alerts", "group")
    _live(asked)


@st.fragment(run_every=REFRESH, key="alert_group")
def _live(asked: str) -> None:
    parts.show_flash()
    now = wired.current().clock()
    answer = cached_alerts.group(int(asked) if _is_id(asked) else 0)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    group = answer.data.items[0].group if answer.data else None
    if answer.data and group is not None:
        _draw(answer.data, group, now=now, zone=parts.viewer_zone())
    elif not answer.error:
        parts.empty(
            f"There is no group of alerts {asked[:40]}",
            "The link may come from another installation.",
            icon="search_off",
            key="group_unknown",
        )
    alert_buttons.dialogs()


def _draw(found: Together, group: Group, *, now: datetime, zone: tzinfo) -> None:
    bundle = Bundle(group=group, items=found.items)
    with st.container(key=f"group_{group.id}", gap="xsmall"):
        st.markdown(alert_parts.group_headline(bundle))
        st.title(plain(group.title), anchor=False)
        st.markdown(alert_parts.group_facts(bundle, found.mutings, now=now, zone=zone))
        with st.container(horizontal=True, gap="small", key="group_buttons"):
            alert_buttons.draw(alert_buttons.of_group(group), prominent=True)
        st.markdown(small(_why(group, found.items)))
        story_parts.export(group.id or 0, group=True)
    story_parts.untold(found.waiting, now=now)
    members, story = st.columns([3, 2], gap="large")
    with story:
        _timeline(found, group, now=now, zone=zone)
    with members:
        _members(found, now=now, zone=zone)
        _deliveries(found)


def _why(group: Group, items: tuple[Item, ...]) -> str:
    rules = ", ".join(dict.fromkeys(item.rule.name for item in items))
    shared = ", ".join(f"{name}={value}" for name, value in sorted(group.labels.items()) if value)
    together = f"Told together because they share {plain(shared)}" if shared else "Told together"
    return f"{together}\nRules: {plain(rules)}"


def _members(found: Together, *, now: datetime, zone: tzinfo) -> None:
    opened = sum(item.alert.state is not AlertState.RESOLVED for item in found.items)
    st.header(f"Alerts ({len(found.items)}, {opened} open)", anchor=False)
    pages = -(-len(found.items) // PER_PAGE)
    page = st.pagination(pages, key="group_page") if pages > 1 else 1
    for item in found.items[(page - 1) * PER_PAGE : page * PER_PAGE]:
        with parts.card(f"alert_{item.alert.id}"):
            lines = (
                f"{alert_parts.headline(item)} **{plain(item.rule.name)}**",
                plain(item.summary),
                small(alert_parts.facts(item, found.mutings, now=now, zone=zone)),
            )
            st.markdown("  \n".join(lines))
            parts.link("alerts", "Open", icon="arrow_forward", alert=str(item.alert.id))


def _timeline(found: Together, group: Group, *, now: datetime, zone: tzinfo) -> None:
    labels = {
        item.alert.id or 0: (item.condition, item.summary.partition(" for ")[2] or item.rule.name)
        for item in found.items
    }
    with st.container(border=True, key="alert_timeline", gap="xsmall"):
        story_parts.timeline(
            found.timeline,
            story_parts.names(labels),
            began=group.opened_at,
            now=now,
            zone=zone,
        )
        st.markdown(small("Times are counted from when the group opened."))


def _deliveries(found: Together) -> None:
    with parts.card("group_deliveries", "Deliveries"):
        if not found.attempts:
            st.markdown(small("Nothing has been sent about it yet."))
            return
        table = delivery_words.table(found.attempts).drop(columns=["About", "Alerts"])
        st.dataframe(
            table,
            hide_index=True,
            height="content" if len(table) <= PER_PAGE else 480,
            key="group_deliveries_table",
            alt="Delivery attempts, newest first",
            column_config=delivery_words.columns(st.context.timezone or "UTC"),
        )


def _is_id(asked: str) -> bool:
    return asked.isascii() and asked.isdigit() and len(asked) <= 18
