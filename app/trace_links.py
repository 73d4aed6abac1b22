"""Where to go on from an opened trace: the seven steps, its prompt, other tools."""

import streamlit as st

from app import link_templates, parts, trace_facts, wired
from app.parts import plain
from app.trace_box import REQUEST
from app.waterfall.layout import Waterfall


def draw(drawn: Waterfall) -> None:
    """Draw the links."""
    with st.container(horizontal=True, gap="small", key="traces_links"):
        parts.link(
            "investigate",
            "Find the cause, step by step",
            icon="troubleshoot",
            **{REQUEST: drawn.trace_id},
        )
        version = trace_facts.first(drawn, "prompt_version")
        if version:
            label = f"Traces of prompt {version}"
            parts.link("traces", label, icon="edit_note", prompt_version=version)
        for name, address in link_templates.links(wired.current().settings.link_pages, drawn):
            st.link_button(plain(name), address, type="tertiary", icon=":material/open_in_new:")
