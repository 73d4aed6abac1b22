"""Charts: what is sent to be drawn, and whether it can be read."""

import json
import math
import struct
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from app import chart_template, charts
from app.charts import Grid, Look
from models.vocabulary import Unit
from signals import Series
from tests.memory_source import NOON

MINUTE = timedelta(minutes=1)
GRID = Grid(start=NOON - 10 * MINUTE, end=NOON, step=MINUTE)
CONFIG = tomllib.loads((Path(__file__).parent.parent / ".streamlit/config.toml").read_text())


def series(*values: float | None, **labels: str) -> Series:
    """Return one value a minute from the start of GRID, None for a gap."""
    start = GRID.start.timestamp()
    kept = [(start + 60 * i, v) for i, v in enumerate(values) if v is not None]
    return Series(labels=labels, seconds=[t for t, _ in kept], values=[v for _, v in kept])


def layers(spec: dict[str, Any], mark: str) -> list[dict[str, Any]]:
    return [layer for layer in spec["layer"] if layer["mark"]["type"] == mark]


def drawn_bounds(plot: charts.Plot) -> list[float]:
    encodings = [layer["encoding"] for layer in layers(charts.spec(plot), "rule")]
    return [encoding["y"]["datum"] for encoding in encodings if "y" in encoding]


def test_a_missing_point_is_a_gap_in_the_frame() -> None:
    frame = charts.frame([series(1, 2, None, 4)], GRID)

    assert frame["s0"].isna().tolist() == [False, False, True, False] + [True] * 7


def test_every_instant_of_the_grid_has_a_row_even_without_a_value() -> None:
    frame = charts.frame([series(1)], GRID)

    assert frame["at"].tolist() == [GRID.start + i * MINUTE for i in range(11)]


def test_a_frame_tells_its_time_zone() -> None:
    assert str(charts.frame([series(1)], GRID)["at"].dtype) == "datetime64[s, UTC]"


def test_a_point_off_the_grid_by_rounding_is_kept() -> None:
    late = Series(labels={}, seconds=[GRID.start.timestamp() + 60.0004], values=[3.0])

    assert charts.frame([late], GRID)["s0"].tolist()[1] == 3.0


def test_points_outside_the_grid_are_left_out() -> None:
    far = Series(labels={}, seconds=[GRID.start.timestamp() - 60], values=[3.0])

    assert charts.frame([far], GRID)["s0"].isna().all()


def test_an_infinite_value_is_a_gap() -> None:
    assert charts.frame([series(math.inf)], GRID)["s0"].isna().all()


def test_a_template_breaks_the_line_at_a_gap_by_default() -> None:
    lines = layers(charts.template(Look(lines=("a",), unit=Unit.COUNT)), "line")

    assert all("invalid" not in line["mark"] for line in lines)
    assert all(line["mark"]["strokeCap"] == "round" for line in lines)


def test_a_template_holds_no_data_and_is_the_same_object_each_time() -> None:
    look = Look(lines=("p95",), unit=Unit.SECONDS, target=3.5, bound=5)

    assert charts.template(look) is charts.template(look)
    assert "datasets" not in json.dumps(charts.template(look))
    assert '"empty"' not in json.dumps(charts.template(look)["layer"]).replace('"empty": false', "")


def test_target_and_threshold_are_drawn_when_the_data_come_near() -> None:
    plot = charts.plot([("p95", series(2, 3))], GRID, Unit.SECONDS, target=3.5, bound=5)

    assert drawn_bounds(plot) == [3.5, 5]
    assert plot.off_chart == ()


def test_a_threshold_far_above_the_data_does_not_flatten_them() -> None:
    plot = charts.plot([("p95", series(0.2, 0.3))], GRID, Unit.SECONDS, target=0.5, bound=5)

    assert drawn_bounds(plot) == [0.5]
    assert plot.off_chart == (5,)


def test_a_threshold_below_the_data_is_always_drawn() -> None:
    plot = charts.plot([("hits", series(0.5))], GRID, Unit.RATIO, target=0.3, bound=0.1)

    assert drawn_bounds(plot) == [0.3, 0.1]


def test_a_bound_is_named_beside_its_line() -> None:
    plot = charts.plot([("p95", series(4))], GRID, Unit.SECONDS, target=3.5, bound=5)

    assert "target 3.5 s" in json.dumps(charts.spec(plot))
    assert "alert 5 s" in json.dumps(charts.spec(plot))


def test_no_more_lines_are_drawn_than_can_be_told_apart() -> None:
    many = [(f"m{i}", series(float(i))) for i in range(20)]

    plot = charts.plot(many, GRID, Unit.COUNT)

    assert plot.lines == tuple(f"m{i}" for i in range(12, 20))
    assert plot.dropped == 12


def test_a_name_with_quotes_and_dots_reaches_the_legend_as_it_is() -> None:
    name = "o'x\"y.[z]"

    plot = charts.plot([(name, series(1)), ("b", series(2))], GRID, Unit.COUNT)

    colours = [line["encoding"]["color"]["datum"] for line in layers(charts.spec(plot), "line")]
    assert colours == [name, "b"]


def test_a_firing_interval_is_cut_to_the_chart() -> None:
    shaded = charts.bands([(NOON - timedelta(hours=1), NOON - 5 * MINUTE)], GRID)

    assert shaded["from_at"].tolist() == [GRID.start]
    assert shaded["to_at"].tolist() == [NOON - 5 * MINUTE]


def test_an_interval_that_still_goes_on_reaches_the_end_of_the_chart() -> None:
    assert charts.bands([(NOON - 5 * MINUTE, None)], GRID)["to_at"].tolist() == [NOON]


def test_an_interval_outside_the_chart_is_not_shaded() -> None:
    assert charts.bands([(NOON + MINUTE, NOON + 2 * MINUTE)], GRID).empty


def test_data_are_sent_as_arrow_in_single_precision() -> None:
    plot = charts.plot([("a", series(1, None, 3))], GRID, Unit.COUNT)

    sent = pa.ipc.open_stream(charts.datasets(plot)[charts.SERIES]).read_all()

    assert sent.schema.field("s0").type == pa.float32()
    assert sent.column("s0").to_pylist()[:3] == [1.0, None, 3.0]


def test_instants_are_sent_in_four_bytes_as_periods_that_a_table_shows_as_times() -> None:
    plot = charts.plot([("a", series(1, 2))], GRID, Unit.COUNT)

    sent = charts.datasets(plot)[charts.SERIES]
    instants = [int((GRID.start + i * MINUTE).timestamp()) for i in range(GRID.count)]

    assert struct.pack(f"<{GRID.count}I", *instants) in sent
    assert b"pandas.period" in sent
    assert b'{"freq":"s"}' in sent
    assert plot.template["transform"] == [{"calculate": "datum.at * 1000", "as": "at"}]


def test_what_there_is_nothing_of_is_not_sent() -> None:
    quiet = charts.plot([("a", series(1))], GRID, Unit.COUNT)
    fired = charts.plot([("a", series(1))], GRID, Unit.COUNT, firing=[(GRID.start, None)])

    assert set(charts.datasets(quiet)) == {charts.SERIES}
    assert set(charts.datasets(fired)) == {charts.SERIES, charts.FIRING}
    assert charts.spec(fired)["layer"][1:] == charts.spec(quiet)["layer"]
    assert charts.spec(fired)["layer"][0]["data"] == {"name": charts.FIRING}


def test_a_small_line_has_gaps_too() -> None:
    line = charts.spark([series(1, None, 3)], GRID)

    assert line[0] == 1
    assert math.isnan(line[1])


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("text", ["textColor", "linkColor", "grayTextColor", "codeTextColor"])
def test_text_can_be_read_on_both_backgrounds(mode: str, text: str) -> None:
    theme = CONFIG["theme"][mode]

    for background in (theme["backgroundColor"], theme["secondaryBackgroundColor"]):
        assert contrast(theme[text], background) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("hue", ["red", "orange", "yellow", "green", "blue", "violet", "gray"])
def test_a_badge_can_be_read(mode: str, hue: str) -> None:
    theme = CONFIG["theme"][mode]

    assert contrast(theme[f"{hue}TextColor"], theme[f"{hue}BackgroundColor"]) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_white_words_can_be_read_on_a_primary_button(mode: str) -> None:
    assert contrast("#ffffff", CONFIG["theme"][mode]["primaryColor"]) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_line_of_a_chart_stands_out(mode: str) -> None:
    theme = CONFIG["theme"][mode]
    lines = [
        *theme["chartCategoricalColors"],
        *chart_template.SHADES.values(),
        chart_template.RED,
        chart_template.GREEN,
        chart_template.SLATE,
    ]

    assert all(contrast(line, theme["backgroundColor"]) >= 3 for line in lines)
    assert len(theme["chartCategoricalColors"]) == charts.MOST_LINES


def test_the_server_asks_nobody_outside_and_reloads_nothing() -> None:
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["server"]["fileWatcherType"] == "none"
    assert "http" not in json.dumps(CONFIG["theme"])
