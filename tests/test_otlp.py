"""The OTLP door, over real HTTP: what senders are told, and what is stored."""

import gzip
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord as OtelRecord
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from app.http import otlp
from models.clock import utc_now
from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals.traces import BusyError, Span
from signals.traces.embedded import EmbeddedStore
from tests.spans import HOUR, NOON, opened, served, trace_id, until

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
NOON_NS = int(NOON.timestamp()) * 10**9
TRACE = trace_id(0xABC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with opened(tmp_path) as store:
        yield store


@pytest.fixture
def url(store: EmbeddedStore) -> Iterator[str]:
    with served(store) as url:
        yield url


def otlp_span(**changes: Any) -> dict[str, Any]:
    """Return a valid span of one second, in OTLP's JSON."""
    span = {
        "traceId": TRACE,
        "spanId": "00000000000000aa",
        "name": "chat",
        "kind": 1,
        "startTimeUnixNano": str(NOON_NS - 10**9),
        "endTimeUnixNano": str(NOON_NS),
    }
    return span | changes


def request_of(*spans: dict[str, Any], **resource: str) -> dict[str, Any]:
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": pairs(**{"service.name": "copilot"} | resource)},
                "scopeSpans": [{"spans": list(spans)}],
            }
        ]
    }


def pairs(**attributes: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]


def send(url: str, *spans: dict[str, Any], **resource: str) -> requests.Response:
    return requests.post(f"{url}/v1/traces", json=request_of(*spans, **resource), timeout=10)


def only_span(store: EmbeddedStore) -> Span:
    trace = store.trace(TRACE)
    assert trace is not None
    (span,) = trace.spans
    return span


# What senders send


def test_the_sdks_exporter_gets_its_spans_stored(store: EmbeddedStore) -> None:
    with served(store, clock=utc_now) as url:
        provider = TracerProvider(resource=Resource({"service.name": "copilot"}))
        exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=Compression.Gzip)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        with (
            tracer.start_as_current_span("request", attributes={"tenant.id": "acme"}) as root,
            tracer.start_as_current_span("chat gpt-4o") as span,
        ):
            span.set_attribute("gen_ai.operation.name", "chat")
            span.set_attribute("gen_ai.request.model", "gpt-4o")
            span.set_attribute("gen_ai.usage.input_tokens", 1000)
            span.set_attribute("gen_ai.usage.output_tokens", 200)
            span.record_exception(TimeoutError("slow"))
            span.set_status(Status(StatusCode.ERROR, "timeout"))
        provider.shutdown()
    trace = store.trace(f"{root.get_span_context().trace_id:032x}")
    assert trace is not None
    first, second = trace.spans
    assert (first.name, first.parent_id, first.tenant) == ("request", None, "acme")
    assert (second.parent_id, second.kind) == (first.span_id, SpanKind.LLM)
    assert (second.status, second.outcome) == (SpanStatus.ERROR, "timeout")
    assert (second.input_tokens, second.cost_source) == (1000, CostSource.COMPUTED)
    assert [event.name for event in second.events] == ["exception"]
    assert second.service == "copilot"


def test_the_sdks_log_exporter_gets_its_lines_stored_beside_their_trace(
    store: EmbeddedStore,
) -> None:
    with served(store, clock=utc_now) as url:
        loggers = LoggerProvider(resource=Resource({"service.name": "copilot"}))
        loggers.add_log_record_processor(
            SimpleLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs"))
        )
        span = TracerProvider().get_tracer("test").start_span("request")
        loggers.get_logger("test").emit(
            OtelRecord(
                timestamp=int(utc_now().timestamp() * 1e9),
                context=set_span_in_context(span),
                severity_text="INFO",
                severity_number=SeverityNumber.INFO,
                body="mail to jane@example.org",
                attributes={"tenant": "acme", "api_key": "abc"},
            )
        )
        loggers.shutdown()
    (line,) = store.logs.lines(f"{span.get_span_context().trace_id:032x}")
    assert (line.severity, line.body, line.service) == ("INFO", "mail to [email]", "copilot")
    assert line.attributes == {"tenant": "acme", "api_key": "[redacted]"}


def test_json_is_understood(store: EmbeddedStore, url: str) -> None:
    answer = send(url, otlp_span(attributes=pairs(feature="chat")))
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["Content-Type"].startswith("application/json")
    assert only_span(store).feature == "chat"
    assert only_span(store).duration_ms == 1000
    assert only_span(store).started_at == NOON - HOUR / 3600


def test_protobuf_is_answered_in_protobuf(url: str) -> None:
    answer = requests.post(f"{url}/v1/traces", b"", headers=PROTOBUF, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-protobuf"
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()


def test_gzip_in_several_parts_is_one_body(store: EmbeddedStore, url: str) -> None:
    body = json.dumps(request_of(otlp_span())).encode()
    packed = gzip.compress(body[:50]) + gzip.compress(body[50:])
    headers = JSON | {"Content-Encoding": "gzip"}
    assert requests.post(f"{url}/v1/traces", packed, headers=headers, timeout=10).status_code == 200
    assert only_span(store).name == "chat"


# What is made of it


def test_secrets_are_gone_before_they_are_stored(store: EmbeddedStore, url: str) -> None:
    secret = "sk-" + "abcDEF123456ghiJKL789"
    sent = {
        "name": f"call {secret}",
        "status": {"code": 2, "message": f"bad key {secret}"},
        "attributes": pairs(
            **{"note": secret, "gen_ai.input.messages": secret, "tenant.id": secret, "token": "x"}
        ),
        "events": [
            {"name": secret, "timeUnixNano": str(NOON_NS), "attributes": pairs(note=secret)}
        ],
    }
    assert send(url, otlp_span(**sent), note=secret).status_code == 200
    span = only_span(store)
    assert secret not in repr(span)
    assert span.name == "call [redacted]"
    assert span.attributes["token"] == "[redacted]"


def test_a_user_with_an_address_still_groups(store: EmbeddedStore, url: str) -> None:
    send(url, otlp_span(attributes=pairs(**{"user.id": "jane@example.org"})))
    user = only_span(store).user_id
    assert user is not None
    assert user.startswith("user-")


def test_a_long_prompt_is_cut(store: EmbeddedStore, url: str) -> None:
    send(url, otlp_span(attributes=pairs(**{"input.value": "word " * 10_000})))
    assert len(only_span(store).input_text) < 17_000
    assert only_span(store).input_text.endswith("… [truncated from 50000 characters]")


@pytest.mark.parametrize(
    ("attributes", "cost", "source"),
    [
        ({"gen_ai.usage.cost": "0.5", "gen_ai.usage.input_tokens": "9"}, 0.5, CostSource.REPORTED),
        ({"gen_ai.request.model": "nobody-7b"}, None, CostSource.NONE),
        (
            {"gen_ai.request.model": "nobody-7b", "gen_ai.usage.input_tokens": "9"},
            None,
            CostSource.UNPRICED,
        ),
        (
            {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": "1000"},
            pytest.approx(0.0025),
            CostSource.COMPUTED,
        ),
    ],
)
def test_a_cost_says_where_it_comes_from(
    store: EmbeddedStore, url: str, attributes: dict[str, str], cost: Any, source: CostSource
) -> None:
    kind = {"gen_ai.operation.name": "chat"}
    send(url, otlp_span(attributes=pairs(**kind | attributes)))
    assert (only_span(store).cost_usd, only_span(store).cost_source) == (cost, source)


def test_an_agents_tokens_are_not_priced_again(store: EmbeddedStore, url: str) -> None:
    told = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": "1000",
    }
    send(url, otlp_span(attributes=pairs(**told)))
    assert (only_span(store).cost_usd, only_span(store).cost_source) == (None, CostSource.NONE)


def test_a_span_that_ends_before_it_starts_has_no_duration(store: EmbeddedStore, url: str) -> None:
    send(url, otlp_span(endTimeUnixNano=str(NOON_NS - 2 * 10**9)))
    assert only_span(store).duration_ms == 0
    assert "wakeful.warning" in only_span(store).attributes


def test_a_span_that_is_its_own_parent_is_a_root(store: EmbeddedStore, url: str) -> None:
    send(url, otlp_span(parentSpanId="00000000000000aa"))
    assert only_span(store).parent_id is None


def test_an_evaluation_event_scores_its_span(store: EmbeddedStore, url: str) -> None:
    event = {
        "name": "gen_ai.evaluation.result",
        "timeUnixNano": str(NOON_NS),
        "attributes": [
            *pairs(**{"gen_ai.evaluation.name": "relevance"}),
            {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.9}},
        ],
    }
    send(url, otlp_span(events=[event]))
    assert (only_span(store).eval_name, only_span(store).eval_score) == ("relevance", 90)


def test_an_evaluation_that_comes_as_a_log_event_is_a_span_of_its_trace(
    store: EmbeddedStore, url: str
) -> None:
    line = {
        "eventName": "gen_ai.evaluation.result",
        "traceId": TRACE,
        "spanId": "00000000000000aa",
        "timeUnixNano": str(NOON_NS),
        "attributes": [
            *pairs(**{"gen_ai.evaluation.name": "relevance"}),
            {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.9}},
        ],
    }
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [line]}]}]}
    for _ in range(2):
        assert requests.post(f"{url}/v1/logs", json=body, timeout=10).status_code == 200
    span = only_span(store)
    assert (span.kind, span.eval_score) == (SpanKind.EVALUATOR, 90)
    assert span.parent_id == "00000000000000aa"


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
