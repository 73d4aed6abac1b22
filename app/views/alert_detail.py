"""One alert, as whoever is woken by it needs it: what, since when, who, why, then the evidence."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

import streamlit as st

from alerts.datastates import DataStates
from alerts.entries import Entry
from alerts.evidence import worst
from alerts.inbox import Item
from alerts.mutings import MutingKind
from alerts.wording import alert_url
from app import (
    alert_buttons,
    alert_parts,
    annotation_words,
    cached_alerts,
    cached_watching,
    charts,
    data_state_form,
    local_time,
    parts,
    shortcuts,
    story_parts,
    watch_chart,
    watching,
    why_parts,
    wired,
)
from app.cached_alerts import Detail
from app.numbers import number
from app.opened import way_back
from app.parts import plain, small
from models.tables import Alert
from models.vocabulary import AlertState, Unit
from signals.traces import TraceSummary

REFRESH: Final = timedelta(seconds=5)


def render(asked: str, opened_by: str = "alert") -> None:
    """Draw the page of the alert whose id is `asked`, which may be anything."""
    with st.container(horizontal=True, gap="medium", key="alert_ways"):
        way_back("All alerts", opened_by)
        shortcuts.next_alerts(asked)
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
    alert_buttons.dialogs()


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
    _top(detail, now=now, zone=zone)
    story_parts.untold(detail.waiting, now=now)
    evidence, story = st.columns([3, 2], gap="large")
    with story:  # first: a slow source must hold up nothing that the database knows
        _timeline(detail.timeline, item, now=now, zone=zone)
    with evidence:
        why = st.container()  # stands first and is drawn last: it asks the most
        story_parts.changes(detail.surroundings, now=now, zone=zone)
        _chart(detail, now=now)
        _traces(item, now=now, zone=zone)
        with why:
            why_parts.draw(item, detail.surroundings.last, now=now, zone=zone)


def _top(detail: Detail, *, now: datetime, zone: tzinfo) -> None:
    item = detail.item
    with st.container(key=f"alert_{item.alert.id}", gap="xsmall"):
        st.markdown(alert_parts.headline(item))
        st.title(plain(item.rule.name), anchor=False)
        st.markdown(f"**{plain(item.summary)}**")
        if said := alert_parts.annotations(item):
            st.markdown(said)
        st.markdown(alert_parts.facts(item, detail.mutings, now=now, zone=zone))
        with st.container(horizontal=True, gap="small", key="alert_buttons"):
            alert_buttons.draw(alert_buttons.of_alert(item), prominent=True)
            if item.rule.runbook_url:
                st.link_button(
                    "Runbook",
                    item.rule.runbook_url,
                    icon=":material/menu_book:",
                    width="stretch",
                )
        if unseen := _unseen(item, now=now):
            st.warning(plain(unseen), icon=":material/visibility_off:")
        st.markdown(small(_why(item)))
        if marks := alert_parts.labels(item):
            st.markdown(marks)
        _links(item)


def _links(item: Item) -> None:
    alert, group = item.alert, item.group
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="alert_links"):
        if group is not None and group.size > 1:
            label = f"One of {group.size} told together"
            parts.link("alerts", label, icon="group_work", group=str(group.id))
        if alert.state is not AlertState.RESOLVED:
            _muting(alert)
        story_parts.export(alert.id or 0, group=False)


def _muting(alert: Alert) -> None:
    """Draw the way to what mutes the alert, or to muting it."""
    kind, _, number = alert.muted_by.partition(":")
    if kind == MutingKind.ALERT:
        parts.link("alerts", "The alert that mutes it", icon="notifications_off", alert=number)
    elif kind:
        parts.link("silences", "The silence that mutes it", icon="notifications_off")
    else:
        query = {"silence": "new", "alert": str(alert.id)}
        parts.link("silences", "Silence", icon="notifications_off", **query)


def _unseen(item: Item, *, now: datetime) -> str:
    """Return in which data state the alert stands, if it is not seen."""
    states = DataStates.model_validate(item.rule.data_states)
    return data_state_form.standing(item.alert, item.condition, states, now=now)


def _why(item: Item) -> str:
    rule = item.rule
    said = [f"Rule: {plain(watching.sentence(item.condition))}"]
    if patience := watching.patience(rule.hold, rule.keep_firing):
        said.append(plain(patience))
    lines = [", ".join(said), plain(rule.summary), f"Owner: {plain(rule.owner)}"]
    return "\n".join(line for line in lines if line)


def _chart(detail: Detail, *, now: datetime) -> None:
    item, alert = detail.item, detail.item.alert
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
        before = (
            cached_watching.around(drawing.baseline, began, ended) if drawing.baseline else None
        )
        baseline = before.data.series if before and before.data else ()
        plot = watch_chart.plot(about, answer.data.grid, drawing, baseline=baseline, firing=firing)
        plot = charts.noted(plot, annotation_words.notes(detail.surroundings.annotated))
        parts.draw(plot, key=f"alert_plot_{alert.id}", alt=f"{drawing.title}, around this alert")


def _traces(item: Item, *, now: datetime, zone: tzinfo) -> None:
    alert, which = item.alert, worst(item.condition)
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
        story_parts.timeline(
            entries, lambda _: (item.condition, ""), began=began, now=now, zone=zone
        )
        st.markdown(small(f"Times are counted from {_beginning(alert)}."))
        if alert.id is not None:
            link = alert_url(wired.current().settings.base_url, alert.id)
            st.markdown(small(f"Link to this alert: `{link}`"))


def _beginning(alert: Alert) -> str:
    return "when it became pending" if alert.state is AlertState.PENDING else "when it fired"
