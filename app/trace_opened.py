"""One trace, opened: its waterfall, one span, its log lines and what stood round it."""

from datetime import datetime, timedelta
from functools import partial

import streamlit as st

from app import (
    agent_parts,
    cached_around,
    cached_traces,
    numbers,
    parts,
    trace_around,
    trace_compare,
    trace_links,
    trace_parts,
    wired,
)
from app.waterfall.component import waterfall
from app.waterfall.layout import Row, Waterfall


@st.fragment(run_every=timedelta(seconds=30), key="traces_opened")
def draw(trace_id: str) -> None:
    """Draw the trace, as long as a store has it or had it lately."""
    now = wired.current().clock()
    answer = cached_traces.drawing(trace_id)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    tz = parts.viewer_zone()
    drawn = answer.data.waterfall
    trace_parts.summary(drawn, tz)
    trace_links.draw(drawn)
    if drawn.note:
        st.warning(drawn.note)
    waterfall(
        answer.data.columns,
        focus=_focus(drawn),
        key=_key(trace_id),
        on_select=partial(_chosen, trace_id),
    )
    agent_parts.graph(answer.data.agents, trace_id=trace_id, on_pick=partial(_jump, trace_id))
    left, right = st.columns([3, 2])
    with left:
        trace_parts.span_details(_selected(drawn), tz)
    with right:
        trace_parts.hint_list(answer.data.hints, on_pick=partial(_jump, trace_id))
    agent_parts.tools_and_retrieval(answer.data.agents, now=now)
    trace_compare.draw(drawn)
    _around(drawn, trace_id, now=now)
    age = numbers.age(answer.at, now=now)
    url = _web_url(answer.source, trace_id)
    there = f" [Open it there]({url})." if url else ""
    parts.fine_print(f"Trace `{trace_id}`, read from {parts.plain(answer.source)} {age}.{there}")


def _around(drawn: Waterfall, trace_id: str, *, now: datetime) -> None:
    """Draw what else is known of the request: its log lines, alerts, and the signals then."""
    request, tz = cached_around.request_of(drawn), parts.viewer_zone()
    if request is None:
        return
    lines = cached_traces.lines(trace_id, request.started_at, request.ended_at)
    trace_parts.log_lines(lines, drawn, tz, now=now)
    trace_around.alerts(request, tz, now=now)
    trace_around.signals(request, now=now)


def _web_url(store: str, trace_id: str) -> str | None:
    """Return the trace on the own pages of the store that has it."""
    wiring = wired.current()
    stores = wiring.stores or ((wiring.traces,) if wiring.traces else ())
    return next((one.web_url(trace_id) for one in stores if one.name == store), None)


def _key(trace_id: str) -> str:
    return f"traces_waterfall_{trace_id}"


def _selected(drawn: Waterfall) -> Row:
    """Return the row that was clicked, else the one in the URL, else the slowest."""
    clicked = (st.session_state.get(_key(drawn.trace_id)) or {}).get("span")
    row = drawn.row(clicked or st.query_params.get("span", ""))
    return row or next((row for row in drawn.rows if row.slowest), drawn.root)


def _focus(drawn: Waterfall) -> tuple[str, int]:
    """Return what the waterfall was last told to show; the reader's clicks need no telling."""
    kept = st.session_state.get("traces_focus")
    if kept is None or kept[0] != drawn.trace_id:
        kept = (drawn.trace_id, _selected(drawn).key, 0)
        st.session_state["traces_focus"] = kept
    return kept[1], kept[2]


def _chosen(trace_id: str) -> None:
    st.query_params["span"] = st.session_state[_key(trace_id)].span


def _jump(trace_id: str, row_key: str) -> None:
    _, _, count = st.session_state["traces_focus"]
    st.session_state["traces_focus"] = (trace_id, row_key, count + 1)
    st.session_state[_key(trace_id)] = {"span": row_key}
    st.query_params["span"] = row_key
