"""What a panel offers beyond its chart: which lines are hidden, kept in the URL, and its CSV.

`?hide=0.p99&hide=2.chat`: the place of the panel on the page, and the name of the line.
"""

from typing import Final

import streamlit as st

from app import panel_plots, parts
from app.charts import Plot
from app.dashboard_panels import Panel

HIDE: Final = "hide"
_MOST: Final = 100  # of a link that somebody made up


def hidden(place: int) -> tuple[str, ...]:
    """Return the lines that the address hides in the panel at that place, sorted."""
    start = f"{place}."
    asked = st.query_params.get_all(HIDE)[:_MOST]
    return tuple(sorted(one.removeprefix(start) for one in asked if one.startswith(start)))


def draw(panel: Panel, plot: Plot, names: tuple[str, ...], *, key: str, place: int) -> None:
    """Draw the menu; what is in it costs nothing while it is closed."""
    menu = st.popover(
        "",
        icon=":material/more_vert:",
        type="tertiary",
        key=f"{key}_menu",
        help="Lines and data",
        on_change="rerun",
    )
    if not menu.open:
        return
    with menu:
        gone = hidden(place)
        choices = list(dict.fromkeys([*names, *gone]))
        lines = f"{key}_hidden"
        st.session_state.setdefault(lines, list(gone))
        if len(choices) > 1 or gone:
            st.pills(
                "Hide",
                choices,
                selection_mode="multi",
                key=lines,
                on_change=_hide,
                args=(place, lines),
            )
        st.download_button(
            "CSV",
            data=lambda: panel_plots.csv(plot),
            file_name=f"{_file_name(panel.title)}.csv",
            mime="text/csv",
            icon=":material/download:",
            key=f"{key}_csv",
            on_click="ignore",
        )
        if panel.promql:
            st.code(panel.promql, language=None, wrap_lines=True)
        elif panel.measure is not None:
            parts.fine_print(parts.plain(panel.measure.words))


def _hide(place: int, lines: str) -> None:
    others = [one for one in st.query_params.get_all(HIDE) if not one.startswith(f"{place}.")]
    chosen = [f"{place}.{name}" for name in st.session_state.get(lines) or ()]
    st.query_params[HIDE] = [*others, *chosen]


def _file_name(title: str) -> str:
    kept = "".join(letter if letter.isalnum() else "-" for letter in title.lower())
    return "-".join(filter(None, kept.split("-")))[:60] or "panel"
