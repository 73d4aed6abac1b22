"""Traces: find one request, and see where its time and its money went.

What is shown stands in the URL: `trace` and `span`, or `order`, `slower` (seconds), `errors` and
what `app.scope` keeps there. A link with `?trace=<id>` opens that trace.
"""

from datetime import timedelta
from functools import partial
from typing import Final

import streamlit as st

from app import cached_traces, numbers, parts, scope, trace_parts, wired
from app.trace_search import LIMIT, Filters, find_trace_id, label, malformed, table
from app.waterfall.component import waterfall
from app.waterfall.layout import Row, Waterfall
from signals.traces import FILTERS, Order, TraceSummary

# In the URL a choice stands as it is labelled.
_ORDERS: Final = {"Newest": Order.NEWEST, "Slowest": Order.SLOWEST, "Dearest": Order.DEAREST}
_NO_STORE: Final = (
    "Set `WAKEFUL_TRACE_STORE_URL` to `embedded` (the default) and restart; the application then "
    "sends its spans by OTLP to `/v1/traces` of this address."
)


def render() -> None:
    """Draw the page."""
    parts.page_header("Traces", "One request, span by span: what was slow, what was dear, why.")
    if wired.current().traces is None:
        parts.empty("No trace store is configured", _NO_STORE, icon="account_tree")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="traces_search"):
        back = st.empty()
        text = st.text_input(
            "Trace id",
            key="trace",
            bind="query-params",
            placeholder="Paste a trace id, or a line that contains one",
            icon=":material/search:",
            label_visibility="collapsed",
        )
    trace_id = find_trace_id(text or "")
    if trace_id is not None:
        back.button("All traces", icon=":material/arrow_back:", on_click=_close, key="traces_close")
        _opened(trace_id)
        return
    if text:
        st.warning(malformed(text), icon=":material/search_off:")
    _list(_filters())


# --- the list


def _filters() -> Filters:
    chosen = scope.choose()
    with st.container(horizontal=True, vertical_alignment="center", key="traces_filters"):
        order = st.segmented_control(
            "Order",
            list(_ORDERS),
            default="Newest",
            required=True,
            key="order",
            label_visibility="collapsed",
            bind="query-params",
        )
        slower = st.number_input(
            "Slower than, in seconds",
            min_value=0.0,
            value=None,
            step=0.5,
            placeholder="Slower than … s",
            key="slower",
            label_visibility="collapsed",
            bind="query-params",
            width=170,
        )
        errors_only = st.toggle("Errors only", key="errors", bind="query-params")
    return Filters(
        window=chosen.span,
        scope=chosen.labels,
        errors_only=errors_only,
        slower_than_ms=slower * 1000 if slower else None,
        order=_ORDERS[order],
    )


@st.fragment(run_every=timedelta(seconds=10), key="traces_list")
def _list(filters: Filters) -> None:
    now = wired.current().clock()
    answer = cached_traces.listing(filters)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data:
        with st.container(key="traces_found"):
            _table(answer.data)
    elif answer.data is not None:
        _nothing(filters)
    count = len(answer.data or ())
    first = "The first " if count == LIMIT else ""
    parts.fine_print(f"{first}{count} traces, looked up {numbers.age(answer.at, now=now)}.")


def _table(summaries: tuple[TraceSummary, ...]) -> None:
    # The click tells the label that was pressed, not a place that the next refresh may move.
    st.session_state["traces_labels"] = {label(s.trace_id): s.trace_id for s in summaries}
    # One runaway trace must not flatten the bars of all others.
    slow = sorted(s.duration_ms / 1000 for s in summaries)[int(0.95 * (len(summaries) - 1))]
    columns = st.column_config
    st.dataframe(
        table(summaries),
        hide_index=True,
        height="content" if len(summaries) <= 14 else 560,
        key="traces_table",
        placeholder=numbers.NO_VALUE,
        alt="Traces that match, one per row",
        column_config={
            "Trace": columns.ButtonColumn(
                type="tertiary", pinned=True, on_click=_open_clicked, key="traces_click"
            ),
            "Started": columns.DatetimeColumn(
                format="D MMM HH:mm:ss", timezone=str(parts.viewer_zone())
            ),
            "Latency": columns.ProgressColumn(
                format="%.2f s", min_value=0, max_value=max(slow, 0.001)
            ),
            "Cost": columns.NumberColumn(format="$%.4f"),
            "Cost is": columns.TextColumn(
                help="Reported by the application, computed from tokens and the price list, or "
                "a floor because some model has no known price."
            ),
            "Tokens": columns.NumberColumn(format="localized"),
        },
    )


def _nothing(filters: Filters) -> None:
    if filters.words:
        box = parts.empty(
            "No trace matches",
            f"Nothing in this time range passes the filters: {parts.plain(filters.words)}.",
            icon="filter_alt",
        )
        box.button("Clear the filters", on_click=_clear, key="traces_clear")
        return
    parts.empty(
        "No traces in this time range",
        "Choose a longer range, or send spans by OTLP to `/v1/traces` of this address.",
        icon="account_tree",
    )


def _clear() -> None:
    for field in FILTERS:
        st.session_state[field] = None
    st.session_state["errors"] = False
    st.session_state["slower"] = None
    st.rerun()


def _open_clicked() -> None:
    pressed = st.session_state["traces_click"].label
    trace_id = st.session_state["traces_labels"].get(pressed)
    if trace_id is not None:
        st.query_params.pop("span", None)
        st.session_state["trace"] = trace_id
        st.rerun()  # the whole page, not the list alone


def _close() -> None:
    st.session_state["trace"] = ""
    st.query_params.pop("span", None)


# --- one trace


@st.fragment(run_every=timedelta(seconds=30), key="traces_opened")
def _opened(trace_id: str) -> None:
    now = wired.current().clock()
    answer = cached_traces.drawing(trace_id)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        if not answer.error:
            _not_held(trace_id)
        return
    tz = parts.viewer_zone()
    drawn = answer.data.waterfall
    trace_parts.summary(drawn, tz)
    if drawn.note:
        st.warning(drawn.note)
    waterfall(
        answer.data.columns,
        focus=_focus(drawn),
        key=_key(trace_id),
        on_select=partial(_chosen, trace_id),
    )
    left, right = st.columns([3, 2])
    with left:
        trace_parts.span_details(_selected(drawn), tz)
    with right:
        trace_parts.hint_list(answer.data.hints, on_pick=partial(_jump, trace_id))
    trace_parts.log_lines(cached_traces.lines(trace_id), drawn, tz, now=now)
    parts.fine_print(f"Trace `{trace_id}`, read {numbers.age(answer.at, now=now)}.")


def _not_held(trace_id: str) -> None:
    store = wired.current().traces
    held = store.name if store else "no store"
    kept = store.abilities.retention if store else None
    days = f"the {kept.days} days" if kept else "the time"
    parts.empty(
        "This trace is not here",
        f"`{trace_id}` is not in the trace store ({parts.plain(held)}). It may be older than "
        f"{days} that traces are kept, may not have arrived yet (this page looks again by itself), "
        "may have been sampled out by the application, or went to another store.",
        icon="search_off",
    )


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
