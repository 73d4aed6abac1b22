"""Keeps the address that a link leaves, for the browser's Back: see way_back.js."""

from pathlib import Path
from typing import Final

import streamlit as st

_SCRIPT: Final = Path(__file__).with_name("way_back.js").read_text(encoding="utf-8")
# A script alone counts as nothing to show, and would not be run.
_BODY: Final = f"<span></span><script>{_SCRIPT}</script>"


def draw() -> None:
    """Draw nothing; the browser keeps to it until the page is loaded anew."""
    st.html(_BODY, unsafe_allow_javascript=True)
