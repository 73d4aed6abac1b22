"""Dashboards as data: exactly one owner, panels that make sense, versions and the way back."""

from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app import dashboard_versions, dashboards
from app.dashboard_panels import asked
from app.dashboards import DashboardError, Panel
from models.tables import Dashboard
from models.vocabulary import PanelKind
from signals.catalog import LATENCY
from tests.memory_source import NOON

ERRORS = Panel(title="Errors", kind=PanelKind.LINE, signals=("error_ratio",))


def made(session: Session, title: str = "Checkout bot") -> Dashboard:
    draft = dashboards.new_draft(title, "Is it well?")
    return dashboards.create(session, draft, owner="Ana", by="Ana", now=NOON)


def saved(session: Session, slug: str, seen: int = 1, **changes: Any) -> Dashboard:
    draft = dashboards.draft({"title": "T", "panels": [ERRORS.row()], **changes})
    return dashboards.save(session, slug, draft, seen=seen, by="Ben", now=NOON)


def test_three_dashboards_come_by_default_and_each_has_its_owner(db: Engine) -> None:
    with Session(db) as session:
        dashboards.ensure_default_dashboards(session, "Ana", now=NOON)

        found = dashboards.every(session)

    assert [one.slug for one in found] == ["service-health", "cost", "quality-and-safety"]
    assert {one.owner for one in found} == {"Ana"}


def test_defaults_are_not_added_to_dashboards_that_exist(db: Engine) -> None:
    with Session(db) as session:
        made(session)
        dashboards.ensure_default_dashboards(session, "Ana", now=NOON)

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
        dashboards.ensure_default_dashboards(session, "Ana", now=NOON)
        made(session)

        assert dashboards.every(session)[-1].title == "Checkout bot"


@pytest.mark.parametrize("owner", ["", "   ", "\t\n"])
def test_a_dashboard_without_an_owner_is_refused(db: Engine, owner: str) -> None:
    with Session(db) as session, pytest.raises(DashboardError, match="exactly one owner"):
        dashboards.create(
            session, dashboards.new_draft("Nobody's", ""), owner=owner, by="Ana", now=NOON
        )


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


def test_an_edit_keeps_the_order_of_panels_and_the_address(db: Engine) -> None:
    panels = [ERRORS, *dashboards.TOGETHER]
    rows = [one.row() for one in panels]
    with Session(db) as session:
        slug = made(session).slug
        saved(session, slug, title=" Re  named", purpose=" Why ", panels=rows)

    with Session(db) as session:
        (dashboard,) = dashboards.every(session)
    assert [dashboards.panel(row) for row in dashboard.panels] == panels
    assert (dashboard.slug, dashboard.title, dashboard.purpose) == (slug, "Re named", "Why")


def test_two_who_edit_at_once_do_not_overwrite_each_other(db: Engine) -> None:
    with Session(db) as session:
        slug = made(session).slug
        saved(session, slug)

        with pytest.raises(DashboardError, match="saved version 2 meanwhile"):
            saved(session, slug)


def test_the_slower_of_two_who_save_in_the_same_instant_is_told(db: Engine) -> None:
    with Session(db, expire_on_commit=False) as other:
        with Session(db) as session:
            slug = made(session).slug
        seen = dashboards.known(other, slug)
        other.commit()  # read before the change, written after it
        with Session(db) as session:
            saved(session, slug)
        draft = dashboards.new_draft("Slower", "")

        with pytest.raises(DashboardError, match="just now: look again"):
            written(other, seen, draft)

    with Session(db) as session:
        assert dashboards.known(session, slug).title == "T"


def written(session: Session, row: Dashboard, draft: dashboards.DashboardDraft) -> None:
    dashboards.change(session, row, draft, by="Cleo", now=NOON)
    dashboards.write(session)


@pytest.mark.parametrize(
    ("panels", "said"),
    [
        ([], "at least one panel"),
        ([ERRORS.row()] * 13, "most 12 panels"),
        (
            [{**ERRORS.row(), "slo": True}] * 5,
            "5 SLOs on one dashboard.*for your SLO. Too many and none get met.",
        ),
        ([ERRORS.row(), {"signals": ["gone"]}], "Panel 2, signals: it names no signal 'gone'"),
    ],
    ids=["none", "too many", "five SLOs", "unknown signal"],
)
def test_a_dashboard_that_nobody_could_read_is_refused(
    panels: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(DashboardError, match=said):
        dashboards.draft({"title": "T", "panels": panels})


def test_four_slos_are_taken() -> None:
    panels = [{**ERRORS.row(), "slo": True}] * 4

    assert len(dashboards.draft({"title": "T", "panels": panels}).panels) == 4


def test_a_dashboard_that_is_gone_says_so(db: Engine) -> None:
    with Session(db) as session, pytest.raises(DashboardError, match="gone"):
        saved(session, "nowhere")


def test_a_clone_shows_the_same_and_belongs_to_whoever_made_it(db: Engine) -> None:
    with Session(db) as session:
        slug = made(session).slug
        copy = dashboards.clone(session, slug, title="Mine", owner="Ben", now=NOON)

        shown = dashboards.every(session)[0].panels
    assert (copy.slug, copy.owner, copy.panels) == ("mine", "Ben", shown)


def test_each_change_is_a_version_with_its_author_and_what_changed(db: Engine) -> None:
    with Session(db) as session:
        dashboard = made(session)
        saved(session, dashboard.slug, panels=[{**ERRORS.row(), "threshold": 0.1}])
        newest, first = dashboard_versions.history(session, dashboard.id or 0)

    assert (newest.version.version, newest.version.author, first.differences) == (2, "Ben", ())
    said = [str(one) for one in newest.differences]
    assert "title: Checkout bot -> T" in said
    assert "panels.Errors.threshold: 0.1, new" in said
    assert "panels.Latency.kind: line, gone" in said


def test_panels_that_only_moved_are_said_to_have_moved(db: Engine) -> None:
    with Session(db) as session:
        dashboard = made(session)
        shown = dashboards.draft_of(dashboard).written()
        saved(session, dashboard.slug, **{**shown, "panels": shown["panels"][::-1]})

        (changed,) = dashboard_versions.history(session, dashboard.id or 0)[0].differences

    assert str(changed).startswith("order: Latency, Error rate, Cost per request -> Cost")


def test_what_goes_without_saying_is_no_change() -> None:
    old = {"panels": [{"title": "Errors", "signals": ["error_ratio"], "by": []}]}
    new = {"panels": [{"title": "Errors", "signals": ["error_ratio"]}]}

    assert dashboard_versions.changes(old, new) == []


def test_a_revert_is_a_new_version_that_shows_what_the_old_one_did(db: Engine) -> None:
    with Session(db) as session:
        dashboard = made(session)
        before = list(dashboard.panels)
        saved(session, dashboard.slug)
        first = dashboard_versions.history(session, dashboard.id or 0)[-1].version.id or 0

        again = dashboard_versions.revert(session, first, by="Cleo", now=NOON)

        assert (again.version, again.panels, again.title) == (3, before, "Checkout bot")
        newest = dashboard_versions.history(session, dashboard.id or 0)[0].version
        assert newest.author == "Cleo"


def test_a_dashboard_older_than_versions_keeps_what_it_was(db: Engine) -> None:
    with Session(db) as session:
        session.add(
            Dashboard(slug="old", title="Old", purpose="", owner="Ana", panels=[ERRORS.row()])
        )
        session.commit()
        saved(session, "old", seen=0, title="New")

        (old,) = dashboards.every(session)
        titles = [
            one.version.draft["title"] for one in dashboard_versions.history(session, old.id or 0)
        ]

    assert titles == ["New", "Old"]


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
        ({"signals": ["error_ratio"], "promql": "up"}, "not of two at once"),
        ({"signals": ["error_ratio"], "colour": "red"}, "colour: there is no such field"),
        ({"promql": "up", "by": ["model"]}, "split by itself"),
        ({"promql": "up", "target": float("nan")}, "finite"),
        ({"promql": "up", "slo": True}, "an SLO needs a target"),
        ({"promql": 'x{a=~"$b"}'}, "\\$b stands for nothing"),
        ({"promql": 'x{feature="$feature"}'}, "may be any value"),
        ({"measure": {"aggregate": "sum"}}, "of: a sum needs"),
    ],
)
def test_a_panel_that_makes_no_sense_is_refused_with_the_reason(
    row: dict[str, object], said: str
) -> None:
    with pytest.raises(DashboardError, match=said):
        dashboards.panel(row)


def test_a_panel_without_a_title_takes_its_signals() -> None:
    assert dashboards.panel({"signals": ["error_ratio"]}).title == "Error rate"


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ((), 'sum(rate(x{feature=~".*"}[120s]))'),
        ((("feature", "chat"),), 'sum(rate(x{feature=~"chat"}[120s]))'),
        ((("feature", 'a.b"} or up'),), 'sum(rate(x{feature=~"a\\\\.b\\"\\\\} or up"}[120s]))'),
        ((("tenant", "acme"),), 'sum(rate(x{feature=~".*"}[120s]))'),
    ],
    ids=["any", "one", "hostile", "another label"],
)
def test_promql_is_narrowed_to_what_was_chosen(
    chosen: tuple[tuple[str, str], ...], expected: str
) -> None:
    assert asked('sum(rate(x{feature=~"$feature"}[$window]))', chosen, 120) == expected


def test_what_label_replace_refers_to_stays() -> None:
    promql = 'label_replace(x, "a", "$1", "b", "(.*)")'

    assert asked(promql, (), 60) == promql
    assert dashboards.panel({"promql": promql}).promql == promql
