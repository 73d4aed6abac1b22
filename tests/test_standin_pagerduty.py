"""The stand-in for PagerDuty enforces the rules of the Events API, over real HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from alerts.notifiers.pagerduty_replies import Happening, reply, signature_flaw
from examples.standins.pagerduty import ADA, GRACE, PagerDutyConfig, pagerduty_app
from tests.serving import Stage, serve, stage
from tests.standins import KEY, OTHER_KEY, PagerDuty, Receiver, rest, until


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


def test_a_trigger_opens_an_incident_for_who_is_on_call(pd: PagerDuty) -> None:
    key = pd.events.trigger("Slow answers", "copilot", dedup_key="k1")
    (incident,) = pd.incidents()
    assert key == incident["incident_key"] == "k1"
    assert (incident["title"], incident["status"]) == ("Slow answers", "triggered")
    assert [a["assignee"]["summary"] for a in incident["assignments"]] == ["Ada Lovelace"]


def test_a_trigger_without_a_key_is_given_one(pd: PagerDuty) -> None:
    answer = pd.send()
    assert answer.status_code == 202
    assert answer.json()["dedup_key"] == pd.incidents()[0]["incident_key"]


def test_a_trigger_on_an_open_key_appends(pd: PagerDuty) -> None:
    for _ in range(2):
        pd.send(dedup_key="k1")
    (incident,) = pd.incidents()
    assert [entry["summary"] for entry in incident["log"]].count("triggered again") == 1


def test_a_trigger_after_the_end_opens_another(pd: PagerDuty) -> None:
    pd.send(dedup_key="k1")
    pd.events.resolve("k1")
    pd.send(dedup_key="k1")
    assert [incident["status"] for incident in pd.incidents()] == ["resolved", "triggered"]


def test_an_incident_is_acknowledged_and_resolved_by_its_key(pd: PagerDuty) -> None:
    pd.send(dedup_key="k1")
    pd.events.acknowledge("k1")
    assert pd.incidents()[0]["status"] == "acknowledged"
    pd.events.resolve("k1")
    assert pd.incidents()[0]["status"] == "resolved"


def test_the_end_of_nothing_is_accepted_and_dropped(pd: PagerDuty) -> None:
    assert pd.send(event_action="resolve", dedup_key="nothing").status_code == 202
    assert [event["dedup_key"] for event in pd.state()["dropped"]] == ["nothing"]


def test_the_end_under_another_routing_key_is_dropped(pd: PagerDuty) -> None:
    pd.send(dedup_key="k1")
    pd.send(event_action="resolve", dedup_key="k1", routing_key=OTHER_KEY)
    assert pd.incidents()[0]["status"] == "triggered"


GOOD = {"summary": "Slow", "source": "copilot", "severity": "critical"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"routing_key": "short"}, "32 characters"),
        ({"routing_key": "0" * 32}, "not the key of any integration"),
        ({"event_action": "shout"}, "event_action"),
        ({"event_action": "resolve"}, "dedup_key"),
        ({"dedup_key": "k" * 256}, "at most 255"),
        ({"payload": None}, "'payload' is missing"),
        ({"payload": GOOD | {"summary": ""}}, "summary"),
        ({"payload": GOOD | {"summary": "x" * 1025}}, "too long"),
        ({"payload": GOOD | {"source": ""}}, "source"),
        ({"payload": GOOD | {"severity": "fatal"}}, "severity"),
        ({"payload": GOOD | {"timestamp": "yesterday"}}, "ISO 8601"),
        ({"links": [{"text": "no href"}]}, "links"),
        ({"images": [{"src": "http://plain.example/x.png"}]}, "https"),
    ],
)
def test_an_invalid_event_is_refused_for_good(
    pd: PagerDuty, changes: dict[str, Any], reason: str
) -> None:
    answer = pd.send(**changes)
    assert answer.status_code == 400
    assert reason in " ".join(answer.json()["errors"])
    assert pd.incidents() == []


def test_an_event_over_512_kb_is_refused(pd: PagerDuty) -> None:
    details = {"text": "x" * 600_000}
    assert pd.send(payload=GOOD | {"custom_details": details}).status_code == 413


def test_a_body_that_is_no_json_is_refused(pd: PagerDuty) -> None:
    assert pd.http.post("/v2/enqueue", content=b"{").status_code == 400


def test_an_integration_takes_120_events_a_minute(pd: PagerDuty) -> None:
    answers = [pd.send(dedup_key="k1").status_code for _ in range(121)]
    assert answers == [202] * 120 + [429]


def test_accepted_is_not_yet_an_incident() -> None:
    with serve(pagerduty_app(PagerDutyConfig(delay_seconds=0.2))) as url:
        pd = PagerDuty(url, PagerDutyConfig())
        pd.send(dedup_key="k1")
        assert pd.incidents() == []
        until(lambda: len(pd.incidents()) == 1)
        pd.close()


def move(pd: PagerDuty, status: str, **headers: str) -> httpx2.Response:
    form = {"id": pd.incidents()[0]["id"], "status": status, "as": ADA.id}
    return pd.http.post("/move", data=form, headers=headers)


def test_the_page_acknowledges_and_tells_by_a_signed_webhook(
    pd: PagerDuty, receiver: Receiver
) -> None:
    pd.send(dedup_key="k1")
    assert move(pd, "acknowledged").status_code == 303
    until(lambda: len(receiver.received) == 2)
    told = {}
    for signature, body in receiver.received:
        assert signature_flaw([pd.config.webhook_secret], signature, body) is None
        if (asked := reply(body)) is not None:
            told[asked.happening] = (asked.key, asked.by)
    assert told == {
        Happening.OPENED: ("k1", "Events API v2"),
        Happening.ACKNOWLEDGED: ("k1", "Ada Lovelace"),
    }


def test_an_acknowledgement_that_runs_out_is_told_as_nobodys_doing(
    pd: PagerDuty, receiver: Receiver
) -> None:
    pd.send(dedup_key="k1")
    move(pd, "acknowledged")
    move(pd, "triggered")
    until(lambda: len(receiver.received) == 3)
    told = [asked for _, body in receiver.received if (asked := reply(body)) is not None]
    (let_go,) = [asked for asked in told if asked.happening is Happening.UNACKNOWLEDGED]
    assert (let_go.by, let_go.status) == ("PagerDuty", "triggered")
    assert pd.incidents()[0]["acknowledgements"] == []


def test_a_note_is_told_without_the_key_of_its_incident(pd: PagerDuty, receiver: Receiver) -> None:
    pd.send(dedup_key="k1")
    (incident,) = pd.incidents()
    note = {"note": {"content": "Looking"}}
    rest(pd, "POST", f"/incidents/{incident['id']}/notes", note, **{"from": GRACE.email})
    until(lambda: len(receiver.received) == 2)
    told = [asked for _, body in receiver.received if (asked := reply(body)) is not None]
    (noted,) = [asked for asked in told if asked.happening is Happening.ANNOTATED]
    assert (noted.incident_id, noted.key, noted.text) == (incident["id"], "", "Looking")


def test_what_our_own_event_did_comes_back_as_an_integrations(
    pd: PagerDuty, receiver: Receiver
) -> None:
    pd.send(dedup_key="k1")
    pd.events.resolve("k1")
    until(lambda: len(receiver.received) == 2)
    told = [asked for _, body in receiver.received if (asked := reply(body)) is not None]
    assert [asked.happening for asked in told] == [Happening.OPENED]


def test_the_page_takes_no_form_of_another_site(pd: PagerDuty) -> None:
    pd.send()
    assert move(pd, "resolved", origin="https://evil.example").status_code == 403
    assert pd.incidents()[0]["status"] == "triggered"


def test_the_page_shows_who_has_it_and_no_routing_key(pd: PagerDuty) -> None:
    pd.send(payload=GOOD | {"summary": "<script>alert(1)</script>"})
    page = pd.http.get("/").text
    assert "assigned to Ada Lovelace" in page
    assert "<script" not in page
    assert KEY not in page


@pytest.mark.parametrize("status", [500, 429])
def test_pagerduty_can_be_made_to_fail(pd: PagerDuty, status: int) -> None:
    pd.http.post("/_faults", json={"status": status, "times": 1, "path": "/v2/"})
    assert rest(pd, "GET", "/users", None).status_code == 200
    assert pd.send().status_code == status
    assert pd.send().status_code == 202


def test_a_cut_connection_leaves_the_event_accepted(pd: PagerDuty) -> None:
    pd.http.post("/_faults", json={"status": "cut", "times": 1})
    with pytest.raises(httpx2.TransportError):
        pd.send(dedup_key="k1")
    assert len(pd.incidents()) == 1


def test_a_refused_connection_leaves_nothing(pd: PagerDuty) -> None:
    pd.http.post("/_faults", json={"status": "refuse", "times": 1})
    with pytest.raises(httpx2.TransportError):
        pd.send(dedup_key="k1")
    assert pd.incidents() == []
