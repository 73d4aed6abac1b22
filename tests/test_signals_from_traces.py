"""The golden signals, as the embedded store answers for them from spans."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import DataState, SpanKind, SpanStatus
from signals import Query, QueryError, Reading
from signals.catalog import CATALOG
from signals.traces import FILTERS, Span
from signals.traces.embedded import EmbeddedStore
from signals.traces.from_spans import ANSWERS
from tests.spans import DAY, HOUR, MINUTE, NOON, SECOND, bill, child, opened, root


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with opened(tmp_path) as store:
        yield store


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A store with the hour of traffic before NOON; for reading only."""
    with opened(tmp_path_factory.mktemp("busy")) as store:
        store.write(traffic(60))
        yield store


def ask(
    store: EmbeddedStore,
    signal: str,
    *,
    window: timedelta = 5 * MINUTE,
    at: datetime = NOON,
    by: tuple[str, ...] = (),
    **scope: str,
) -> Reading:
    query = Query(signal=signal, window=window, by=by, scope=tuple(sorted(scope.items())))
    return store.read(query, at=at)


def values(reading: Reading) -> dict[tuple[str, ...], float]:
    """Return the values by their labels' values."""
    return {tuple(sample.labels.values()): sample.value for sample in reading.samples}


def value(reading: Reading) -> float:
    (sample,) = reading.samples
    return sample.value


def chart(
    store: EmbeddedStore, signal: str, **changes: Any
) -> dict[tuple[str, ...], dict[float, float]]:
    """Return values by labels and by minutes after NOON; four instants, a minute apart."""
    asked = {"window": MINUTE, "by": ()} | {
        k: changes.pop(k) for k in ("window", "by") if k in changes
    }
    period = {"start": NOON, "end": NOON + 3 * MINUTE, "step": MINUTE} | changes
    found = store.read_range(Query(signal=signal, **asked), **period)
    return {
        tuple(series.labels.values()): {
            (seconds - NOON.timestamp()) / 60: number
            for seconds, number in zip(series.seconds, series.values, strict=True)
        }
        for series in found
    }


# What each signal says


def test_every_golden_signal_that_spans_can_tell_is_answered() -> None:
    assert {signal.name for signal in CATALOG.values() if not signal.own} == set(ANSWERS)


def test_latency_is_the_requests_in_seconds(store: EmbeddedStore) -> None:
    store.write([root(duration_ms=float(ms)) for ms in range(0, 1001, 10)])
    assert value(ask(store, "latency_p50")) == pytest.approx(0.5)
    assert value(ask(store, "latency_p95")) == pytest.approx(0.95)
    assert value(ask(store, "latency_p99")) == pytest.approx(0.99)


def test_latency_is_not_about_the_parts_of_a_request(store: EmbeddedStore) -> None:
    whole = root(duration_ms=1000.0)
    store.write([whole, child(whole, duration_ms=1.0), child(whole, duration_ms=1.0)])
    assert value(ask(store, "latency_p50")) == 1.0


def test_errors_are_errors_timeouts_and_rate_limits(store: EmbeddedStore) -> None:
    store.write(
        [
            root(status=SpanStatus.ERROR),
            root(outcome="error"),
            root(outcome="timeout"),
            root(outcome="rate_limited"),
            root(outcome="user_rejected"),
            root(outcome="success"),
            root(),
            root(status=SpanStatus.OK),
        ]
    )
    assert value(ask(store, "error_ratio")) == 0.5


def test_a_failed_part_is_not_a_failed_request(store: EmbeddedStore) -> None:
    whole = root(outcome="success")
    store.write([whole, child(whole, status=SpanStatus.ERROR, outcome="timeout")])
    assert value(ask(store, "error_ratio")) == 0


def test_cost_per_request_counts_each_cost_once(store: EmbeddedStore) -> None:
    one, two = root(**bill(9.0)), root()
    store.write(
        [
            one,
            child(one, kind=SpanKind.AGENT, **bill(9.0)),
            child(one, **bill(0.5)),
            child(one, kind=SpanKind.TOOL, **bill(0.1)),
            two,
        ]
    )
    assert value(ask(store, "cost_per_request")) == pytest.approx(0.3)
    assert value(ask(store, "cost")) == pytest.approx(0.6)


@pytest.mark.parametrize("late", [False, True])
def test_of_a_trace_with_two_roots_no_cost_counts_twice(store: EmbeddedStore, late: bool) -> None:
    first = root(NOON - SECOND, feature="chat", tenant="acme")
    second = replace(root(feature="search"), trace_id=first.trace_id)
    call = child(first, **bill(0.5), input_tokens=6, output_tokens=0)
    order = [second, call, first] if late else [first, call, second]
    for span in order:
        store.write([span])
    for by in ("feature", "tenant", "model"):
        assert sum(values(ask(store, "cost", by=(by,))).values()) == 0.5
        assert sum(values(ask(store, "token_rate", by=(by,))).values()) * 300 == 6
    assert values(ask(store, "cost", by=("feature",))) == {("chat",): 0.5}


def test_a_root_that_alone_has_a_cost_stands_for_its_request(store: EmbeddedStore) -> None:
    whole = root(**bill(0.4))
    store.write([whole, child(whole), root()])
    assert value(ask(store, "cost_per_request")) == pytest.approx(0.2)


def test_an_unknown_cost_is_not_zero(store: EmbeddedStore) -> None:
    whole = root()
    store.write([whole, child(whole, **bill(None))])
    assert ask(store, "cost_per_request").state is DataState.NO_TRAFFIC
    assert ask(store, "cost").state is DataState.NO_SERIES


def test_the_cache_is_the_applications(store: EmbeddedStore) -> None:
    store.write([root(cache_hit=True), root(cache_hit=False), root(cache_hit=False), root()])
    assert value(ask(store, "cache_hit_ratio")) == pytest.approx(1 / 3)


def test_an_application_without_a_cache_has_no_such_ratio(store: EmbeddedStore) -> None:
    store.write([root(), root()])
    assert ask(store, "cache_hit_ratio").state is DataState.NO_SERIES


def test_a_request_that_several_guardrails_stopped_is_one(store: EmbeddedStore) -> None:
    requests = [root() for _ in range(4)]
    verdicts = [
        child(requests[0], kind=SpanKind.GUARDRAIL, guardrail_triggered=True),
        child(requests[0], kind=SpanKind.GUARDRAIL, guardrail_triggered=True),
        child(requests[1], kind=SpanKind.GUARDRAIL, guardrail_triggered=False),
    ]
    store.write([*requests, *verdicts])
    assert value(ask(store, "guardrail_ratio")) == 0.25


def test_guardrails_that_never_trigger_are_a_zero(store: EmbeddedStore) -> None:
    whole = root()
    store.write([whole, child(whole, guardrail_triggered=False)])
    assert value(ask(store, "guardrail_ratio")) == 0


def test_an_application_without_guardrails_has_no_such_ratio(store: EmbeddedStore) -> None:
    store.write([root()])
    assert ask(store, "guardrail_ratio").state is DataState.NO_SERIES


def test_the_queue_is_as_deep_as_the_last_to_see_it_says(store: EmbeddedStore) -> None:
    whole = root()
    store.write(
        [
            whole,
            child(whole, started_at=NOON - MINUTE, duration_ms=0.0, queue_depth=7.0),
            child(whole, started_at=NOON - 2 * MINUTE, duration_ms=0.0, queue_depth=9.0),
        ]
    )
    assert value(ask(store, "approval_queue_depth")) == 7


def test_eval_scores_are_averaged(store: EmbeddedStore) -> None:
    store.write([root(eval_score=80.0), root(eval_score=90.0), root()])
    assert value(ask(store, "eval_score")) == 85


def test_a_drop_is_against_the_seven_days_before_the_window(store: EmbeddedStore) -> None:
    store.write(
        [
            root(NOON - 7 * DAY - 6 * MINUTE, eval_score=0.0),  # too old to count
            root(NOON - 7 * DAY, eval_score=90.0),
            root(NOON - HOUR, eval_score=80.0),
            root(NOON - MINUTE, eval_score=70.0),
        ]
    )
    assert value(ask(store, "eval_score_drop")) == 15


def test_without_a_past_there_is_no_drop(store: EmbeddedStore) -> None:
    store.write([root(eval_score=70.0)])
    assert ask(store, "eval_score_drop").samples == ()


def test_rates_are_per_second(store: EmbeddedStore) -> None:
    requests = [root() for _ in range(30)]
    calls = [child(whole, input_tokens=100, output_tokens=20) for whole in requests]
    store.write([*requests, *calls])
    assert value(ask(store, "request_rate")) == pytest.approx(0.1)
    assert value(ask(store, "token_rate")) == pytest.approx(12)


def test_tokens_that_an_agent_repeats_count_once(store: EmbeddedStore) -> None:
    whole = root(input_tokens=300)
    agent = child(whole, kind=SpanKind.AGENT, input_tokens=300)
    store.write([whole, agent, child(whole, input_tokens=300)])
    assert value(ask(store, "token_rate")) == 1


# Windows


def test_a_window_is_open_at_its_start_and_closed_at_its_end(store: EmbeddedStore) -> None:
    moment = timedelta(microseconds=1)
    for ended_at in (NOON - MINUTE, NOON - MINUTE + moment, NOON, NOON + moment):
        store.write([root(ended_at, duration_ms=0.0)])
    assert value(ask(store, "request_rate", window=MINUTE)) == pytest.approx(2 / 60)


def test_a_request_counts_when_it_ends(store: EmbeddedStore) -> None:
    store.write([root(NOON, duration_ms=600_000.0)])
    assert value(ask(store, "latency_p50", window=MINUTE)) == 600


# Nothing to say


def test_an_empty_store_has_no_series(store: EmbeddedStore) -> None:
    for signal in ANSWERS:
        assert ask(store, signal) == Reading()


def test_a_known_series_without_traffic_says_so(store: EmbeddedStore) -> None:
    store.write([root(NOON - HOUR, tenant="acme")])
    reading = ask(store, "latency_p95", by=("tenant",))
    assert reading == Reading(no_traffic=({"tenant": "acme"},))


def test_a_series_is_forgotten_after_a_day(store: EmbeddedStore) -> None:
    store.write([root(NOON - DAY, tenant="acme")])
    assert ask(store, "latency_p95", by=("tenant",)) == Reading()


def test_a_known_series_without_traffic_has_a_rate_of_zero(store: EmbeddedStore) -> None:
    store.write([root(NOON - HOUR)])
    assert value(ask(store, "request_rate")) == 0


# Splitting and narrowing


def test_a_request_has_the_labels_of_its_root(store: EmbeddedStore) -> None:
    whole = root(tenant="acme", duration_ms=1000.0)
    store.write([whole, child(whole, tenant="other"), root(tenant="globex", duration_ms=3000.0)])
    split = ask(store, "latency_p50", by=("tenant",))
    assert values(split) == {("acme",): 1.0, ("globex",): 3.0}


def test_a_silent_root_takes_the_label_of_its_longest_part_that_says(store: EmbeddedStore) -> None:
    whole = root()
    store.write(
        [
            whole,
            child(whole, model="small", duration_ms=10.0),
            child(whole, model="large", duration_ms=800.0),
            child(whole, duration_ms=900.0),
        ]
    )
    assert values(ask(store, "request_rate", by=("model",))).keys() == {("large",)}


def test_parts_without_a_label_count_for_their_request(store: EmbeddedStore) -> None:
    one, two = root(tenant="acme"), root(tenant="globex")
    store.write([one, child(one, **bill(0.5)), two, child(two, **bill(0.1), tenant="globex")])
    split = ask(store, "cost_per_request", by=("tenant",))
    assert values(split) == {("acme",): pytest.approx(0.5), ("globex",): pytest.approx(0.1)}


def test_tokens_are_split_by_the_model_that_used_them(store: EmbeddedStore) -> None:
    whole = root()
    store.write(
        [
            whole,
            child(whole, model="large", input_tokens=300, duration_ms=900.0),
            child(whole, model="small", input_tokens=30, duration_ms=10.0),
        ]
    )
    split = ask(store, "token_rate", by=("model",))
    assert values(split) == {("large",): 1.0, ("small",): pytest.approx(0.1)}


def test_a_score_counts_for_the_request_not_for_the_judge(store: EmbeddedStore) -> None:
    whole = root(model="gpt-4o")
    store.write([whole, child(whole, kind=SpanKind.EVALUATOR, model="judge", eval_score=80.0)])
    assert values(ask(store, "eval_score", by=("model",))) == {("gpt-4o",): 80.0}


def test_a_part_whose_root_has_not_come_speaks_for_itself(store: EmbeddedStore) -> None:
    store.write([child(root(), tenant="acme", input_tokens=300)])
    assert values(ask(store, "token_rate", by=("tenant",))) == {("acme",): 1.0}


def test_a_request_without_the_label_is_a_series_without_it(store: EmbeddedStore) -> None:
    store.write([root(tenant="acme"), root()])
    labels = [sample.labels for sample in ask(store, "request_rate", by=("tenant",)).samples]
    assert sorted(labels, key=len) == [{}, {"tenant": "acme"}]


def test_a_sample_carries_the_labels_of_scope_and_split(store: EmbeddedStore) -> None:
    store.write([root(tenant="acme", feature="chat"), root(tenant="globex", feature="chat")])
    (sample,) = ask(store, "request_rate", by=("feature",), tenant="acme").samples
    assert sample.labels == {"tenant": "acme", "feature": "chat"}


@pytest.mark.parametrize("signal", sorted(ANSWERS))
@pytest.mark.parametrize("label", FILTERS)
def test_a_scope_answers_what_a_split_says_of_it(
    busy: EmbeddedStore, signal: str, label: str
) -> None:
    split = values(ask(busy, signal, window=HOUR, by=(label,)))
    for (name,) in [labels for labels in split if labels]:
        alone = ask(busy, signal, window=HOUR, **{label: name})
        assert values(alone) == {(name,): pytest.approx(split[name,])}


def test_the_requests_of_a_split_add_up(busy: EmbeddedStore) -> None:
    whole = value(ask(busy, "request_rate", window=HOUR))
    for label in FILTERS:
        parts = values(ask(busy, "request_rate", window=HOUR, by=(label,)))
        assert sum(parts.values()) == pytest.approx(whole)


@pytest.mark.parametrize("label", ["user_id", "started_at", "1; DROP TABLE store.spans"])
def test_a_label_that_traces_lack_is_refused(store: EmbeddedStore, label: str) -> None:
    with pytest.raises(QueryError, match="no label"):
        ask(store, "latency_p95", by=(label,))
    assert not store.answers(Query(signal="latency_p95", window=MINUTE, by=(label,)))


def test_a_signal_that_traces_lack_is_refused(store: EmbeddedStore) -> None:
    with pytest.raises(QueryError, match="cannot answer"):
        ask(store, "gpu_temperature")
    assert not store.answers(Query(signal="gpu_temperature", window=MINUTE))


def test_the_labels_of_traces_are_answered_for(store: EmbeddedStore) -> None:
    scope = (("tenant", "acme"),)
    assert store.answers(Query(signal="latency_p95", window=MINUTE, by=FILTERS, scope=scope))


# Over time


def test_a_chart_has_a_value_for_each_window(store: EmbeddedStore) -> None:
    store.write([root(NOON + 90 * SECOND, duration_ms=2000.0), root(NOON, duration_ms=1000.0)])
    assert chart(store, "latency_p50") == {(): {0: 1.0, 2: 2.0}}


def test_a_chart_with_steps_longer_than_the_window_leaves_the_rest_out(
    store: EmbeddedStore,
) -> None:
    store.write([root(NOON + 30 * SECOND), root(NOON + 60 * SECOND)])
    drawn = chart(store, "request_rate", window=10 * SECOND)
    assert drawn == {(): {1: pytest.approx(0.1), 2: 0, 3: 0}}


def test_overlapping_windows_each_count_what_is_theirs(store: EmbeddedStore) -> None:
    store.write([root(NOON + 30 * SECOND, eval_score=80.0), root(NOON, eval_score=60.0)])
    drawn = chart(store, "eval_score", window=2 * MINUTE)
    assert drawn == {(): {0: 60.0, 1: 70.0, 2: 80.0}}


def test_a_rate_of_a_known_series_is_drawn_through_its_silence(store: EmbeddedStore) -> None:
    store.write([root(NOON - HOUR, tenant="old"), root(NOON + 2 * MINUTE, tenant="new")])
    drawn = chart(store, "request_rate", by=("tenant",))
    assert drawn[("old",)] == {0: 0, 1: 0, 2: 0, 3: 0}
    assert drawn[("new",)] == {2: pytest.approx(1 / 60), 3: 0}


def test_a_drop_is_drawn_against_the_days_before_each_window(store: EmbeddedStore) -> None:
    store.write([root(NOON - DAY, eval_score=90.0), root(NOON + MINUTE, eval_score=80.0)])
    assert chart(store, "eval_score_drop") == {(): {1: 10.0}}


def test_an_empty_store_draws_nothing(store: EmbeddedStore) -> None:
    for signal in ANSWERS:
        assert chart(store, signal) == {}


@pytest.mark.parametrize("by", [(), ("tenant",), ("model", "outcome")])
@pytest.mark.parametrize("signal", sorted(ANSWERS))
@pytest.mark.parametrize("step", [7 * MINUTE, 20 * MINUTE, 33 * MINUTE])
def test_every_point_of_a_chart_is_what_was_read_at_that_instant(
    busy: EmbeddedStore, signal: str, by: tuple[str, ...], step: timedelta
) -> None:
    query = Query(signal=signal, window=20 * MINUTE, by=by)
    start = NOON - HOUR
    drawn = {
        (tuple(sorted(series.labels.items())), seconds): number
        for series in busy.read_range(query, start=start, end=NOON, step=step)
        for seconds, number in zip(series.seconds, series.values, strict=True)
    }
    read = {
        (tuple(sorted(sample.labels.items())), at.timestamp()): sample.value
        for at in instants(start, step)
        for sample in busy.read(query, at=at).samples
    }
    assert drawn == pytest.approx(read)
    assert drawn


@pytest.mark.parametrize(
    "changes",
    [{"step": timedelta()}, {"end": NOON - MINUTE}, {"step": timedelta(milliseconds=1)}],
)
def test_a_senseless_period_is_refused(store: EmbeddedStore, changes: dict[str, Any]) -> None:
    with pytest.raises(QueryError):
        chart(store, "latency_p50", **changes)


def test_too_many_series_are_refused(store: EmbeddedStore) -> None:
    store.write([root(session_id=f"s{number}") for number in range(2_100)])
    with pytest.raises(QueryError, match="split by fewer labels"):
        ask(store, "request_rate", by=("session_id",))


def instants(start: datetime, step: timedelta) -> Sequence[datetime]:
    return [start + number * step for number in range((NOON - start) // step + 1)]


def traffic(count: int) -> list[Span]:
    """Return requests of the hour before NOON, some of whose roots do not say all."""
    rng = random.Random(count)
    spans = []
    for _ in range(count):
        whole = root(
            NOON - rng.random() * HOUR,
            duration_ms=rng.uniform(10, 9000),
            tenant=rng.choice(["acme", "globex", None]),
            feature=rng.choice(["chat", "search"]),
            outcome=rng.choice(["success", "success", "timeout", None]),
            session_id=rng.choice(["s1", "s2"]),
            environment=rng.choice(["prod", None]),
            cache_hit=rng.choice([True, False, None]),
            eval_score=rng.choice([None, 80.0, 70.0]),
        )
        call = child(
            whole,
            model=rng.choice(["small", "large"]),
            tenant=rng.choice(["acme", None]),
            prompt_version=rng.choice(["v1", "v2"]),
            input_tokens=rng.randrange(1000),
            guardrail_triggered=rng.choice([True, False, None]),
            queue_depth=rng.choice([None, 3.0, 8.0]),
            **bill(rng.choice([0.1, 0.25])),
        )
        spans += [whole, call]
    return spans
