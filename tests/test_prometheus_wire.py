"""What Prometheus' HTTP API can answer, and what becomes of each answer."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer

from models.vocabulary import DataState
from signals import Query, QueryError, Reading, Sample, Series, UnreachableError
from tests.fake_prometheus import (
    AT,
    MINUTE,
    RATE,
    FakePrometheus,
    error_of,
    failure,
    read_error,
    serving,
    success,
    vector,
)


@pytest.fixture
def fake(httpserver: HTTPServer) -> Iterator[FakePrometheus]:
    with serving(httpserver) as fake:
        yield fake


def test_values_are_read_with_their_labels_and_the_instant_asked_for(fake: FakePrometheus) -> None:
    fake.answer(success(vector("0.25")))
    reading = fake.connect().read(RATE, at=AT)
    assert reading == Reading(
        samples=(Sample(labels={"feature": "chat"}, value=0.25, at=AT),), no_traffic=()
    )


def test_the_instant_is_asked_for_to_the_millisecond(fake: FakePrometheus) -> None:
    fake.connect().read(RATE, at=AT + timedelta(milliseconds=250))
    assert fake.seen[0]["time"] == "1772366400.250"


def test_a_sample_carries_the_labels_of_its_scope(fake: FakePrometheus) -> None:
    fake.answer(success([{"metric": {}, "value": [0, "1"]}]))
    scoped = Query(signal="request_rate", window=MINUTE, scope=(("feature", "chat"),))
    reading = fake.connect().read(scoped, at=AT)
    assert reading.samples[0].labels == {"feature": "chat"}


def test_nan_is_no_traffic(fake: FakePrometheus) -> None:
    fake.answer(success(vector("NaN")))
    reading = fake.connect().read(RATE, at=AT)
    assert (reading.samples, reading.no_traffic) == ((), ({"feature": "chat"},))
    assert reading.state is DataState.NO_TRAFFIC


@pytest.mark.parametrize("infinity", ["+Inf", "-Inf"])
def test_a_signal_divided_by_no_requests_is_no_traffic(fake: FakePrometheus, infinity: str) -> None:
    fake.answer(success(vector(infinity)))
    assert fake.connect().read(RATE, at=AT).state is DataState.NO_TRAFFIC


def test_an_expression_may_yield_infinity(fake: FakePrometheus) -> None:
    fake.answer(success(vector("+Inf")))
    assert fake.connect().evaluate("x / y > 5", at=AT).samples[0].value == float("inf")


def test_an_empty_vector_is_no_series(fake: FakePrometheus) -> None:
    assert fake.connect().read(RATE, at=AT).state is DataState.NO_SERIES


def test_bad_data_is_a_refusal_in_the_words_of_prometheus(fake: FakePrometheus) -> None:
    fake.answer(failure("bad_data", "1:5: parse error: unclosed left parenthesis"), 400)
    error = read_error(fake.url)
    assert isinstance(error, QueryError)
    assert str(error).endswith("refused the query: 1:5: parse error: unclosed left parenthesis")


def test_a_failed_execution_is_a_refusal(fake: FakePrometheus) -> None:
    fake.answer(failure("execution", "query processing would load too many samples"), 422)
    error = read_error(fake.url)
    assert isinstance(error, QueryError)
    assert "too many samples" in str(error)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_say_what_to_check(fake: FakePrometheus, status: int) -> None:
    fake.answer("no", status)
    error = read_error(fake.url, bearer_token="wrong")
    assert isinstance(error, UnreachableError)
    assert f"does not accept our credentials ({status}): check the bearer token" in str(error)


@pytest.mark.parametrize("status", [429, 500, 502, 504])
def test_a_server_in_trouble_is_unreachable(fake: FakePrometheus, status: int) -> None:
    fake.answer("<html>bad gateway</html>", status)
    error = read_error(fake.url)
    assert isinstance(error, UnreachableError)
    assert str(error).endswith(f"answered {status}")


def test_a_query_that_the_server_gave_up_is_unreachable_in_its_words(
    fake: FakePrometheus,
) -> None:
    fake.answer(failure("timeout", "query timed out in expression evaluation"), 503)
    error = read_error(fake.url)
    assert isinstance(error, UnreachableError)
    assert str(error).endswith("answered 503: query timed out in expression evaluation")


def test_one_failed_answer_is_one_request(fake: FakePrometheus) -> None:
    fake.answer(failure("unavailable", "starting up"), 503)
    read_error(fake.url)
    assert len(fake.seen) == 1


def test_a_wrong_path_says_to_check_the_url(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/elsewhere/api/v1/query").respond_with_data("no", status=404)
    error = read_error(httpserver.url_for("/elsewhere/"))
    assert "no query API at this path (404): check the URL" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        "",
        "[]",
        "null",
        '{"status":"success"}',
        '{"status":"success","data":null}',
        '{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}',
        '{"status":"success","data":{"resultType":"vector","result":[{"value":[0,"1"]}]}}',
        '{"status":"success","data":{"resultType":"vector","result":null}}',
        '{"status":"success","data":{"resultType":"vector",'
        '"result":[{"metric":{},"value":[0,"many"]}]}}',
    ],
)
def test_an_answer_that_is_not_prometheus_is_unreachable(fake: FakePrometheus, body: str) -> None:
    fake.answer(body)
    error = read_error(fake.url)
    assert isinstance(error, UnreachableError)
    assert str(error).endswith("something that is not Prometheus' JSON: check the URL")


@pytest.mark.parametrize(
    ("kind", "result", "hint"),
    [
        ("scalar", [0, "1"], "a scalar, one number without labels: wrap it in vector(…)"),
        ("string", [0, "x"], "a string: ask for a number"),
        ("matrix", [], "a range of values per series: apply a function such as rate(…)"),
    ],
)
def test_what_is_no_vector_is_refused_with_what_to_write(
    fake: FakePrometheus, kind: str, result: object, hint: str
) -> None:
    fake.answer(success(result, kind))
    error = error_of(lambda: fake.connect().evaluate("x", at=AT))
    assert isinstance(error, QueryError)
    assert str(error) == f"the expression yields {hint}"


def test_a_warning_is_logged_once_and_the_values_are_kept(
    fake: FakePrometheus, caplog: pytest.LogCaptureFixture
) -> None:
    fake.answer(success(vector("1"), warnings=["store 10.0.0.7 is not available"]))
    prometheus = fake.connect()
    readings = [prometheus.read(RATE, at=AT) for _ in range(3)]
    assert [reading.samples[0].value for reading in readings] == [1.0] * 3
    assert [
        (r.levelno, r.getMessage()) for r in caplog.records if r.name.startswith("signals")
    ] == [
        (
            logging.WARNING,
            "answer incomplete source=prometheus warning='store 10.0.0.7 is not available'",
        )
    ]


def test_a_long_query_travels_as_a_form(fake: FakePrometheus) -> None:
    fake.answer(success(vector("1")))
    expression = " or ".join(f'x{{feature="{i:04}"}}' for i in range(1000))
    prometheus = fake.connect()
    assert prometheus.evaluate(expression, at=AT).samples[0].value == 1.0
    assert fake.seen[0]["query"] == expression
    assert (fake.requests[0].method, fake.requests[0].query_string) == ("POST", b"")


def test_a_long_range_query_travels_as_a_form(fake: FakePrometheus) -> None:
    expression = " or ".join(f'x{{feature="{i:04}"}}' for i in range(1000))
    (series,) = fake.connect().evaluate_range(expression, start=AT, end=AT, step=MINUTE)
    assert (series.values, fake.requests[0].method) == ([0.0], "POST")


def test_a_query_is_text(fake: FakePrometheus) -> None:
    scoped = Query(signal="request_rate", window=MINUTE, scope=(("feature", "\ud800"),))
    error = error_of(lambda: fake.connect().read(scoped, at=AT))
    assert isinstance(error, QueryError)


def test_a_range_is_read_in_pieces_that_prometheus_accepts(fake: FakePrometheus) -> None:
    step = timedelta(seconds=1)
    end = AT + timedelta(seconds=24_999)
    (series,) = fake.connect().read_range(RATE, start=AT, end=end, step=step)
    assert list(series.seconds) == [AT.timestamp() + i for i in range(25_000)]
    assert len(fake.seen) == 3


def test_points_without_a_number_are_idle(fake: FakePrometheus) -> None:
    values = [[0, "1"], [60, "NaN"], [120, "+Inf"], [180, "4"]]
    fake.answer(success([{"metric": {"feature": "chat"}, "values": values}], "matrix"))
    series = fake.connect().read_range(RATE, start=AT, end=AT + 3 * MINUTE, step=MINUTE)
    (found,) = series
    assert found == Series(
        labels={"feature": "chat"}, seconds=[0, 180], values=[1, 4], idle=[60, 120]
    )


@pytest.mark.parametrize("step", [timedelta(), timedelta(seconds=-1), timedelta(milliseconds=1)])
def test_a_range_that_makes_no_sense_asks_nothing(fake: FakePrometheus, step: timedelta) -> None:
    prometheus = fake.connect()
    end = AT + timedelta(days=1)
    error = error_of(lambda: prometheus.read_range(RATE, start=AT, end=end, step=step))
    assert isinstance(error, QueryError)
    assert fake.seen == []


@pytest.mark.parametrize(
    "query",
    [
        Query(signal="source_silence", window=MINUTE),
        Query(signal="error_ratio", window=MINUTE, by=("tenant",)),
        Query(signal="error_ratio", window=MINUTE, scope=(('x"}', "y"),)),
        Query(signal="error_ratio", window=timedelta(milliseconds=500)),
    ],
)
def test_a_question_beyond_the_pack_asks_nothing(fake: FakePrometheus, query: Query) -> None:
    assert isinstance(error_of(lambda: fake.connect().read(query, at=AT)), QueryError)
    assert fake.seen == []


def test_newest_is_the_time_of_the_last_scrape(fake: FakePrometheus) -> None:
    fake.answer(success([{"metric": {}, "value": [0, "1772366385.5"]}]))
    newest = fake.connect().newest(at=AT)
    assert newest == datetime(2026, 3, 1, 11, 59, 45, 500_000, tzinfo=UTC)


def test_newest_looks_further_back_when_nothing_is_recent(fake: FakePrometheus) -> None:
    fake.replies = [(200, success([])), (200, success([{"metric": {}, "value": [0, "60"]}]))]
    newest = fake.connect().newest(at=AT)
    assert newest == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)


def test_newest_is_none_without_data(fake: FakePrometheus) -> None:
    assert fake.connect().newest(at=AT) is None


def test_check_tells_the_version(fake: FakePrometheus, httpserver: HTTPServer) -> None:
    fake.answer(success(vector("1")))
    httpserver.expect_request("/api/v1/status/buildinfo").respond_with_json(
        {"status": "success", "data": {"version": "2.42.0"}}
    )
    place = fake.url.removeprefix("http://")
    assert fake.connect().check() == (f"Prometheus at {place} answers queries; version 2.42.0")


def test_check_accepts_a_server_that_does_not_tell_its_version(
    fake: FakePrometheus, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/api/v1/status/buildinfo").respond_with_data("", status=404)
    assert fake.connect().check().endswith("answers queries; it does not tell its version")


def test_check_fails_where_queries_are_refused(fake: FakePrometheus) -> None:
    fake.answer("", 401)
    assert isinstance(error_of(fake.connect().check), UnreachableError)
