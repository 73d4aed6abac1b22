"""Whatever a store's server does, the answer is a sentence, soon, and without a secret."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

from signals import QueryError, SignalError, UnreachableError
from signals.address import parse
from signals.traces import TraceQuery, TraceStore
from signals.traces.bounds import MAX_SPANS
from signals.traces.clickhouse import ClickHouse
from signals.traces.jaeger import Jaeger
from signals.traces.langfuse import Langfuse
from signals.traces.langsmith import LangSmith
from signals.traces.phoenix import Phoenix
from signals.traces.tempo import Tempo
from signals.wire import LARGEST, Terms, Wire
from tests.raw_server import dripping, raw, silent, text
from tests.told_traces import CHAT, END, NOON, START

PASSWORD = "sk-very:secret/1"
KINDS = {
    "clickhouse": ClickHouse,
    "jaeger": Jaeger,
    "langfuse": Langfuse,
    "langsmith": LangSmith,
    "phoenix": Phoenix,
    "tempo": Tempo,
}
PATIENCE = timedelta(seconds=0.4)
SECONDS = 3.0
HTML = text(
    b"<!DOCTYPE html><html><body>Sign in</body></html>", headers="Content-Type: text/html\r\n"
)
FAULTS: dict[str, tuple[Any, str]] = {
    "hangs": (silent(5), "did not answer within 0.4 s"),
    "drips": (dripping(5), "did not answer within 0.4 s"),
    "answers HTML": (HTML, "not its JSON|answered 200: check the URL"),
    "cuts the connection": (text(b'{"data": [', length=5000), "broke off its answer"),
    "is not HTTP": (lambda connection: connection.sendall(b"220 smtp ready\r\n"), "broke off"),
    "answers another JSON": (text(b'{"hello": "world"}'), "not its JSON|no project"),
    "answers a list": (text(b"[1, 2]"), "not its JSON|no project"),
    "nests too deep": (text(b"[" * 100_000), "not its JSON"),
    "refuses us": (text(b"{}", status="401 No"), "does not accept our credentials"),
    "redirects": (
        text(b"", status="302 Found", headers="Location: http://evil.example/\r\n"),
        "redirects elsewhere",
    ),
    "is broken": (text(b'{"error": "boom"}', status="502 Bad"), "answered 502: boom"),
    "cannot be unpacked": (
        text(b"no gzip", headers="Content-Encoding: gzip\r\n"),
        "cannot be unpacked",
    ),
}


def store_at(kind: str, place: str) -> TraceStore:
    line = f"{kind}+http://user:sk-very%3Asecret%2F1@{place}/?service=api&project=p"
    store: TraceStore = KINDS[kind](  # type: ignore[abstract]
        parse(line, KINDS), patience=PATIENCE, clock=lambda: NOON
    )
    return store


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_store_that_misbehaves_is_one_sentence_in_time(kind: str, fault: str) -> None:
    answer, sentence = FAULTS[fault]
    with raw(answer) as place:
        store = store_at(kind, place)
        for ask in _questions(store):
            began = monotonic()
            with pytest.raises(SignalError, match=sentence) as caught:
                ask()
            assert monotonic() - began < SECONDS
            assert PASSWORD not in str(caught.value)
            assert "\n" not in str(caught.value)
        store.close()


def _questions(store: TraceStore) -> list[Callable[[], object]]:
    query = TraceQuery(start=START, end=END)
    return [lambda: store.trace(CHAT), lambda: store.search(query)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_is_not_there_is_one_sentence(kind: str) -> None:
    store = store_at(kind, "127.0.0.1:1")
    with pytest.raises(UnreachableError, match=r"at 127\.0\.0\.1:1 could not be reached"):
        store.trace(CHAT)
    store.close()


def test_a_vendor_that_quotes_our_key_is_not_repeated() -> None:
    said = json.dumps({"error": f"bad key {PASSWORD} and token=abcdef1234567890"}).encode()
    with raw(text(said, status="400 Bad")) as place:
        store = store_at("tempo", place)
        with pytest.raises(QueryError) as caught:
            store.search(TraceQuery(start=START, end=END))
        store.close()
    assert PASSWORD not in str(caught.value)
    assert "abcdef1234567890" not in str(caught.value)


def wire_to(place: str, **options: Any) -> Wire:
    return Wire("Vendor", parse(f"tempo+http://{place}", KINDS), **options)


def test_a_bomb_is_not_unpacked_beyond_its_limit() -> None:
    bomb = gzip.compress(b'["' + b"a" * (LARGEST + 100) + b'"]')
    with raw(text(bomb, headers="Content-Encoding: gzip\r\n")) as place:
        wire = wire_to(place)
        with pytest.raises(QueryError, match="more to say than 32 MB"):
            wire.get("/")
        wire.close()


@pytest.mark.parametrize(
    ("headers", "until"),
    [
        ("Retry-After: 90\r\n", "12:01:30"),
        ("Retry-After: Mon, 02 Mar 2026 12:05:00 GMT\r\n", "12:05:00"),
        ("X-RateLimit-Reset: 2026-03-02T12:02:00Z\r\n", "12:02:00"),
        (f"X-RateLimit-Reset: {NOON.timestamp() + 45:.0f}\r\n", "12:00:45"),
        ("", "12:00:30"),
    ],
)
def test_a_vendor_that_asks_to_wait_is_not_asked_before(headers: str, until: str) -> None:
    now = NOON
    with raw(text(b"{}", status="429 Slow down", headers=headers)) as place:
        wire = wire_to(place, clock=lambda: now)
        for _ in range(2):
            with pytest.raises(UnreachableError, match=f"no more calls until {until} UTC"):
                wire.get("/")
        wire.close()


def test_waiting_is_over_when_it_is_over_and_counts_per_kind_of_call() -> None:
    now = NOON
    calls: list[int] = []

    def answer(connection: Any) -> None:
        calls.append(1)
        first = len(calls) == 1
        status, headers = ("429 No", "Retry-After: 60\r\n") if first else ("200 OK", "")
        text(b"[]", status=status, headers=headers)(connection)

    with raw(answer) as place:
        wire = wire_to(place, clock=lambda: now)
        with pytest.raises(UnreachableError):
            wire.get("/", terms=Terms(bucket="metrics"))
        assert wire.get("/", terms=Terms(bucket="traces")).data == []
        with pytest.raises(UnreachableError):
            wire.get("/", terms=Terms(bucket="metrics"))
        now += timedelta(seconds=61)
        assert wire.get("/", terms=Terms(bucket="metrics")).data == []
        wire.close()
    assert len(calls) == 3


def test_a_spent_budget_is_heeded_before_the_vendor_refuses() -> None:
    spent = "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 20\r\n"
    with raw(text(b"[]", headers=spent)) as place:
        wire = wire_to(place, clock=lambda: NOON)
        wire.get("/")
        with pytest.raises(UnreachableError, match="until 12:00:20 UTC"):
            wire.get("/")
        wire.close()


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    with raw(text(b'{"a": "caf\xe9", "b": "\\ud800", "c": "\\ud83d\\ude00"}')) as place:
        wire = wire_to(place)
        data = wire.get("/").data
        wire.close()
    assert data == {"a": "caf\ufffd", "b": "?", "c": "\U0001f600"}


def otlp(count: int, size: int = 10) -> bytes:
    span = {
        "traceId": CHAT,
        "name": "step",
        "startTimeUnixNano": "1772452800000000000",
        "endTimeUnixNano": "1772452801000000000",
        "attributes": [{"key": "note", "value": {"stringValue": "x" * size}}],
    }
    spans = ",".join(json.dumps({**span, "spanId": f"{n + 1:016x}"}) for n in range(count))
    return f'{{"result":{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}}}'.encode()


def test_a_trace_of_200_000_spans_is_cut_and_says_so() -> None:
    with raw(text(otlp(200_000, 50))) as place:
        store = Jaeger(parse(f"jaeger+http://{place}", KINDS), patience=timedelta(seconds=30))
        trace = store.trace(CHAT)
        store.close()
    assert trace is not None
    assert (len(trace.spans), trace.cut) == (MAX_SPANS, True)


def test_an_attribute_of_5_mb_is_truncated_and_says_so() -> None:
    with raw(text(otlp(2, 5_000_000))) as place:
        store = Jaeger(parse(f"jaeger+http://{place}", KINDS), patience=timedelta(seconds=30))
        trace = store.trace(CHAT)
        store.close()
    assert trace is not None
    note = trace.spans[0].attributes["note"]
    assert note.endswith("… [truncated from 5000000 characters]")
    assert len(note) < 5_000
