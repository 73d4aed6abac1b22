"""Who pressed a button: asked of Slack once, and remembered for a while."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer

from alerts.notifiers.slack_people import (
    KNOWN_FOR,
    MOST,
    NOBODY,
    STRANGER,
    UNKNOWN_FOR,
    Member,
    Members,
)
from tests.vendors import ADA, SLACK_TOKEN, FakeSlack

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KNOWN = Member(name="Ada Lovelace", email=ADA, zone="Europe/Berlin")


@pytest.fixture
def workspace(httpserver: HTTPServer) -> FakeSlack:
    return FakeSlack(httpserver)


@pytest.fixture
def members(workspace: FakeSlack) -> Members:
    return Members(SLACK_TOKEN, url=workspace.url)


def test_a_person_has_a_name_an_address_and_a_time_zone(members: Members) -> None:
    assert members.find("U1", now=NOW) == KNOWN


def test_a_person_is_asked_for_once_an_hour(members: Members, workspace: FakeSlack) -> None:
    for later in (timedelta(), KNOWN_FOR - SECOND):
        members.find("U1", now=NOW + later)
    assert workspace.calls == ["users.info"]
    members.find("U1", now=NOW + KNOWN_FOR)
    assert workspace.calls == ["users.info"] * 2


def test_who_is_unknown_is_a_stranger_and_asked_for_again_soon(
    members: Members, workspace: FakeSlack
) -> None:
    for later in (timedelta(), UNKNOWN_FOR - SECOND, UNKNOWN_FOR):
        assert members.find("U404", now=NOW + later) == STRANGER
    assert workspace.calls == ["users.info"] * 2


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": False, "error": "missing_scope", "needed": "users:read"},
        {"ok": True},
        {"ok": True, "user": 7},
        {"ok": True, "user": {"profile": {"real_name": " "}, "tz": "../../etc/passwd"}},
    ],
)
def test_what_slack_does_not_tell_is_empty(
    members: Members, workspace: FakeSlack, answer: dict[str, object]
) -> None:
    workspace.errors["users.info"] = answer
    assert members.find("U1", now=NOW) == NOBODY


def test_a_slack_that_does_not_answer_knows_nobody(caplog: pytest.LogCaptureFixture) -> None:
    members = Members(SLACK_TOKEN, url="http://127.0.0.1:9/api/", timeout_seconds=0.2)
    assert members.find("U1", now=NOW) == NOBODY
    assert "slack user=U1 unknown=Slack did not answer users.info of U1" in caplog.text
    assert SLACK_TOKEN not in caplog.text


def test_no_more_than_so_many_are_remembered(members: Members, workspace: FakeSlack) -> None:
    members.find("U1", now=NOW)
    workspace.errors["users.info"] = {"ok": True}
    for number in range(MOST):
        members.find(f"U{number + 2}", now=NOW)
    asked = len(workspace.calls)
    assert members.find("U1", now=NOW) == NOBODY
    assert len(workspace.calls) == asked + 1
