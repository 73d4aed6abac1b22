"""The panels of a dashboard side by side, each as wide as it is to be.

What makes no sense, or has no answer yet, spoils only its own card.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import streamlit as st

from app import dashboard_panels, panel_menu, panels, parts
from app.dashboard_panels import DashboardError, Panel
from app.panel_plots import View
from app.panels import Place
from app.scope import Scope
from models.vocabulary import Width

# Columns, the narrowest one in pixels, and how many of them each width takes. Where there is room
# for less, fewer are left: on a phone every panel is as wide as the page.
_HALVES: Final = (2, 330, {Width.HALF: 1, Width.FULL: 2})
_SIXTHS: Final = (6, 110, {Width.THIRD: 2, Width.HALF: 3, Width.FULL: 6})


def draw(
    rows: Sequence[dict[str, Any]],
    chosen: Scope,
    view: View,
    *,
    key: str,
    now: datetime,
    wall: bool = False,
) -> None:
    """Draw the panels that `rows` keep, and above them which sources are down.

    Args:
        rows: Of the table; what makes no sense is said in its place.
        chosen: What the page looks at.
        view: What each is compared with; which lines are hidden stands in the address.
        key: The start of every widget's key.
        now: The instant.
        wall: Read from afar: numbers in the place of menus.
    """
    understood = [_understood(row) for row in rows]
    looked_at = [replace(view, hidden=panel_menu.hidden(place)) for place in range(len(rows))]
    asked = [
        (one, each)
        for one, each in zip(understood, looked_at, strict=True)
        if isinstance(one, Panel)
    ]
    found = panels.in_time(asked, chosen)
    known = [
        answer
        for (one, _), there in found.items()
        if one.signals
        for answer in panels.answers(there)
    ]
    parts.sources_down(known, now=now)
    widths = [one.width if isinstance(one, Panel) else Width.HALF for one in understood]
    columns, narrowest, spans = _SIXTHS if Width.THIRD in widths else _HALVES
    with st.grid(columns, min_column_width=narrowest, key=f"{key}_panels") as grid:
        for number, (one, each) in enumerate(zip(understood, looked_at, strict=True)):
            place = Place(number=number, key=f"{key}_panel_{number}", wall=wall)
            taken = spans[widths[number]]
            # A card that lies in the grid itself is as high as its neighbours; in a cell it is not.
            with grid.cell(column_span=taken) if taken > 1 else contextlib.nullcontext():
                if isinstance(one, DashboardError):
                    _broken(rows[number], one, key=place.key)
                elif there := found.get((one, each)):
                    panels.draw(one, there, chosen, place=place, now=now)
                else:
                    panels.draw_later(one, chosen, each, place=place, now=now)


def _understood(row: dict[str, Any]) -> Panel | DashboardError:
    """Return the panel of `row`; one that makes no sense must not spoil the others."""
    try:
        return dashboard_panels.panel(row)
    except DashboardError as error:
        return error


def _broken(row: dict[str, Any], error: DashboardError, *, key: str) -> None:
    with parts.card(key, str(row.get("title") or "Panel")):
        st.markdown(parts.mark("cannot be drawn", ("orange", "warning")))
        parts.fine_print(f"{parts.plain(str(error))} Edit the dashboard to mend it.")
