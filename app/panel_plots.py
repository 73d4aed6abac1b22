"""What a panel of a dashboard shows: answers in, a chart ready to be sent out.

What is drawn is what is cached, so that a rerun costs neither a question nor a conversion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, cast

import numpy as np
import streamlit as st

from alerts.inbox import firing_intervals
from alerts.quiet_times import quiet_times
from app import annotation_words, cached, cached_annotations, cached_panels, charts
from app.cached import Answer, History, LastGood
from app.charts import MOST_LINES, Grid, Interval, Look, Note, Plot
from app.dashboard_panels import Panel
from app.scope import Scope
from models.vocabulary import PanelKind
from signals import Labels, Series
from signals.catalog import CATALOG, LATENCY
from signals.units import render, span

_SHORT: Final = {name: CATALOG[name].title.removeprefix("Latency ") for name in LATENCY}
_WIDEST_NAME: Final = 60  # of a line whose labels nobody has chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a panel is looked at.

    Attributes:
        offset: How long before the present the dashed lines are; zero draws none.
        compared: When that was, in words, such as `last week`.
        hidden: Names of lines that are not drawn, sorted.
    """

    offset: timedelta = timedelta()
    compared: str = ""
    hidden: tuple[str, ...] = ()


PLAIN: Final = View()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A panel ready to be sent.

    Attributes:
        answers: What is known of each of its questions.
        before: The same of the time that it is compared with; empty without a comparison.
        notes: What happened meanwhile.
        plot: None when there is not a single value to draw.
        datasets: The data of `plot` as they are sent.
        alt: What the chart shows, in a sentence.
    """

    answers: tuple[Answer[History], ...]
    before: tuple[Answer[History], ...] = ()
    firing: tuple[Interval, ...] = ()
    notes: tuple[Note, ...] = ()
    plot: Plot | None = None
    datasets: Mapping[str, bytes] = field(default_factory=dict)
    alt: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of its lines, without their counterparts of another time."""
        lines = self.plot.lines if self.plot else ()
        return lines[: len(lines) // 2] if self.before else lines


@st.cache_resource(
    ttl=cached.FRESH,
    max_entries=256,
    show_spinner=False,
    refresh_mode="background",
    hash_funcs={Panel: repr, Scope: repr, View: repr},
)
def drawn(panel: Panel, chosen: Scope, view: View = PLAIN) -> Drawn:
    """Return the lines of `panel` in the chosen part of the traffic. Never change it."""
    asked = cached_panels.questions(panel, chosen)
    answers = tuple(cached_panels.history(one, chosen.span) for one in asked)
    before = tuple(
        cached_panels.history(one, chosen.span, view.offset) for one in asked if view.offset
    )
    grid = next((answer.data.grid for answer in answers if answer.data), None)
    firing = _firing(panel, grid) if grid else ()
    notes = annotation_words.notes(cached_annotations.lately(chosen).data or ())
    notes += _silenced(panel, grid) if grid else ()
    known = Drawn(answers=answers, before=before, firing=firing, notes=notes)
    before_that = last(panel, chosen, view)
    if before_that and _same(before_that, known):
        return before_that
    found = _drawn(panel, chosen, view, known)
    _last_drawn().keep((panel, chosen, view), Answer(data=found))
    return found


def last(panel: Panel, chosen: Scope, view: View) -> Drawn | None:
    """Return what was last drawn of `panel`, without asking; None if it never was."""
    kept = _last_drawn().get((panel, chosen, view))
    return cast(Drawn, kept.data) if kept else None


def plotted(
    panel: Panel, answers: Sequence[Answer[History]], firing: Sequence[Interval]
) -> Plot | None:
    """Return the chart of `panel`, or None when there is not a single value to draw."""
    return _plotted(panel, PLAIN, Drawn(answers=tuple(answers), firing=tuple(firing)))


def described(panel: Panel, plot: Plot, chosen: Scope) -> str:
    """Return in a sentence what the chart shows, for a screen reader."""
    latest = []
    for index, name in enumerate(plot.lines):
        values = plot.frame[f"s{index}"].to_numpy()
        values = values[np.isfinite(values)]
        if len(values):
            latest.append(f"{name} {render(float(values[-1]), panel.shown_in)}")
    return f"{panel.title} over the last {span(chosen.span)}. Latest: {', '.join(latest)}."


def csv(plot: Plot) -> bytes:
    """Return what is drawn as CSV: a row an instant, a column a line, empty where no value is."""
    named = {f"s{index}": _cell(name) for index, name in enumerate(plot.lines)}
    table: Any = plot.frame.rename(columns=named)
    table["at"] = table["at"].map(lambda at: at.isoformat())
    written: str = table.to_csv(index=False, lineterminator="\n")
    return written.encode()


def _cell(name: str) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name


def _firing(panel: Panel, grid: Grid) -> tuple[Interval, ...]:
    """Return when rules on any signal of `panel` fired; none when the database is down."""
    if not panel.signals:
        return ()
    found = cached.from_database(
        ("firing", panel.signals, grid.end - grid.start),
        lambda session: tuple(
            interval
            for name in panel.signals
            for interval in firing_intervals(session, name, start=grid.start, end=grid.end)
        ),
    )
    return found.data or ()


def _silenced(panel: Panel, grid: Grid) -> tuple[Note, ...]:
    """Return when alerts on any signal of `panel` were silenced; none when the database is down."""
    if not panel.signals:
        return ()
    found = cached.from_database(
        ("silenced", panel.signals, grid.end - grid.start),
        lambda session: quiet_times(session, panel.signals, start=grid.start, end=grid.end),
    )
    return annotation_words.silenced(found.data or ())


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_drawn() -> LastGood:
    return LastGood(limit=256)


def _same(then: Drawn, now: Drawn) -> bool:
    """Say whether nothing was learned: `history` then returns the very same answers."""
    before, after = (*then.answers, *then.before), (*now.answers, *now.before)
    return (then.firing, then.notes, len(before)) == (now.firing, now.notes, len(after)) and all(
        one is other for one, other in zip(before, after, strict=True)
    )


def _drawn(panel: Panel, chosen: Scope, view: View, known: Drawn) -> Drawn:
    """Return what is known of `panel` with its chart."""
    plot = _plotted(panel, view, known)
    if plot is None:
        return known
    plot = charts.noted(plot, known.notes)
    return replace(
        known, plot=plot, datasets=charts.datasets(plot), alt=described(panel, plot, chosen)
    )


def _plotted(panel: Panel, view: View, known: Drawn) -> Plot | None:
    grid = next((answer.data.grid for answer in known.answers if answer.data), None)
    series = _named(panel, known.answers)
    if not series or grid is None:
        return None
    kept = charts.largest(series, MOST_LINES // 2 if known.before else MOST_LINES)
    suffix = f", {view.compared}" if known.before else ""
    lines = [(name, _blank(one) if name in view.hidden else one) for name, one in kept]
    if known.before:
        past = dict(_named(panel, known.before))
        # A line without a counterpart has an empty one, so that each is half of a pair.
        lines += [
            (f"{name}{suffix}", _blank(one) if name in view.hidden else past.get(name, _blank(one)))
            for name, one in kept
        ]
    look = Look(
        lines=(),
        unit=panel.shown_in,
        target=panel.drawn_target,
        bound=panel.drawn_threshold,
        kind=PanelKind.LINE if panel.kind is PanelKind.STAT else panel.kind,
        compared=suffix,
    )
    return charts.drawn(lines, grid, look, firing=known.firing, dropped=len(series) - len(kept))


def _blank(one: Series) -> Series:
    return Series(labels=one.labels, seconds=[], values=[])


def _named(panel: Panel, answers: Sequence[Answer[History]]) -> list[tuple[str, Series]]:
    """Return every series that has a value, under a name that no other has."""
    signals = panel.signals or ("",)
    named: dict[str, Series] = {}
    for signal, answer in zip(signals, answers, strict=True):
        for one in answer.data.series if answer.data else ():
            name = plain = _name(panel, signal, one.labels)
            number = 1
            while name in named:  # labels that nobody can tell apart by
                number += 1
                name = f"{plain} ({number})"
            if one.values:
                named[name] = one
    return list(named.items())


def told_apart(panel: Panel, found: Drawn) -> dict[str, dict[str, str]]:
    """Return what tells each line of a split panel from the others, by its name."""
    if not panel.by:
        return {}
    return {
        name: {label: one.labels.get(label, "") for label in panel.by}
        for name, one in _named(panel, found.answers)
    }


def _name(panel: Panel, signal: str, labels: Labels) -> str:
    split = [labels.get(label) or "none" for label in panel.by]
    if signal:
        alone = len(panel.signals) == 1
        own = [] if alone and split else [_SHORT.get(signal, CATALOG[signal].title)]
        return ", ".join([*own, *split])
    if panel.by:
        return ", ".join(split)
    if panel.promql and labels:
        name = ", ".join(f"{label} {value}" for label, value in sorted(labels.items()))
        return name if len(name) <= _WIDEST_NAME else f"{name[: _WIDEST_NAME - 1]}…"
    return panel.title
