"""Spans that are wrong or huge: shown or refused clearly, and never for long."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from signals.traces import TraceQuery
from signals.traces.bounds import MAX_SPANS
from signals.traces.embedded import EmbeddedStore
from signals.traces.rows import SpanRows, rows_of
from tests.spans import HOUR, NOON, SECOND, child, root, served

NOON_NS = int(NOON.timestamp()) * 10**9
TRACE = "ab" * 16


@pytest.fixture
def url(store: EmbeddedStore) -> Iterator[str]:
    with served(store) as url:
        yield url


def request(**attributes: str) -> ExportTraceServiceRequest:
    """Return a request with one span of one second."""
    made = ExportTraceServiceRequest()
    span = made.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = bytes.fromhex(TRACE), b"12345678", "MARKED"
    span.start_time_unix_nano, span.end_time_unix_nano = NOON_NS - 10**9, NOON_NS
    for key, value in attributes.items():
        pair = span.attributes.add()
        pair.key, pair.value.string_value = key, value
    return made


def send(url: str, body: bytes) -> requests.Response:
    headers = {"Content-Type": "application/x-protobuf"}
    return requests.post(f"{url}/v1/traces", body, headers=headers, timeout=10)


def test_an_attribute_of_five_megabytes_is_cut_and_says_so(store: EmbeddedStore, url: str) -> None:
    started = time.process_time()
    answer = send(url, request(note="key=A1 " * 750_000, big="x" * 10).SerializeToString())
    assert answer.status_code == 200
    assert time.process_time() - started < 2  # what is cut off is not searched for secrets
    trace = store.trace(TRACE)
    assert trace is not None
    assert trace.spans[0].attributes["note"].endswith("… [truncated from 5250000 characters]")
    assert len(trace.spans[0].attributes["note"]) < 5_000


def test_text_that_is_no_utf8_is_refused_in_a_sentence(store: EmbeddedStore, url: str) -> None:
    answer = send(url, request().SerializeToString().replace(b"MARKED", b"\xff\xfe\xfd\xc0\xc1."))
    assert answer.status_code == 400
    assert b"the body is not an OTLP export request in protobuf" in answer.content
    assert store.trace(TRACE) is None


def test_two_spans_of_one_id_are_shown_once(store: EmbeddedStore) -> None:
    first = root(name="first")
    other = replace(child(first), span_id=first.span_id, name="other")
    later = replace(first, started_at=first.started_at + SECOND, name="later")
    store.write([first, other, later])
    trace = store.trace(first.trace_id)
    assert trace is not None
    assert len(trace.spans) == 1
    assert len(store.search(TraceQuery(start=NOON - HOUR, end=NOON + HOUR))) == 1


def test_a_trace_of_200_000_spans_is_cut_and_holds_nobody_up(store: EmbeddedStore) -> None:
    whole = root(duration_ms=60_000.0)
    (row,) = rows_of([child(whole, cost_usd=0.001)])
    started = time.monotonic()
    store.write([whole])
    for first in range(0, 200_000, 20_000):
        numbers = range(first, min(first + 20_000, 199_999))
        store.write(SpanRows([row | {"span_id": f"{n + 2**32:016x}"} for n in numbers]))
    (line,) = store.search(TraceQuery(start=NOON - HOUR, end=NOON + HOUR))
    assert line.span_count == 200_000
    assert line.cost_usd == pytest.approx(199.999)
    written = time.monotonic()
    trace = store.trace(whole.trace_id)
    assert trace is not None
    assert trace.cut
    assert len(trace.spans) == MAX_SPANS
    assert time.monotonic() - written < 5
    assert written - started < 60
