"""What is being built: the panels of a dashboard before they are saved, kept in the session."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from app import dashboard_actions, dashboards, panel_form, parts
from app.dashboard_panels import MOST_PANELS, VARIABLES, DashboardError, Panel
from app.drafts import Draft
from models.tables import Dashboard
from models.vocabulary import Width

NEW: Final = -1  # the place of a panel that is not in the list yet


def of(dashboard: Dashboard) -> Draft:
    """Return the draft of a dashboard, begun with what it shows."""
    draft = Draft(f"builder_{dashboard.slug}")
    draft.seed(
        {
            "title": dashboard.title,
            "purpose": dashboard.purpose,
            "variables": list(VARIABLES if dashboard.variables is None else dashboard.variables),
            "panels": list(dashboard.panels),
            "seen": dashboard.version,
        }
    )
    return draft


def data(draft: Draft) -> dict[str, Any]:
    """Return the dashboard as it was typed, right or wrong."""
    return {
        "title": draft.get("title") or "",
        "purpose": draft.get("purpose") or "",
        "variables": draft.get("variables") or [],
        "panels": draft.get("panels") or [],
    }


def raise_panel(draft: Draft, index: int) -> None:
    """Move a panel one place up."""
    _move(draft, index, index - 1)


def lower_panel(draft: Draft, index: int) -> None:
    """Move a panel one place down."""
    _move(draft, index, index + 1)


def remove(draft: Draft, index: int) -> None:
    """Take a panel out."""
    panels = list(draft.get("panels"))
    del panels[index]
    _put(draft, panels)


def add(draft: Draft, panels: Sequence[Panel]) -> None:
    """Put panels at the end, as many as there is room for."""
    rows = [*draft.get("panels"), *(panel.row() for panel in panels)]
    _put(draft, rows[:MOST_PANELS])


def widen(draft: Draft, index: int) -> None:
    """Give a panel the next width, after the widest the narrowest."""
    panels, widths = list(draft.get("panels")), list(Width)
    width = Width(panels[index].get("width", Width.HALF))
    wider = widths[(widths.index(width) + 1) % len(widths)]
    panels[index] = {**panels[index], "width": wider.value}
    _put(draft, panels)


def open_panel(draft: Draft, index: int) -> None:
    """Open the form of a panel, or of a new one."""
    panels = draft.get("panels")
    row = panels[index] if index != NEW else panel_form.BLANK
    panel_form.fill(draft, row)
    draft.put("at", index)


def close_panel(draft: Draft) -> None:
    """Close the form without keeping what was typed."""
    draft.put("at", None)


def keep_panel(draft: Draft) -> None:
    """Put the panel that was typed into the list, if it makes sense."""
    index = draft.get("at")
    if index is None:  # the second half of a double click
        return
    try:
        row = dashboards.panel(panel_form.row(draft)).row()
    except DashboardError:  # the preview says why
        return
    panels = list(draft.get("panels"))
    if index == NEW:
        panels.append(row)
    else:
        panels[index] = row
    _put(draft, panels)


def save(draft: Draft, slug: str) -> None:
    """Write the dashboard, and leave the builder."""
    typed, seen = data(draft), draft.get("seen")
    if seen is None:  # the second half of a double click
        return
    refused = dashboard_actions.changed(
        lambda session, by, now: dashboards.save(
            session, slug, dashboards.draft(typed), seen=seen, by=by, now=now
        )
    )
    if refused:
        st.session_state[dashboard_actions.REFUSED] = refused
        return
    parts.flash(f"{parts.plain(typed['title'])} is saved")
    leave(draft)


def leave(draft: Draft) -> None:
    """Leave the builder; what was not saved is gone."""
    draft.drop()
    st.session_state.pop(dashboard_actions.REFUSED, None)
    st.query_params.pop("edit", None)


def _move(draft: Draft, index: int, to: int) -> None:
    panels = list(draft.get("panels"))
    panels.insert(to, panels.pop(index))
    _put(draft, panels)


def _put(draft: Draft, panels: list[dict[str, Any]]) -> None:
    draft.put("panels", panels)
    draft.put("at", None)  # places have changed
    st.session_state.pop(dashboard_actions.REFUSED, None)
