"""Tail sampling: what stays, what stands for how many, and how far a number may be off."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from models.vocabulary import SpanKind, SpanStatus
from signals import SPANS, Query, Sample
from signals.measures import Measure
from signals.traces import Span, TraceQuery
from signals.traces.embedded import EmbeddedStore, TailSampling
from signals.traces.embedded.sampling import Decided
from signals.traces.spending import Spend, SpendQuery
from tests.spans import DAY, HOUR, MINUTE, NOON, SECOND, bill, child, opened, root

ONE_IN = 4
RULES = TailSampling(one_in=ONE_IN, wait=MINUTE, slow=5 * SECOND, dear_usd=1.0)
LATER = NOON + 2 * MINUTE
IDS = Random(7)


@pytest.fixture(autouse=True)
def the_same_ids_every_time() -> None:
    IDS.seed(7)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with opened(tmp_path, sampling=RULES) as store:
        yield store


def request(**changes: object) -> Span:
    """Return the root of a trace with an id as tracers draw them."""
    return replace(root(), trace_id=f"{IDS.getrandbits(128):032x}", **changes)  # type: ignore[arg-type]  # of one test


def requests(count: int, **changes: object) -> list[Span]:
    return [request(**changes) for _ in range(count)]


def held(store: EmbeddedStore, spans: Sequence[Span]) -> list[Span]:
    return [span for span in spans if store.trace(span.trace_id) is not None]


def ask(store: EmbeddedStore, signal: str, by: tuple[str, ...] = ()) -> Sample:
    query = Query(signal=signal, window=HOUR, by=by)
    (sample,) = store.read(query, at=LATER).samples
    return sample


def spent(store: EmbeddedStore) -> Spend:
    query = SpendQuery(edges=(NOON - HOUR,), end=LATER, before=(NOON - DAY, NOON - HOUR))
    return store.spend(query).rows[0]


# What stays


def test_a_trace_stays_whole_until_its_wait_is_over(store: EmbeddedStore) -> None:
    spans = requests(50)
    store.write(spans)
    assert store.sample(now=NOON + MINUTE - SECOND) == Decided()
    assert held(store, spans) == spans


def test_about_one_in_so_many_of_the_unremarkable_stay(store: EmbeddedStore) -> None:
    spans = requests(400)
    store.write(spans)
    done = store.sample(now=LATER)
    assert done.chosen == len(held(store, spans))
    assert done.chosen + done.gone == 400
    assert 70 <= done.chosen <= 130  # three standard deviations


def test_every_failed_slow_and_dear_trace_stays(store: EmbeddedStore) -> None:
    failed = requests(30, status=SpanStatus.ERROR)
    timeouts = requests(30, outcome="timeout")
    slow = requests(30, duration_ms=5000.0)
    dear, failing = requests(30), requests(30)
    parts = [child(each, kind=SpanKind.LLM, **bill(0.5)) for each in dear for _ in range(2)]
    parts += [child(each, status=SpanStatus.ERROR) for each in failing]
    remarkable = [*failed, *timeouts, *slow, *dear, *failing]
    store.write([*remarkable, *parts, *requests(50)])
    assert store.sample(now=LATER).kept == 150
    assert held(store, remarkable) == remarkable


def test_a_trace_goes_or_stays_with_all_its_spans(store: EmbeddedStore) -> None:
    wholes = requests(60)
    store.write(wholes)
    store.write([child(whole) for whole in wholes for _ in range(3)])
    store.sample(now=LATER)
    traces = [store.trace(whole.trace_id) for whole in wholes]
    assert {len(trace.spans) for trace in traces if trace is not None} == {4}


def test_what_comes_late_follows_the_decision(store: EmbeddedStore) -> None:
    spans = requests(60)
    store.write(spans)
    store.sample(now=LATER)
    kept = held(store, spans)
    late = [child(span, status=SpanStatus.ERROR) for span in spans]
    store.write([*late, *spans])  # an exporter that repeats itself, too
    assert held(store, spans) == kept
    assert all(len(trace.spans) == 2 for span in kept if (trace := store.trace(span.trace_id)))
    assert ask(store, "request_rate").value == pytest.approx(len(kept) * ONE_IN / 3600)


def test_two_stores_and_a_restart_decide_alike(tmp_path: Path) -> None:
    spans = requests(100)
    with opened(tmp_path / "one", sampling=RULES) as store:
        store.write(spans)
        store.sample(now=LATER)
        one = held(store, spans)
    with opened(tmp_path / "other", sampling=RULES) as store:
        store.write(spans)
    with opened(tmp_path / "other", sampling=RULES) as store:
        store.sample(now=LATER)
        assert held(store, spans) == one


def test_a_trace_without_a_root_is_given_more_time(store: EmbeddedStore) -> None:
    orphans = [child(each) for each in requests(50)]
    store.write(orphans)
    assert store.sample(now=NOON + 9 * MINUTE) == Decided()
    assert store.sample(now=NOON + 10 * MINUTE).gone > 0


def test_what_was_there_before_a_long_pause_stays(store: EmbeddedStore) -> None:
    spans = requests(50)
    store.write(spans)
    assert store.sample(now=NOON + DAY) == Decided()


def test_a_trace_that_went_is_said_to_have_gone(store: EmbeddedStore) -> None:
    spans = requests(20)
    store.write(spans)
    store.sample(now=LATER)
    gone = [span for span in spans if span not in held(store, spans)]
    assert gone
    assert all(store.sampled_out(span.trace_id) for span in gone)
    assert not store.sampled_out("a ticket's number")


def test_without_sampling_nothing_goes(tmp_path: Path) -> None:
    spans = requests(50)
    with opened(tmp_path) as store:
        store.write(spans)
        assert store.sample(now=LATER) == Decided()
        assert held(store, spans) == spans
        assert ask(store, "request_rate").interval is None


# What a number is made of


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedStore, list[Span]]]:
    """A store after sampling, and all the spans it was sent."""
    IDS.seed(8)
    spans: list[Span] = []
    rng = Random(3)
    for number in range(1200):
        broken = rng.random() < 0.05
        whole = request(
            duration_ms=rng.lognormvariate(6.5, 0.8),
            status=SpanStatus.ERROR if broken else SpanStatus.UNSET,
            feature="chat" if number % 3 else "search",
            cache_hit=rng.random() < 0.3,
        )
        tokens = {"input_tokens": rng.randrange(50, 500), "output_tokens": 10}
        calls = [child(whole, model="m", **tokens, **bill(rng.random() / 10)) for _ in range(2)]
        spans += [whole, *calls]
    with opened(tmp_path_factory.mktemp("sampled"), sampling=RULES) as store:
        store.write(spans)
        store.sample(now=LATER)
        yield store, spans


@pytest.mark.parametrize(
    "signal",
    [
        *("request_rate", "error_ratio", "cache_hit_ratio", "cost", "cost_per_request"),
        *("token_rate", "latency_p50", "latency_p95"),
    ],
)
def test_the_interval_holds_what_was_true_before(
    sampled: tuple[EmbeddedStore, list[Span]], tmp_path: Path, signal: str
) -> None:
    store, spans = sampled
    with opened(tmp_path) as whole:
        whole.write(spans)
        true = ask(whole, signal).value
    estimate = ask(store, signal)
    assert estimate.interval is not None
    low, high = estimate.interval
    assert low <= true <= high
    assert low <= estimate.value <= high
    assert high - low < 0.5 * true  # an interval that says something


def test_a_chart_says_what_was_read_at_that_instant(
    sampled: tuple[EmbeddedStore, list[Span]],
) -> None:
    store, _ = sampled
    for signal in ("error_ratio", "latency_p95", "cost", "request_rate"):
        for step in (HOUR, 10 * MINUTE):  # one window after the other, and windows that overlap
            query = Query(signal=signal, window=HOUR)
            (series,) = store.read_range(query, start=LATER - 2 * step, end=LATER, step=step)
            assert series.values[-1] == pytest.approx(ask(store, signal).value)


@pytest.mark.parametrize(
    "asked",
    [
        {"aggregate": "count", "where": ["request = true"]},
        {"aggregate": "sum", "of": "input_tokens"},
        {"aggregate": "ratio", "where": ["request = true"], "part": ["feature = chat"]},
        {"aggregate": "quantile", "of": "duration_ms", "where": ["request = true"]},
    ],
)
@pytest.mark.parametrize("by", [(), ("attributes.nobody.sent.this",)], ids=["whole", "split"])
def test_a_measure_of_ones_own_is_weighed_and_says_how_far_it_may_be_off(
    sampled: tuple[EmbeddedStore, list[Span]],
    tmp_path: Path,
    asked: dict[str, object],
    by: tuple[str, ...],
) -> None:
    store, spans = sampled
    query = Query(signal=SPANS, measure=Measure.model_validate(asked), window=HOUR, by=by)
    with opened(tmp_path) as whole:
        whole.write(spans)
        (true,) = whole.read(query, at=LATER).samples
    (estimate,) = store.read(query, at=LATER).samples
    assert estimate.interval is not None
    low, high = estimate.interval
    assert low <= true.value <= high
    assert high - low < 0.5 * true.value
    (series,) = store.read_range(query, start=LATER, end=LATER, step=HOUR)
    assert series.values == [pytest.approx(estimate.value)]


def test_spend_and_counts_are_weighed_and_say_how_far_they_may_be_off(
    sampled: tuple[EmbeddedStore, list[Span]],
) -> None:
    store, spans = sampled
    row, true = spent(store), sum(span.cost_usd or 0 for span in spans)
    assert row.margin_usd is not None
    assert abs((row.usd or 0) - true) <= row.margin_usd
    assert row.requests == pytest.approx(1200, rel=0.15)


def test_a_list_says_how_many_a_trace_stands_for(
    sampled: tuple[EmbeddedStore, list[Span]],
) -> None:
    store, _ = sampled
    found = store.search(TraceQuery(start=NOON - HOUR, end=LATER, limit=1000))
    assert {line.weight for line in found if line.status is SpanStatus.ERROR} == {1}
    assert {line.weight for line in found} == {1, ONE_IN}
    assert sum(line.weight for line in found) == pytest.approx(1200, rel=0.15)


def test_the_expected_number_is_the_true_one(tmp_path: Path) -> None:
    errors, others, trials = 10, 60, 40
    counts, covered = [], 0
    with opened(tmp_path, sampling=RULES) as store:
        for trial in range(trials):
            feature = f"trial {trial}"
            store.write(
                [
                    *requests(errors, feature=feature, status=SpanStatus.ERROR),
                    *requests(others, feature=feature),
                ]
            )
        store.sample(now=LATER)
        rates = store.read(Query(signal="request_rate", window=HOUR, by=("feature",)), at=LATER)
        ratios = store.read(Query(signal="error_ratio", window=HOUR, by=("feature",)), at=LATER)
    for rate in rates.samples:
        assert rate.interval is not None
        counts.append(rate.value * 3600)
        covered += rate.interval[0] * 3600 <= errors + others <= rate.interval[1] * 3600
    failures = [
        ratio.value * count
        for ratio in ratios.samples
        for rate, count in zip(rates.samples, counts, strict=True)
        if rate.labels == ratio.labels
    ]
    # One count has a variance of 60 * (4 - 1); the mean of 40 is within three deviations.
    assert fmean(counts) == pytest.approx(70, abs=3 * (60 * 3 / trials) ** 0.5)
    assert failures == pytest.approx([errors] * trials)
    assert covered >= 0.85 * trials
