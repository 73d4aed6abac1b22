"""What an alert is labelled and what is said of it, rendered as Prometheus does when it begins."""

from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlmodel import Session

from alerts.notifiers import slack_blocks
from alerts.observations import fingerprint
from models.tables import Rule
from models.vocabulary import AlertState
from tests.vendors import a_message
from tests.world import RULE, World

WORDS = {
    "summary": "{{ $labels.feature }} fails {{ $value | humanizePercentage }}",
    "description": "See {{ $externalURL }}\nand ask.",
}


@pytest.fixture
def world(httpserver: HTTPServer, sqlite_db: Engine) -> World:
    return World(httpserver, sqlite_db)


def rule(world: World, **changes: Any) -> None:
    world.save(RULE | changes, world.rule_id)


def test_annotations_are_filled_in_with_what_fired(world: World) -> None:
    rule(world, annotations=WORDS)
    world.minutes(3, value=0.08)
    assert world.alert.annotations["summary"] == "chat fails 8%"
    assert world.alert.annotations["description"].startswith("See http")


def test_the_words_are_those_of_the_moment_it_fired_not_of_later(world: World) -> None:
    rule(world, annotations=WORDS)
    world.minutes(1, value=0.06)
    assert world.alert.annotations["summary"] == "chat fails 6%"
    world.minutes(2, value=0.08)
    assert (world.alert.state, world.alert.annotations["summary"]) == (
        AlertState.FIRING,
        "chat fails 8%",
    )
    world.minutes(1, value=0.0)
    assert world.alert.annotations["summary"] == "chat fails 8%"


def test_the_message_says_it_in_the_rules_own_words(world: World) -> None:
    rule(world, annotations=WORDS)
    world.minutes(3, value=0.08)
    (post,) = world.posts
    assert post == f"Firing: {RULE['name']}. chat fails 8%"


def test_words_that_name_nobody_are_followed_by_the_labels(world: World) -> None:
    rule(world, annotations={"summary": "Errors are high"})
    world.minutes(3, value=0.08)
    assert world.posts[0].endswith("Errors are high for feature=chat")


def test_labels_are_filled_in_and_stay_the_alerts_identity(world: World) -> None:
    rule(world, labels={"team": "team-{{ $labels.feature | toUpper }}", "feature": ""})
    world.minutes(4, value=0.08)
    assert world.alert.labels == {"team": "team-CHAT"}
    assert world.alert.fingerprint == fingerprint({"team": "team-CHAT"})
    assert world.alerts == ["firing"]
    world.minutes(3, value=0.0)
    assert world.alerts == ["resolved"]


def test_series_that_come_to_the_same_labels_are_an_error_as_in_prometheus(world: World) -> None:
    rule(world, labels={"feature": ""})
    world.values = {"search": 0.09}
    world.minutes(3, value=0.08)
    with Session(world.db) as session:
        assert "two series come to the same labels ()" in session.get_one(Rule, 1).error
    assert world.alerts == []


def test_a_label_of_a_signals_rule_must_not_vary_with_the_value(world: World) -> None:
    """Its alert would never be found again, and so never end."""
    with pytest.raises(ValueError, match="labels: 'v' varies with the value"):
        rule(world, labels={"v": "{{ $value }}"})


@pytest.mark.parametrize(
    "template",
    [
        "{{ $labels.feature",
        "{{ nope }}",
        "{{ query `up` }}",
        "{{ 1 | toUpper }}",
        "{{ range $i := . }}",
        '{{ reReplaceAll "((((a{99}){99}){99}){99})" "" "aaa" }}',
        "{{ define `x` }}{{ template `x` }}{{ end }}{{ template `x` }}",
    ],
)
def test_a_template_that_fails_shows_why_and_stops_no_alert(world: World, template: str) -> None:
    rule(world, annotations={"summary": template}, labels={"team": template})
    world.minutes(3, value=0.08)
    assert world.alerts == ["firing"]
    assert world.alert.annotations["summary"].startswith("<error expanding template: ")
    assert world.alert.labels["team"].startswith("<error expanding template: ")


def test_a_description_is_a_section_of_its_own_in_slack_markup_escaped() -> None:
    sections = [block["text"]["text"] for block in slack_blocks.blocks(a_message(details="a < b"))
                if "text" in block]  # fmt: skip
    assert "a &lt; b" in sections
