"""PagerDuty's events of a service."""

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from alerts.notifiers import NotifyError
from alerts.notifiers.pagerduty import PagerDutyEvents
from models.vocabulary import Event, Severity
from tests.vendors import (
    ROUTING_KEY,
    FakePagerDuty,
    Wire,
    a_message,
    answer,
)

KEY = a_message().dedup_key


@pytest.fixture
def account(httpserver: HTTPServer) -> FakePagerDuty:
    return FakePagerDuty(httpserver)


@pytest.fixture
def events(account: FakePagerDuty) -> PagerDutyEvents:
    return PagerDutyEvents({"default": ROUTING_KEY}, url=account.url, timeout_seconds=2)


def test_a_trigger_says_what_is_wrong_and_where_to_look(
    events: PagerDutyEvents, account: FakePagerDuty
) -> None:
    events.send("default", a_message(runbook_url="https://wiki.example.com/slow"))

    (event,) = account.events
    assert event == {
        "routing_key": ROUTING_KEY,
        "event_action": "trigger",
        "dedup_key": KEY,
        "payload": {
            "summary": "p95 latency 6.2 s, above 5 s for feature=chat",
            "source": "chat",
            "severity": "critical",
            "timestamp": "2026-01-01T12:00:00+00:00",
            "class": "Slow answers",
            "custom_details": {"rule": "Slow answers", "labels": {"feature": "chat"}},
        },
        "links": [
            {"href": "http://127.0.0.1:8501/alerts?alert=7", "text": "Open in Wakeful"},
            {"href": "https://wiki.example.com/slow", "text": "Runbook"},
        ],
        "client": "Wakeful",
        "client_url": "http://127.0.0.1:8501/alerts?alert=7",
    }


@pytest.mark.parametrize("event", [Event.ACKNOWLEDGE, Event.RESOLVE])
def test_what_follows_a_trigger_carries_the_same_key(
    events: PagerDutyEvents, account: FakePagerDuty, event: Event
) -> None:
    opened = events.send("default", a_message())

    events.send("default", a_message(event=event, external_id=opened.external_id))

    assert account.events[1] == {
        "routing_key": ROUTING_KEY,
        "event_action": event.value,
        "dedup_key": KEY,
    }


@pytest.mark.parametrize("severity", Severity)
def test_every_severity_is_one_that_pagerduty_knows(
    events: PagerDutyEvents, account: FakePagerDuty, severity: Severity
) -> None:
    events.send("default", a_message(severity=severity))

    assert account.events[0]["payload"]["severity"] == severity.value


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": "x" * 5000},
        {"summary": "", "source": "", "labels": {}, "url": ""},
        {"labels": {f"label{n}": "é" * 9000 for n in range(100)}},
        {"runbook_url": "see the wiki"},
    ],
)
def test_whatever_an_alert_holds_pagerduty_accepts_the_event(
    events: PagerDutyEvents, account: FakePagerDuty, changes: dict[str, Any]
) -> None:
    events.send("default", a_message(**changes))

    assert len(account.events) == 1


def test_a_refused_event_says_why_without_the_key(account: FakePagerDuty) -> None:
    key = "f" * 32
    events = PagerDutyEvents({"default": key}, url=account.url)

    with pytest.raises(NotifyError, match=r"Invalid routing key \[secret\]") as raised:
        events.send("default", a_message())

    assert raised.value.permanent


def test_a_service_without_a_key_is_refused_with_what_to_set(events: PagerDutyEvents) -> None:
    with pytest.raises(NotifyError, match="WAKEFUL_PAGERDUTY_ROUTING_KEY") as raised:
        events.send("billing", a_message())

    assert raised.value.permanent


def test_each_service_is_told_under_its_own_key(account: FakePagerDuty) -> None:
    account.keys.append("f" * 32)
    events = PagerDutyEvents({"chat": ROUTING_KEY, "billing": "f" * 32}, url=account.url)

    events.send("billing", a_message())
    events.send("chat", a_message())

    assert [event["routing_key"] for event in account.events] == ["f" * 32, ROUTING_KEY]


def test_the_events_check_names_every_service(account: FakePagerDuty) -> None:
    events = PagerDutyEvents({"chat": ROUTING_KEY, "billing": "f" * 32}, url=account.url)

    assert events.check().endswith("keys untested: chat, billing")


def test_the_end_of_an_incident_never_goes_out_under_another_key(
    events: PagerDutyEvents, account: FakePagerDuty
) -> None:
    opened = events.send("default", a_message())
    changed = PagerDutyEvents({"default": "f" * 32}, url=account.url)

    with pytest.raises(NotifyError, match="end it there by hand") as raised:
        changed.send("default", a_message(event=Event.RESOLVE, external_id=opened.external_id))

    assert raised.value.permanent


def test_the_end_of_an_incident_follows_a_key_that_was_given_another_name(
    events: PagerDutyEvents, account: FakePagerDuty
) -> None:
    opened = events.send("default", a_message())
    renamed = PagerDutyEvents({"default": "f" * 32, "old": ROUTING_KEY}, url=account.url)

    renamed.send("default", a_message(event=Event.RESOLVE, external_id=opened.external_id))

    assert [event["event_action"] for event in account.events] == ["trigger", "resolve"]


def test_a_receipt_does_not_tell_the_key(events: PagerDutyEvents) -> None:
    receipt = events.send("default", a_message())

    assert receipt.external_id
    assert receipt.external_id not in ROUTING_KEY


def test_the_events_check_sends_no_event(events: PagerDutyEvents, account: FakePagerDuty) -> None:
    assert "answers (HTTP" in events.check()

    assert account.events == []


def test_the_events_check_takes_any_answer_as_a_sign_of_life() -> None:
    with Wire(answer(503, b"")) as wire:
        assert "HTTP 503" in PagerDutyEvents({"default": ROUTING_KEY}, url=wire.url).check()


def test_the_events_check_fails_where_nothing_listens() -> None:
    with Wire(None, listening=False) as wire, pytest.raises(NotifyError, match="did not answer"):
        PagerDutyEvents({"default": ROUTING_KEY}, url=wire.url).check()


@pytest.mark.parametrize("key", ["short", "x" * 31 + "-", "x" * 31 + "é", ""])
def test_the_events_check_fails_on_a_key_of_the_wrong_shape(
    account: FakePagerDuty, key: str
) -> None:
    with pytest.raises(NotifyError, match="32 letters and digits"):
        PagerDutyEvents({"default": key}, url=account.url).check()
