"""What a sender kept by chance, as its trace state says, counts as often as it stands for."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace._sampling_experimental import (
    composable_parent_threshold,
    composable_traceid_ratio_based,
    composite_sampler,
)
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

from models.clock import utc_now
from signals import Query
from signals.otlp.sampled import MOST, trace_state, weight_of
from signals.otlp.spans import spans_of
from signals.traces import Span, TraceQuery
from signals.traces.embedded import EmbeddedStore, TailSampling
from signals.traces.spending import SpendQuery
from tests.spans import DAY, HOUR, MINUTE, NOON, SECOND, bill, child, opened, root

RATIO = 0.1


@pytest.mark.parametrize(
    ("said", "weight"),
    [
        ("", None),
        ("ot=th:0", None),
        ("ot=th:8", 2),
        ("ot=th:c", 4),
        ("vendor=a;th:8, ot=rv:8f2a;th:e66666666666", 10),
        ("ot=th:fffffffffffffe", MOST),  # one in 36,028,797,018,963,968
        ("ot=p:8;r:62", None),
        ("ot=th:", None),
        ("ot=th:8f", 2),
        ("ot=th:xyz", None),
        ("ot=th:000000000000008", None),  # 15 digits
        ("vendor=th:8", None),
    ],
)
def test_a_sampler_says_for_how_many_a_span_stands(said: str, weight: int | None) -> None:
    assert weight_of(said) == weight


def test_every_weight_is_read_as_it_is_written() -> None:
    assert [weight_of(trace_state(weight)) for weight in range(2, MOST + 1)] == [
        *range(2, MOST + 1)
    ]


class _Drawn(IdGenerator):
    """Ids of random numbers that are the same each time."""

    def __init__(self) -> None:
        self._rng = Random(7)

    def generate_trace_id(self) -> int:
        return self._rng.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        return self._rng.getrandbits(64) or 1


def sent(count: int) -> Sequence[Span]:
    """Return what OpenTelemetry's own sampler keeps of `count` requests, each with one call."""
    kept = InMemorySpanExporter()
    sampler = composite_sampler(composable_parent_threshold(composable_traceid_ratio_based(RATIO)))
    provider = TracerProvider(sampler=sampler, id_generator=_Drawn(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("copilot")
    for _ in range(count):
        with tracer.start_as_current_span("POST /chat"), tracer.start_as_current_span("chat"):
            pass
    return spans_of(encode_spans(kept.get_finished_spans()), now=utc_now()).spans


def test_what_opentelemetrys_own_sampler_keeps_stands_for_all(tmp_path: Path) -> None:
    spans = sent(2000)
    assert {span.weight for span in spans if span.parent_id is None} == {10}
    at = max(span.started_at for span in spans) + MINUTE
    with opened(tmp_path) as store:
        store.write(spans)
        (sample,) = store.read(Query(signal="request_rate", window=HOUR), at=at).samples
        trace = store.trace(spans[0].trace_id)
    assert trace is not None
    assert [span.weight for span in trace.spans] == [10, 10]  # though the root alone told it
    assert sample.value * 3600 == pytest.approx(2000, rel=0.2)
    assert sample.interval is not None
    low, high = sample.interval
    assert low * 3600 <= 2000 <= high * 3600


def weighed(weight: int, **changes: object) -> list[Span]:
    """Return a request with one call of $0.10, which stands for `weight`."""
    whole = root(NOON, weight=weight, **changes)
    return [whole, child(whole, weight=weight, **bill(0.1))]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with opened(tmp_path) as store:
        yield store


def test_cost_and_errors_count_as_often_as_the_request_stands_for(store: EmbeddedStore) -> None:
    store.write([*weighed(30), *weighed(1, outcome="error"), *weighed(9, outcome="error")])
    errors = store.read(Query(signal="error_ratio", window=HOUR), at=NOON + SECOND)
    assert errors.samples[0].value == pytest.approx(10 / 40)
    query = SpendQuery(edges=(NOON - HOUR,), end=NOON + MINUTE, before=(NOON - DAY, NOON - HOUR))
    (row,) = store.spend(query).rows
    assert (row.usd, row.requests) == (pytest.approx(4.0), 40)
    assert row.margin_usd is not None


@pytest.mark.parametrize("first", ["root", "call"])
def test_a_call_weighs_what_its_root_does_whichever_comes_first(
    store: EmbeddedStore, first: str
) -> None:
    whole = root(NOON, weight=30)
    call = child(whole, **bill(0.1))
    for span in (whole, call) if first == "root" else (call, whole):
        store.write([span])
    query = SpendQuery(edges=(NOON - HOUR,), end=NOON + MINUTE, before=(NOON - DAY, NOON - HOUR))
    (row,) = store.spend(query).rows
    assert row.usd == pytest.approx(3.0)
    trace = store.trace(whole.trace_id)
    assert trace is not None
    assert [span.weight for span in trace.spans] == [30, 30]


def test_it_is_said_from_the_first_such_span_on(store: EmbeddedStore) -> None:
    store.write(weighed(1))
    assert not store.abilities.estimates
    store.write(weighed(30))
    assert "cost_per_request" in store.abilities.estimates
    found = store.search(TraceQuery(start=NOON - HOUR, end=NOON + HOUR))
    assert sorted(one.weight for one in found) == [1, 30]


def test_what_was_sampled_twice_stands_for_both(tmp_path: Path) -> None:
    rules = TailSampling(one_in=4, wait=MINUTE, slow=5 * SECOND, dear_usd=100.0)
    rng = Random(7)
    with opened(tmp_path, sampling=rules) as store:
        for _ in range(100):
            store.write([root(NOON, trace_id=f"{rng.getrandbits(128):032x}", weight=5)])
        failed = root(NOON, trace_id=f"{rng.getrandbits(128):032x}", weight=5, outcome="error")
        store.write([failed])
        store.sample(now=NOON + 2 * MINUTE)
        kept = store.search(TraceQuery(start=NOON - HOUR, end=NOON + HOUR))
        late = child(failed, weight=5)
        store.write([late])
        trace = store.trace(failed.trace_id)
    assert {one.weight for one in kept if one.trace_id != failed.trace_id} == {20}
    assert trace is not None
    assert {span.weight for span in trace.spans} == {5}
