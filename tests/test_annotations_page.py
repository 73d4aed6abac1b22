"""Where annotations are seen: charts, the card of what happened, an alert's page, the command."""

from datetime import timedelta

import pytest

from alerts import annotations
from app import cached_annotations, charts
from app.charts import Grid, Note
from models.vocabulary import Unit
from signals import Series
from tests.house import House, empty_house, house, house_template
from tests.memory_source import NOON
from tests.pages import opened, text, toasts
from tests.test_commands import Shell, shell

__all__ = ["empty_house", "house", "house_template", "shell"]

MINUTE = timedelta(minutes=1)
GRID = Grid(start=NOON - 10 * MINUTE, end=NOON, step=MINUTE)


@pytest.fixture(autouse=True)
def fresh() -> None:
    cached_annotations.clear()


def told(house: House, title: str, *, ago: timedelta, **said: object) -> None:
    draft = annotations.read({"title": title, "at": (house.now - ago).isoformat(), **said})
    annotations.annotate(house.wiring.db, draft, now=house.now)


def plot() -> charts.Plot:
    line = Series(labels={}, seconds=[GRID.start.timestamp()], values=[1.0])
    return charts.plot([("a", line)], GRID, Unit.COUNT)


# Charts


def test_a_chart_without_annotations_sends_nothing_more() -> None:
    quiet = charts.noted(plot(), ())
    assert charts.spec(quiet) == charts.spec(plot())
    assert set(charts.datasets(quiet)) == {charts.SERIES}


def test_annotations_are_layers_on_top_of_a_template_that_stays_as_it_was() -> None:
    plain = plot()
    before = len(plain.template["layer"])
    drawn = charts.noted(plain, [Note(at=NOON - MINUTE, what="deploy: 1.4")])
    assert len(charts.spec(drawn)["layer"]) == before + 3
    assert len(plain.template["layer"]) == before
    assert drawn.notes is not None
    assert drawn.notes["what"].tolist() == ["deploy: 1.4"]


def test_the_data_of_one_annotation_are_small() -> None:
    drawn = charts.noted(plot(), [Note(at=NOON - MINUTE, what="deploy: 1.4")])
    assert len(charts.datasets(drawn)[charts.NOTES]) < 1500


def test_annotations_outside_of_a_chart_are_not_drawn() -> None:
    assert charts.noted(plot(), [Note(at=NOON - 60 * MINUTE, what="old")]).notes is None


def test_what_goes_on_is_drawn_as_far_as_the_chart_goes() -> None:
    begun = Note(at=NOON - 60 * MINUTE, end=NOON + MINUTE, what="canary")
    drawn = charts.noted(plot(), [begun]).notes
    assert drawn is not None
    assert (drawn["from_at"][0], drawn["to_at"][0]) == (GRID.start, GRID.end)


# Pages


def test_the_overview_lists_what_happened_in_its_time(house: House) -> None:
    told(house, "copilot 1.4.2", ago=10 * MINUTE, kind="deploy", author="CI")
    told(house, "long ago", ago=timedelta(days=2))
    said = text(opened("overview"))
    assert "copilot 1.4.2" in said
    assert "10 min ago · by CI" in said
    assert "long ago" not in said


def test_what_is_about_others_is_not_listed(house: House) -> None:
    told(house, "for search", ago=MINUTE, labels={"feature": "search"})
    assert "for search" not in text(opened("overview", feature="chat"))
    assert "for search" in text(opened("overview", feature="search"))


def test_markdown_in_a_title_is_shown_as_it_is(house: House) -> None:
    told(house, "**bold** [x](http://evil.example)", ago=MINUTE)
    markdown = "\n".join(element.value for element in opened("overview").markdown)
    assert r"\*\*bold\*\* \[x\](http\://evil.example)" in markdown


def test_something_is_annotated_by_hand(house: House) -> None:
    page = opened("overview")
    page.text_input(key="annotation_title").input("Prompt v8")
    page.button(key="annotation_add").click().run()
    assert toasts(page) == ["Prompt v8 is noted."]
    assert "Prompt v8" in text(page)
    assert "by ana" in text(page)


def test_what_was_typed_stays_when_it_is_refused(house: House) -> None:
    page = opened("overview")
    page.text_input(key="annotation_title").input("x")
    page.text_input(key="annotation_url").input("ftp://x")
    page.button(key="annotation_add").click().run()
    assert "Not added: url: is no address" in toasts(page)[0]
    assert page.text_input(key="annotation_title").value == "x"


def test_an_annotation_is_removed(house: House) -> None:
    told(house, "typo", ago=MINUTE)
    page = opened("overview")
    (button,) = [one for one in page.button if (one.key or "").startswith("annotation_remove")]
    button.click().run()
    assert "typo" not in text(page)
    assert toasts(page) == ["Removed."]


def test_a_dashboard_draws_and_lists_what_happened(house: House) -> None:
    from app import asgi

    asgi.prepare(house.wiring)
    told(house, "copilot 1.4.2", ago=10 * MINUTE)
    assert "copilot 1.4.2" in text(opened("dashboards"))


def test_an_alert_shows_what_happened_before_it(house: House) -> None:
    told(house, "copilot 1.4.2", ago=40 * MINUTE, kind="deploy")
    told(house, "for others", ago=40 * MINUTE, labels={"model": "another"})
    alert = house.alert("Latency p95")
    said = text(opened("alerts", alert=str(alert.id)))
    assert "copilot 1.4.2" in said
    assert "for others" not in said


# The command


def test_the_command_writes_an_annotation(shell: Shell) -> None:
    assert shell.run("annotate", "copilot 1.4.2", "--at", "2026-03-01T12:00:00Z", "--by", "CI") == [
        "annotation 1: deploy copilot 1.4.2 at 2026-03-01 12:00:00 UTC"
    ]
    again = shell.run("annotate", "copilot 1.4.2", "--at", "2026-03-01T13:00:00+01:00")
    assert again[0].endswith("UTC, as was known")


def test_the_command_says_what_it_cannot_keep(shell: Shell) -> None:
    assert "at: Input should be a valid datetime" in shell.fails("annotate", "x", "--at", "soon")
    assert "is not written as name=value" in shell.fails("annotate", "x", "--label", "chat")
