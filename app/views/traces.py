"""Traces: find one request, and see where its time and its money went.

What is shown stands in the URL: `trace`, whatever was pasted to look for, `span`, and `with`,
another trace to compare; or `shared`, the filters of `app.trace_filters` and those of `app.scope`.
A link with `?trace=<id>` opens that trace.
"""

from typing import Final

import streamlit as st

from app import (
    parts,
    trace_box,
    trace_filters,
    trace_heat,
    trace_list,
    trace_lookup,
    trace_opened,
    trace_saved,
    trace_sharing,
    wired,
)
from app.sought import MAX_TEXT, malformed, seek
from signals.traces import Abilities

_NO_STORE: Final = (
    "Set `WAKEFUL_TRACE_STORE_URL` to `embedded` (the default) and restart; the application then "
    "sends its spans by OTLP to `/v1/traces` of this address."
)


def render() -> None:
    """Draw the page."""
    parts.page_header("Traces", "One request, span by span: what was slow, what was dear, why.")
    store = wired.current().traces
    if store is None:
        parts.empty("No trace store is configured", _NO_STORE, icon="account_tree")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="traces_search"):
        back = st.empty()
        text = trace_box.draw()
    sought = seek(text)
    if sought.cut:
        st.warning(f"Only the first {MAX_TEXT:,} characters were looked through.")
    if sought.is_nothing:
        if text:
            st.warning(malformed(text), icon=":material/search_off:")
        _list(store.abilities)
        return
    back.button("All traces", icon=":material/arrow_back:", on_click=_close, key="traces_close")
    trace_id = trace_lookup.find(sought)
    if trace_id is not None:
        trace_opened.draw(trace_id)
        return
    trace_lookup.draw(text, sought)
    if not (sought.trace_ids or trace_lookup.is_named(sought)):
        _list(store.abilities)


def _list(abilities: Abilities) -> None:
    trace_saved.open_linked()
    filters = trace_filters.choose(abilities, beside=trace_saved.draw)
    trace_heat.draw(filters)
    trace_list.draw(filters)
    trace_sharing.draw(filters)


def _close() -> None:
    st.session_state["trace"] = ""
    st.session_state["with"] = ""
    st.query_params.pop("span", None)
