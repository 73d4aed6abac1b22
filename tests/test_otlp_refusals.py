"""What the doors for spans and lines refuse, and how."""

import gzip
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from app.http import otlp
from signals.traces import BusyError
from signals.traces.embedded import EmbeddedStore
from tests.otlp_requests import (
    JSON,
    NOON_NS,
    PROTOBUF,
    TRACE,
    only_span,
    otlp_span,
    pairs,
    request_of,
    send,
)
from tests.spans import NOON, opened, served, until


@pytest.fixture
def url(store: EmbeddedStore) -> Iterator[str]:
    with served(store) as url:
        yield url


# What is refused, alone


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"traceId": "00" * 16}, "1 without a valid trace id and span id"),
        ({"traceId": "abc"}, "1 without a valid trace id and span id"),
        ({"traceId": "no hex"}, "1 without a valid trace id and span id"),
        ({"spanId": ""}, "1 without a valid trace id and span id"),
        ({"startTimeUnixNano": "0"}, "1 without a start time, or from before the year 2000"),
        (
            {"endTimeUnixNano": str(NOON_NS + 2 * 3600 * 10**9)},
            "1 from the future: check the sender's clock",
        ),
        (
            {"startTimeUnixNano": str(2**64 - 1)},
            "1 from the future: check the sender's clock",
        ),
    ],
)
def test_a_senseless_span_is_refused_and_the_others_are_stored(
    store: EmbeddedStore, url: str, changes: dict[str, Any], reason: str
) -> None:
    answer = send(url, otlp_span(), otlp_span(**{"spanId": "00000000000000bb"} | changes))
    assert answer.status_code == 200
    assert answer.json() == {"partialSuccess": {"rejectedSpans": "1", "errorMessage": reason}}
    assert only_span(store).span_id == "00000000000000aa"


def test_a_line_from_the_future_is_refused(store: EmbeddedStore, url: str) -> None:
    lines = [{"timeUnixNano": str(NOON_NS + 10**16), "traceId": TRACE}, {"traceId": TRACE}]
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": lines}]}]}
    answer = requests.post(f"{url}/v1/logs", json=body, timeout=10).json()
    assert answer["partialSuccess"]["rejectedLogRecords"] == "1"
    (line,) = store.logs.lines(TRACE)
    assert line.at == NOON


# What is refused as a whole


def post(url: str, body: bytes, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{url}/v1/traces", body, headers=named, timeout=10)


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"{", {"Content_Type": "application/json"}, 400, "OTLP export request in JSON"),
        (b"[]", {"Content_Type": "application/json"}, 400, "must be an object"),
        (b'{"resourceSpans": 1}', {"Content_Type": "application/json"}, 400, "in JSON"),
        (b"[" * 100_000, {"Content_Type": "application/json"}, 400, "in JSON"),
        (b"{}", {"Content_Type": "text/plain"}, 415, "send application/x-protobuf"),
        (b"{}", {}, 415, "send application/x-protobuf"),
        (
            b"{}",
            {"Content_Type": "application/json", "Content_Encoding": "br"},
            415,
            "plain or with gzip",
        ),
        (
            b"{}",
            {"Content_Type": "application/json", "Content_Encoding": "gzip"},
            400,
            "not gzip",
        ),
        (
            gzip.compress(b"{}")[:-4],
            {"Content_Type": "application/json", "Content_Encoding": "gzip"},
            400,
            "ends early",
        ),
        (
            gzip.compress(b"") * 100,
            {"Content_Type": "application/json", "Content_Encoding": "gzip"},
            400,
            "too many parts",
        ),
        (
            gzip.compress(b" " * (otlp.MAX_CONTENT_BYTES + 1)),
            {"Content_Type": "application/json", "Content_Encoding": "gzip"},
            413,
            "send smaller batches",
        ),
        (
            b" " * (otlp.MAX_BODY_BYTES + 1),
            {"Content_Type": "application/json"},
            413,
            "send smaller batches",
        ),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(
    url: str, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    answer = post(url, body, **headers)
    assert answer.status_code == status
    assert reason in answer.json()["message"]


def test_a_body_of_unknown_length_is_not_read_to_its_end(url: str) -> None:
    chunk = b" " * 2**20
    body = (chunk for _ in range(64))
    try:
        answer = requests.post(f"{url}/v1/traces", body, headers=JSON, timeout=10)
    except requests.ConnectionError:  # answered and closed while still sending
        return
    assert answer.status_code == 413


def test_a_malformed_protobuf_is_answered_with_a_status_in_protobuf(url: str) -> None:
    answer = post(url, b"\xff\xff", Content_Type="application/x-protobuf")
    message = b"the body is not an OTLP export request in protobuf"
    assert answer.status_code == 400
    assert answer.content == b"\x12" + bytes([len(message)]) + message


def test_half_a_surrogate_is_stored_as_a_question_mark_or_refused(url: str) -> None:
    body = json.dumps(request_of(otlp_span(name="half \ud800 pair"))).encode()
    assert post(url, body, Content_Type="application/json").status_code in (200, 400)


def test_a_wrong_token_is_refused_and_nothing_stored(store: EmbeddedStore) -> None:
    with served(store, token="s3cret") as url:
        assert send(url, otlp_span()).status_code == 401
        wrong = post(url, b"", Authorization="Bearer other", Content_Type="application/json")
        assert wrong.status_code == 401
        assert wrong.headers["WWW-Authenticate"] == "Bearer"
        assert "s3cret" not in wrong.text
    assert store.trace(TRACE) is None


def test_the_right_token_opens_the_door(store: EmbeddedStore) -> None:
    with served(store, token="s3cret") as url:
        answer = requests.post(
            f"{url}/v1/traces",
            json=request_of(otlp_span()),
            headers={"Authorization": "bearer s3cret"},
            timeout=10,
        )
    assert answer.status_code == 200
    assert only_span(store).name == "chat"


class FullSink:
    """A store that cannot take more."""

    def write(self, spans: Any) -> None:
        raise BusyError("the trace store has more to write than it can; send again soon")


def test_a_full_store_asks_to_come_back(store: EmbeddedStore) -> None:
    full: Any = FullSink()
    with served(full_store(full)) as url:
        answer = send(url, otlp_span())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "send again soon" in answer.json()["message"]


def full_store(sink: Any) -> Any:
    sink.logs = sink
    return sink


def test_senders_at_the_same_time_all_get_their_spans_stored(
    store: EmbeddedStore, url: str
) -> None:
    def sender(number: int) -> None:
        for count in range(20):
            send(url, otlp_span(spanId=f"{number * 100 + count + 1:016x}"))

    threads = [threading.Thread(target=sender, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trace = store.trace(TRACE)
    assert trace is not None
    assert len(trace.spans) == 160


def test_a_refusal_is_logged_without_the_body(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        post(url, b'{"secret": ', Content_Type="application/json")
    until(lambda: "otlp_refused status=400" in caplog.text)
    assert "secret" not in caplog.text


VALID = request_of(otlp_span(attributes=pairs(a="b"), events=[{"name": "e"}], status={"code": 2}))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def shared_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with opened(tmp_path_factory.mktemp("junk")) as store, served(store) as url:
        yield url


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=200), kind=st.sampled_from([PROTOBUF, JSON]), logs=st.booleans())
def test_random_bytes_are_never_our_fault(
    shared_url: str, body: bytes, kind: dict[str, str], logs: bool
) -> None:
    path = "/v1/logs" if logs else "/v1/traces"
    assert requests.post(shared_url + path, body, headers=kind, timeout=10).status_code < 500


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_request_with_junk_in_one_place_is_never_our_fault(
    shared_url: str, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(VALID["resourceSpans"][0]["scopeSpans"][0]["spans"][0])))
    span = VALID["resourceSpans"][0]["scopeSpans"][0]["spans"][0] | {key: data.draw(JUNK)}
    body = json.dumps(request_of(span))
    answer = requests.post(f"{shared_url}/v1/traces", body, headers=JSON, timeout=10)
    assert answer.status_code in (200, 400)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_protobuf_is_never_our_fault(shared_url: str, data: st.DataObject) -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = b"t" * 16, b"s" * 8, "chat"
    span.start_time_unix_nano = span.end_time_unix_nano = NOON_NS
    span.attributes.add(key="feature").value.string_value = "chat"
    whole = bytearray(request.SerializeToString())
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=5)):
        whole[position] = data.draw(st.integers(0, 255))
    answer = requests.post(f"{shared_url}/v1/traces", bytes(whole), headers=PROTOBUF, timeout=10)
    assert answer.status_code in (200, 400)
