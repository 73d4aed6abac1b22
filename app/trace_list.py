"""The list of traces, as it stands on the page."""

from datetime import timedelta

import streamlit as st

from app import cached_traces, money, numbers, parts, trace_filters, trace_time, wired
from app.trace_box import TRACE
from app.trace_search import LIMIT, Filters, label, table
from signals.traces import TraceSummary


@st.fragment(run_every=timedelta(seconds=10), key="traces_list")
def draw(filters: Filters) -> None:
    """Draw the traces that match, and keep them up to date."""
    now = wired.current().clock()
    answer = cached_traces.listing(filters)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data:
        with st.container(key="traces_found"):
            rows(answer.data, key="traces_table")
    elif answer.data is not None:
        _nothing(filters)
    count = len(answer.data or ())
    first = "The first " if count == LIMIT else ""
    narrowed = f" ({parts.plain(filters.words)})" if filters.words else ""
    age = numbers.age(answer.at, now=now)
    parts.fine_print(f"{first}{count} traces{narrowed}, looked up {age}.")


def rows(summaries: tuple[TraceSummary, ...], *, key: str, box: str = TRACE) -> None:
    """Draw traces as rows; a press on one puts it into the box of that name, which opens it.

    `key` is unique on the page.
    """
    # The click tells the label that was pressed, not a place that the next refresh may move.
    st.session_state[f"{key}_labels"] = {label(s.trace_id): s.trace_id for s in summaries}
    # One runaway trace must not flatten the bars of all others.
    slow = sorted(s.duration_ms / 1000 for s in summaries)[int(0.95 * (len(summaries) - 1))]
    columns = st.column_config
    st.dataframe(
        table(summaries),
        hide_index=True,
        height="content" if len(summaries) <= 14 else 560,
        key=key,
        placeholder=numbers.NO_VALUE,
        alt="Traces that match, one per row",
        column_config={
            "Trace": columns.ButtonColumn(
                type="tertiary", pinned=True, on_click=_open, args=(key, box), key=f"{key}_click"
            ),
            "Started": columns.DatetimeColumn(
                format="D MMM HH:mm:ss", timezone=str(parts.viewer_zone())
            ),
            "Latency": columns.ProgressColumn(
                format="%.2f s", min_value=0, max_value=max(slow, 0.001)
            ),
            "Cost": columns.NumberColumn(format=money.pattern(s.cost_usd for s in summaries)),
            "Cost is": columns.TextColumn(
                help="Reported by the application, computed from tokens and the price list, or "
                "a floor because some model has no known price."
            ),
            "Tokens": columns.NumberColumn(format="localized"),
            "Score": columns.NumberColumn(
                format="%.0f", help="The lowest evaluation of any span, of 100."
            ),
        },
    )


def _nothing(filters: Filters) -> None:
    if filters.words or filters.since:
        words = filters.words or "a time of their own"
        box = parts.empty(
            "No trace matches",
            f"Nothing in this time range passes the filters: {parts.plain(words)}.",
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
    trace_filters.clear()
    trace_time.drop()
    st.rerun()


def _open(key: str, box: str) -> None:
    pressed = st.session_state[f"{key}_click"].label
    trace_id = st.session_state[f"{key}_labels"].get(pressed)
    if trace_id is not None:
        st.query_params.pop("span", None)
        st.session_state[box] = trace_id
        st.rerun()  # the whole page, not the list alone
