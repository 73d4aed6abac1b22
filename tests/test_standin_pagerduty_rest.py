"""The stand-in for PagerDuty answers PagerDuty's own REST client as PagerDuty would."""

from collections.abc import Iterator
from typing import Any

import pytest

from examples.standins.pagerduty import ADA, GRACE, PagerDutyConfig, pagerduty_app
from tests.serving import Stage, stage
from tests.standins import KEY, OTHER_KEY, PagerDuty, Receiver, Time, rest


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture(scope="module")
def stages() -> Iterator[tuple[Stage, Stage]]:
    with stage() as pagerduty, stage() as receiver:
        yield pagerduty, receiver


@pytest.fixture
def pd(receiver: Receiver, stages: tuple[Stage, Stage]) -> Iterator[PagerDuty]:
    ours, behind = stages
    behind.app = receiver.starlette
    config = PagerDutyConfig(
        delay_seconds=0, webhook_url=f"{behind.url}/hook", routing_keys=(KEY, OTHER_KEY)
    )
    ours.app = pagerduty_app(config)
    found = PagerDuty(ours.url, config)
    yield found
    found.close()


def test_who_is_on_call_comes_by_level_with_addresses(pd: PagerDuty) -> None:
    found = pd.rest.list_all("oncalls", params={"include[]": ["users"]})
    assert [(entry["escalation_level"], entry["user"]["email"]) for entry in found] == [
        (1, "ada@example.org"),
        (2, "grace@example.org"),
    ]


def test_without_asking_for_users_there_are_no_addresses(pd: PagerDuty) -> None:
    assert all("email" not in entry["user"] for entry in pd.rest.list_all("oncalls"))


def test_lists_come_in_pages(pd: PagerDuty) -> None:
    page = pd.rest.jget("/oncalls", params={"limit": 1, "offset": 0})
    assert (len(page["oncalls"]), page["more"]) == (1, True)
    page = pd.rest.jget("/oncalls", params={"limit": 1, "offset": 1})
    assert (len(page["oncalls"]), page["more"]) == (1, False)


def test_a_wrong_token_is_refused_in_pagerdutys_shape(pd: PagerDuty) -> None:
    answer = pd.http.get("/users", headers={"authorization": "Token token=wrong"})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 2006


def test_a_write_needs_to_say_from_whom(pd: PagerDuty) -> None:
    pd.send()
    change = {"incident": {"type": "incident_reference", "status": "acknowledged"}}
    answer = rest(pd, "PUT", f"/incidents/{pd.incidents()[0]['id']}", change)
    assert answer.status_code == 400
    assert "From" in answer.json()["error"]["errors"][0]


def test_a_write_from_a_stranger_is_refused(pd: PagerDuty) -> None:
    pd.send()
    path = f"/incidents/{pd.incidents()[0]['id']}"
    answer = rest(pd, "PUT", path, {"incident": {}}, From="nobody@example.org")
    assert answer.json()["error"]["message"] == "Requester User Not Found"


def test_an_incident_is_found_by_our_key_and_handed_over(pd: PagerDuty) -> None:
    pd.send(dedup_key="k1")
    (found,) = pd.rest.list_all("incidents", params={"incident_key": "k1"})
    assignee = {"assignee": {"id": GRACE.id, "type": "user_reference"}}
    change = {"type": "incident_reference", "assignments": [assignee]}
    pd.rest.rput(f"/incidents/{found['id']}", json={"incident": change})
    (incident,) = pd.incidents()
    assert [a["assignee"]["summary"] for a in incident["assignments"]] == ["Grace Hopper"]
    assert incident["log"][-1]["agent"]["summary"] == "Grace Hopper"


def test_an_incident_cannot_be_handed_to_a_stranger(pd: PagerDuty) -> None:
    pd.send()
    path = f"/incidents/{pd.incidents()[0]['id']}"
    change = {"type": "incident_reference", "assignments": [{"assignee": {"id": "PNOBODY"}}]}
    answer = rest(pd, "PUT", path, {"incident": change}, From=ADA.email)
    assert answer.json()["error"]["errors"] == ["Assignee not found"]


def test_a_resolved_incident_stays_resolved(pd: PagerDuty) -> None:
    pd.send(dedup_key="k1")
    pd.events.resolve("k1")
    path = f"/incidents/{pd.incidents()[0]['id']}"
    change = {"incident": {"type": "incident_reference", "status": "acknowledged"}}
    assert rest(pd, "PUT", path, change, From=ADA.email).status_code == 400


def test_incidents_are_filtered_by_status(pd: PagerDuty) -> None:
    pd.send(dedup_key="k1")
    pd.events.resolve("k1")
    asked = {"incident_key": "k1", "statuses[]": ["triggered", "acknowledged"]}
    assert pd.rest.list_all("incidents", params=asked) == []


def new_incident(key: str) -> dict[str, Any]:
    service = {"id": "PSERVIC", "type": "service_reference"}
    body = {"type": "incident", "title": "By hand", "service": service, "incident_key": key}
    return {"incident": body}


def test_a_second_open_incident_of_one_key_is_refused(pd: PagerDuty) -> None:
    assert rest(pd, "POST", "/incidents", new_incident("k1"), From=ADA.email).status_code == 201
    answer = rest(pd, "POST", "/incidents", new_incident("k1"), From=ADA.email)
    assert answer.status_code == 400
    assert "matching dedup key" in answer.json()["error"]["errors"][0]


def test_at_most_250_incidents_change_at_once(pd: PagerDuty) -> None:
    body = {"incidents": [{"id": "Q000001", "type": "incident_reference"}] * 251}
    assert rest(pd, "PUT", "/incidents", body, From=ADA.email).status_code == 413


def test_an_incident_that_is_not_there_is_404(pd: PagerDuty) -> None:
    answer = rest(pd, "GET", "/incidents/QNONE", None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, 2100)


def test_the_log_tells_what_happened(pd: PagerDuty) -> None:
    pd.send(dedup_key="k1")
    pd.events.acknowledge("k1")
    entries = pd.rest.rget(f"/incidents/{pd.incidents()[0]['id']}/log_entries")
    assert [entry["type"] for entry in entries] == [
        "acknowledge_log_entry",
        "assign_log_entry",
        "trigger_log_entry",
    ]


@pytest.mark.parametrize("asked", [{"statuses[]": "closed"}, {"date_range": "week"}])
def test_a_list_of_incidents_by_what_there_is_not_is_refused(
    pd: PagerDuty, asked: dict[str, str]
) -> None:
    token = {"authorization": f"Token token={pd.config.token}"}
    assert pd.http.get("/incidents", params=asked, headers=token).status_code == 400


def test_too_many_questions_are_refused_until_there_is_room(stages: tuple[Stage, Stage]) -> None:
    clock = Time()
    config = PagerDutyConfig(questions_per_minute=2, clock=clock)
    stages[0].app = pagerduty_app(config)
    pd = PagerDuty(stages[0].url, config)
    answers = [rest(pd, "GET", "/users", None) for _ in range(3)]
    clock.now += 60
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["ratelimit-reset"] == "60"
    assert rest(pd, "GET", "/users", None).status_code == 200
    pd.close()
