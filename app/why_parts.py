"""The card that says why an alert fired, and what was done about it the last time."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

import streamlit as st

from alerts.inbox import Item
from alerts.lifecycle import ENGINE
from alerts.surroundings import Earlier
from app import cached_why, local_time, parts, why
from app.parts import plain, small

NOTE_LIMIT: Final = 300
SHORTEST: Final = timedelta(minutes=5)  # of what the mix of requests is taken from


def draw(item: Item, last: Earlier | None, *, now: datetime, zone: tzinfo) -> None:
    """Draw which window decided, on how many events, what differed, and the episode before."""
    alert, condition = item.alert, item.condition
    with st.container(border=True, key="alert_why", gap="xsmall"):
        st.markdown("**Why it fired**")
        values = cached_why.values(why.asked(condition, alert.labels), alert.active_at)
        for line in why.decided(condition, alert.labels, values):
            st.markdown(plain(line))
        window = max(getattr(condition, "window", SHORTEST), SHORTEST)
        labels = {**getattr(condition, "scope", {}), **alert.labels}
        mix = cached_why.mix(tuple(sorted(labels.items())), alert.active_at, window)
        differs = why.mix(mix.data or ())
        if hits := why.cache_hits(condition, alert.labels, values):
            differs.append(hits)
        for line in differs:
            st.markdown(f":gray[:material/difference:] {plain(line)}")
        if mix.error:
            st.markdown(small(plain(f"What differed from before cannot be told: {mix.error}")))
        elif mix.data is not None and not differs:
            st.markdown(small("Its requests are of the same mix as those of the hour before."))
        _before(last, now=now, zone=zone)


def _before(last: Earlier | None, *, now: datetime, zone: tzinfo) -> None:
    if last is None:
        st.markdown(small("It had never fired before."))
        return
    at = local_time.clock(last.fired_at, now=now, zone=zone)
    taken = f"{last.acknowledged_by} took it" if last.acknowledged_by else "nobody took it"
    ended = "it is still open"
    if last.ended_at is not None:
        by = "by itself" if last.resolved_by in (None, ENGINE) else f"by {last.resolved_by}"
        ended = f"it ended {by}"
    note = f". Last note: {last.note[:NOTE_LIMIT]}" if last.note else ""
    parts.link("alerts", f"Fired before at {at}", icon="history", alert=str(last.alert_id))
    st.markdown(small(plain(f"{taken}, {ended}{note}")))
