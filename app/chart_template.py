"""What a chart looks like: a Vega-Lite template, without data, for each look of a panel. Pure.

Built by Altair once and kept, since building Altair objects anew costs some 13 ms a chart.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import altair as alt

from app import numbers
from models.vocabulary import PanelKind, Unit

HEIGHT: Final = 240
# Names of the data sets: the frame, the firing intervals, and what happened meanwhile.
SERIES: Final = "series"
FIRING: Final = "firing"
NOTES: Final = "notes"
PICK: Final = "pick"  # the name of the selection that a click makes
MARKED: Final = "this request"  # an interval that is pointed at, and not wrong by itself

# These must read on white and on the dark background alike: at least 3:1 on both.
RED: Final = "#d9483b"
GREEN: Final = "#3a9366"
SLATE: Final = "#6f7d8a"
BLUE: Final = "#2b87b0"
SHADES: Final = {"p50": "#5f96b4", "p95": "#2b87b0", "p99": "#8768c4"}
_WIDTHS: Final = {"p50": 1.5, "p99": 1.5}

# The pointer finds an instant by two marks of its own. As SVG, twelve charts of a week would be
# 18,000 elements that nobody sees.
_RENDERED: Final = {"embedOptions": {"renderer": "canvas"}}
_LEGEND_WIDTH: Final = 140  # of one name, at the most

# A 24 hour clock, in the viewer's zone; the day where it begins.
CLOCK: Final = (
    "timeFormat(datum.value, hours(datum.value) || minutes(datum.value) ? '%H:%M' : '%b %-d')"
)

# A screen reader is told `alt` of `parts.draw`; Vega's own roles are on marks without a name.
SILENT: Final[dict[str, Any]] = {"aria": False, "mark": alt.MarkConfig(aria=False)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a template depends on.

    Attributes:
        lines: Names of the lines, in the order of the frame's columns.
        target, bound: In `unit`; None draws none.
        kind: What is drawn of each line.
        compared: What follows the name of a line's counterpart in another time: such a line is
            dashed, in the colour of the other. Empty without a comparison.
    """

    lines: tuple[str, ...]
    unit: Unit
    target: float | None = None
    bound: float | None = None
    kind: PanelKind = PanelKind.LINE
    compared: str = ""

    def base(self, name: str) -> str:
        """Return the name of the line that `name` is the counterpart of, or `name`."""
        return name.removesuffix(self.compared) if self.compared else name


@lru_cache(maxsize=256)
def template(look: Look) -> dict[str, Any]:
    """Return the Vega-Lite template of `look`, without data. Shared: never change it."""
    layers = [*_bounds(look), *_lines(look), _hover(look)]
    chart = (
        alt.layer(*layers, data=alt.NamedData(SERIES))
        .transform_calculate(at="datum.at * 1000")  # sent in seconds
        .resolve_axis(y="independent")
        .properties(height=HEIGHT, usermeta=_RENDERED)
    )
    chart = chart.configure(**SILENT)
    if not _is_alone(look):
        chart = chart.configure_legend(
            title=None,
            orient="top",
            symbolType="stroke",
            labelLimit=_LEGEND_WIDTH,
            columns=alt.ExprRef(f"max(1, floor(width / {_entry_width(look)}))"),
        )
    if _shaded(look):
        chart = chart.configure_range(
            category=[SHADES[name] for name in sorted(set(map(look.base, look.lines)))]
        )
    spec: dict[str, Any] = without_data(chart.to_dict())
    del spec["config"]["view"]  # Altair's sizes, where none is given
    return spec


@lru_cache(maxsize=1)
def shade_layers() -> tuple[dict[str, Any], ...]:
    """Return the layers that lie under a template and draw `FIRING`: never change them."""
    return _alone(_shade())


@lru_cache(maxsize=1)
def note_layers() -> tuple[dict[str, Any], ...]:
    """Return the layers that lie on top of a template and draw `NOTES`: never change them."""
    data = alt.NamedData(NOTES)
    tooltip = [
        alt.Tooltip("what:N", title=" "),
        alt.Tooltip("by:N", title="by"),
        *_times("from_at", "to_at"),
    ]
    x = alt.X("from_at:T")
    layers = (
        alt.Chart(data).mark_rect(color=SLATE, opacity=0.1).encode(x=x, x2="to_at:T"),
        alt.Chart(data).mark_rule(color=SLATE, strokeDash=[2, 2], strokeWidth=1.5).encode(x=x),
        # What the pointer finds: the rule itself is too thin, and lies under the nearest instant.
        alt.Chart(data)
        .mark_point(color=SLATE, filled=True, opacity=1, shape="triangle-down", size=110)
        .encode(x=x, y=alt.value(4), tooltip=tooltip),
    )
    return _alone(*layers)


def _alone(*layers: alt.Chart) -> tuple[dict[str, Any], ...]:
    """Return `layers` as parts of a template, without what only a whole chart has."""
    specs = [without_data(layer.to_dict()) for layer in layers]
    return tuple({name: part for name, part in spec.items() if name != "config"} for spec in specs)


def _shade() -> alt.Chart:
    layer: alt.Chart = (
        alt.Chart(alt.NamedData(FIRING))
        .mark_rect()
        .encode(
            color=alt.condition(alt.datum.what == MARKED, alt.value(BLUE), alt.value(RED)),
            x=alt.X("from_at:T"),
            x2="to_at:T",
            opacity=alt.Opacity("shade:Q", scale=None, legend=None),
            tooltip=[alt.Tooltip("what:N", title=" "), *_times("from_at", "to_at")],
        )
    )
    return layer


def _times(begin: str, end: str) -> list[alt.Tooltip]:
    pattern = "%b %d, %H:%M:%S"
    return [
        alt.Tooltip(begin, type="temporal", format=pattern, title="from"),
        alt.Tooltip(end, type="temporal", format=pattern, title="until"),
    ]


def _bounds(look: Look) -> list[alt.Chart]:
    # Their names stand on an axis of their own at the right, because an axis follows the light
    # and the dark theme, which a text mark does not.
    words = {
        value: f"{word} {numbers.number(value, look.unit)}"
        for value, word in ((look.target, "target"), (look.bound, "alert"))
        if value is not None
    }
    if not words:
        return []
    names = " : ".join(f"datum.value === {value} ? {json.dumps(w)}" for value, w in words.items())
    axis = alt.Axis(
        orient="right",
        values=list(words),
        labelExpr=f"{names} : ''",
        grid=False,
        ticks=False,
        domain=False,
        title=None,
        labelOverlap="greedy",
    )
    styles = ((look.target, GREEN, [6, 4]), (look.bound, RED, [2, 3]))
    once = alt.InlineData(values=[{}])  # else a rule is drawn for every row of the frame
    rules = [
        alt.Chart(once)
        .mark_rule(color=colour, strokeDash=dash, strokeWidth=1.5)
        .encode(y=alt.YDatum(value, type="quantitative", axis=None))
        for value, colour, dash in styles
        if value is not None
    ]
    rules[-1] = rules[-1].encode(
        y=alt.YDatum(list(words)[-1], type="quantitative", axis=axis)  # one axis names both
    )
    return rules


def _lines(look: Look) -> list[alt.Chart]:
    pattern, suffix = numbers.pattern(look.unit)
    expression = f"format(datum.value, {json.dumps(pattern)}) + {json.dumps(suffix)}"
    left = alt.Axis(orient="left", title=None, labelExpr=expression, tickCount=5, grid=True)
    below = alt.Axis(grid=False, tickCount=6, labelFlush=True, labelExpr=CLOCK)
    # Areas of several lines lie over each other: added up, quantiles would make no sense.
    apart: dict[str, Any] = {} if look.kind is PanelKind.LINE else {"stack": None}
    scale = alt.Scale(zero=look.unit is not Unit.POINTS, nice=True)
    # Lines share their scales and the axis below: it is enough that the first one describes them.
    first: dict[str, dict[str, Any]] = {
        "x": {"title": None, "axis": below},
        "y": {"axis": left, "scale": scale},
    }
    others: dict[str, dict[str, Any]] = {"x": {}, "y": {"axis": None}}
    return [
        _marked(alt.Chart(), look, name).encode(
            x=alt.X("at:T", **described["x"]),
            y=alt.Y(f"s{index}:Q", **described["y"], **apart),
            **({} if _is_alone(look) else _coloured(look.base(name))),
        )
        for index, name in enumerate(look.lines)
        for described in [first if index == 0 else others]
    ]


def _coloured(name: str) -> dict[str, Any]:
    return {"color": alt.ColorDatum(name, type="nominal")}


def _marked(chart: alt.Chart, look: Look, name: str) -> alt.Chart:
    """Return `chart` with the mark of one line."""
    width = _WIDTHS.get(name, 2) if _shaded(look) else 1.75
    # A round cap draws a point without neighbours as a dot; a flat one would not draw it.
    line: dict[str, Any] = {"strokeCap": "round", "strokeWidth": width}
    marked: alt.Chart
    if look.base(name) != name:
        marked = chart.mark_line(**{**line, "strokeDash": [5, 4], "opacity": 0.75})
    elif look.kind is PanelKind.LINE:
        marked = chart.mark_line(**line)
    else:
        shape: dict[str, Any] = {"fillOpacity": 0.3, "line": line}
        if look.kind is PanelKind.STEPS:
            shape["interpolate"] = "step-before"
        marked = chart.mark_area(**shape)
    return marked


def _entry_width(look: Look) -> int:
    """Return how wide the widest entry of the legend is: a narrow chart has fewer in a row."""
    longest = max((len(look.base(name)) for name in look.lines), default=0)
    return 35 + min(7 * longest, _LEGEND_WIDTH)


def _is_alone(look: Look) -> bool:
    """Say whether there is one line, with or without its counterpart: it needs no legend."""
    return len(set(map(look.base, look.lines))) == 1


def _shaded(look: Look) -> bool:
    return all(look.base(name) in SHADES for name in look.lines)


def _hover(look: Look) -> alt.Chart:
    pattern = numbers.precise(look.unit)
    unit = {Unit.SECONDS: " (s)", Unit.PER_SECOND: " (per second)"}.get(look.unit, "")
    near = alt.selection_point(
        name="near", nearest=True, on="pointerover", clear="pointerout", encodings=["x"]
    )
    # A click beside it finds the same instant: `app.exemplars` leads on from there.
    pick = alt.selection_point(name=PICK, nearest=True, on="click", encodings=["x"])
    valid = " || ".join(f"isValid(datum.s{index})" for index in range(len(look.lines))) or "false"
    layer: alt.Chart = (
        alt.Chart()
        .transform_filter(valid)
        .mark_rule(color="#8593a0")
        .encode(
            x="at:T",
            opacity=alt.when(near, empty=False).then(alt.value(0.7)).otherwise(alt.value(0)),
            tooltip=[
                alt.Tooltip("at:T", format="%b %d, %H:%M:%S", title="until"),
                *(
                    alt.Tooltip(f"s{index}:Q", format=pattern, title=f"{name}{unit}")
                    for index, name in enumerate(look.lines)
                ),
            ],
        )
        .add_params(near, pick)
    )
    return layer


def without_data(node: Any) -> Any:
    """Return a Vega-Lite specification without what Altair says of data that it does not have."""
    # Altair leaves the name of an empty data set in a chart without data; with it Vega would wait
    # for that data set and draw nothing.
    if isinstance(node, list):
        return [without_data(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: without_data(value)
        for key, value in node.items()
        if key not in ("$schema", "datasets") and not (key == "data" and value == {"name": "empty"})
    }
