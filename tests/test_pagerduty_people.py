"""PagerDuty's people: the incident's assignee, and who is on call."""

from datetime import UTC, datetime

import pytest
from pytest_httpserver import HTTPServer

from alerts.notifiers import NotifyError, Person
from alerts.notifiers.pagerduty_rest import PagerDutyAssignment, PagerDutyOnCall
from models.vocabulary import Event
from tests.vendors import ADA, API_TOKEN, SENDER, FakePagerDuty, a_message

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = a_message().dedup_key


@pytest.fixture
def account(httpserver: HTTPServer) -> FakePagerDuty:
    return FakePagerDuty(httpserver)


@pytest.fixture
def assignment(account: FakePagerDuty) -> PagerDutyAssignment:
    return PagerDutyAssignment(API_TOKEN, sender=SENDER, url=account.url, timeout_seconds=2)


@pytest.fixture
def on_call(account: FakePagerDuty) -> PagerDutyOnCall:
    return PagerDutyOnCall(API_TOKEN, url=account.url, timeout_seconds=2)


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
