"""Dashboards: choose one, read it, see who answers for it; edit it, hand it over, add another."""

from datetime import timedelta
from typing import Final

import streamlit as st

from app import (
    annotation_parts,
    cached_dashboards,
    comparison,
    dashboard_dialogs,
    dashboard_owner_parts,
    panel_grid,
    parts,
    scope,
    wired,
)
from app.local_time import clock
from app.panel_plots import View
from app.scope import Scope
from app.views import dashboard_builder
from models.tables import Dashboard
from signals.units import span

_CHOICE: Final = "dashboards_choice"
REFRESH: Final = timedelta(seconds=10)


def on_the_wall() -> bool:
    """Say whether the address asks for a wall: `?wall=1`, without anything to press."""
    return st.query_params.get("wall") == "1"


def render() -> None:
    """Draw the page."""
    now = wired.current().clock()
    found = cached_dashboards.every()
    if on_the_wall() and found.data:
        _wall(found.data)
        return
    editing = next((one for one in found.data or () if one.slug == _asked() and _edits()), None)
    if editing is not None:
        dashboard_builder.render(editing)
        return
    parts.page_header("Dashboards")
    if not found.data:
        parts.sources_down([found], now=now)
        _none_yet(down=bool(found.error))
        return
    chosen = _choose(found.data)
    dashboard_dialogs.draw(chosen)
    row = scope.row()
    looked_at = scope.choose(chosen.variables, where=row)
    with row:
        compare = comparison.choose()
    _live(chosen.slug, looked_at, compare)
    annotation_parts.form()


def _wall(found: tuple[Dashboard, ...]) -> None:
    shown = next((one for one in found if one.slug == _asked()), found[0])
    st.title(shown.title, anchor=False)
    _live(shown.slug, scope.linked(shown.variables), comparison.linked(), wall=True)


def _asked() -> str:
    return st.query_params.get("dashboard", "")


def _edits() -> bool:
    return "edit" in st.query_params


def _none_yet(*, down: bool) -> None:
    if not down:
        with parts.empty(
            "No dashboards yet", "Make one: it needs a title and an owner.", key="dashboards_empty"
        ):
            dashboard_dialogs.new_button()
        dashboard_dialogs.draw(None)


def _choose(found: tuple[Dashboard, ...]) -> Dashboard:
    by_slug = {dashboard.slug: dashboard for dashboard in found}
    # By hand, not by `bind`: that writes what is displayed into the address, and a title changes.
    linked = _asked()
    if linked in by_slug:
        st.session_state[_CHOICE] = linked
    elif linked:
        st.warning(f"There is no dashboard {parts.plain(linked[:40])}: choose another.")
    now, departed = wired.current().clock(), cached_dashboards.ownership().departed
    titles = {
        slug: dashboard_owner_parts.title(one, departed, now=now) for slug, one in by_slug.items()
    }
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        slug = st.selectbox(
            "Dashboard",
            list(by_slug),
            format_func=lambda slug: titles.get(slug, slug),
            key=_CHOICE,
            label_visibility="collapsed",
            width=260,
            on_change=_link,
        )
        chosen = by_slug.get(slug, found[0])
        dashboard_dialogs.buttons(chosen)
        dashboard_owner_parts.actions(chosen, now=now)
    return chosen


def _link() -> None:
    st.query_params["dashboard"] = st.session_state[_CHOICE]


@st.fragment(run_every=REFRESH, key="dashboards")
def _live(slug: str, chosen: Scope, compare: str | None, *, wall: bool = False) -> None:
    now = wired.current().clock()
    found = cached_dashboards.every()
    dashboard = next((one for one in found.data or () if one.slug == slug), None)
    if dashboard is None:
        parts.empty(
            "This dashboard is gone", "Someone removed it; choose another.", key="dashboards_gone"
        )
        return
    dashboard_owner_parts.owned(dashboard, now=now)
    parts.sources_down([found], now=now)
    view = comparison.view(compare, chosen, now=now)
    if view is None:
        st.info("No deploy is known of the last week: there is nothing to compare with.")
    look = view or View()
    panel_grid.draw(dashboard.panels, chosen, look, key="dashboards", now=now, wall=wall)
    if not wall:
        annotation_parts.listing(chosen, now=now)
    here = clock(now, now=now, zone=parts.viewer_zone())
    parts.fine_print(f"As of {here}; refreshes every {span(REFRESH)}.")
