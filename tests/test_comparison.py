"""A dashboard beside how it was: last week, before the deploy; lines hidden; all in the address."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlmodel import Session
from streamlit.testing.v1 import AppTest

from alerts import annotations
from alerts.wiring import Wiring
from app import cached, dashboards, panel_plots, wired
from app.dashboards import Panel
from app.panel_plots import View
from app.scope import Scope
from models.vocabulary import PanelKind
from tests.memory_source import NOON, MemorySource, wiring_of

HOUR = timedelta(hours=1)
LATENCY = {"title": "Latency", "kind": "line", "signals": ["latency_p50", "latency_p95"]}
ERRORS = {"title": "Errors", "kind": "line", "signals": ["error_ratio"]}


def ramp(signal: str, labels: Any, seconds: float) -> float:
    """Return a value that tells its instant: hours before noon, more than a week ago above 100."""
    return (NOON.timestamp() - seconds) / 3600 + 1


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    made = wiring_of(tmp_path, MemorySource(wave=ramp))
    wired.set_current(made)
    cached.clear()
    with Session(made.db) as session:
        draft = dashboards.draft({"title": "Bot", "panels": [LATENCY, ERRORS]})
        dashboards.create(session, draft, owner="Ana", by="Ana", now=NOON)
    yield made
    cached.clear()
    made.close()


def page(**query: Any) -> AppTest:
    def script() -> None:
        from app.views import dashboards

        dashboards.render()

    at = AppTest.from_function(script, default_timeout=20)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def text(at: AppTest) -> str:
    return "\n".join(one.value for one in (*at.markdown, *at.info))


def charts(at: AppTest) -> list[Any]:
    return [element.proto for element in at.get("vega_lite_chart")]


def lines(chart: Any) -> list[dict[str, Any]]:
    layers = json.loads(chart.spec)["layer"]
    return [one["mark"] for one in layers if one["mark"]["type"] == "line"]


def column(chart: Any, name: str) -> list[float | None]:
    (sent,) = [one.data.data for one in chart.datasets if one.name == "series"]
    found: list[float | None] = pa.ipc.open_stream(sent).read_all().column(name).to_pylist()
    return found


def test_last_week_is_a_second_dashed_line_of_each(wiring: Wiring) -> None:
    latency, errors = charts(page(compare="week"))

    assert ["strokeDash" in one for one in lines(latency)] == [False, False, True, True]
    now, before = column(errors, "s0"), column(errors, "s1")
    assert [round(b - a) for a, b in zip(now, before, strict=True) if a and b] == [168] * len(now)


def test_both_times_share_a_colour_and_stand_once_in_the_legend(wiring: Wiring) -> None:
    latency, _ = charts(page(compare="week"))

    layers = json.loads(latency.spec)["layer"]
    colours = [one["encoding"]["color"]["datum"] for one in layers if one["mark"]["type"] == "line"]
    assert colours == ["p50", "p95", "p50", "p95"]
    assert "p50, last week 16" in latency.alt


def test_before_the_deploy_ends_with_the_deploy(wiring: Wiring) -> None:
    deployed = NOON - 5 * HOUR
    told = {"kind": "deploy", "title": "1.4.2", "at": deployed.isoformat()}
    annotations.annotate(wiring.db, annotations.read(told), by="ci", now=NOON)

    _, errors = charts(page(compare="deploy"))

    last = [one for one in column(errors, "s1") if one is not None][-1]
    assert last == pytest.approx(6, abs=0.05)  # five hours before noon is 6 on the ramp
    assert last >= 6  # and never after the deploy


def test_without_a_deploy_there_is_nothing_to_compare_with(wiring: Wiring) -> None:
    at = page(compare="deploy")

    assert "No deploy is known of the last week" in text(at)
    assert [len(lines(one)) for one in charts(at)] == [2, 1]


def test_the_choice_stands_in_the_address(wiring: Wiring) -> None:
    at = page()

    at.segmented_control(key="dashboards_compare").select("week").run()

    assert at.query_params["compare"] == "week"


def test_a_line_that_the_address_hides_is_empty_and_keeps_the_colours_of_others(
    wiring: Wiring,
) -> None:
    latency, errors = charts(page(hide="0.p50"))

    assert set(column(latency, "s0")) == {None}
    assert None not in column(latency, "s1")
    assert None not in column(errors, "s0")
    assert len(lines(latency)) == 2


def test_a_link_to_lines_that_are_not_there_hides_nothing(wiring: Wiring) -> None:
    at = page(hide="7.nothing")

    assert not at.exception
    assert len(charts(at)) == 2


def test_what_is_drawn_comes_as_csv(wiring: Wiring) -> None:
    wired.set_current(wiring)
    panel = Panel(title="Latency", kind=PanelKind.LINE, signals=("latency_p50", "latency_p95"))
    plot = panel_plots.drawn(panel, Scope(span=timedelta(minutes=15)), View(hidden=("p50",))).plot
    assert plot is not None

    head, first, *_, last, end = panel_plots.csv(plot).decode().split("\n")

    assert head == "at,p50,p95"
    assert first.startswith("2026-03-02T11:44:30+00:00,,1.2")
    assert last.startswith("2026-03-02T11:59:30+00:00,,1.0")
    assert end == ""


def test_a_wall_shows_numbers_and_nothing_to_press(wiring: Wiring) -> None:
    at = page(wall="1", range="15m", compare="week")

    assert not at.exception
    assert [one.label for one in at.metric] == ["p50", "p95", "Error rate"]
    assert at.metric[0].value == "1.01 s"
    assert not at.button
    assert not at.selectbox
    assert ["strokeDash" in one for one in lines(charts(at)[1])] == [False, True]
