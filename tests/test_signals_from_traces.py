"""The golden signals, as the embedded store answers for them from spans."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from models.vocabulary import DataState, SpanKind, SpanStatus
from signals.catalog import CATALOG
from signals.traces.embedded import EmbeddedStore
from signals.traces.from_spans import ANSWERS
from tests.readings import ask, traffic, value, values
from tests.spans import DAY, HOUR, MINUTE, NOON, SECOND, bill, child, opened, root


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A store with the hour of traffic before NOON; for reading only."""
    with opened(tmp_path_factory.mktemp("busy")) as store:
        store.write(traffic(60))
        yield store


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
