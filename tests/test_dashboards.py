"""Dashboards as data: exactly one owner, panels that make sense."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from app import dashboards
from app.dashboards import DashboardError, Panel
from models.tables import Dashboard, Handover
from models.vocabulary import PanelKind
from signals.catalog import LATENCY
from tests.memory_source import NOON

ERRORS = Panel(title="Errors", kind=PanelKind.LINE, signals=("error_ratio",))


def made(session: Session, title: str = "Checkout bot") -> Dashboard:
    return dashboards.create(session, title=title, purpose="Is it well?", owner="Ana")


def test_three_dashboards_come_by_default_and_each_has_its_owner(db: Engine) -> None:
    with Session(db) as session:
        dashboards.ensure_default_dashboards(session, "Ana")

        found = dashboards.every(session)

    assert [one.slug for one in found] == ["service-health", "cost", "quality-and-safety"]
    assert {one.owner for one in found} == {"Ana"}


def test_defaults_are_not_added_to_dashboards_that_exist(db: Engine) -> None:
    with Session(db) as session:
        made(session)
        dashboards.ensure_default_dashboards(session, "Ana")

        assert [one.title for one in dashboards.every(session)] == ["Checkout bot"]


@pytest.mark.parametrize("default", dashboards.DEFAULTS, ids=lambda d: str(d[0]))
def test_every_default_panel_makes_sense(default: tuple[str, str, tuple[Panel, ...]]) -> None:
    panels = default[2]

    assert [dashboards.panel(one.row()) for one in panels] == list(panels)
    assert len(panels) <= dashboards.MOST_PANELS


@pytest.mark.parametrize("default", dashboards.DEFAULTS, ids=lambda d: str(d[0]))
def test_percentiles_errors_and_cost_stand_together(
    default: tuple[str, str, tuple[Panel, ...]],
) -> None:
    signals = {name for one in default[2] if not one.by for name in one.signals}

    assert {*LATENCY, "error_ratio", "cost_per_request"} <= signals


def test_a_new_dashboard_starts_with_percentiles_errors_and_cost(db: Engine) -> None:
    with Session(db) as session:
        titles = [row["title"] for row in made(session).panels]

    assert titles == ["Latency", "Error rate", "Cost per request"]


def test_a_new_dashboard_comes_last(db: Engine) -> None:
    with Session(db) as session:
        dashboards.ensure_default_dashboards(session, "Ana")
        made(session)

        assert dashboards.every(session)[-1].title == "Checkout bot"


@pytest.mark.parametrize("owner", ["", "   ", "\t\n"])
def test_a_dashboard_without_an_owner_is_refused(db: Engine, owner: str) -> None:
    with Session(db) as session, pytest.raises(DashboardError, match="exactly one owner"):
        dashboards.create(session, title="Nobody's", purpose="", owner=owner)


@pytest.mark.parametrize("owner", ["", "   "])
def test_the_database_itself_refuses_an_empty_owner(db: Engine, owner: str) -> None:
    with Session(db) as session:
        made(session)

        with pytest.raises(IntegrityError):
            session.execute(text("UPDATE dashboard SET owner = :owner"), {"owner": owner})


def test_a_title_that_is_taken_is_refused(db: Engine) -> None:
    with Session(db) as session:
        made(session)

        with pytest.raises(DashboardError, match="already"):
            made(session, title="checkout  BOT")


@pytest.mark.parametrize("title", ["", "  ", "!!!"])
def test_a_title_that_makes_no_address_is_refused(db: Engine, title: str) -> None:
    with Session(db) as session, pytest.raises(DashboardError, match="title"):
        made(session, title=title)


def test_a_hand_over_is_recorded(db: Engine) -> None:
    with Session(db) as session:
        slug = made(session).slug
        dashboards.hand_over(session, slug, to_owner=" Ben  Okoro ", by="Ana", now=NOON)

    with Session(db) as session:
        (dashboard,) = dashboards.every(session)
        (handover,) = dashboards.handovers(session, dashboard.id or 0)
    assert dashboard.owner == "Ben Okoro"
    assert (handover.at, handover.from_owner, handover.to_owner, handover.by) == (
        NOON,
        "Ana",
        "Ben Okoro",
        "Ana",
    )


@pytest.mark.parametrize("to_owner", ["", "  ", "Ana"])
def test_a_hand_over_to_nobody_or_to_oneself_changes_nothing(db: Engine, to_owner: str) -> None:
    with Session(db) as session:
        slug = made(session).slug

        with pytest.raises(DashboardError):
            dashboards.hand_over(session, slug, to_owner=to_owner, by="Ana", now=NOON)

    with Session(db) as session:
        assert dashboards.every(session)[0].owner == "Ana"
        assert session.exec(select(Handover)).all() == []


def test_the_newest_hand_over_comes_first(db: Engine) -> None:
    with Session(db) as session:
        dashboard = made(session)
        for name in ("Ben", "Cleo"):
            dashboards.hand_over(session, dashboard.slug, to_owner=name, by="Ana", now=NOON)

        found = dashboards.handovers(session, dashboard.id or 0)

    assert [one.to_owner for one in found] == ["Cleo", "Ben"]


def test_an_edit_keeps_the_order_of_panels_and_the_address(db: Engine) -> None:
    panels = [ERRORS, *dashboards.TOGETHER]
    with Session(db) as session:
        slug = made(session).slug
        dashboards.edit(session, slug, title="Renamed", purpose=" Why ", panels=panels)

    with Session(db) as session:
        (dashboard,) = dashboards.every(session)
    assert [dashboards.panel(row) for row in dashboard.panels] == panels
    assert (dashboard.slug, dashboard.title, dashboard.purpose) == (slug, "Renamed", "Why")


@pytest.mark.parametrize(
    ("panels", "said"), [([], "at least one panel"), ([ERRORS] * 13, "At most 12 panels")]
)
def test_an_empty_or_endless_dashboard_is_refused(
    db: Engine, panels: list[Panel], said: str
) -> None:
    with Session(db) as session:
        slug = made(session).slug

        with pytest.raises(DashboardError, match=said):
            dashboards.edit(session, slug, title="T", purpose="", panels=panels)


def test_a_dashboard_that_is_gone_says_so(db: Engine) -> None:
    with Session(db) as session, pytest.raises(DashboardError, match="gone"):
        dashboards.hand_over(session, "nowhere", to_owner="Ben", by="Ana", now=NOON)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"signals": ["latency_p42"]}, "latency_p42"),
        ({"signals": []}, "names no signal"),
        ({}, "names no signal"),
        ({"signals": ["latency_p95", "error_ratio"]}, "share one unit"),
        ({"signals": ["error_ratio"], "by": ["user_id"]}, "user_id"),
        ({"signals": ["error_ratio"], "kind": "pie"}, "pie"),
        ({"signals": ["error_ratio"], "kind": "stat", "by": ["model"]}, "not split"),
    ],
)
def test_a_panel_that_makes_no_sense_is_refused_with_the_reason(
    row: dict[str, object], said: str
) -> None:
    with pytest.raises(DashboardError, match=said):
        dashboards.panel(row)


def test_a_panel_without_a_title_takes_its_signals() -> None:
    assert dashboards.panel({"signals": ["error_ratio"]}).title == "Error rate"
