"""What one page has open by its address: `?alert=7`, `?rule=new`, and the way back to the list."""

import streamlit as st


def opened(name: str) -> str:
    """Return what the parameter `name` opens, or nothing; the address bar then says so too.

    A link of Streamlit's to the very page that one is on changes the parameters, but leaves the
    address bar as it was: the address would be lost at the next reload, and nobody could share it.
    """
    asked = st.query_params.get(name, "")
    if asked:
        st.query_params[name] = asked
    return asked


def way_back(label: str, *names: str) -> None:
    """Draw the button that closes what these parameters opened."""
    st.button(
        label,
        icon=":material/arrow_back:",
        type="tertiary",
        key=f"{names[0]}_back",
        on_click=close,
        args=names,
    )


def close(*names: str) -> None:
    """Close what these parameters opened; for callbacks."""
    for name in names:
        st.query_params.pop(name, None)
    st.rerun()
