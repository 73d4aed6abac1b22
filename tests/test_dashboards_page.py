"""The Dashboards page: reading one, and changing it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest

from alerts import silences
from alerts.silences import SilenceDraft
from alerts.wiring import Wiring
from app import cached, dashboards, panel_plots, wired
from app.dashboards import Panel
from models.tables import Alert, Dashboard, Policy, Rule
from models.vocabulary import AlertState, PanelKind, Severity
from tests.memory_source import NOON, MemorySource, wiring_of

DOWN = "Prometheus at http://prom:9090 did not answer within 5 s."


@pytest.fixture
def source() -> MemorySource:
    return MemorySource()


@pytest.fixture
def wiring(source: MemorySource, tmp_path: Path) -> Iterator[Wiring]:
    made = wiring_of(tmp_path, source)
    wired.set_current(made)
    cached.clear()
    with Session(made.db) as session:
        dashboards.ensure_default_dashboards(session, "Ana Lima", now=NOON)
    yield made
    cached.clear()
    made.close()


def page(**query: str) -> AppTest:
    def script() -> None:
        from app.views import dashboards

        dashboards.render()

    at = AppTest.from_function(script, default_timeout=20)
    for name, value in query.items():
        at.query_params[name] = value
    return at


def text(at: AppTest) -> str:
    return "\n".join([*(m.value for m in at.markdown), *(e.value for e in at.error)])


def charts(at: AppTest) -> list[Any]:
    return [element.proto for element in at.get("vega_lite_chart")]


def data(chart: Any, name: str) -> pa.Table:
    (sent,) = [one.data.data for one in chart.datasets if one.name == name]
    return pa.ipc.open_stream(sent).read_all()


def stored(wiring: Wiring, slug: str = "service-health") -> Dashboard:
    with Session(wiring.db) as session:
        return session.exec(select(Dashboard).where(Dashboard.slug == slug)).one()


def show(wiring: Wiring, *panels: Panel | dict[str, Any]) -> None:
    """Make `panels` all that the first dashboard has, right or wrong."""
    with Session(wiring.db) as session:
        dashboard = session.exec(select(Dashboard).where(Dashboard.slug == "service-health")).one()
        dashboard.panels = [one.row() if isinstance(one, Panel) else one for one in panels]
        session.add(dashboard)
        session.commit()


def later(wiring: Wiring, passed: timedelta) -> None:
    """Let time pass, and with it whatever was cached."""
    wired.set_current(replace(wiring, clock=lambda: NOON + passed))
    panel_plots.drawn.clear()


def add_rule(wiring: Wiring) -> None:
    """Save a rule on the error rate, with id 1."""
    with Session(wiring.db) as session:
        session.add(Policy(id=1, name="p", steps=[]))
        session.flush()
        session.add(
            Rule(
                id=1,
                name="Errors",
                owner="ana",
                severity=Severity.ERROR,
                condition={"kind": "threshold", "signal": "error_ratio", "bound": 0.03},
                policy_id=1,
                updated_at=NOON,
                updated_by="ana",
                next_evaluation_at=NOON,
            )
        )
        session.commit()


def line(*signals: str, by: tuple[str, ...] = ()) -> Panel:
    return Panel(title="One", kind=PanelKind.LINE, signals=signals, by=by)


def test_the_first_dashboard_is_shown_with_its_owner_and_purpose(wiring: Wiring) -> None:
    at = page().run()

    assert not at.exception
    assert "**Ana Lima** answers for this dashboard." in text(at)
    assert "what does that cost?" in text(at)
    assert len(charts(at)) == 8


def test_the_address_chooses_the_dashboard(wiring: Wiring) -> None:
    at = page(dashboard="cost").run()

    assert "Where does the money go" in text(at)


def test_an_address_of_no_dashboard_says_so_and_shows_the_first(wiring: Wiring) -> None:
    at = page(dashboard="nowhere").run()

    assert not at.exception
    assert at.warning[0].value == "There is no dashboard nowhere: choose another."
    assert "Is the application fast" in text(at)


def test_choosing_a_dashboard_writes_its_address(wiring: Wiring) -> None:
    at = page().run()

    at.selectbox(key="dashboards_choice").select("cost").run()

    assert at.query_params["dashboard"] == "cost"


def test_percentiles_share_a_chart_under_their_short_names(wiring: Wiring) -> None:
    latency = charts(page().run())[0]

    spec = json.loads(latency.spec)
    lines = [la for la in spec["layer"] if la["mark"]["type"] == "line"]
    assert [la["encoding"]["color"]["datum"] for la in lines] == ["p50", "p95", "p99"]
    assert "target 3.5 s" in latency.spec


def test_a_split_panel_has_a_line_for_each_value(wiring: Wiring) -> None:
    show(wiring, line("error_ratio", by=("feature",)))

    (chart,) = charts(page().run())

    assert data(chart, "series").column_names == ["at", "s0", "s1", "s2"]


def test_a_night_without_traffic_is_a_gap(wiring: Wiring) -> None:
    show(wiring, line("error_ratio"))

    (chart,) = charts(page(range="24h").run())

    values = data(chart, "series").column("s0").to_pylist()
    assert values.count(None) == 4  # twenty minutes at a point every five
    assert 0.0 not in values


def test_every_panel_says_what_a_point_covers_and_who_answered(wiring: Wiring) -> None:
    show(wiring, line("error_ratio"))

    assert "20 min a point, from prometheus" in text(page(range="7d").run())


def test_a_screen_reader_is_told_the_latest_values(wiring: Wiring) -> None:
    show(wiring, line("error_ratio"))

    (chart,) = charts(page().run())

    assert chart.alt.startswith("One over the last 1 h. Latest: Error rate 0.")


def test_when_a_rule_on_the_signal_fired_is_shaded(wiring: Wiring) -> None:
    show(wiring, line("error_ratio"), line("cost_per_request"))
    add_rule(wiring)
    with Session(wiring.db) as session:
        session.add(
            Alert(
                dedup_key="d",
                rule_id=1,
                fingerprint="",
                labels={},
                severity=Severity.ERROR,
                value=0.04,
                state=AlertState.RESOLVED,
                active_at=NOON - timedelta(minutes=40),
                fired_at=NOON - timedelta(minutes=30),
                resolved_at=NOON - timedelta(minutes=20),
            )
        )
        session.commit()

    errors, cost = charts(page().run())

    [shaded] = data(errors, "firing").to_pylist()
    assert shaded["from_at"] == NOON - timedelta(minutes=30)
    assert shaded["to_at"] == NOON - timedelta(minutes=20)
    assert shaded["what"] == "firing"
    assert [one.name for one in cost.datasets] == ["series"]


def test_when_alerts_on_the_signal_were_silenced_is_marked(wiring: Wiring) -> None:
    show(wiring, line("error_ratio"), line("cost_per_request"))
    add_rule(wiring)
    draft = SilenceDraft(
        matchers=('rule="Errors"',),
        starts_at=NOON - timedelta(hours=2),
        ends_at=NOON + timedelta(hours=1),
        comment="deploying",
    )
    silences.silence(wiring.db, draft, by="ana", now=NOON)

    errors, cost = charts(page().run())

    [marked] = data(errors, "notes").to_pylist()
    assert (marked["what"], marked["by"]) == ("silenced: deploying", "ana")
    assert marked["to_at"] - marked["from_at"] == timedelta(hours=1)  # all of the chart
    assert "notes" not in {one.name for one in cost.datasets}


def test_a_number_panel_shows_the_present_value(wiring: Wiring) -> None:
    show(wiring, Panel(title="Queue", kind=PanelKind.STAT, signals=("approval_queue_depth",)))

    at = page().run()

    assert [m.label for m in at.metric] == ["Approval queue depth"]
    assert not charts(at)


def test_a_panel_that_makes_no_sense_spoils_only_its_own_card(wiring: Wiring) -> None:
    show(wiring, {"title": "Old", "signals": ["gone_signal"]}, line("error_ratio"))

    at = page().run()

    assert not at.exception
    assert len(charts(at)) == 1
    assert "cannot be drawn" in text(at)
    assert r"gone\_signal" in text(at)


def test_a_panel_without_data_says_what_to_do(source: MemorySource, wiring: Wiring) -> None:
    source.wave = lambda signal, labels, seconds: None

    at = page().run()

    assert not charts(at)
    assert "Nothing in this range and scope" in text(at)


def test_a_panel_that_no_source_can_answer_says_which_part_is_missing(
    source: MemorySource, wiring: Wiring
) -> None:
    source.lacking = frozenset({"eval_score"})
    show(wiring, line("eval_score"))

    assert r"cannot tell eval\_score" in text(page().run())


def test_a_source_that_is_down_leaves_every_card_standing(
    source: MemorySource, wiring: Wiring
) -> None:
    source.down = DOWN

    at = page().run()

    assert not at.exception
    assert text(at).count("source down") == 8
    assert [DOWN in e.value.replace("\\", "") for e in at.error] == [True]


def test_a_source_that_goes_down_leaves_its_last_lines(
    source: MemorySource, wiring: Wiring
) -> None:
    show(wiring, line("error_ratio"))
    page().run()
    source.down = DOWN
    later(wiring, timedelta(minutes=3))

    at = page().run()

    assert len(charts(at)) == 1
    assert "as of 3 min ago" in text(at)


def test_a_new_dashboard_is_made_and_shown(wiring: Wiring) -> None:
    at = page().run()
    at.button(key="dashboards_new").click().run()
    at.text_input(key="dashboards_title").input("Tenants").run()
    at.text_input(key="dashboards_owner").input("Cleo").run()

    at.button(key="dashboards_create").click().run()

    assert stored(wiring, "tenants").owner == "Cleo"
    assert at.query_params["dashboard"] == "tenants"
    assert "**Cleo** answers for this dashboard." in text(at)


def test_a_new_dashboard_needs_an_owner(wiring: Wiring) -> None:
    at = page().run()
    at.button(key="dashboards_new").click().run()
    at.text_input(key="dashboards_title").input("Tenants").run()

    at.button(key="dashboards_create").click().run()

    assert "exactly one owner" in at.error[0].value
    with Session(wiring.db) as session:
        assert len(dashboards.every(session)) == 3


def test_a_database_that_is_down_is_said_without_its_insides(wiring: Wiring) -> None:
    with wiring.db.begin() as connection:
        connection.exec_driver_sql("DROP TABLE handover")
        connection.exec_driver_sql("DROP TABLE dashboardversion")
        connection.exec_driver_sql("DROP TABLE dashboard")

    at = page().run()

    assert not at.exception
    assert "database" in at.error[0].value
    assert "SELECT" not in text(at)


def test_without_dashboards_the_page_offers_to_make_one(tmp_path: Path) -> None:
    wired.set_current(wiring_of(tmp_path, MemorySource()))
    cached.clear()

    at = page().run()
    at.button(key="dashboards_new").click().run()

    assert "No dashboards yet" in text(at)
    assert at.text_input(key="dashboards_title").value == ""
