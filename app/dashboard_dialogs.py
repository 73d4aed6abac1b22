"""Changing dashboards: a new one, its panels, its owner. One dialog is open at a time.

Which one is kept in the session, and every change is made in a callback: before the page is drawn
again, so that it shows the outcome, and a refused change leaves the dialog open with the reason.
"""

from collections.abc import Callable
from typing import Any, Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app import cached, cached_dashboards, dashboards, identity, parts, wired
from app.dashboards import DashboardError, Panel
from app.local_time import clock
from models.tables import Dashboard
from models.vocabulary import PanelKind
from signals.catalog import CATALOG, LATENCY

_OPEN: Final = "dashboards_open"
_REFUSED: Final = "dashboards_refused"
_DRAFT: Final = "dashboards_draft"
_TITLE: Final = "dashboards_title"
_PURPOSE: Final = "dashboards_purpose"
_OWNER: Final = "dashboards_owner"
_ADD_SIGNAL: Final = "dashboards_add_signal"
_ADD_SPLIT: Final = "dashboards_add_split"
_ADD_KIND: Final = "dashboards_add_kind"

_ALL_LATENCIES: Final = "latency"
_CHOICES: Final = {
    _ALL_LATENCIES: ("Latency p50, p95, p99", LATENCY),
    **{name: (signal.title, (name,)) for name, signal in CATALOG.items()},
}
_KINDS: Final = {PanelKind.LINE: "Lines over time", PanelKind.STAT: "Number"}


def buttons(dashboard: Dashboard) -> None:
    """Draw the buttons that open the dialogs."""
    st.button(
        "Edit",
        icon=":material/edit:",
        key="dashboards_edit",
        on_click=_open,
        args=("edit", dashboard),
    )
    st.button(
        "Hand over",
        icon=":material/swap_horiz:",
        key="dashboards_hand_over",
        on_click=_open,
        args=("hand over", dashboard),
    )
    new_button()


def new_button() -> None:
    """Draw the button that opens the dialog for a new dashboard."""
    st.button(
        "New", icon=":material/add:", key="dashboards_new", on_click=_open, args=("new", None)
    )


def draw(dashboard: Dashboard | None) -> None:
    """Draw the dialog that is open, if any."""
    match st.session_state.get(_OPEN):
        case "new":
            _new()
        case "edit" if dashboard is not None:
            _edit(dashboard)
        case "hand over" if dashboard is not None:
            _hand_over(dashboard)


def _open(which: str, dashboard: Dashboard | None) -> None:
    _close()
    st.session_state[_OPEN] = which
    if dashboard is not None:
        st.session_state[_TITLE] = dashboard.title
        st.session_state[_PURPOSE] = dashboard.purpose
        st.session_state[_DRAFT] = list(dashboard.panels)


def _close() -> None:
    for key in (_OPEN, _REFUSED, _DRAFT, _TITLE, _PURPOSE, _OWNER):
        st.session_state.pop(key, None)


def _typed(key: str) -> str:
    return str(st.session_state.get(key) or "")


def _change(what: Callable[[Session], object], done: str) -> None:
    """Do `what`; close the dialog and say `done`, or leave it open with the reason."""
    try:
        with Session(wired.current().db, expire_on_commit=False) as session:
            what(session)
    except DashboardError as error:
        st.session_state[_REFUSED] = str(error)
        return
    except SQLAlchemyError:
        st.session_state[_REFUSED] = f"{cached.DATABASE_DOWN} Nothing was changed."
        return
    _close()
    cached_dashboards.clear()
    parts.flash(done)


def _foot(label: str, *, key: str, on_click: Callable[..., None], args: tuple[Any, ...]) -> None:
    """Draw why the last try was refused, and the button for the next one."""
    if st.session_state.get(_OPEN) is None:
        st.rerun()  # it worked: draw the page anew, without the dialog
    if refused := st.session_state.get(_REFUSED):
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
    made: list[Dashboard] = []
    title, purpose, owner = _typed(_TITLE), _typed(_PURPOSE), _typed(_OWNER)
    _change(
        lambda session: made.append(
            dashboards.create(session, title=title, purpose=purpose, owner=owner)
        ),
        f"{title} is made; {owner} answers for it",
    )
    if made:
        st.query_params["dashboard"] = made[0].slug


@st.dialog("Hand over", icon=":material/swap_horiz:", on_dismiss=_close)
def _hand_over(dashboard: Dashboard) -> None:
    st.markdown(f"**{parts.plain(dashboard.owner)}** answers for {parts.plain(dashboard.title)}.")
    st.text_input("New owner", key=_OWNER, max_chars=80, placeholder="Exactly one person")
    past = cached_dashboards.handovers(dashboard.id or 0).data or ()
    now = wired.current().clock()
    for one in past[:5]:
        at = clock(one.at, now=now, zone=parts.viewer_zone())
        parts.fine_print(
            f"{at}: {parts.plain(one.from_owner)} to {parts.plain(one.to_owner)}, "
            f"by {parts.plain(one.by)}"
        )
    _foot("Hand over", key="dashboards_hand_over_now", on_click=_give, args=(dashboard.slug,))


def _give(slug: str) -> None:
    to_owner, by, now = _typed(_OWNER), identity.viewer(), wired.current().clock()
    _change(
        lambda session: dashboards.hand_over(session, slug, to_owner=to_owner, by=by, now=now),
        f"{to_owner} answers for it now",
    )


@st.dialog("Edit dashboard", icon=":material/edit:", position="right", on_dismiss=_close)
def _edit(dashboard: Dashboard) -> None:
    st.text_input("Title", key=_TITLE, max_chars=80)
    st.text_input("Purpose", key=_PURPOSE, max_chars=200)
    draft: list[dict[str, Any]] = st.session_state.get(_DRAFT, [])
    for index, row in enumerate(draft):
        _row(index, row, last=len(draft) - 1)
    with st.container(border=True, gap="small"):
        st.selectbox(
            "Signal", list(_CHOICES), format_func=lambda name: _CHOICES[name][0], key=_ADD_SIGNAL
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox("Kind", list(_KINDS), format_func=_KINDS.__getitem__, key=_ADD_KIND)
            st.selectbox(
                "Split by", dashboards.SPLITS, index=None, placeholder="Not split", key=_ADD_SPLIT
            )
        st.button("Add panel", icon=":material/add:", key="dashboards_add", on_click=_add)
    _foot("Save", key="dashboards_save", on_click=_save, args=(dashboard.slug,))


def _row(index: int, row: dict[str, Any], *, last: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(parts.plain(str(row.get("title") or "Panel")), width="stretch")
        for icon, name, step, dead in (
            ("arrow_upward", "Up", -1, index == 0),
            ("arrow_downward", "Down", 1, index == last),
        ):
            st.button(
                "",
                icon=f":material/{icon}:",
                help=name,
                disabled=dead,
                key=f"dashboards_{name.lower()}_{index}",
                on_click=_move,
                args=(index, index + step),
            )
        st.button(
            "",
            icon=":material/delete:",
            help="Remove",
            key=f"dashboards_remove_{index}",
            on_click=_remove,
            args=(index,),
        )


def _move(index: int, to: int) -> None:
    draft = list(st.session_state[_DRAFT])
    draft.insert(to, draft.pop(index))
    st.session_state[_DRAFT] = draft


def _remove(index: int) -> None:
    draft = list(st.session_state[_DRAFT])
    del draft[index]
    st.session_state[_DRAFT] = draft


def _add() -> None:
    title, signals = _CHOICES[st.session_state[_ADD_SIGNAL]]
    split = st.session_state[_ADD_SPLIT]
    title = f"{title} by {split.replace('_', ' ')}" if split else title
    panel = Panel(
        title=title,
        kind=st.session_state[_ADD_KIND],
        signals=signals,
        by=(split,) if split else (),
    )
    try:
        dashboards.panel(panel.row())
    except DashboardError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.session_state.pop(_REFUSED, None)
    st.session_state[_DRAFT] = [*st.session_state[_DRAFT], panel.row()]


def _save(slug: str) -> None:
    title, purpose = _typed(_TITLE), _typed(_PURPOSE)
    draft = st.session_state[_DRAFT]
    _change(
        lambda session: dashboards.edit(
            session, slug, title=title, purpose=purpose, panels=list(map(dashboards.panel, draft))
        ),
        f"{title} is saved",
    )
