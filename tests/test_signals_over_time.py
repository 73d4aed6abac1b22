"""Golden signals from traces: windows, labels, splits and charts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from models.vocabulary import SpanKind
from signals import Query, QueryError, Reading
from signals.traces import FILTERS
from signals.traces.embedded import EmbeddedStore
from signals.traces.from_spans import ANSWERS
from tests.readings import ask, chart, instants, traffic, value, values
from tests.spans import DAY, HOUR, MINUTE, NOON, SECOND, bill, child, opened, root


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A store with the hour of traffic before NOON; for reading only."""
    with opened(tmp_path_factory.mktemp("busy")) as store:
        store.write(traffic(60))
        yield store


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
