"""One panel of a dashboard in its card: a chart with its bounds and firing intervals, or numbers.

What goes wrong with one panel is said in its card; the others stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from app import (
    cached,
    charts,
    dashboard_panels,
    exemplars,
    numbers,
    panel_menu,
    panel_plots,
    parts,
    signal_card,
    wired,
)
from app.asking import ASKERS
from app.cached import Answer, History
from app.charts import Plot
from app.dashboard_panels import Panel
from app.panel_plots import Drawn, View
from app.scope import Scope
from app.signal_card import Known
from models.vocabulary import PanelKind
from signals.catalog import CATALOG
from signals.units import render, span

MOST_NUMBERS: Final = 4  # of one panel on a wall
LATER: Final = "Still asking: its source is slow. It is drawn as soon as there is an answer."


# A panel of lines, or of numbers of golden signals.
Found = Drawn | tuple[Known, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A panel on a page.

    Attributes:
        number: From 0, for the address.
        key: Unique on the page.
        wall: Read from afar, with nothing to press.
    """

    number: int
    key: str
    wall: bool = False


def in_time(panels: Sequence[tuple[Panel, View]], chosen: Scope) -> dict[tuple[Panel, View], Found]:
    """Ask for all `panels` side by side; return what is there, without those whose source is slow.

    It is what to draw them from: looking it up again costs as much as drawing half a card.
    """
    asked = {(one, chosen, view): partial(_found, one, chosen, view) for one, view in panels}
    return {(one, view): found for (one, _, view), found in ASKERS.in_time(asked).items()}


def _found(panel: Panel, chosen: Scope, view: View) -> Found:
    if _is_number_of_signals(panel):
        return tuple(signal_card.known(signal, chosen) for signal in panel.about)
    return panel_plots.drawn(panel, chosen, view)


def answers(found: Found) -> Sequence[Answer[Any]]:
    """Return the answers that a panel is drawn from."""
    return found.answers if isinstance(found, Drawn) else [one.answer for one in found]


def draw(panel: Panel, found: Found, chosen: Scope, *, place: Place, now: datetime) -> None:
    """Draw `panel` in a card."""
    if isinstance(found, Drawn):
        _draw(panel, found, chosen, place=place, now=now)
        return
    with parts.card(place.key, panel.title), st.container(horizontal=True, gap="medium"):
        for one in found:
            with st.container(width="stretch", gap="xsmall"):
                signal_card.draw(one, now=now)


def draw_later(panel: Panel, chosen: Scope, view: View, *, place: Place, now: datetime) -> None:
    """Draw the card of a panel whose source is slow: what was drawn before, if anything was."""
    before = panel_plots.last(panel, chosen, view)
    if before is not None and before.plot is not None:
        _draw(panel, before, chosen, place=place, now=now, late=True)
        return
    with parts.card(place.key):
        _title(panel)
        with st.container(height=charts.HEIGHT, key=f"{place.key}_nothing", border=False):
            st.markdown(parts.mark("slow source", ("orange", "hourglass_top")))
            parts.fine_print(LATER)


def _draw(
    panel: Panel, found: Drawn, chosen: Scope, *, place: Place, now: datetime, late: bool = False
) -> None:
    with parts.card(place.key):
        if found.plot is None:
            _title(panel)
            _nothing(panel, found.answers, key=place.key)
            return
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            _title(panel)
            if not place.wall:
                panel_menu.draw(panel, found.plot, found.names, key=place.key, place=place.number)
        if panel.kind is PanelKind.STAT:
            _number(panel, found.plot)
        elif place.wall:
            _numbers(panel, found)
        small_print = _small_print(panel, found, found.plot, chosen, now=now)
        parts.fine_print(" · ".join([small_print, *(_lateness(found, now=now) if late else ())]))
        if panel.kind is not PanelKind.STAT:
            _chart(panel, found, found.plot, chosen, place=place)


def _chart(panel: Panel, found: Drawn, plot: Plot, chosen: Scope, *, place: Place) -> None:
    """Draw the chart; a click on one of a golden signal leads to the traces behind the point."""
    key = f"{place.key}_chart"
    leads = bool(panel.signals) and not place.wall and wired.current().traces is not None
    parts.draw(
        plot,
        key=key,
        alt=found.alt,
        datasets=found.datasets,
        on_pick=partial(exemplars.pick, key) if leads else None,
    )
    if leads:
        about = CATALOG[panel.signals[0]]
        exemplars.follow(about, chosen, plot, key=key, labels=panel_plots.told_apart(panel, found))


def _is_number_of_signals(panel: Panel) -> bool:
    return panel.kind is PanelKind.STAT and bool(panel.signals)


def _title(panel: Panel) -> None:
    slo = f" {parts.mark('SLO', ('blue', 'flag'))}" if panel.slo else ""
    st.markdown(f"**{parts.plain(panel.title)}**{slo}", width="stretch")


def _number(panel: Panel, plot: Plot) -> None:
    """Draw the newest value of the first line, and its past as a small line."""
    past = plot.frame["s0"].astype(float)
    known = past.dropna()
    st.metric(
        plot.lines[0],
        numbers.number(float(known.iloc[-1]) if len(known) else None, panel.shown_in),
        label_visibility="collapsed" if plot.lines[0] == panel.title else "visible",
        chart_data=past[:: max(1, len(past) // signal_card.POINTS)].tolist(),
    )


def _numbers(panel: Panel, found: Drawn) -> None:
    """Draw the newest value of each of the first lines."""
    frame = found.plot.frame if found.plot else pd.DataFrame()
    with st.container(horizontal=True, gap="medium"):
        for index, name in enumerate(found.names[:MOST_NUMBERS]):
            known = frame[f"s{index}"].dropna()
            value = float(known.iloc[-1]) if len(known) else None
            st.metric(name, numbers.number(value, panel.shown_in), width="content")


def _small_print(panel: Panel, found: Drawn, plot: Plot, chosen: Scope, *, now: datetime) -> str:
    sources = " and ".join(dict.fromkeys(a.source for a in found.answers if a.source))
    said = [_bounds(panel), f"{span(cached.window(plot.grid.step))} a point, from {sources}"]
    if plot.off_chart:
        names = " and ".join(render(value, panel.shown_in) for value in plot.off_chart)
        said.append(f"{names} {'lie' if len(plot.off_chart) > 1 else 'lies'} above this chart")
    if dropped := plot.dropped + sum(a.data.left_out for a in found.answers if a.data):
        said.append(f"{dropped} smaller lines left out: narrow the scope")
    if stray := dashboard_panels.unnarrowed(panel, chosen.labels):
        said.append(f"all of {', '.join(stray)}: its PromQL does not name it")
    said += _failures(panel, found, now=now)
    return " · ".join(part for part in said if part)


def _lateness(found: Drawn, *, now: datetime) -> list[str]:
    """Return how old what is drawn is, while its source is asked again."""
    oldest = min((a.at for a in found.answers if a.at), default=None)
    return [f"its source is slow: as of {numbers.age(oldest, now=now)}"]


def _failures(panel: Panel, found: Drawn, *, now: datetime) -> list[str]:
    """Return how old what is drawn is, and why; nothing where it is new."""
    said = []
    failed = next((a for a in found.answers if a.error and a.at), None)
    if failed is not None:
        said.append(f"as of {numbers.age(failed.at, now=now)}")
        # What a source of signals said stands once, above all cards.
        said += [] if panel.signals else [parts.plain(failed.error)]
    if missed := next((a for a in found.before if a.error), None):
        said.append(f"nothing to compare with: {parts.plain(missed.error)}")
    elif found.before and not any(a.data and a.data.series for a in found.before):
        said.append("no data then to compare with")
    return said


def _bounds(panel: Panel) -> str:
    signal, unit = panel.bounded, panel.shown_in
    if signal is not None and panel.target is None and panel.threshold is None:
        return numbers.bounds(signal)
    named = (("target", panel.drawn_target), ("alert", panel.drawn_threshold))
    return " · ".join(f"{word} {render(value, unit)}" for word, value in named if value is not None)


def _nothing(panel: Panel, answers: Sequence[Answer[History]], *, key: str) -> None:
    """Say why there is no line. What a source of signals said stands once, above all cards."""
    failed = next((answer for answer in answers if answer.error), None)
    if failed is None:
        look: parts.Look = ("gray", "data_alert")
        word, why = "no data", "Nothing in this range and scope: look further back or choose less."
    elif failed.nobody:
        look, word, why = ("gray", "link_off"), "no source", parts.plain(failed.error)
    elif panel.signals:
        look = ("red", "cloud_off")
        word, why = "source down", "There is no earlier answer to show."
    else:
        look, word, why = ("red", "error"), "no answer", parts.plain(failed.error)
    with st.container(height=charts.HEIGHT, key=f"{key}_nothing", border=False):
        st.markdown(parts.mark(word, look))
        parts.fine_print(why)
