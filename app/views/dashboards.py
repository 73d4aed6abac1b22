"""Dashboards: choose one, read it, see who answers for it; edit it, hand it over, add another."""

from datetime import timedelta
from itertools import chain
from typing import Any, Final

import streamlit as st

from app import (
    annotation_parts,
    cached_dashboards,
    dashboard_dialogs,
    dashboards,
    panels,
    parts,
    scope,
    wired,
)
from app.dashboards import DashboardError, Panel
from app.local_time import clock
from app.scope import Scope
from models.tables import Dashboard
from signals.units import span

_CHOICE: Final = "dashboards_choice"
REFRESH: Final = timedelta(seconds=10)


def render() -> None:
    """Draw the page."""
    now = wired.current().clock()
    parts.page_header("Dashboards")
    found = cached_dashboards.every()
    if not found.data:
        parts.sources_down([found], now=now)
        _none_yet(down=bool(found.error))
        return
    chosen = _choose(found.data)
    dashboard_dialogs.draw(chosen)
    _live(chosen.slug, scope.choose())
    annotation_parts.form()


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
    linked = st.query_params.get("dashboard")
    if linked in by_slug:
        st.session_state[_CHOICE] = linked
    elif linked:
        st.warning(f"There is no dashboard {parts.plain(linked[:40])}: choose another.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        slug = st.selectbox(
            "Dashboard",
            list(by_slug),
            format_func=lambda slug: by_slug[slug].title,
            key=_CHOICE,
            label_visibility="collapsed",
            width=260,
            on_change=_link,
        )
        chosen = by_slug.get(slug, found[0])
        dashboard_dialogs.buttons(chosen)
    return chosen


def _link() -> None:
    st.query_params["dashboard"] = st.session_state[_CHOICE]


@st.fragment(run_every=REFRESH, key="dashboards")
def _live(slug: str, chosen: Scope) -> None:
    now = wired.current().clock()
    found = cached_dashboards.every()
    dashboard = next((one for one in found.data or () if one.slug == slug), None)
    if dashboard is None:
        parts.empty(
            "This dashboard is gone", "Someone removed it; choose another.", key="dashboards_gone"
        )
        return
    _owned(dashboard)
    rows = [_understood(row) for row in dashboard.panels]
    known = (panels.answers(row, chosen) for row in rows if isinstance(row, Panel))
    parts.sources_down([found, *chain.from_iterable(known)], now=now)
    with st.grid(2, min_column_width=330, key="dashboards_panels"):
        for index, row in enumerate(rows):
            key = f"dashboards_panel_{index}"
            if isinstance(row, Panel):
                panels.draw(row, chosen, key=key, now=now)
            else:
                _broken(dashboard.panels[index], row, key=key)
    annotation_parts.listing(chosen, now=now)
    here = clock(now, now=now, zone=parts.viewer_zone())
    parts.fine_print(f"As of {here}; refreshes every {span(REFRESH)}.")


def _owned(dashboard: Dashboard) -> None:
    owner = f":material/person: **{parts.plain(dashboard.owner)}** answers for this dashboard."
    st.markdown(f"{owner} {parts.plain(dashboard.purpose)}")


def _understood(row: dict[str, Any]) -> Panel | DashboardError:
    """Return the panel of `row`; one that makes no sense must not spoil the others."""
    try:
        return dashboards.panel(row)
    except DashboardError as error:
        return error


def _broken(row: dict[str, Any], error: DashboardError, *, key: str) -> None:
    with parts.card(key, str(row.get("title") or "Panel")):
        st.markdown(parts.mark("cannot be drawn", ("orange", "warning")))
        parts.fine_print(f"{parts.plain(str(error))} Edit the dashboard to mend it.")
