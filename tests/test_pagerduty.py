"""PagerDuty: events of a service, the incident's assignee, and who is on call."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from alerts.notifiers import NotifyError, Person
from alerts.notifiers.pagerduty import PagerDutyEvents
from alerts.notifiers.pagerduty_rest import PagerDutyAssignment, PagerDutyOnCall
from models.vocabulary import Event, Severity
from tests.vendors import (
    ADA,
    API_TOKEN,
    ROUTING_KEY,
    SENDER,
    FakePagerDuty,
    Wire,
    a_message,
    answer,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = a_message().dedup_key


@pytest.fixture
def account(httpserver: HTTPServer) -> FakePagerDuty:
    return FakePagerDuty(httpserver)


@pytest.fixture
def events(account: FakePagerDuty) -> PagerDutyEvents:
    return PagerDutyEvents({"default": ROUTING_KEY}, url=account.url, timeout_seconds=2)


@pytest.fixture
def assignment(account: FakePagerDuty) -> PagerDutyAssignment:
    return PagerDutyAssignment(API_TOKEN, sender=SENDER, url=account.url, timeout_seconds=2)


@pytest.fixture
def on_call(account: FakePagerDuty) -> PagerDutyOnCall:
    return PagerDutyOnCall(API_TOKEN, url=account.url, timeout_seconds=2)


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


def test_an_incident_is_assigned_to_the_person(
    assignment: PagerDutyAssignment, account: FakePagerDuty
) -> None:
    account.an_incident(KEY)

    receipt = assignment.send(ADA.upper(), a_message())

    assignee = {"id": "P1", "type": "user_reference"}
    change = {"type": "incident_reference", "assignments": [{"assignee": assignee}]}
    assert account.writes == [change]
    assert account.senders == [SENDER]
    assert receipt.external_id == "Q1"


def test_a_person_who_has_the_incident_already_is_left_with_it(
    assignment: PagerDutyAssignment, account: FakePagerDuty
) -> None:
    account.an_incident(KEY, assigned="P1")

    receipt = assignment.send(ADA, a_message())

    assert receipt.answer == f"already assigned to {ADA}"
    assert account.writes == []


def test_an_incident_that_is_not_there_yet_is_worth_another_attempt(
    assignment: PagerDutyAssignment, account: FakePagerDuty
) -> None:
    account.an_incident("someone else's")

    with pytest.raises(NotifyError, match="no open incident") as raised:
        assignment.send(ADA, a_message())

    assert (raised.value.permanent, raised.value.uncertain) == (False, False)


def test_a_resolved_incident_is_assigned_to_nobody(
    assignment: PagerDutyAssignment, account: FakePagerDuty
) -> None:
    account.an_incident(KEY)
    account.incidents[0]["status"] = "resolved"

    with pytest.raises(NotifyError, match="no open incident"):
        assignment.send(ADA, a_message())

    assert account.writes == []


def test_only_the_exact_address_is_the_person(
    assignment: PagerDutyAssignment, account: FakePagerDuty
) -> None:
    account.an_incident(KEY)
    account.users = [{"id": "P2", "name": "Other", "email": f"not.{ADA}"}]

    with pytest.raises(NotifyError, match=f"nobody in PagerDuty has the e-mail address {ADA}"):
        assignment.send(ADA, a_message())

    assert account.writes == []


@pytest.mark.parametrize("event", [Event.ACKNOWLEDGE, Event.RESOLVE])
def test_the_rest_of_an_alerts_life_is_left_to_the_service(
    assignment: PagerDutyAssignment, account: FakePagerDuty, event: Event
) -> None:
    receipt = assignment.send(ADA, a_message(event=event))

    assert "nothing to do" in receipt.answer
    assert account.queries == []


def test_a_write_without_a_sender_says_what_pagerduty_says(account: FakePagerDuty) -> None:
    account.an_incident(KEY)
    assignment = PagerDutyAssignment(API_TOKEN, url=account.url)

    with pytest.raises(NotifyError, match="Requester User Not Found") as raised:
        assignment.send(ADA, a_message())

    assert raised.value.permanent


def test_the_assignment_check_names_the_assigning_user(
    account: FakePagerDuty, assignment: PagerDutyAssignment
) -> None:
    account.users.append({"id": "P2", "name": "Wakeful Bot", "email": SENDER})

    assert assignment.check() == "token accepted; assigns as Wakeful Bot"


def test_the_assignment_check_fails_without_the_assigning_user(
    assignment: PagerDutyAssignment,
) -> None:
    with pytest.raises(NotifyError, match=SENDER):
        assignment.check()


def test_the_assignment_check_needs_no_sender_for_a_users_token(account: FakePagerDuty) -> None:
    assert PagerDutyAssignment(API_TOKEN, url=account.url).check() == "token accepted"


def test_who_is_on_call_is_asked_for_the_instant(
    on_call: PagerDutyOnCall, account: FakePagerDuty
) -> None:
    account.on_call("Ada Lovelace", ADA)

    assert on_call.find("default", at=NOON) == [Person(name="Ada Lovelace", email=ADA)]
    (asked,) = account.queries
    assert asked["since"] == asked["until"] == ["2026-01-01T12:00:00+00:00"]
    assert asked["earliest"] == ["true"]
    assert asked["include[]"] == ["users"]
    assert "escalation_policy_ids[]" not in asked


def test_the_lowest_level_answers(on_call: PagerDutyOnCall, account: FakePagerDuty) -> None:
    account.on_call("Third", "third@example.com", level=3)
    account.on_call("Second", "second@example.com", level=2)
    account.on_call("Also second", "also@example.com", level=2)
    account.on_call("Second", "second@example.com", level=2)

    found = on_call.find("default", at=NOON)

    assert [person.name for person in found] == ["Second", "Also second"]


def test_a_policys_id_asks_only_for_that_policy(
    on_call: PagerDutyOnCall, account: FakePagerDuty
) -> None:
    account.on_call("Ada Lovelace", ADA, policy="E1")
    account.on_call("Grace", "grace@example.com", policy="E2")

    assert [person.name for person in on_call.find("E2", at=NOON)] == ["Grace"]


def test_nobody_on_call_is_a_gap(on_call: PagerDutyOnCall) -> None:
    assert on_call.find("default", at=NOON) == []


def test_every_page_is_read(on_call: PagerDutyOnCall, account: FakePagerDuty) -> None:
    for number in range(150):
        account.on_call(f"Second {number}", f"second{number}@example.com", level=2)
    account.on_call("First", "first@example.com", level=1)

    assert [person.name for person in on_call.find("default", at=NOON)] == ["First"]


def test_a_person_without_an_address_is_passed_over(
    on_call: PagerDutyOnCall, account: FakePagerDuty
) -> None:
    account.on_call("Nameless", None, level=1)
    account.on_call("Ada Lovelace", ADA, level=2)

    assert [person.name for person in on_call.find("default", at=NOON)] == ["Ada Lovelace"]


def test_people_whose_addresses_are_hidden_are_no_gap(
    on_call: PagerDutyOnCall, account: FakePagerDuty
) -> None:
    account.on_call("Hidden", None)

    with pytest.raises(NotifyError, match="allowed to read users"):
        on_call.find("default", at=NOON)


def test_a_token_that_cannot_be_sent_is_refused_in_a_sentence(account: FakePagerDuty) -> None:
    with pytest.raises(NotifyError, match="not plain ASCII") as raised:
        PagerDutyOnCall("tökén", url=account.url).find("default", at=NOON)

    assert raised.value.permanent
