"""Wakeful as wired, and Slack as it is in the demo: from the breach to the press and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine

from alerts.wiring import Role, wire
from examples.standins.slack import SlackConfig, slack_app
from tests.serving import serve
from tests.standins import Slack, until
from tests.world import World

CONFIG = SlackConfig(seconds_per_post=0)
STEPS = [
    {"after": "0s", "channels": ["slack:#llm-alerts"]},
    {"after": "5m", "channels": ["pagerduty:default"]},
]


@pytest.fixture
def slack() -> Iterator[Slack]:
    with serve(slack_app(CONFIG)) as url:
        slack = Slack(url, CONFIG)
        yield slack
        slack.http.close()


@pytest.fixture
def world(
    httpserver: HTTPServer, sqlite_db: Engine, slack: Slack, tmp_path: Path
) -> Iterator[World]:
    """A world with an alert that Slack was told of, and that hears of presses there."""
    world = World(httpserver, sqlite_db)
    world.policy(steps=STEPS)
    settings = replace(
        world.settings,
        slack_bot_token=CONFIG.token,
        slack_app_token=CONFIG.app_token,
        slack_url=f"{slack.url}/api/",
        database_url=str(sqlite_db.url),
        data_dir=str(tmp_path),
        trace_store_url="none",
    )
    wiring = wire(settings, Role.ENGINE, clock=lambda: world.now)
    world.jobs = replace(world.jobs, usable=wiring.usable)
    (listener,) = wiring.listeners
    listener.start()
    until(lambda: listener.state.connected)
    world.minutes(3, value=0.2)
    yield world
    listener.stop()
    wiring.close()


def the_post(slack: Slack) -> dict[str, Any]:
    found: dict[str, Any] = slack.state()["messages"][0]
    return found


def press(slack: Slack, action: str, **more: str) -> str:
    """Press a button of the only post as Ada; return what Slack shows beside it."""
    post = the_post(slack)
    block = len(post["blocks"]) - 1
    names = [element["action_id"] for element in post["blocks"][block]["elements"]]
    slack.press(post["ts"], block=str(block), element=str(names.index(action)), **more)
    return str(slack.state()["presses"][-1]["problem"])


def test_acknowledged_in_slack_it_calls_nobody_and_the_thread_tells(
    slack: Slack, world: World
) -> None:
    assert press(slack, "acknowledge") == ""
    assert world.alert.acknowledged_by == "Ada Lovelace"
    world.minutes(10, value=0.2)
    assert world.pages == []
    post, *thread = slack.state()["messages"]
    assert "Ada Lovelace" in str(post["blocks"])
    assert {reply["thread_ts"] for reply in thread} == {post["ts"]}
    assert thread[-1]["text"].endswith("acknowledged by Ada Lovelace")


def test_snoozed_in_slack_it_calls_once_the_time_is_over(slack: Slack, world: World) -> None:
    assert press(slack, "snooze", option="0") == ""
    world.minutes(14, value=0.2)
    assert world.pages == []
    world.minutes(6, value=0.2)
    assert world.pages == ["trigger"]


def test_escalated_in_slack_it_calls_at_once(slack: Slack, world: World) -> None:
    assert press(slack, "escalate") == ""
    world.tick()
    assert world.pages == ["trigger"]


def test_resolved_in_slack_it_is_over(slack: Slack, world: World) -> None:
    assert press(slack, "resolve") == ""
    world.deliver()
    assert the_post(slack)["text"].startswith("Resolved")
    (button,) = the_post(slack)["blocks"][-1]["elements"]
    assert button["action_id"] == "open"


@contextmanager
def busy(db: Engine) -> Iterator[None]:
    """Let the database's only place to write be taken."""
    with db.begin():
        yield


def test_a_press_while_the_database_is_busy_is_answered_in_time_and_not_lost(
    slack: Slack, world: World
) -> None:
    with busy(world.db):
        assert press(slack, "acknowledge") == ""
    until(lambda: world.alert.acknowledged_by == "Ada Lovelace")


def test_what_the_page_of_slack_shows_can_be_chosen(slack: Slack, world: World) -> None:
    page = slack.http.get("/").text
    assert '<option value="3">Until tomorrow 9:00</option>' in page
    assert "Snooze</button>" in page
