"""Deliveries: what still has to be said, and every attempt at saying something with its answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from app import (
    cached_alerts,
    cached_reports,
    channel_words,
    delivery_words,
    parts,
    report_parts,
    wired,
)
from app.cached_alerts import Ledger
from app.parts import plain, small
from models.tables import Delivery, Notification
from models.vocabulary import Outcome

REFRESH: Final = timedelta(seconds=5)
MOST: Final = 200  # as many as `inbox.deliveries` returns
SHOWN: Final = 20


def render() -> None:
    """Draw the page."""
    parts.page_header(
        "Deliveries", "Every message to Slack, PagerDuty and people, and what the vendor answered."
    )
    _live()


@st.fragment(run_every=REFRESH, key="deliveries")
def _live() -> None:
    now = wired.current().clock()
    top = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", key="deliveries_filters"):
        channel = st.selectbox(
            "Channel",
            list(channel_words.KIND_WORDS),
            index=None,
            format_func=channel_words.KIND_WORDS.__getitem__,
            placeholder="All channels",
            key="deliveries_channel",
            bind="query-params",
            width=240,
        )
        outcome = st.selectbox(
            "Outcome",
            list(Outcome),
            index=None,
            format_func=str.capitalize,
            placeholder="All outcomes",
            key="deliveries_outcome",
            bind="query-params",
            width=240,
        )
    answer = cached_alerts.ledger(channel or "", outcome or "")
    with top:
        if answer.error:
            parts.source_down(answer.error, answer.at, now=now)
        if answer.data is not None:
            _standing(answer.data, now=now)
    if answer.data is not None:
        _ledger(answer.data.attempts, filtered=bool(channel or outcome))
    if reported := cached_reports.ledger().data:
        with parts.card("deliveries_reports", "Weekly reports"):
            report_parts.sent(reported, key="deliveries_reports_table")


def _standing(found: Ledger, *, now: datetime) -> None:
    share = delivery_words.share(found.day)
    missing = found.day.wanted - found.day.reached
    left, right = st.columns([1, 3])
    with left, parts.card("deliveries_share"):
        st.metric(
            "Delivered, last 24 h",
            share or "—",
            delta=f"{missing} not" if missing else None,
            delta_color="red",
            delta_arrow="off",
            help="Messages that got through, of those that were tried; attempts do not count.",
        )
        parts.fine_print(_of(found))
    with right, parts.card("deliveries_outbox", "Waiting to be delivered"):
        if not found.outbox:
            st.markdown(small("Nothing waits: everyone knows what they should know."))
        for note, title in found.outbox[:SHOWN]:
            _waiting(note, title, now=now)
        if len(found.outbox) > SHOWN:
            st.markdown(small(f"and {len(found.outbox) - SHOWN} more"))


def _of(found: Ledger) -> str:
    if not found.day.wanted:
        return "nothing was to be sent"
    return f"of {found.day.wanted} messages"


def _waiting(note: Notification, title: str, *, now: datetime) -> None:
    failed = note.next_attempt_at is None
    icon = ":red[:material/block:]" if failed else ":orange[:material/sync:]"
    event = delivery_words.EVENT_WORDS[note.wanted]
    said = f"{icon} **{plain(channel_words.words(note.channel))}**: {plain(title)} {event}, "
    said += delivery_words.waits(note, now=now)
    if note.error:
        said += f"  \n{small(plain(note.error))}"
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"deliveries_wait_{note.id}"
    ):
        st.markdown(said, width="stretch")
        parts.link("alerts", "Open", icon="arrow_forward", group=str(note.group_id))


def _ledger(attempts: Sequence[tuple[Delivery, str]], *, filtered: bool) -> None:
    if not attempts:
        _nothing(filtered=filtered)
        return
    st.dataframe(
        delivery_words.table(attempts),
        hide_index=True,
        height="content" if len(attempts) <= SHOWN else 640,
        key="deliveries_table",
        alt="Delivery attempts, newest first",
        column_config=delivery_words.columns(st.context.timezone or "UTC"),
    )
    if len(attempts) >= MOST:
        st.markdown(small(f"The newest {MOST} attempts are shown."))


def _nothing(*, filtered: bool) -> None:
    if filtered:
        parts.empty(
            "No attempt matches",
            "Nothing was sent to this kind of channel with this outcome.",
            icon="filter_alt",
            key="deliveries_no_match",
        )
        return
    parts.empty(
        "Nothing has been sent yet",
        "When an alert fires, each message of its policy stands here with the vendor's answer.",
        icon="outbox",
        key="deliveries_empty",
    )
