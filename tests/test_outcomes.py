"""What became of requests, told at the door, kept once, and what it makes of their cost."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http.outcomes import MOST, PATH, outcome_routes
from app.http.told import MAX_BODY_BYTES
from signals.traces import Span
from signals.traces.embedded import EmbeddedStore
from signals.traces.outcomes import OutcomeEvent
from signals.traces.spending import Spend, SpendQuery
from tests.spans import DAY, HOUR, MINUTE, NOON, bill, child, opened, root, trace_id

TOKEN = "a-token-for-the-tests"


@pytest.fixture
def door(store: EmbeddedStore) -> Iterator[TestClient]:
    routes = outcome_routes(store, token=TOKEN, clock=lambda: NOON)
    with TestClient(Starlette(routes=routes)) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client


def sent(door: TestClient, said: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps(said)
    answer = door.post(PATH, content=body, headers={"Content-Type": "application/json"})
    return answer.status_code, answer.json()


def request(store: EmbeddedStore, usd: float = 1.0, **labels: Any) -> Span:
    """Store a request of an hour ago that cost `usd`."""
    made = root(NOON - HOUR, **labels)
    store.write([made, child(made, **bill(usd))])
    return made


def tell(store: EmbeddedStore, made: Span, outcome: str, at: timedelta = -MINUTE) -> None:
    store.record([OutcomeEvent(trace_id=made.trace_id, outcome=outcome, at=NOON + at)])


def spent(store: EmbeddedStore, by: str | None = None) -> dict[str | None, Spend]:
    query = SpendQuery(edges=(NOON - DAY,), end=NOON, before=(NOON - 2 * DAY, NOON - DAY), by=by)
    return {row.value: row for row in store.spend(query).rows}


# What it makes of cost


def test_spend_is_divided_by_what_people_accepted(store: EmbeddedStore) -> None:
    for outcome in ("accepted", "edited", "rejected", "abandoned"):
        tell(store, request(store), outcome)
    whole = spent(store)[None]
    assert (whole.concluded, whole.successes, whole.per_success) == (4, 2, 2.0)


def test_what_was_told_comes_before_what_the_span_said(store: EmbeddedStore) -> None:
    tell(store, request(store, outcome="success"), "rejected")
    assert spent(store)[None].successes == 0
    assert list(spent(store, "outcome")) == ["rejected"]


def test_the_latest_outcome_counts_in_whatever_order_it_was_told(store: EmbeddedStore) -> None:
    made = request(store)
    tell(store, made, "reopened", at=-MINUTE)
    tell(store, made, "resolved", at=-2 * MINUTE)
    assert list(spent(store, "outcome")) == ["reopened"]


def test_an_outcome_that_is_told_again_changes_nothing(store: EmbeddedStore) -> None:
    made = request(store)
    tell(store, made, "accepted", at=-3 * MINUTE)
    tell(store, made, "rejected", at=-2 * MINUTE)
    tell(store, made, "accepted", at=-MINUTE)
    assert list(spent(store, "outcome")) == ["rejected"]


def test_an_outcome_waits_for_its_request(store: EmbeddedStore) -> None:
    made = root(NOON - HOUR)
    tell(store, made, "accepted")
    store.write([made, child(made, **bill(1.0))])
    assert spent(store)[None].successes == 1


def test_outcomes_of_no_request_cost_nothing(store: EmbeddedStore) -> None:
    tell(store, root(NOON - HOUR), "accepted")
    assert spent(store) == {}


def test_outcomes_go_with_their_traces(store: EmbeddedStore) -> None:
    tell(store, root(), "accepted", at=-3 * DAY)
    made = request(store)
    tell(store, made, "accepted")
    store.sweep(now=NOON, traces=2 * DAY, logs=DAY)
    assert store._database.ask("SELECT trace_id FROM store.outcomes", {}) == [(made.trace_id,)]


def test_outcomes_survive_that_the_store_is_opened_again(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        tell(first, request(first), "accepted")
    with opened(tmp_path) as again:
        assert spent(again)[None].successes == 1


# The door


def test_one_outcome_is_kept(door: TestClient, store: EmbeddedStore) -> None:
    made = request(store)
    assert sent(door, {"trace_id": made.trace_id, "outcome": "accepted"}) == (200, {"kept": 1})
    assert spent(store)[None].successes == 1


def test_many_are_kept_at_once(door: TestClient, store: EmbeddedStore) -> None:
    made = [request(store) for _ in range(3)]
    said = [{"trace_id": one.trace_id, "outcome": "resolved"} for one in made]
    assert sent(door, said) == (200, {"kept": 3})
    assert spent(store)[None].successes == 3


def test_one_repeated_in_a_batch_is_kept_once(door: TestClient, store: EmbeddedStore) -> None:
    said = {"trace_id": request(store).trace_id, "outcome": "resolved"}
    assert sent(door, [said, said])[0] == 200
    assert spent(store)[None].successes == 1


def test_a_trace_id_is_taken_as_it_is_written(door: TestClient, store: EmbeddedStore) -> None:
    made = request(store)
    assert sent(door, {"trace_id": made.trace_id.upper(), "outcome": "accepted"})[0] == 200
    assert spent(store)[None].successes == 1


def test_of_a_batch_with_one_that_is_wrong_nothing_is_kept(
    door: TestClient, store: EmbeddedStore
) -> None:
    good = {"trace_id": request(store).trace_id, "outcome": "accepted"}
    status, answer = sent(door, [good, good | {"outcome": "great"}])
    assert (status, answer["error"]) == (
        400,
        "[1] outcome: must be one of accepted, edited, resolved, rejected, abandoned, escalated, "
        "reopened, thumbs_up, thumbs_down, confirmation_rejected, rightly_stopped, "
        "wrongly_stopped",
    )
    assert spent(store)[None].concluded == 0


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "trace_id: Field required"),
        ({"trace_id": 7, "outcome": "accepted"}, "trace_id: Input should be a valid string"),
        ({"trace_id": "0" * 32, "outcome": "accepted"}, "trace_id: a trace id of zeros"),
        ({"trace_id": "x", "outcome": "accepted"}, "trace_id: a trace id has 32"),
        ({"trace_id": trace_id(1), "outcome": "accepted", "at": "noon"}, "at: Input should be"),
        ({"trace_id": trace_id(1), "outcome": "accepted", "at": 0}, "at: must lie within"),
        ({"trace_id": trace_id(1), "outcome": "accepted", "\ud800": 1}, "the outcome: "),
        ([7], "[0] an outcome is an object"),
        ("accepted", "an outcome is an object"),
        (None, "an outcome is an object"),
    ],
)
def test_what_is_malformed_is_refused_with_the_reason(
    door: TestClient, said: Any, sentence: str
) -> None:
    status, answer = sent(door, said)
    assert (status, answer["error"][: len(sentence)]) == (400, sentence)


def test_too_many_at_once_are_refused(door: TestClient) -> None:
    status, answer = sent(door, [7] * (MOST + 1))
    assert (status, answer["error"]) == (413, "more than 1000 outcomes: send fewer at a time")


def test_a_huge_body_is_refused(door: TestClient) -> None:
    assert sent(door, {"trace_id": "x" * MAX_BODY_BYTES})[0] == 413


def test_a_sender_without_the_token_is_refused(door: TestClient) -> None:
    door.headers["Authorization"] = "Bearer another"
    assert sent(door, {"trace_id": trace_id(1), "outcome": "accepted"})[0] == 401


def test_without_the_embedded_store_the_door_says_what_to_do_instead() -> None:
    routes = outcome_routes(None, token="", clock=lambda: NOON)
    with TestClient(Starlette(routes=routes)) as client:
        status, answer = sent(client, {"trace_id": trace_id(1), "outcome": "accepted"})
    assert (status, "span attribute" in answer["error"]) == (409, True)


def test_a_store_that_is_closing_asks_to_come_again(door: TestClient, store: EmbeddedStore) -> None:
    store.close()
    status, answer = sent(door, {"trace_id": trace_id(1), "outcome": "accepted"})
    assert (status, answer["error"]) == (503, "the trace store is closing")
