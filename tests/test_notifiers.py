"""What every notifier and directory does when its vendor answers, errs or vanishes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer

from alerts.notifiers import Directory, NotifyError
from alerts.notifiers.pagerduty import PagerDutyEvents
from alerts.notifiers.pagerduty_rest import (
    PagerDutyAssignment,
    PagerDutyOnCall,
    PagerDutySchedules,
)
from alerts.notifiers.people import NamedPeople
from alerts.notifiers.slack import Slack, SlackDirect
from tests.vendors import (
    ADA,
    API_TOKEN,
    ROUTING_KEY,
    SENDER,
    SLACK_TOKEN,
    FakePagerDuty,
    FakeSlack,
    Wire,
    a_message,
    answer,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TIMEOUT_SECONDS = 0.3
ECHO = f"you sent {SLACK_TOKEN} {ROUTING_KEY} {API_TOKEN}"
# A refusal that repeats our secrets, as Slack, the Events API and the REST API spell it.
OF_SLACK = {"ok": False, "error": ECHO, "response_metadata": {"messages": [ECHO]}}
OF_EVENTS = {"status": "invalid event", "message": ECHO, "errors": [ECHO]}
OF_REST = {"error": {"message": ECHO, "code": 2001, "errors": [ECHO]}}


@dataclass(frozen=True, kw_only=True)
class Secrets:
    slack: str = SLACK_TOKEN
    routing_key: str = ROUTING_KEY
    api: str = API_TOKEN


RIGHT = Secrets()
WRONG = Secrets(slack="xoxb-wrong", routing_key="wrong" * 6, api="wrong-token")
PATIENCE = {"timeout_seconds": TIMEOUT_SECONDS}


def tell_slack(url: str, secrets: Secrets = RIGHT) -> object:
    return Slack(secrets.slack, url=f"{url}/api/", **PATIENCE).send("#llm", a_message())


def tell_slack_direct(url: str, secrets: Secrets = RIGHT) -> object:
    return SlackDirect(secrets.slack, url=f"{url}/api/", **PATIENCE).send(ADA, a_message())


def tell_pagerduty(url: str, secrets: Secrets = RIGHT) -> object:
    keys = {"default": secrets.routing_key}
    return PagerDutyEvents(keys, url=url, **PATIENCE).send("default", a_message())


def assign(url: str, secrets: Secrets = RIGHT) -> object:
    assignment = PagerDutyAssignment(secrets.api, sender=SENDER, url=url, **PATIENCE)
    return assignment.send(ADA, a_message())


def ask_who_is_on_call(url: str, secrets: Secrets = RIGHT) -> object:
    return PagerDutyOnCall(secrets.api, url=url, **PATIENCE).find("default", at=NOON)


def ask_who_is_scheduled(url: str, secrets: Secrets = RIGHT) -> object:
    return PagerDutySchedules(secrets.api, url=url, **PATIENCE).find("S1", at=NOON)


Tell = Callable[..., object]
# Each with the secret that its vendor gets to see.
VENDORS = {
    tell_slack: SLACK_TOKEN,
    tell_slack_direct: SLACK_TOKEN,
    tell_pagerduty: ROUTING_KEY,
    assign: API_TOKEN,
    ask_who_is_on_call: API_TOKEN,
    ask_who_is_scheduled: API_TOKEN,
}


@dataclass(frozen=True, kw_only=True)
class Expected:
    permanent: bool = False
    uncertain: bool = False
    retry_after: timedelta | None = None


# What the vendor does, and what the outbox must learn from it.
CASES = {
    "400 of Slack": (answer(400, OF_SLACK), Expected(permanent=True)),
    "400 of Events": (answer(400, OF_EVENTS), Expected(permanent=True)),
    "401 of REST": (answer(401, OF_REST), Expected(permanent=True)),
    "403 of REST": (answer(403, OF_REST), Expected(permanent=True)),
    "404 without a body": (answer(404, b""), Expected(permanent=True)),
    "redirect": (answer(308, b"", Location="/elsewhere"), Expected(permanent=True)),
    "429 with Retry-After": (
        answer(429, OF_EVENTS, Retry_After="7"),
        Expected(retry_after=timedelta(seconds=7)),
    ),
    "429 without": (answer(429, OF_EVENTS), Expected()),
    "429 with a date": (
        answer(429, OF_EVENTS, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"),
        Expected(),
    ),
    "429 for a year": (
        answer(429, OF_EVENTS, Retry_After="31536000"),
        Expected(retry_after=timedelta(hours=1)),
    ),
    "500": (answer(500, OF_EVENTS), Expected(uncertain=True)),
    "503 of a proxy": (answer(503, b"<html>busy</html>"), Expected(uncertain=True)),
    "time-out": (None, Expected(uncertain=True)),
    "cut in the head": (b"HTTP/1.1 200 O", Expected(uncertain=True)),
    "cut in the body": (answer(200, {"ok": True}, cut=500), Expected(uncertain=True)),
    "cut in an error's body": (answer(500, OF_EVENTS, cut=500), Expected(uncertain=True)),
    "not HTTP": (b"220 smtp.example.com ready\r\n", Expected(uncertain=True)),
    "not JSON": (answer(200, b"<html>welcome</html>"), Expected(uncertain=True)),
    "a JSON list": (answer(200, [1, 2]), Expected(uncertain=True)),
    "an empty JSON list": (answer(200, []), Expected(uncertain=True)),
    "an empty body": (answer(200, b""), Expected(uncertain=True)),
}


@pytest.fixture(params=VENDORS, ids=lambda tell: tell.__name__)
def tell(request: pytest.FixtureRequest) -> Tell:
    return request.param


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Iterator[tuple[Wire, Expected]]:
    said, expected = CASES[request.param]
    with Wire(said) as wire:
        yield wire, expected


def test_an_answer_that_is_no_success_is_told_in_one_error_after_one_request(
    tell: Tell,
    case: tuple[Wire, Expected],
    caplog: pytest.LogCaptureFixture,
) -> None:
    wire, expected = case

    with caplog.at_level("DEBUG"), pytest.raises(NotifyError) as raised:
        tell(wire.url)

    error = raised.value
    assert (
        Expected(
            permanent=error.permanent, uncertain=error.uncertain, retry_after=error.retry_after
        )
        == expected
    )
    assert len(wire.requests) == 1
    assert "\n" not in str(error)
    assert VENDORS[tell] not in str(error)
    assert VENDORS[tell] not in caplog.text


def test_a_refused_connection_surely_sent_nothing(tell: Tell) -> None:
    with Wire(None, listening=False) as wire, pytest.raises(NotifyError) as raised:
        tell(wire.url)

    assert (raised.value.permanent, raised.value.uncertain) == (False, False)


def test_a_vendor_that_works_is_told_without_error(tell: Tell, httpserver: HTTPServer) -> None:
    FakeSlack(httpserver)
    pagerduty = FakePagerDuty(httpserver)
    pagerduty.an_incident(a_message().dedup_key)
    pagerduty.on_call("Ada Lovelace", ADA)

    assert tell(pagerduty.url)


def test_a_wrong_secret_is_permanent(tell: Tell, httpserver: HTTPServer) -> None:
    FakeSlack(httpserver)
    pagerduty = FakePagerDuty(httpserver)

    with pytest.raises(NotifyError) as raised:
        tell(pagerduty.url, WRONG)

    assert raised.value.permanent
    assert "wrong" not in str(raised.value)


def test_a_named_person_is_found_at_any_time() -> None:
    directory: Directory = NamedPeople()

    (person,) = directory.find(f" {ADA} ", at=NOON)

    assert (person.name, person.email) == ("Ada Lovelace", ADA)


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("grace@example.com", "Grace"),
        ("grace_hopper+pager@example.com", "Grace Hopper"),
        ("_@example.com", "_"),
    ],
)
def test_a_name_is_made_of_an_address(email: str, name: str) -> None:
    assert NamedPeople().find(email, at=NOON)[0].name == name


@pytest.mark.parametrize("target", ["ada", "ada@", "@example.com", "a da@example.com", ""])
def test_a_person_without_an_address_is_refused(target: str) -> None:
    with pytest.raises(NotifyError, match="not an e-mail address") as raised:
        NamedPeople().find(target, at=NOON)

    assert raised.value.permanent
