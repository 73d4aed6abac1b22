"""One panel of a dashboard: a chart with its bounds and firing intervals, or numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

import numpy as np
import streamlit as st

from alerts.inbox import firing_intervals
from app import (
    annotation_words,
    cached,
    cached_annotations,
    charts,
    exemplars,
    numbers,
    parts,
    signal_card,
    wired,
)
from app.cached import Answer, History, LastGood
from app.charts import Grid, Interval, Note, Plot
from app.dashboards import Panel
from app.scope import Scope
from models.vocabulary import PanelKind
from signals import Labels, Query
from signals.catalog import CATALOG, LATENCY, Signal
from signals.units import render, span

_SHORT: Final = {name: CATALOG[name].title.removeprefix("Latency ") for name in LATENCY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A panel ready to be sent.

    Attributes:
        answers: What is known of each of its signals.
        notes: What happened meanwhile.
        plot: None when there is not a single value to draw.
        datasets: The data of `plot` as they are sent.
        alt: What the chart shows, in a sentence.
    """

    answers: tuple[Answer[History], ...]
    firing: tuple[Interval, ...] = ()
    notes: tuple[Note, ...] = ()
    plot: Plot | None = None
    datasets: Mapping[str, bytes] = field(default_factory=dict)
    alt: str = ""


@st.cache_resource(
    ttl=cached.FRESH,
    max_entries=256,
    show_spinner=False,
    refresh_mode="background",
    hash_funcs={Panel: repr, Scope: repr},
)
def drawn(panel: Panel, chosen: Scope) -> Drawn:
    """Return the lines of `panel` in the chosen part of the traffic. Never change it."""
    answers = tuple(cached.history(query, chosen.span) for query in _queries(panel, chosen))
    grid = next((answer.data.grid for answer in answers if answer.data), None)
    firing = _firing(panel, grid) if grid else ()
    notes = annotation_words.notes(cached_annotations.lately(chosen).data or ())
    kept = _last_drawn().get((panel, chosen))
    last = cast(Drawn, kept.data) if kept else None
    if last and (last.firing, last.notes) == (firing, notes) and _same(last.answers, answers):
        return last
    found = _drawn(panel, chosen, Drawn(answers=answers, firing=firing, notes=notes))
    _last_drawn().keep((panel, chosen), Answer(data=found))
    return found


def answers(panel: Panel, chosen: Scope) -> list[Answer[Any]]:
    """Return the answers that `panel` is drawn from."""
    if panel.kind is PanelKind.STAT:
        return [signal_card.known(signal, chosen).answer for signal in panel.about]
    return list(drawn(panel, chosen).answers)


def draw(panel: Panel, chosen: Scope, *, key: str, now: datetime) -> None:
    """Draw `panel` in a card; `key` is unique on the page."""
    if panel.kind is PanelKind.STAT:
        with parts.card(key, panel.title), st.container(horizontal=True, gap="medium"):
            for signal in panel.about:
                with st.container(width="stretch", gap="xsmall"):
                    signal_card.draw(signal_card.known(signal, chosen), now=now)
        return
    found = drawn(panel, chosen)
    with parts.card(key, panel.title):
        if found.plot is None:
            _nothing(found.answers, key=key)
            return
        parts.fine_print(_small_print(panel, found.answers, found.plot, now=now))
        chart = f"{key}_chart"
        parts.draw(
            found.plot,
            key=chart,
            alt=found.alt,
            datasets=found.datasets,
            on_pick=partial(exemplars.pick, chart) if wired.current().traces else None,
        )
        exemplars.follow(
            panel.about[0], chosen, found.plot, key=chart, labels=_labels(panel, found.answers)
        )


def _labels(panel: Panel, answers: Sequence[Answer[History]]) -> Mapping[str, Mapping[str, str]]:
    """Return what tells each line of a split panel from the others, by its name."""
    if not panel.by:
        return {}
    return {
        _name(panel, signal, one.labels): {name: one.labels.get(name, "") for name in panel.by}
        for signal, answer in zip(panel.about, answers, strict=True)
        for one in (answer.data.series if answer.data else ())
    }


def _queries(panel: Panel, chosen: Scope) -> list[Query]:
    covers = cached.SHORTEST_WINDOW  # `cached.history` makes it the step
    return [
        Query(signal=name, window=covers, scope=chosen.labels, by=panel.by)
        for name in panel.signals
    ]


def _firing(panel: Panel, grid: Grid) -> tuple[Interval, ...]:
    """Return when rules on any signal of `panel` fired; none when the database is down."""
    found = cached.from_database(
        ("firing", panel.signals, grid.end - grid.start),
        lambda session: tuple(
            interval
            for name in panel.signals
            for interval in firing_intervals(session, name, start=grid.start, end=grid.end)
        ),
    )
    return found.data or ()


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_drawn() -> LastGood:
    return LastGood(limit=256)


def _same(before: Sequence[object], after: Sequence[object]) -> bool:
    """Say whether nothing was learned: `cached.history` then returns the very same answers."""
    return all(one is other for one, other in zip(before, after, strict=True))


def _drawn(panel: Panel, chosen: Scope, known: Drawn) -> Drawn:
    """Return what is known of `panel` with its chart."""
    plot = plotted(panel, known.answers, known.firing)
    if plot is None:
        return known
    plot = charts.noted(plot, known.notes)
    return replace(
        known, plot=plot, datasets=charts.datasets(plot), alt=described(panel, plot, chosen)
    )


def plotted(
    panel: Panel, answers: Sequence[Answer[History]], firing: Sequence[Interval]
) -> Plot | None:
    """Return the chart of `panel`, or None when there is not a single value to draw."""
    series = [
        (_name(panel, signal, one.labels), one)
        for signal, answer in zip(panel.about, answers, strict=True)
        for one in (answer.data.series if answer.data else ())
        if one.values
    ]
    known = next((answer.data for answer in answers if answer.data), None)
    if not series or known is None:
        return None
    bounded = panel.bounded
    return charts.plot(
        series,
        known.grid,
        panel.unit,
        target=bounded.target if bounded else None,
        bound=bounded.breach.bound if bounded and bounded.breach else None,
        firing=firing,
    )


def described(panel: Panel, plot: Plot, chosen: Scope) -> str:
    """Return in a sentence what the chart shows, for a screen reader."""
    latest = []
    for index, name in enumerate(plot.lines):
        values = plot.frame[f"s{index}"].to_numpy()
        values = values[np.isfinite(values)]
        if len(values):
            latest.append(f"{name} {render(float(values[-1]), panel.unit)}")
    return f"{panel.title} over the last {span(chosen.span)}. Latest: {', '.join(latest)}."


def _name(panel: Panel, signal: Signal, labels: Labels) -> str:
    split = [labels.get(label) or "none" for label in panel.by]
    alone = len(panel.signals) == 1
    own = [] if alone and split else [_SHORT.get(signal.name, signal.title)]
    return ", ".join([*own, *split])


def _small_print(
    panel: Panel, answers: Sequence[Answer[History]], plot: Plot, *, now: datetime
) -> str:
    sources = " and ".join(dict.fromkeys(a.source for a in answers if a.source))
    said = [f"{span(cached.window(plot.grid.step))} a point, from {sources}"]
    if panel.bounded is not None:
        said.insert(0, numbers.bounds(panel.bounded))
    if plot.off_chart:
        names = " and ".join(render(value, panel.unit) for value in plot.off_chart)
        said.append(f"{names} lies above this chart")
    if dropped := plot.dropped + sum(a.data.left_out for a in answers if a.data):
        said.append(f"{dropped} smaller lines left out: narrow the scope")
    if (old := min((a.at for a in answers if a.error and a.at), default=None)) is not None:
        said.append(f"as of {numbers.age(old, now=now)}")
    return " · ".join(part for part in said if part)


def _nothing(answers: Sequence[Answer[History]], *, key: str) -> None:
    """Say why there is no line. What a source that is down said stands once, above all cards."""
    failed = next((answer for answer in answers if answer.error), None)
    if failed is None:
        look: parts.Look = ("gray", "data_alert")
        word, why = "no data", "Nothing in this range and scope: look further back or choose less."
    elif failed.nobody:
        look, word, why = ("gray", "link_off"), "no source", parts.plain(failed.error)
    else:
        look = ("red", "cloud_off")
        word, why = "source down", "There is no earlier answer to show."
    with st.container(height=charts.HEIGHT, key=f"{key}_nothing", border=False):
        st.markdown(parts.mark(word, look))
        parts.fine_print(why)
