"""The OTLP door, over real HTTP: what senders are told, and what is stored."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from opentelemetry._logs import LogRecord as OtelRecord
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from models.clock import utc_now
from models.vocabulary import CostSource, SpanKind, SpanStatus
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
from tests.spans import HOUR, NOON, served


@pytest.fixture
def url(store: EmbeddedStore) -> Iterator[str]:
    with served(store) as url:
        yield url


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
