"""What servers tell of their names, what they do not, and answers too large to take."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from models.vocabulary import DataState
from signals import Query, QueryError
from signals.promql import MAX_SERIES
from tests.fake_prometheus import (
    AT,
    MINUTE,
    RATE,
    FakePrometheus,
    error_of,
    serving,
    success,
    vector,
)

LITELLM = {
    "litellm_proxy_total_requests_metric_total": {"requested_model", "team"},
    "litellm_request_total_latency_metric_bucket": {"requested_model", "le"},
}
BY_MODEL = Query(signal="request_rate", window=timedelta(minutes=5), by=("model",))


@pytest.fixture
def fake(httpserver: HTTPServer) -> Iterator[FakePrometheus]:
    with serving(httpserver) as fake:
        yield fake


def test_names_and_labels_are_looked_up_within_bounds_before_the_first_question(
    fake: FakePrometheus,
) -> None:
    fake.names = LITELLM
    fake.answer(success([{"metric": {"requested_model": "m"}, "value": [0, "2"]}]))
    server = fake.connect(tenant="team-a")
    assert server.read(BY_MODEL, at=AT).samples[0].labels == {"model": "m"}
    assert len(fake.told) == 2 + len(LITELLM)
    for asked in fake.told:
        assert asked["limit"] == "20000"
        assert float(asked["end"]) == AT.timestamp()
        assert float(asked["end"]) - float(asked["start"]) in (86_400, 7 * 86_400)
    assert {request.headers["X-Scope-OrgID"] for request in fake.requests} == {"team-a"}


def test_a_question_looks_nothing_up_while_that_is_known(fake: FakePrometheus) -> None:
    fake.names = LITELLM
    server = fake.connect()
    server.read(BY_MODEL, at=AT)
    told = len(fake.told)
    for second in range(1, 5):
        server.read(BY_MODEL, at=AT + timedelta(seconds=second))
    assert len(fake.told) == told


def test_metadata_is_not_needed(fake: FakePrometheus) -> None:
    fake.names = LITELLM
    fake.connect().read(BY_MODEL, at=AT)
    assert not [asked for asked in fake.told if "metadata" in asked["path"]]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_that_lets_only_queries_through_is_asked_by_query(
    fake: FakePrometheus, status: int
) -> None:
    fake.untold = status
    named = {"name": "litellm_proxy_total_requests_metric_total"}
    fake.replies = [
        (200, success([{"metric": named, "value": [0, "4"]}])),
        (200, success([{"metric": named, "value": [0, "4"]}])),
        (200, success([{"metric": {"requested_model": "m"}, "value": [0, "2"]}])),
    ]
    server = fake.connect()
    assert server.read(BY_MODEL, at=AT).samples[0].labels == {"model": "m"}
    assert "count by (__name__)" in fake.seen[0]["query"]


def test_a_server_that_refuses_its_names_is_asked_with_the_first_packs(
    fake: FakePrometheus,
) -> None:
    fake.untold = 403
    fake.answer(success(vector("1")))
    server = fake.connect()
    assert server.read(RATE, at=AT).samples[0].value == 1
    assert "llm_requests_total" in fake.seen[-1]["query"]
    assert "does not accept our credentials (403)" in server.stacks.findings.error


@pytest.mark.parametrize("body", ['{"status":"success","data":{}}', '{"status":"success"}', "x"])
def test_names_in_another_shape_are_not_taken(
    httpserver: HTTPServer, fake: FakePrometheus, body: str
) -> None:
    httpserver.clear()
    httpserver.expect_request("/api/v1/query").respond_with_handler(fake.query)
    httpserver.expect_request("/api/v1/label/__name__/values").respond_with_data(body)
    server = fake.connect()
    server.read(RATE, at=AT)
    assert "check the URL" in server.stacks.findings.error


def many(count: int) -> list[dict[str, object]]:
    return [{"metric": {"feature": f"f{i}"}, "value": [0, "1"]} for i in range(count)]


def test_an_answer_of_fifty_thousand_series_is_refused_in_a_sentence(fake: FakePrometheus) -> None:
    fake.answer(success(many(50_000)))
    error = error_of(lambda: fake.connect().evaluate("up", at=AT))
    assert isinstance(error, QueryError)
    assert error.state is DataState.QUERY_ERROR
    assert str(error).startswith("the answer has 50,000 series, more than 20,000: narrow")


def test_a_range_of_fifty_thousand_series_is_refused(fake: FakePrometheus) -> None:
    series = [{"metric": {"feature": f"f{i}"}, "values": [[0, "1"]]} for i in range(50_000)]
    fake.answer(success(series, "matrix"))
    server = fake.connect()
    error = error_of(lambda: server.read_range(RATE, start=AT, end=AT + MINUTE, step=MINUTE))
    assert str(error).startswith("the answer has 50,000 series")


def test_as_many_series_as_may_be_are_read(fake: FakePrometheus) -> None:
    fake.answer(success(many(MAX_SERIES)))
    assert len(fake.connect().evaluate("up", at=AT).samples) == MAX_SERIES


def test_an_answer_without_end_is_not_read_to_it(
    httpserver: HTTPServer, fake: FakePrometheus
) -> None:
    httpserver.clear()

    def endless(_request: object) -> Response:
        return Response((b" " * 1_000_000 for _ in range(80)), content_type="application/json")

    httpserver.expect_request("/api/v1/query").respond_with_handler(endless)
    error = error_of(lambda: fake.connect(timeout=timedelta(seconds=20)).evaluate("up", at=AT))
    assert isinstance(error, QueryError)
    assert "answers with more than 64 MB: narrow the question" in str(error)


def test_values_that_are_no_numbers_are_no_values(fake: FakePrometheus) -> None:
    values = [{"metric": {"feature": v}, "value": [0, v]} for v in ("NaN", "+Inf", "-Inf", "1")]
    fake.answer(json.dumps(success(values)))
    reading = fake.connect().read(RATE, at=AT)
    assert [sample.labels["feature"] for sample in reading.samples] == ["1"]
    assert len(reading.no_traffic) == 3
