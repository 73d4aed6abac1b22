"""What Prometheus' HTTP API can answer, and what becomes of each answer."""

import json
import logging
import socket
import threading
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from models.vocabulary import DataState
from signals import Query, QueryError, Reading, Sample, Series, SignalError, UnreachableError
from signals.prometheus import Prometheus, PrometheusAccess
from tests.prometheus import free_port

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECRET = "s3cret-t0ken"
RATE = Query(signal="request_rate", window=timedelta(minutes=5), by=("feature",))


def vector(*values: str, feature: str = "chat") -> list[dict[str, Any]]:
    return [
        {"metric": {"__name__": "x", "feature": feature}, "value": [AT.timestamp(), value]}
        for value in values
    ]


def success(result: object, kind: str = "vector", **more: object) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def failure(kind: str, message: str) -> dict[str, Any]:
    return {"status": "error", "errorType": kind, "error": message}


@dataclass
class FakePrometheus:
    """The query API at the wire, which insists on what the real one insists on.

    Attributes:
        replies: What to answer next, with the status; the last one stays.
        seen: The parameters of each question, by whichever way they came.
    """

    url: str
    replies: list[tuple[int, Any]] = field(default_factory=lambda: [(200, success([]))])
    seen: list[dict[str, str]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def answer(self, body: Any, status: int = 200) -> None:
        self.replies = [(status, body)]

    def query(self, request: Request) -> Response:
        self.requests.append(request)
        params = {**request.args, **dict(parse_qsl(request.get_data(as_text=True)))}
        self.seen.append(params)
        if not params.get("query") or len(request.full_path) > 8190:
            return _json(400, failure("bad_data", 'invalid parameter "query"'))
        float(params.get("time", "0"))
        return self._reply()

    def query_range(self, request: Request) -> Response:
        self.requests.append(request)
        params = {**request.args, **dict(parse_qsl(request.get_data(as_text=True)))}
        self.seen.append(params)
        start, end, step = (float(params[name]) for name in ("start", "end", "step"))
        if (end - start) / step > 11_000:
            return _json(400, failure("bad_data", "exceeded maximum resolution of 11,000 points"))
        times = [start + i * step for i in range(int((end - start) / step) + 1)]
        if self.replies[0][1] != success([]):
            return self._reply()
        values = [[t, str(i)] for i, t in enumerate(times)]
        return _json(200, success([{"metric": {"feature": "chat"}, "values": values}], "matrix"))

    def _reply(self) -> Response:
        status, body = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return _json(status, body)


def _json(status: int, body: Any) -> Response:
    text = body if isinstance(body, str) else json.dumps(body)
    return Response(text, status=status, content_type="application/json")


@pytest.fixture
def fake(httpserver: HTTPServer) -> FakePrometheus:
    fake = FakePrometheus(httpserver.url_for("").rstrip("/"))
    httpserver.expect_request("/api/v1/query").respond_with_handler(fake.query)
    httpserver.expect_request("/api/v1/query_range").respond_with_handler(fake.query_range)
    return fake


_open: list[Prometheus] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _open:
        _open.pop().close()


def connected(url: str, **access: Any) -> Prometheus:
    access.setdefault("timeout", timedelta(seconds=2))
    _open.append(Prometheus(PrometheusAccess(url=url, **access)))
    return _open[-1]


def error_of(ask: Callable[[], object]) -> SignalError:
    with pytest.raises(SignalError) as caught:
        ask()
    return caught.value


def read_error(url: str, **access: Any) -> SignalError:
    return error_of(lambda: connected(url, **access).read(RATE, at=AT))


def test_values_are_read_with_their_labels_and_the_instant_asked_for(fake: FakePrometheus) -> None:
    fake.answer(success(vector("0.25")))
    reading = connected(fake.url).read(RATE, at=AT)
    assert reading == Reading(
        samples=(Sample(labels={"feature": "chat"}, value=0.25, at=AT),), no_traffic=()
    )


def test_the_instant_is_asked_for_to_the_millisecond(fake: FakePrometheus) -> None:
    connected(fake.url).read(RATE, at=AT + timedelta(milliseconds=250))
    assert fake.seen[0]["time"] == "1772366400.250"


def test_a_sample_carries_the_labels_of_its_scope(fake: FakePrometheus) -> None:
    fake.answer(success([{"metric": {}, "value": [0, "1"]}]))
    scoped = Query(signal="request_rate", window=MINUTE, scope=(("feature", "chat"),))
    reading = connected(fake.url).read(scoped, at=AT)
    assert reading.samples[0].labels == {"feature": "chat"}


def test_nan_is_no_traffic(fake: FakePrometheus) -> None:
    fake.answer(success(vector("NaN")))
    reading = connected(fake.url).read(RATE, at=AT)
    assert (reading.samples, reading.no_traffic) == ((), ({"feature": "chat"},))
    assert reading.state is DataState.NO_TRAFFIC


@pytest.mark.parametrize("infinity", ["+Inf", "-Inf"])
def test_a_signal_divided_by_no_requests_is_no_traffic(fake: FakePrometheus, infinity: str) -> None:
    fake.answer(success(vector(infinity)))
    assert connected(fake.url).read(RATE, at=AT).state is DataState.NO_TRAFFIC


def test_an_expression_may_yield_infinity(fake: FakePrometheus) -> None:
    fake.answer(success(vector("+Inf")))
    assert connected(fake.url).evaluate("x / y > 5", at=AT).samples[0].value == float("inf")


def test_an_empty_vector_is_no_series(fake: FakePrometheus) -> None:
    assert connected(fake.url).read(RATE, at=AT).state is DataState.NO_SERIES


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
    error = read_error(fake.url, bearer_token=SECRET)
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
    error = error_of(lambda: connected(fake.url).evaluate("x", at=AT))
    assert isinstance(error, QueryError)
    assert str(error) == f"the expression yields {hint}"


def test_a_warning_is_logged_once_and_the_values_are_kept(
    fake: FakePrometheus, caplog: pytest.LogCaptureFixture
) -> None:
    fake.answer(success(vector("1"), warnings=["store 10.0.0.7 is not available"]))
    prometheus = connected(fake.url)
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
    prometheus = connected(fake.url)
    assert prometheus.evaluate(expression, at=AT).samples[0].value == 1.0
    assert fake.seen[0]["query"] == expression
    assert (fake.requests[0].method, fake.requests[0].query_string) == ("POST", b"")


def test_a_long_range_query_travels_as_a_form(fake: FakePrometheus) -> None:
    expression = " or ".join(f'x{{feature="{i:04}"}}' for i in range(1000))
    (series,) = connected(fake.url).evaluate_range(expression, start=AT, end=AT, step=MINUTE)
    assert (series.values, fake.requests[0].method) == ([0.0], "POST")


def test_a_query_is_text(fake: FakePrometheus) -> None:
    scoped = Query(signal="request_rate", window=MINUTE, scope=(("feature", "\ud800"),))
    error = error_of(lambda: connected(fake.url).read(scoped, at=AT))
    assert isinstance(error, QueryError)


def test_a_range_is_read_in_pieces_that_prometheus_accepts(fake: FakePrometheus) -> None:
    step = timedelta(seconds=1)
    end = AT + timedelta(seconds=24_999)
    (series,) = connected(fake.url).read_range(RATE, start=AT, end=end, step=step)
    assert list(series.seconds) == [AT.timestamp() + i for i in range(25_000)]
    assert len(fake.seen) == 3


def test_points_without_a_number_are_gaps(fake: FakePrometheus) -> None:
    values = [[0, "1"], [60, "NaN"], [120, "+Inf"], [180, "4"]]
    fake.answer(success([{"metric": {"feature": "chat"}, "values": values}], "matrix"))
    series = connected(fake.url).read_range(RATE, start=AT, end=AT + 3 * MINUTE, step=MINUTE)
    assert series == [Series(labels={"feature": "chat"}, seconds=[0, 180], values=[1, 4])]


@pytest.mark.parametrize("step", [timedelta(), timedelta(seconds=-1), timedelta(milliseconds=1)])
def test_a_range_that_makes_no_sense_asks_nothing(fake: FakePrometheus, step: timedelta) -> None:
    prometheus = connected(fake.url)
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
    assert isinstance(error_of(lambda: connected(fake.url).read(query, at=AT)), QueryError)
    assert fake.seen == []


def test_credentials_and_tenant_are_sent(fake: FakePrometheus) -> None:
    connected(fake.url, bearer_token=SECRET, tenant="team-a").read(RATE, at=AT)
    connected(fake.url, username="wakeful", password="pässwörd€").read(RATE, at=AT)
    first, second = (request.headers for request in fake.requests)
    assert (first["Authorization"], first["X-Scope-OrgID"]) == (f"Bearer {SECRET}", "team-a")
    pair = b64encode("wakeful:pässwörd€".encode()).decode()
    assert second["Authorization"] == f"Basic {pair}"
    assert "X-Scope-OrgID" not in second


def test_a_user_in_the_url_is_sent_as_basic_authentication(fake: FakePrometheus) -> None:
    url = fake.url.replace("://", "://wakeful:p%40ss@")
    connected(url).read(RATE, at=AT)
    pair = b64encode(b"wakeful:p@ss").decode()
    assert fake.requests[0].headers["Authorization"] == f"Basic {pair}"


def test_on_loopback_answers_are_asked_for_uncompressed(fake: FakePrometheus) -> None:
    connected(fake.url).read(RATE, at=AT)
    assert fake.requests[0].headers["Accept-Encoding"] == "identity"


def test_the_environment_changes_nothing(
    fake: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    fake.answer(success(vector("1")))
    assert connected(fake.url).read(RATE, at=AT).samples


def test_the_server_is_told_how_long_we_wait(fake: FakePrometheus) -> None:
    connected(fake.url, timeout=timedelta(seconds=2.5)).read(RATE, at=AT)
    assert fake.seen[0]["timeout"] == "2500ms"


def test_newest_is_the_time_of_the_last_scrape(fake: FakePrometheus) -> None:
    fake.answer(success([{"metric": {}, "value": [0, "1772366385.5"]}]))
    newest = connected(fake.url).newest(at=AT)
    assert newest == datetime(2026, 3, 1, 11, 59, 45, 500_000, tzinfo=UTC)


def test_newest_looks_further_back_when_nothing_is_recent(fake: FakePrometheus) -> None:
    fake.replies = [(200, success([])), (200, success([{"metric": {}, "value": [0, "60"]}]))]
    newest = connected(fake.url).newest(at=AT)
    assert newest == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)


def test_newest_is_none_without_data(fake: FakePrometheus) -> None:
    assert connected(fake.url).newest(at=AT) is None


def test_check_tells_the_version(fake: FakePrometheus, httpserver: HTTPServer) -> None:
    fake.answer(success(vector("1")))
    httpserver.expect_request("/api/v1/status/buildinfo").respond_with_json(
        {"status": "success", "data": {"version": "2.42.0"}}
    )
    place = fake.url.removeprefix("http://")
    assert connected(fake.url).check() == (f"Prometheus at {place} answers queries; version 2.42.0")


def test_check_accepts_a_server_that_does_not_tell_its_version(
    fake: FakePrometheus, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/api/v1/status/buildinfo").respond_with_data("", status=404)
    assert connected(fake.url).check().endswith("answers queries; it does not tell its version")


def test_check_fails_where_queries_are_refused(fake: FakePrometheus) -> None:
    fake.answer("", 401)
    assert isinstance(error_of(connected(fake.url).check), UnreachableError)


@contextmanager
def raw_server(reply: bytes) -> Iterator[str]:
    """Serve one connection with `reply` and close it; with no reply, keep it open silently."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)

        if reply:
            threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_says_nothing_is_unreachable_in_time() -> None:
    with raw_server(b"") as url:
        error = read_error(url, timeout=timedelta(seconds=0.2))
    assert isinstance(error, UnreachableError)
    assert str(error).endswith("did not answer within 0.2 s")


def test_an_answer_broken_off_is_unreachable() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    with raw_server(head + b'{"status":"success","data":{"resultTy') as url:
        error = read_error(url)
    assert isinstance(error, UnreachableError)
    assert str(error).endswith("broke off its answer")


def test_a_server_that_hangs_up_is_unreachable() -> None:
    with raw_server(b"\r\n") as url:
        assert isinstance(read_error(url), UnreachableError)


def test_a_closed_port_is_unreachable_and_named() -> None:
    place = f"127.0.0.1:{free_port()}"
    error = read_error(f"http://{place}")
    assert isinstance(error, UnreachableError)
    assert str(error) == (f"Prometheus at {place} could not be reached: Connection refused")


def test_a_host_that_does_not_exist_is_unreachable() -> None:
    error = read_error("http://prometheus.invalid:9090")
    assert isinstance(error, UnreachableError)


def test_plain_http_where_tls_is_expected_is_unreachable(fake: FakePrometheus) -> None:
    error = read_error(fake.url.replace("http://", "https://"))
    assert isinstance(error, UnreachableError)


def test_a_missing_certificate_authority_is_named() -> None:
    error = read_error("https://127.0.0.1:1", ca_cert="/nowhere/ca.pem")
    assert str(error).endswith("the file of the certificate authority is not readable")


@pytest.mark.parametrize("token", [f"{SECRET}\n", f"{SECRET}\u2026"])
def test_a_token_that_no_header_carries_is_refused_without_showing_it(
    fake: FakePrometheus, token: str
) -> None:
    error = read_error(fake.url, bearer_token=token)
    assert isinstance(error, UnreachableError)
    assert "the bearer token or the tenant holds characters" in str(error)
    assert SECRET not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422, 429, 500, 503])
def test_no_error_shows_a_secret(
    fake: FakePrometheus, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.answer("nonsense", status)
    url = fake.url.replace("://", f"://wakeful:{SECRET}@")
    errors = [read_error(url), read_error(url, bearer_token=SECRET)]
    shown = "".join(line for error in errors for line in traceback.format_exception(error))
    assert SECRET not in shown + caplog.text
    assert b64encode(f"wakeful:{SECRET}".encode()).decode() not in shown + caplog.text


def test_silence_shows_no_secret() -> None:
    place = f"127.0.0.1:{free_port()}"
    error = read_error(f"http://wakeful:{SECRET}@{place}", bearer_token=SECRET)
    assert SECRET not in "".join(traceback.format_exception(error))


def test_access_does_not_show_its_secrets() -> None:
    access = PrometheusAccess(url="http://p", bearer_token=SECRET, password=SECRET)
    assert SECRET not in repr(access)
