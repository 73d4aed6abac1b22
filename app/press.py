"""The identity of a press of a button: one that fires twice carries the same key twice.

Streamlit may run a callback twice for what a person meant once: a double click, or a click that
arrives again after the connection was lost. The engine follows what comes twice under one key once.
"""

import uuid
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

TWICE: Final = timedelta(seconds=5)  # presses of the same button this close are one
_LAST: Final = "last_press"


def key(*what: object, now: datetime) -> str:
    """Return the key of pressing what `what` names, now; the same one for a press repeated.

    Args:
        what: What is done, to what, with what: all that tells this press from another.
        now: The instant.
    """
    pressed = "/".join(map(str, what))
    last, at, made = st.session_state.get(_LAST, ("", now, ""))
    if last != pressed or now - at > TWICE:
        made = f"page:{uuid.uuid4().hex}"
    st.session_state[_LAST] = (pressed, now, made)
    return str(made)
