"""Alerts: what is wrong now, who has it, what comes next; and the hand-over to the next person.

`?alert=<id>` opens one of them, `?group=<id>` those that people are told of together.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from alerts import inbox
from alerts.inbox import Bundle, Item
from alerts.mutings import Mutings
from alerts.tallies import Watch
from app import (
    alert_buttons,
    alert_order,
    alert_parts,
    alert_words,
    cached_alerts,
    numbers,
    parts,
    shortcuts,
    wired,
)
from app.cached_alerts import Inbox
from app.opened import opened
from app.parts import plain
from app.views import alert_detail, group_detail, handover
from models.tables import SourceStatus
from models.vocabulary import DataState

REFRESH: Final = timedelta(seconds=5)
PER_PAGE: Final = 20
OPEN: Final = "Open"
RESOLVED: Final = "Resolved"
HANDOVER: Final = "Hand-over"
_SILENT: Final = (DataState.UNREACHABLE, DataState.QUERY_ERROR)


def render() -> None:
    """Draw the page."""
    asked = opened("alert")
    if asked:
        alert_detail.render(asked)
        return
    together = opened("group")
    if together:
        group_detail.render(together)
        return
    parts.page_header("Alerts", "What is wrong now, who has it, and who is told next.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        shown = parts.choice("Show", [OPEN, RESOLVED, HANDOVER], "alerts_show", default=OPEN)
        shortcuts.first_alert()
    if shown == HANDOVER:
        handover.render()
        return
    _live(shown)


@st.fragment(run_every=REFRESH, key="alerts")
def _live(shown: str) -> None:
    parts.show_flash()
    now = wired.current().clock()
    if shown == RESOLVED:
        _resolved(now=now)
    else:
        _open(now=now)
    alert_buttons.dialogs()


def _open(*, now: datetime) -> None:
    answer = cached_alerts.inbox_now()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    found = answer.data
    _blindness(found, now=now)
    answering = [source for source in found.sources if source.state not in _SILENT]
    if not (found.open or found.pending):
        _quiet(found.watch, answering, now=now)
        return
    known = found.mutings
    firing, taken, muted = alert_order.by_urgency(inbox.together(found.open))
    _section("Firing, nobody has it", firing, "alerts_page_firing", known, now=now)
    _section("Acknowledged", taken, "alerts_page_taken", known, now=now)
    _section("Muted, nobody is told", muted, "alerts_page_muted", known, now=now)
    _section("Pending", found.pending, "alerts_page_pending", known, now=now)
    parts.freshness(answering, now=now)


def _resolved(*, now: datetime) -> None:
    answer = cached_alerts.resolved()
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data:
        _section("Resolved, newest first", answer.data, "alerts_page_resolved", {}, now=now)
    elif answer.data is not None:
        parts.empty(
            "Nothing has been resolved yet",
            "Alerts that are over stay here, each with its timeline.",
            icon="history",
            key="alerts_no_history",
        )


def _blindness(found: Inbox, *, now: datetime) -> None:
    """Say why this page may not tell the whole truth."""
    if reason := alert_words.unwatched(found.watch, now=now):
        st.warning(reason, icon=":material/visibility_off:")
    for source in found.sources:
        if source.state in _SILENT:
            answered = numbers.age(source.answered_at, now=now)
            st.error(
                f"**{plain(source.name)}** last answered {answered}: {plain(source.error)}. "
                "Until it answers, its rules do what they say for that: most leave their alerts as "
                "they are.",
                icon=":material/cloud_off:",
            )


def _quiet(watch: Watch, sources: Sequence[SourceStatus], *, now: datetime) -> None:
    if not watch.rules:
        box = parts.empty(
            "Nothing is being watched",
            "There is no rule that is switched on, so that no alert can fire.",
            icon="visibility_off",
            key="alerts_unwatched",
        )
        with box:
            parts.link("rules", "Define a rule", icon="add", rule="new")
        return
    one = watch.rules == 1
    parts.empty(
        "All quiet",
        f"{watch.rules} {'rule is' if one else 'rules are'} being watched, last evaluated "
        f"{numbers.age(watch.evaluated_at, now=now)}.",
        icon="check_circle",
        key="alerts_quiet",
    )
    parts.freshness(sources, now=now)


def _section(
    title: str, found: Sequence[Bundle | Item], key: str, known: Mutings, *, now: datetime
) -> None:
    """Draw a list; a group of one alert is drawn as that alert."""
    if not found:
        return
    st.header(f"{title} ({len(found)})", anchor=False)
    pages = -(-len(found) // PER_PAGE)
    page = st.pagination(pages, key=key) if pages > 1 else 1
    zone = parts.viewer_zone()
    for one in found[(page - 1) * PER_PAGE : page * PER_PAGE]:
        if isinstance(one, Bundle) and one.group.size > 1:
            alert_parts.group_card(one, known, now=now, zone=zone)
        else:
            item = one.items[0] if isinstance(one, Bundle) else one
            alert_parts.card(item, known, now=now, zone=zone)
