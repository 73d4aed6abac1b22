"""One alert, as whoever is woken by it needs it: what, since when, who, why, then the evidence."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

import streamlit as st

from alerts.inbox import Entry, EntryKind, Item
from alerts.lifecycle import ENGINE
from alerts.wording import alert_url
from app import (
    alert_parts,
    cached_alerts,
    cached_watching,
    channel_words,
    local_time,
    parts,
    watch_chart,
    watching,
    wired,
)
from app.cached_alerts import Detail
from app.numbers import number
from app.opened import way_back
from app.parts import plain, small
from models.tables import Alert, Notification
from models.vocabulary import AlertState, Unit
from signals.traces import TraceSummary

REFRESH: Final = timedelta(seconds=5)
_ICONS: Final = {
    EntryKind.STATE: "flag",
    EntryKind.STEP: "campaign",
    EntryKind.DELIVERY: "outbox",
    EntryKind.REMARK: "person",
    EntryKind.NOTE: "edit_note",
}


def render(asked: str, opened_by: str = "alert") -> None:
    """Draw the page of the alert whose id is `asked`, which may be anything."""
    way_back("All alerts", opened_by)
    _live(asked)


@st.fragment(run_every=REFRESH, key="alert")
def _live(asked: str) -> None:
    parts.show_flash()
    now = wired.current().clock()
    if not asked.isascii() or not asked.isdigit() or len(asked) > 18:
        _unknown(asked)
        return
    answer = cached_alerts.detail(int(asked))
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is not None:
        _draw(answer.data, now=now, zone=parts.viewer_zone())
    elif not answer.error:
        _unknown(asked)
    alert_parts.note_dialog()


def _unknown(asked: str) -> None:
    parts.empty(
        f"There is no alert {asked[:40]}",
        "The link may come from another installation, or the alert was pending and went away "
        "before it fired.",
        icon="search_off",
        key="alert_unknown",
    )


def _draw(detail: Detail, *, now: datetime, zone: tzinfo) -> None:
    item = detail.item
    _top(item, now=now, zone=zone)
    _untold(detail.waiting, now=now)
    evidence, story = st.columns([3, 2], gap="large")
    with story:  # first: a slow source must hold up nothing that the database knows
        _timeline(detail.timeline, item, now=now, zone=zone)
    with evidence:
        _chart(item, now=now)
        _traces(item, now=now, zone=zone)


def _top(item: Item, *, now: datetime, zone: tzinfo) -> None:
    with st.container(key=f"alert_{item.alert.id}", gap="xsmall"):
        st.markdown(alert_parts.headline(item))
        st.title(plain(item.rule.name), anchor=False)
        st.markdown(f"**{plain(item.summary)}**")
        if said := alert_parts.annotations(item):
            st.markdown(said)
        st.markdown(alert_parts.facts(item, now=now, zone=zone))
        st.markdown(small(_why(item)))
        if marks := alert_parts.labels(item):
            st.markdown(marks)
        with st.container(horizontal=True, gap="small", key="alert_buttons"):
            alert_parts.buttons(item, prominent=True)
            if item.rule.runbook_url:
                st.link_button(
                    "Runbook",
                    item.rule.runbook_url,
                    icon=":material/menu_book:",
                    width="stretch",
                )


def _why(item: Item) -> str:
    rule = item.rule
    said = [f"Rule: {plain(watching.sentence(item.condition))}"]
    if patience := watching.patience(rule.hold, rule.keep_firing):
        said.append(plain(patience))
    lines = [", ".join(said), plain(rule.summary), f"Owner: {plain(rule.owner)}"]
    return "\n".join(line for line in lines if line)


def _untold(waiting: Sequence[Notification], *, now: datetime) -> None:
    """Say which channel does not know yet, and why."""
    for note in waiting:
        whom = plain(channel_words.words(note.channel))
        if note.next_attempt_at is None:
            st.error(f"{whom} could not be told: {plain(note.error)}", icon=":material/block:")
        elif note.error:
            again = local_time.until(note.next_attempt_at, now=now)
            st.warning(
                f"{whom} has not been told: {plain(note.error)}. Next try {again}.",
                icon=":material/sync:",
            )


def _chart(item: Item, *, now: datetime) -> None:
    alert = item.alert
    drawing = watching.drawing(item.condition, alert.labels)
    began, ended = alert.active_at, alert.resolved_at
    with st.container(border=True, key="alert_chart", gap="xsmall"):
        st.markdown(f"**{plain(drawing.title)}**")
        answer = cached_watching.around(drawing.question, began, ended)
        if answer.error:
            parts.source_down(answer.error, answer.at, now=now)
        if answer.data is None:
            return
        about = tuple(s for s in answer.data.series if watching.belongs(s.labels, alert.labels))
        if not about:
            st.markdown(small("There is no data around this alert."))
            return
        firing = [(alert.fired_at, ended)] if alert.fired_at else []
        plot = watch_chart.plot(about, answer.data.grid, drawing, firing=firing)
        parts.draw(plot, key=f"alert_plot_{alert.id}", alt=f"{drawing.title}, around this alert")


def _traces(item: Item, *, now: datetime, zone: tzinfo) -> None:
    alert, which = item.alert, watching.worst(item.condition)
    window = getattr(item.condition, "window", timedelta())
    labels = tuple(sorted(alert.labels.items()))
    answer = cached_watching.worst_traces(
        which, labels, alert.active_at - window, alert.resolved_at
    )
    with st.container(border=True, key="alert_traces", gap="xsmall"):
        st.markdown(f"**{which.title} meanwhile**")
        if answer.error:
            parts.source_down(answer.error, answer.at, now=now)
        elif answer.data is None:
            st.markdown(small("No trace store is connected, so that there is none to show."))
        elif not answer.data:
            st.markdown(small("The trace store has none with these labels in this time."))
        for trace in answer.data or ():
            _trace(trace, now=now, zone=zone)


def _trace(trace: TraceSummary, *, now: datetime, zone: tzinfo) -> None:
    said = (
        number(trace.duration_ms / 1000, Unit.SECONDS),
        number(trace.cost_usd, Unit.USD) if trace.cost_usd is not None else None,
        trace.outcome or trace.status,
        trace.model,
        trace.feature,
        trace.tenant,
        local_time.clock(trace.started_at, now=now, zone=zone),
    )
    line = " · ".join(one for one in said if one)
    parts.link("traces", line, icon="account_tree", trace=trace.trace_id)


def _timeline(entries: Sequence[Entry], item: Item, *, now: datetime, zone: tzinfo) -> None:
    alert = item.alert
    began = alert.fired_at or alert.active_at
    with st.container(border=True, key="alert_timeline", gap="xsmall"):
        st.markdown("**Timeline**, newest first")
        for entry in reversed(entries):
            at = local_time.clock(entry.at, now=now, zone=zone)
            apart = local_time.offset(entry.at, since=began)
            st.markdown(f"{_entry(entry, item)}  \n{small(f'{at}, {apart}')}")
        st.markdown(small(f"Times are counted from {_beginning(alert)}."))
        if alert.id is not None:
            link = alert_url(wired.current().settings.base_url, alert.id)
            st.markdown(small(f"Link to this alert: `{link}`"))


def _entry(entry: Entry, item: Item) -> str:
    icon = f":{'gray' if entry.ok else 'red'}[:material/{_ICONS[entry.kind]}:]"
    if entry.kind is EntryKind.NOTE:
        return f"{icon} **{plain(entry.actor)}** {plain(entry.text)}"
    at = watching.value(item.condition, entry.value)
    by = f" by {plain(entry.actor)}" if entry.actor not in ("", ENGINE) else ""
    said = entry.text
    for channel in entry.channels:
        said = said.replace(channel, channel_words.words(channel))
    return f"{icon} {plain(said)}{f' at {at}' if at else ''}{by}"


def _beginning(alert: Alert) -> str:
    return "when it became pending" if alert.state is AlertState.PENDING else "when it fired"
