"""Links that keep what both pages have in the URL under the same name, such as the range.

Streamlit (1.67) takes a parameter out of the address of the next page when a widget of this page
is bound to its name, because it means to drop what the page leaves behind; the value that a link
brings is lost with it. So a link brings a second copy, and what was lost is put back on arrival.

Source: `QueryParams.populate_from_query_string` in streamlit/runtime/state/query_params.py.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from streamlit.errors import StreamlitAPIException

from signals.traces import FILTERS

CARRIED: Final = "carried"
# Names that more than one page binds to a widget; each of these holds text.
SHARED: Final = frozenset(("range", "trace", *FILTERS))
_AGAIN: Final = "carried_again"


def packed(query: Mapping[str, str]) -> dict[str, str]:
    """Return `query` with a copy of what may be lost on the way."""
    shared = {name: value for name, value in query.items() if name in SHARED and value}
    return {**query, CARRIED: urlencode(shared)} if shared else dict(query)


def only_packed(query: Mapping[str, str]) -> dict[str, str]:
    """Return `query` with what may be lost on the way in the copy alone.

    For `st.switch_page`, which refuses to set what a widget of this page is bound to.
    """
    return {name: value for name, value in packed(query).items() if name not in SHARED}


def arrive() -> None:
    """Put back what was lost; before anything of the page is drawn."""
    for name, value in st.session_state.pop(_AGAIN, {}).items():
        st.session_state[name] = value
    copy = st.query_params.get(CARRIED)
    if copy is None:
        return
    del st.query_params[CARRIED]
    refused = {}
    for name, value in parse_qsl(copy)[: len(SHARED)]:
        if name in SHARED and name not in st.query_params:
            st.session_state[name] = value
            try:
                st.query_params[name] = value
            except StreamlitAPIException:  # after `st.switch_page` it is the last page's still
                refused[name] = value
    if refused:
        st.session_state[_AGAIN] = refused


def settle() -> None:
    """Draw the page once more where the address could not be set: now its own widgets do it."""
    if _AGAIN in st.session_state:
        st.rerun()
