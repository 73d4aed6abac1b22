"""The builder of dashboards: panels of three kinds, order and width, preview, versions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest

from alerts.wiring import Wiring
from app import cached, dashboards, wired
from models.tables import Dashboard
from models.vocabulary import PanelKind
from signals.measures import Aggregate
from tests.memory_source import NOON, MemorySource, wiring_of

DRAFT = "builder_service-health"


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    made = wiring_of(tmp_path, MemorySource())
    wired.set_current(made)
    cached.clear()
    with Session(made.db) as session:
        dashboards.ensure_default_dashboards(session, "Ana", now=NOON)
    yield made
    cached.clear()
    made.close()


@pytest.fixture
def at(wiring: Wiring) -> AppTest:
    """The builder, opened by the button of the page."""

    def script() -> None:
        from app.views import dashboards

        dashboards.render()

    opened = AppTest.from_function(script, default_timeout=20).run()
    opened.button(key="dashboards_edit").click().run()
    assert not opened.exception
    return opened


def stored(wiring: Wiring) -> Dashboard:
    with Session(wiring.db) as session:
        return session.exec(select(Dashboard).where(Dashboard.slug == "service-health")).one()


def text(at: AppTest) -> str:
    said = (*at.markdown, *at.error, *at.info)
    return "\n".join(one.value for one in said)


def typed(at: AppTest, kind: str, field: str, value: Any) -> None:
    getattr(at, kind)(key=f"{DRAFT}_p_{field}").set_value(value).run()


def save(at: AppTest) -> AppTest:
    return at.button(key="builder_save").click().run()


def test_the_address_leads_into_the_builder_and_cancel_out_of_it(at: AppTest) -> None:
    assert at.query_params["edit"] == "1"
    assert at.title[0].value == "Edit Service health"

    at.button(key="builder_cancel").click().run()

    assert "edit" not in at.query_params
    assert at.title[0].value == "Dashboards"


def test_the_whole_is_previewed(at: AppTest) -> None:
    assert len(at.get("vega_lite_chart")) == 8


def test_panels_are_moved_taken_out_and_widened(at: AppTest, wiring: Wiring) -> None:
    at.button(key="builder_down_0").click().run()
    at.button(key="builder_delete_7").click().run()
    at.button(key="builder_width_0").click().run()
    assert stored(wiring).panels[0]["title"] == "Latency", "nothing is changed until it is saved"

    save(at)

    rows = stored(wiring).panels
    assert [row["title"] for row in rows[:2]] == ["Error rate", "Latency"]
    assert (len(rows), rows[0]["width"]) == (7, "full")
    assert at.title[0].value == "Dashboards"


def test_a_panel_of_signals_is_previewed_while_it_is_typed(at: AppTest, wiring: Wiring) -> None:
    at.button(key="builder_add").click().run()
    assert "names no signal" in text(at)
    assert at.button(key="builder_keep").disabled

    typed(at, "multiselect", "signals", ["guardrail_ratio"])
    typed(at, "multiselect", "by", ["prompt_version"])
    typed(at, "number_input", "threshold", 0.02)
    (chart,) = at.get("vega_lite_chart")
    assert "alert 2 %" in chart.proto.spec

    at.button(key="builder_keep").click().run()
    save(at)

    assert stored(wiring).panels[-1] == {
        "title": "Guardrail trigger rate by prompt version",
        "kind": "line",
        "signals": ["guardrail_ratio"],
        "by": ["prompt_version"],
        "threshold": 0.02,
    }


def test_a_panel_of_promql_needs_no_prometheus_to_be_built(at: AppTest, wiring: Wiring) -> None:
    at.button(key="builder_add").click().run()
    typed(at, "segmented_control", "about", "promql")
    typed(at, "text_area", "promql", 'sum(up{model=~"$model"})')
    assert "PromQL needs a Prometheus" in text(at).replace("\\", "")

    typed(at, "selectbox", "kind", PanelKind.AREA)
    at.button(key="builder_keep").click().run()
    save(at)

    added = stored(wiring).panels[-1]
    assert (added["promql"], added["kind"]) == ('sum(up{model=~"$model"})', "area")


def test_a_panel_of_spans_is_built_from_its_conditions(at: AppTest, wiring: Wiring) -> None:
    at.button(key="builder_add").click().run()
    typed(at, "segmented_control", "about", "measure")
    typed(at, "selectbox", "aggregate", Aggregate.RATIO)
    typed(at, "text_area", "where", "kind = llm\n\nduration_ms > fast")
    assert "compares with a number" in text(at)
    typed(at, "text_area", "where", "kind = llm")
    typed(at, "text_area", "part", "status = error")

    at.button(key="builder_keep").click().run()
    save(at)

    assert stored(wiring).panels[-1]["measure"] == {
        "aggregate": "ratio",
        "where": ["kind = llm"],
        "part": ["status = error"],
    }


def test_a_panel_is_changed_in_its_place(at: AppTest, wiring: Wiring) -> None:
    at.button(key="builder_edit_1").click().run()
    assert at.multiselect(key=f"{DRAFT}_p_signals").value == ["error_ratio"]

    at.text_input(key=f"{DRAFT}_p_name").input("Failures").run()
    at.button(key="builder_keep").click().run()
    save(at)

    assert [row["title"] for row in stored(wiring).panels[:3]] == [
        "Latency",
        "Failures",
        "Cost per request",
    ]


def test_a_fifth_slo_is_refused_and_nothing_is_lost(at: AppTest, wiring: Wiring) -> None:
    for index in (0, 1, 2, 4, 5):
        at.button(key=f"builder_edit_{index}").click().run()
        at.checkbox(key=f"{DRAFT}_p_slo").check().run()
        at.button(key="builder_keep").click().run()

    save(at)

    assert "Too many and none get met" in at.error[0].value
    assert not any(row.get("slo") for row in stored(wiring).panels)
    assert at.title[0].value == "Edit Service health"


def test_a_dashboard_keeps_at_least_one_panel(at: AppTest, wiring: Wiring) -> None:
    for _ in range(8):
        at.button(key="builder_delete_0").click().run()

    save(at)

    assert "at least one panel" in at.error[0].value
    assert len(stored(wiring).panels) == 8


def test_what_someone_else_saved_meanwhile_is_not_overwritten(at: AppTest, wiring: Wiring) -> None:
    with Session(wiring.db) as session:
        draft = dashboards.draft_of(dashboards.known(session, "service-health"))
        dashboards.save(session, "service-health", draft, seen=1, by="Ben", now=NOON)

    save(at)

    assert "Someone saved version 2 meanwhile" in at.error[0].value.replace("\\", "")


def test_the_history_says_who_changed_what_and_leads_back(at: AppTest, wiring: Wiring) -> None:
    at.text_input(key=f"{DRAFT}_title").input("Renamed").run()
    save(at)
    at.button(key="dashboards_edit").click().run()
    assert "**Version 2** by ana" in text(at)
    assert "title: Service health -> Renamed" in text(at).replace("\\", "")

    at.button(key="builder_revert_1").click().run()

    assert (stored(wiring).title, stored(wiring).version) == ("Service health", 3)
    assert at.title[0].value == "Dashboards"


def test_readers_narrow_by_what_the_dashboard_offers(at: AppTest) -> None:
    at.multiselect(key=f"{DRAFT}_variables").set_value(["tenant"]).run()

    save(at)

    keys = {one.key for one in at.selectbox}
    assert "tenant" in keys
    assert not {"feature", "model"} & keys


def test_latency_without_errors_and_cost_is_said_and_mended(at: AppTest, wiring: Wiring) -> None:
    assert "Latency is shown without" not in text(at)
    for _ in stored(wiring).panels[1:]:
        at.button(key="builder_delete_1").click().run()
    said = "Latency is shown without Error rate, Cost per request"
    assert said in text(at)

    at.button(key="builder_add_lacking").click().run()
    assert said not in text(at)
    at.button(key="builder_save").click().run()
    assert [panel["title"] for panel in stored(wiring).panels] == [
        "Latency",
        "Error rate",
        "Cost per request",
    ]


def test_a_dashboard_with_one_percentile_says_what_it_lacks(at: AppTest, wiring: Wiring) -> None:
    for _ in stored(wiring).panels:
        at.button(key="builder_delete_0").click().run()
    at.button(key="builder_cancel").click().run()
    with Session(wiring.db) as session:
        dashboard = session.exec(select(Dashboard).where(Dashboard.slug == "service-health")).one()
        dashboard.panels = [{"title": "p95", "kind": "line", "signals": ["latency_p95"]}]
        session.add(dashboard)
        session.commit()
    cached.clear()
    at.run()
    assert "latency without Latency p50, Latency p99, Error rate, Cost per request" in text(at)
