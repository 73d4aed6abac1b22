"""Changing dashboards: a new one, a clone, its owner, files. One dialog is open at a time.

Which one is kept in the session, and every change is made in a callback: before the page is drawn
again, so that it shows the outcome, and a refused change leaves the dialog open with the reason.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import streamlit as st
from sqlmodel import Session

from app import (
    cached_dashboards,
    dashboard_actions,
    dashboard_files_dialog,
    dashboard_owner_parts,
    dashboard_owners,
    dashboards,
    parts,
    wired,
)
from app.dashboard_actions import REFUSED
from app.local_time import clock
from models.tables import Dashboard, Handover

OPEN: Final = "dashboards_open"
_TITLE: Final = "dashboards_title"
_PURPOSE: Final = "dashboards_purpose"
_OWNER: Final = "dashboards_owner"
_MORE: Final = "dashboards_more"
# What a dialog does, and its icon; behind a button of their own the first two, the rest in a menu.
_MENU: Final = {
    "clone": ("Clone", "content_copy"),
    "files": ("Import and export", "file_export"),
    "all": ("All dashboards", "list"),
    "remove": ("Remove", "delete"),
}


def buttons(dashboard: Dashboard) -> None:
    """Draw the buttons that open the builder and the dialogs."""
    st.button(
        "Edit", icon=":material/edit:", key="dashboards_edit", on_click=_edit, args=(dashboard,)
    )
    _opener("Hand over", "hand over", "swap_horiz", dashboard)
    new_button()
    # It knows whether it is open, so that it closes before a dialog opens over it.
    with st.popover("More", icon=":material/more_horiz:", key=_MORE, on_change="rerun"):
        for which, (label, icon) in _MENU.items():
            _opener(label, which, icon, dashboard)
        kept = {name: st.query_params.get_all(name) for name in st.query_params}
        wall = urlencode({**kept, "dashboard": dashboard.slug, "wall": "1"}, doseq=True)
        st.link_button("On the wall", f"?{wall}", icon=":material/tv:")


def new_button() -> None:
    """Draw the button that opens the dialog for a new dashboard."""
    _opener("New", "new", "add", None)


def draw(dashboard: Dashboard | None) -> None:
    """Draw the dialog that is open, if any."""
    match st.session_state.get(OPEN):
        case "new":
            _new()
        case "files":
            _files(dashboard)
        case "all":
            _all()
        case "hand over" if dashboard is not None:
            _hand_over(dashboard)
        case "clone" if dashboard is not None:
            _clone(dashboard)
        case "remove" if dashboard is not None:
            _remove(dashboard)


def _opener(label: str, which: str, icon: str, dashboard: Dashboard | None) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"dashboards_{which.replace(' ', '_')}",
        on_click=_open,
        args=(which, dashboard),
    )


def _edit(dashboard: Dashboard) -> None:
    st.query_params["dashboard"] = dashboard.slug
    st.query_params["edit"] = "1"


def _open(which: str, dashboard: Dashboard | None) -> None:
    _close()
    st.session_state[_MORE] = False
    st.session_state[OPEN] = which
    if which == "clone" and dashboard is not None:
        st.session_state[_TITLE] = f"{dashboard.title} of mine"[:80]


def _close() -> None:
    for key in (OPEN, REFUSED, _TITLE, _PURPOSE, _OWNER):
        st.session_state.pop(key, None)


def _typed(key: str) -> str:
    return str(st.session_state.get(key) or "")


def _change(what: Callable[[Session, str, datetime], object], done: str) -> None:
    """Do `what`; close the dialog and say `done`, or leave it open with the reason."""
    if refused := dashboard_actions.changed(what):
        st.session_state[REFUSED] = refused
        return
    _close()
    parts.flash(done)


def _foot(label: str, *, key: str, on_click: Callable[..., None], args: tuple[Any, ...]) -> None:
    """Draw why the last try was refused, and the button for the next one."""
    if st.session_state.get(OPEN) is None:
        st.rerun()  # it worked: draw the page anew, without the dialog
    if refused := st.session_state.get(REFUSED):
        st.error(refused, icon=":material/block:")
    st.button(label, type="primary", key=key, on_click=on_click, args=args)


@st.dialog("New dashboard", icon=":material/add:", on_dismiss=_close)
def _new() -> None:
    st.text_input("Title", key=_TITLE, max_chars=80)
    st.text_input("Purpose", key=_PURPOSE, max_chars=200, placeholder="What question it answers")
    st.text_input(
        "Owner", key=_OWNER, max_chars=80, help="The one person who answers for this dashboard"
    )
    parts.fine_print("It starts with latency, error rate and cost; add the rest by editing it.")
    _foot("Create", key="dashboards_create", on_click=_create, args=())


def _create() -> None:
    title, purpose, owner = _typed(_TITLE), _typed(_PURPOSE), _typed(_OWNER)

    def make(session: Session, by: str, now: datetime) -> None:
        owned_by = dashboards.owner_of(owner)
        draft = dashboards.new_draft(title, purpose)
        made = dashboards.create(session, draft, owner=owned_by, by=by, now=now)
        st.query_params["dashboard"] = made.slug

    _change(make, f"{parts.plain(title)} is made; {parts.plain(owner)} answers for it")


@st.dialog("Clone", icon=":material/content_copy:", on_dismiss=_close)
def _clone(dashboard: Dashboard) -> None:
    st.markdown(f"It shows what {parts.plain(dashboard.title)} does, and is yours.")
    st.text_input("Title", key=_TITLE, max_chars=80)
    _foot("Clone", key="dashboards_clone_now", on_click=_copy, args=(dashboard.slug,))


def _copy(slug: str) -> None:
    title = _typed(_TITLE)

    def make(session: Session, by: str, now: datetime) -> None:
        made = dashboards.clone(session, slug, title=title, owner=by, now=now)
        st.query_params["dashboard"] = made.slug

    _change(make, f"{parts.plain(title)} is made, and yours")


@st.dialog("Hand over", icon=":material/swap_horiz:", on_dismiss=_close)
def _hand_over(dashboard: Dashboard) -> None:
    st.markdown(
        f"**{parts.plain(dashboard.owner)}** answers for {parts.plain(dashboard.title)}, until "
        "the new owner accepts."
    )
    st.text_input("New owner", key=_OWNER, max_chars=80, placeholder="Exactly one person")
    now = wired.current().clock()
    for one in (cached_dashboards.handovers(dashboard.id or 0).data or ())[:5]:
        parts.fine_print(_told(one, now=now))
    _foot("Offer", key="dashboards_hand_over_now", on_click=_give, args=(dashboard.slug,))


def _told(one: Handover, *, now: datetime) -> str:
    at = clock(one.at, now=now, zone=parts.viewer_zone())
    names = f"{parts.plain(one.from_owner)} to {parts.plain(one.to_owner)}"
    return f"{at}: {names}, by {parts.plain(one.by)}: {one.state}"


def _give(slug: str) -> None:
    to_owner = _typed(_OWNER)
    _change(
        lambda session, by, now: dashboard_owners.offer(
            session, slug, to_owner=to_owner, by=by, now=now
        ),
        f"Offered to {parts.plain(to_owner)}: it is theirs when they accept",
    )


@st.dialog("Remove", icon=":material/delete:", on_dismiss=_close)
def _remove(dashboard: Dashboard) -> None:
    st.markdown(
        f"**{parts.plain(dashboard.title)}** goes with all its versions. Export it first if it "
        "may be wanted again."
    )
    _foot("Remove", key="dashboards_remove_now", on_click=_drop, args=(dashboard.slug,))


def _drop(slug: str) -> None:
    _change(
        lambda session, by, _now: dashboard_owners.remove(session, slug, by=by),
        "The dashboard is removed",
    )
    st.query_params.pop("dashboard", None)


@st.dialog("All dashboards", icon=":material/list:", width="large", on_dismiss=_close)
def _all() -> None:
    if st.session_state.get(OPEN) is None:
        st.rerun()
    now, found = wired.current().clock(), cached_dashboards.every().data or ()
    dashboard_owner_parts.table(found, now=now, show=_show)


def _show(slug: str) -> None:
    st.query_params["dashboard"] = slug
    _close()


@st.dialog("Import and export", icon=":material/file_export:", on_dismiss=_close)
def _files(dashboard: Dashboard | None) -> None:
    if st.session_state.get(OPEN) is None:
        st.rerun()
    dashboard_files_dialog.draw(dashboard, close=_close)
