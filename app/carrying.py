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

from signals.traces import FILTERS

CARRIED: Final = "carried"
# Names that more than one page binds to a widget; each of these holds text.
SHARED: Final = frozenset(("range", *FILTERS))


def packed(query: Mapping[str, str]) -> dict[str, str]:
    """Return `query` with a copy of what may be lost on the way."""
    shared = {name: value for name, value in query.items() if name in SHARED and value}
    return {**query, CARRIED: urlencode(shared)} if shared else dict(query)


def arrive() -> None:
    """Put back what was lost; before anything of the page is drawn."""
    copy = st.query_params.get(CARRIED)
    if copy is None:
        return
    del st.query_params[CARRIED]
    for name, value in parse_qsl(copy)[: len(SHARED)]:
        if name in SHARED and name not in st.query_params:
            st.query_params[name] = value
            st.session_state[name] = value
