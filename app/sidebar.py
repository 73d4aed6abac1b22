"""The operator's own links in the sidebar: runbooks, the demo's control page."""

from urllib.parse import urlsplit

import streamlit as st

from app import parts, shortcuts, way_back


def parse(links: str) -> list[tuple[str, str]]:
    """Return the (title, address) pairs of `Title=https://…, Title=https://…`.

    What is not an http or https address is left out: a link must not run a script.
    """
    pairs = (entry.partition("=") for entry in links.split(","))
    return [
        (title.strip(), address.strip())
        for title, _, address in pairs
        if title.strip() and urlsplit(address.strip()).scheme in ("http", "https")
    ]


def draw(links: str) -> None:
    """Draw the way to the search under the navigation, and the links if there are any."""
    found = parse(links)
    with st.sidebar:
        shortcuts.search()
        if found:
            st.markdown(parts.small("Links"))
        for title, address in found:
            st.link_button(title, address, type="tertiary", icon=":material/open_in_new:")
        way_back.draw()
