"""Saved searches on the Traces page: choose one, keep this one, rename or remove one.

The one that is chosen stands in the URL as `saved`; a link with nothing but that opens it.
"""

from collections.abc import Callable
from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app import cached, cached_finding, identity, parts, saved_searches, trace_filters, wired
from app.parts import plain
from app.saved_searches import SearchError
from models.tables import SavedSearch

_SAVED: Final = "saved"
_OPENED: Final = "traces_saved_opened"
_NAME: Final = "traces_saved_name"


def open_linked() -> None:
    """Choose what the link says; before any filter is drawn."""
    linked = st.query_params.get(_SAVED)
    if not linked or linked == st.session_state.get(_OPENED):
        return
    st.session_state[_OPENED] = linked
    if any(key in st.query_params for key in trace_filters.KEYS):
        return  # somebody changed the filters, and sent that
    found = next((one for one in _rows() if str(one.id) == linked), None)
    if found is None:
        st.warning("This saved search is gone: someone removed it.")
        st.query_params.pop(_SAVED, None)
        return
    trace_filters.put(found.query)


def draw() -> None:
    """Draw the saved searches behind a button, and the form that keeps the present one."""
    rows = _rows()
    chosen = next((one for one in rows if str(one.id) == st.query_params.get(_SAVED)), None)
    title = plain(chosen.name) if chosen else "Saved searches"
    with st.popover(title, icon=":material/bookmark:", key="traces_saved"):
        parts.show_flash()
        for row in rows:
            _row(row)
        if not rows:
            parts.fine_print("None yet. Choose filters, and give the search a name.")
        with st.form("traces_saved_form", border=False):
            st.text_input(
                "Name of this search",
                key=_NAME,
                placeholder="Failed chats of acme",
                max_chars=saved_searches.LONGEST_NAME,
            )
            st.form_submit_button("Save", type="primary", key="traces_save", on_click=_save)


def _row(row: SavedSearch) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            plain(row.name),
            key=f"traces_saved_{row.id}",
            type="tertiary",
            help=f"Saved by {plain(row.owner)}",
            width="stretch",
            on_click=_choose,
            args=(row.id,),
        )
        with st.popover("", icon=":material/more_vert:", key=f"traces_saved_menu_{row.id}"):
            st.text_input(
                "New name",
                key=f"traces_saved_rename_{row.id}",
                placeholder=row.name,
                on_change=_rename,
                args=(row.id,),
            )
            st.button(
                "Remove",
                icon=":material/delete:",
                key=f"traces_saved_remove_{row.id}",
                on_click=_remove,
                args=(row.id,),
            )


def _rows() -> tuple[SavedSearch, ...]:
    return cached_finding.searches().data or ()


def _choose(search_id: int) -> None:
    found = next((one for one in _rows() if one.id == search_id), None)
    if found is not None:
        _mark(search_id)
        trace_filters.put(found.query)


def _mark(search_id: int | None) -> None:
    st.query_params[_SAVED] = str(search_id)
    st.session_state[_OPENED] = str(search_id)


def _save() -> None:
    def write(session: Session) -> str:
        row, is_new = saved_searches.save(
            session,
            name=st.session_state.get(_NAME) or "",
            query=trace_filters.written(),
            owner=identity.viewer(),
            now=wired.current().clock(),
        )
        _mark(row.id)
        return f"{row.name} is saved{'' if is_new else ' already'}."

    if _done(write):
        st.session_state[_NAME] = ""


def _rename(search_id: int) -> None:
    key = f"traces_saved_rename_{search_id}"
    name = st.session_state.get(key) or ""
    if name.strip():
        _done(
            lambda session: f"It is called {saved_searches.rename(session, search_id, name).name}."
        )
        st.session_state[key] = ""


def _remove(search_id: int) -> None:
    def write(session: Session) -> str:
        gone = saved_searches.remove(session, search_id, by=identity.viewer())
        return "Removed." if gone else "It was removed already."

    if _done(write) and st.query_params.get(_SAVED) == str(search_id):
        st.query_params.pop(_SAVED)


def _done(write: Callable[[Session], str]) -> bool:
    """Do `write` and say how it went; say whether it did."""
    try:
        with Session(wired.current().db) as session:
            said = write(session)
    except SearchError as error:
        parts.flash(plain(str(error)), ":material/block:")
        return False
    except SQLAlchemyError:
        parts.flash(f"{cached.DATABASE_DOWN} Nothing was changed.", ":material/block:")
        return False
    cached_finding.clear()
    parts.flash(plain(said))
    return True
