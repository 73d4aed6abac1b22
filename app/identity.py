"""Who is looking at the page."""

from typing import Final
from urllib.parse import unquote

import streamlit as st

from app import wired

# Set by `app.gate`, which strips whatever a client sent under this name.
HEADER: Final = "X-Wakeful-User"


def viewer() -> str:
    """Return the name of whoever is looking, as acknowledgements and notes will carry it."""
    return unquote(st.context.headers.get(HEADER, "")) or wired.current().settings.local_user
