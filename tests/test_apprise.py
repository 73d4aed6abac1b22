"""Apprise: whatever it can tell is told, and whatever goes wrong has a name on the ledger."""

import base64
import json
import sys
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from werkzeug import Request, Response

from alerts.notifiers import Line, NotifyError
from alerts.notifiers.apprise import AppriseServices
from alerts.settings import Settings
from alerts.settingvalues import SettingsError
from alerts.wiring import usable_channels
from models.vocabulary import Event, Severity
from tests.vendors import Wire, a_message, answer
from tests.world import World

PASSWORD = "very-secret-password"
TOKEN = "T0KENT0KENT0KEN"


class Webhook:
    """What Apprise's `json://` speaks to: takes what is authorized and complete."""

    def __init__(self, server: HTTPServer) -> None:
        self.taken: list[dict[str, Any]] = []
        self.place = server.url_for("").removeprefix("http://").rstrip("/")
        self.url = f"json://ops:{PASSWORD}@{self.place}/hooks/{TOKEN}"
        server.expect_request(f"/hooks/{TOKEN}", method="POST").respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        right = "Basic " + base64.b64encode(f"ops:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != right:
            return Response("who are you", status=401)
        told = json.loads(request.get_data())
        if not (told["title"] and told["message"]):
            return Response("a message needs a title and a text", status=400)
        self.taken.append(told)
        return Response("ok")


@pytest.fixture
def webhook(httpserver: HTTPServer) -> Webhook:
    return Webhook(httpserver)


def services(url: str, *, patience_seconds: float = 20) -> AppriseServices:
    return AppriseServices({"ops": url}, patience_seconds=patience_seconds)


def failure(url: str, *, patience_seconds: float = 20) -> NotifyError:
    with pytest.raises(NotifyError) as raised:
        services(url, patience_seconds=patience_seconds).send("ops", a_message())
    said = str(raised.value)
    assert "\n" not in said
    assert not any(secret in said for secret in (PASSWORD, TOKEN, url))
    return raised.value


def test_a_message_says_what_is_wrong_and_where_to_look(webhook: Webhook) -> None:
    receipt = services(webhook.url).send("ops", a_message(runbook_url="https://wiki.example.com"))

    (told,) = webhook.taken
    assert (told["title"], told["type"]) == ("Firing: Slow answers", "failure")
    assert told["message"].splitlines() == [
        "p95 latency 6.2 s, above 5 s for feature=chat",
        "",
        "Critical, since 2026-01-01 12:00 UTC",
        "http://127.0.0.1:8501/alerts?alert=7",
        "Runbook: https://wiki.example.com",
    ]
    assert receipt.answer == "sent by json"


def test_a_group_lists_its_worst(webhook: Webhook) -> None:
    lines = (Line(state="firing", text="Errors: 20 % for feature=chat", url=""),)

    services(webhook.url).send("ops", a_message(lines=lines, more=3))

    told = webhook.taken[0]["message"].splitlines()
    assert told[1:3] == ["- firing: Errors: 20 % for feature=chat", "- and 3 more"]


@pytest.mark.parametrize(
    ("changes", "title", "line"),
    [
        (
            {"event": Event.ACKNOWLEDGE, "acknowledged_by": "ada"},
            "Acknowledged: Slow answers",
            "ada has it",
        ),
        (
            {"event": Event.RESOLVE, "resolved_by": "engine"},
            "Resolved: Slow answers",
            "Resolved by engine",
        ),
    ],
)
def test_what_became_of_it_is_told_as_good_news(
    webhook: Webhook, changes: dict[str, Any], title: str, line: str
) -> None:
    services(webhook.url).send("ops", a_message(**changes))

    (told,) = webhook.taken
    assert (told["title"], told["type"]) == (title, "success")
    assert line in told["message"].splitlines()


@pytest.mark.parametrize(("severity", "kind"), [(Severity.WARNING, "warning"), ("info", "info")])
def test_a_severity_keeps_its_colour(webhook: Webhook, severity: str, kind: str) -> None:
    services(webhook.url).send("ops", a_message(severity=Severity(severity)))

    assert webhook.taken[0]["type"] == kind


def test_wrong_credentials_are_permanent_and_stay_secret(webhook: Webhook) -> None:
    error = failure(webhook.url.replace("ops:", "other:"))

    assert error.permanent
    assert "error=401" in str(error)


@pytest.mark.parametrize(
    ("status", "permanent", "uncertain"),
    [(404, True, False), (429, False, False), (503, False, True)],
)
def test_what_http_answers_says_whether_to_try_again(
    status: int, permanent: bool, uncertain: bool
) -> None:
    with Wire(answer(status, b"no")) as wire:
        error = failure(f"json://{wire.url.removeprefix('http://')}/{TOKEN}")

    assert (error.permanent, error.uncertain) == (permanent, uncertain)


def test_nobody_there_is_tried_again() -> None:
    with Wire(None, listening=False) as wire:
        error = failure(f"json://{wire.url.removeprefix('http://')}/{TOKEN}")

    assert not error.permanent
    assert "Connection error" in str(error)


def test_a_service_that_hangs_is_left_after_a_while_and_may_have_heard() -> None:
    with Wire(None) as wire:
        error = failure(
            f"json://{wire.url.removeprefix('http://')}/{TOKEN}?rto=60", patience_seconds=2
        )

    assert (error.permanent, error.uncertain) == (False, True)
    assert "did not answer within 2 s" in str(error)


@pytest.mark.parametrize("url", [f"nothing://{TOKEN}", f"tgram://{TOKEN}"])
def test_an_address_that_apprise_does_not_understand_is_permanent(url: str) -> None:
    error = failure(url)

    assert error.permanent
    assert "WAKEFUL_APPRISE_URLS" in str(error)


def test_a_service_without_an_address_is_refused_with_what_to_set(webhook: Webhook) -> None:
    with pytest.raises(NotifyError, match="only for ops: add mail=") as raised:
        services(webhook.url).send("mail", a_message())

    assert raised.value.permanent


def test_the_check_understands_every_address_and_sends_nothing(webhook: Webhook) -> None:
    named = AppriseServices({"ops": webhook.url, "mail": f"mailto://ada:{PASSWORD}@example.com"})

    assert named.check() == "understood, and untested: ops by json, mail by mailto"

    assert webhook.taken == []


def test_the_check_names_the_address_that_is_wrong() -> None:
    with pytest.raises(NotifyError, match="the address of ops"):
        services(f"nothing://{TOKEN}").check()


def test_an_alert_is_told_and_its_end_as_well(
    httpserver: HTTPServer, sqlite_db: Engine, webhook: Webhook
) -> None:
    world = World(httpserver, sqlite_db, apprise_urls=f"ops={webhook.url}")
    world.policy(steps=[{"channels": ["apprise:ops", "apprise:gone", "slack:#llm"]}])
    world.minutes(3, value=0.2)
    assert len(world.posts) == 1  # in a lane of its own: nobody has waited for Apprise yet

    while world.deliver_next("others"):
        pass
    world.minutes(3, value=0)
    while world.deliver_next("others"):
        pass

    assert [told["title"] for told in webhook.taken] == ["Firing: Errors", "Resolved: Errors"]
    assert [line for line in world.ledger() if "apprise" in line] == [
        "trigger apprise:ops delivered",
        "trigger apprise:gone refused",
        "resolve apprise:ops delivered",
    ]


def test_without_the_package_the_start_says_what_to_install(
    sqlite_db: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)  # as where the extra is not installed

    with pytest.raises(SettingsError, match=r"install wakeful\[apprise\]"):
        usable_channels(Settings(apprise_urls="ops=json://localhost"), sqlite_db)
