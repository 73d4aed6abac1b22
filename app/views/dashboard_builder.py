"""The builder of a dashboard: its panels in order, the form of one with a live preview, history."""

from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from app import (
    builder_draft,
    cached_dashboards,
    dashboard_actions,
    dashboard_panels,
    local_time,
    numbers,
    panel_form,
    panel_grid,
    parts,
    wired,
)
from app.builder_draft import NEW
from app.dashboard_defaults import lacking as lacking_beside
from app.dashboard_panels import MOST_PANELS, VARIABLES, DashboardError
from app.dashboard_versions import Step
from app.drafts import Draft
from app.panel_plots import View
from app.parts import plain, small
from app.scope import Scope
from models.tables import Dashboard
from models.vocabulary import Width

SHOWN: Final = Scope(span=timedelta(hours=1))  # what previews look at
_WIDTH_ICONS: Final = {
    Width.THIRD: "width_normal",
    Width.HALF: "width_wide",
    Width.FULL: "width_full",
}
LINES: Final = 8  # of one version's changes


def render(dashboard: Dashboard) -> None:
    """Draw the builder."""
    now = wired.current().clock()
    draft = builder_draft.of(dashboard)
    parts.page_header(f"Edit {dashboard.title}", "Nothing is changed until it is saved.")
    _head(draft, dashboard)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _panels(draft)
    with right:
        if draft.get("at") is None:
            _whole(draft, now=now)
        else:
            _one(draft, now=now)
    _history(dashboard, now=now)


def _head(draft: Draft, dashboard: Dashboard) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input("Title", key=draft.key("title"), max_chars=80)
        st.text_input("Purpose", key=draft.key("purpose"), max_chars=200)
        st.multiselect(
            "Narrowed by",
            VARIABLES,
            format_func=lambda name: name.replace("_", " "),
            key=draft.key("variables"),
            help="What its readers may choose, for all panels at once",
        )
    if refused := st.session_state.get(dashboard_actions.REFUSED):
        st.error(plain(refused), icon=":material/block:")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Save",
            type="primary",
            key="builder_save",
            on_click=builder_draft.save,
            args=(draft, dashboard.slug),
        )
        st.button("Cancel", key="builder_cancel", on_click=builder_draft.leave, args=(draft,))


def _panels(draft: Draft) -> None:
    rows: list[dict[str, Any]] = draft.get("panels")
    with parts.card("builder_list", "Panels"):
        for index, row in enumerate(rows):
            _row(draft, index, row, last=len(rows) - 1)
        st.button(
            "Add panel",
            icon=":material/add:",
            key="builder_add",
            disabled=len(rows) >= MOST_PANELS,
            on_click=builder_draft.open_panel,
            args=(draft, NEW),
        )


def _row(draft: Draft, index: int, row: dict[str, Any], *, last: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(plain(str(row.get("title") or "Panel")), width="stretch")
        width = Width(row.get("width", Width.HALF))
        presses = (
            (_WIDTH_ICONS[width], f"{panel_form.WIDTHS[width]}: change the width", "width",
             builder_draft.widen, False),
            ("arrow_upward", "Up", "up", builder_draft.raise_panel, index == 0),
            ("arrow_downward", "Down", "down", builder_draft.lower_panel, index == last),
            ("edit", "Change", "edit", builder_draft.open_panel, False),
            ("delete", "Take out", "delete", builder_draft.remove, False),
        )  # fmt: skip
        for icon, name, key, press, dead in presses:
            st.button(
                "",
                icon=f":material/{icon}:",
                type="tertiary",
                help=name,
                disabled=dead,
                key=f"builder_{key}_{index}",
                on_click=press,
                args=(draft, index),
            )


def _one(draft: Draft, *, now: datetime) -> None:
    """Draw the form of one panel, and the panel as it would be."""
    with parts.card("builder_form", "New panel" if draft.get("at") == NEW else "Change panel"):
        panel_form.draw(draft)
        row = panel_form.row(draft)
        try:
            dashboard_panels.panel(row)
        except DashboardError as error:
            st.info(plain(str(error)), icon=":material/edit:")
            sound = False
        else:
            panel_grid.draw([{**row, "width": Width.FULL}], SHOWN, View(), key="builder", now=now)
            sound = True
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Keep panel",
                type="primary",
                key="builder_keep",
                disabled=not sound,
                on_click=builder_draft.keep_panel,
                args=(draft,),
            )
            st.button("Back", key="builder_back", on_click=builder_draft.close_panel, args=(draft,))


def _whole(draft: Draft, *, now: datetime) -> None:
    """Draw the whole dashboard as it would be."""
    _lacking(draft)
    with parts.card("builder_whole", "Preview", "The last hour, of all traffic"):
        panel_grid.draw(draft.get("panels"), SHOWN, View(), key="builder", now=now)


def _lacking(draft: Draft) -> None:
    """Say what should stand beside latency and does not, and offer it."""
    lacking = lacking_beside(draft.get("panels"))
    if not lacking:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.info(
            f"Latency is shown without {', '.join(lacking)}: one number alone hides what the "
            "others would say.",
            icon=":material/visibility_off:",
        )
        st.button(
            "Add them",
            icon=":material/add:",
            key="builder_add_lacking",
            on_click=builder_draft.add,
            args=(draft, list(dict.fromkeys(lacking.values()))),
        )


def _history(dashboard: Dashboard, *, now: datetime) -> None:
    """Draw who changed what, and when, newest first."""
    answer = cached_dashboards.history(dashboard.id or 0)
    parts.sources_down([answer], now=now)
    with parts.card("builder_history", "History"):
        if not answer.data:
            st.markdown(small("It has not been changed since versions are kept."))
        for step in answer.data or ():
            _step(step, dashboard, now=now)


def _step(step: Step, dashboard: Dashboard, *, now: datetime) -> None:
    version = step.version
    at = local_time.clock(version.at, now=now, zone=parts.viewer_zone())
    ago = small(f"{numbers.age(version.at, now=now)}, {at}")
    lines = [f"**Version {version.version}** by {plain(version.author)} {ago}"]
    lines += [plain(str(one)) for one in step.differences[:LINES]]
    if len(step.differences) > LINES:
        lines.append(f"and {len(step.differences) - LINES} more")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("  \n".join(lines), width="stretch")
        if version.version != dashboard.version:
            st.button(
                "Revert",
                icon=":material/history:",
                key=f"builder_revert_{version.version}",
                help="Show again what it did in this version; that is a new version.",
                on_click=dashboard_actions.revert,
                args=(version.id, version.version, f"builder_{dashboard.slug}"),
            )
