"""Every signal of the seeds' metrics, by a real Prometheus, held to sums done in Python."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from models.clock import utc_now
from models.vocabulary import DataState
from signals import Query, QueryError, Reading
from signals.grouping import pick, plan, share
from signals.packs import PACKS
from signals.prometheus import Prometheus, PrometheusAccess
from signals.recipes import recipe
from tests.made_metrics import (
    DOLLARS,
    FAILED,
    FIRST_DAY,
    HOUR,
    NOON,
    ODD,
    REQUESTS,
    SECONDS,
    Story,
    quantile,
    rate_of,
    steady,
)
from tests.prometheus import backfill, running, wait_until

MINUTES_5 = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
HALF_HOUR = timedelta(minutes=30)
SEEDS = (found for name in PACKS[0].signals if (found := recipe(PACKS[0], name, None)))
BY_FEATURE = sorted(found.signal for found in SEEDS if not found.lacking(["feature"]))
RATIOS = [name for name in BY_FEATURE if name != "cost" and not name.endswith("_rate")]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    story = steady()
    births(story)
    backfill(folder / "blocks", story.text())
    with running(folder, storage=folder / "blocks") as server:
        prometheus = Prometheus(PrometheusAccess(url=server.url))
        yield prometheus
        prometheus.close()


def births(story: Story) -> None:
    """Put counters that begin, end and pause: each is a feature of its own."""
    error = {"model": "m1", "outcome": "error"}
    created = "llm_requests_created"
    born = NOON.timestamp() - 70
    for second in range(-60, 1, 15):
        story.sample("llm_requests_total", {"feature": "newborn", **error}, 20.0, second)
        story.sample(created, {"feature": "newborn", **error}, born, second)
        story.sample("llm_requests_total", {"feature": "undated", **error}, 20.0, second)
        for le, count in (("2.5", 0.0), ("5.0", 20.0), ("+Inf", 20.0)):
            labels = {"feature": "newborn", "model": "m1", "le": le}
            story.sample("llm_latency_seconds_bucket", labels, count, second)
        labels = {"feature": "newborn", "model": "m1"}
        story.sample("llm_latency_seconds_created", labels, born, second)
    restarted = {"feature": "restarted", **error}
    for second in range(-2 * HOUR, 1, 15):
        age = second + 150 if second >= -150 else second + 2 * HOUR
        story.sample("llm_requests_total", restarted, float(age), second)
        start = -150 if second >= -150 else -2 * HOUR
        story.sample(created, restarted, NOON.timestamp() + start, second)
    unseen = {"feature": "unseen for 20 minutes", **error}
    seconds = [*range(-2 * HOUR, -1320, 15), *range(-120, 1, 15)]
    story.counter("llm_requests_total", unseen, 1.0, seconds=seconds)
    for second in seconds:
        story.sample(created, unseen, NOON.timestamp() - 2 * HOUR, second)


def ask(
    signal: str,
    *,
    by: tuple[str, ...] = (),
    window: timedelta = MINUTES_5,
    **scope: str,
) -> Query:
    return Query(signal=signal, window=window, scope=tuple(sorted(scope.items())), by=by)


def value(prometheus: Prometheus, query: Query) -> float:
    (sample,) = prometheus.read(query, at=NOON).samples
    assert sample.labels == dict(query.scope)
    return sample.value


def values(prometheus: Prometheus, query: Query, features: object) -> dict[str, float]:
    reading = prometheus.read(query, at=NOON)
    found = {sample.labels["feature"]: sample.value for sample in reading.samples}
    return {feature: found[feature] for feature in features if feature in found}  # type: ignore[attr-defined]


STEADY = {feature for feature, _ in REQUESTS}
BUSY = sorted(STEADY - {"idle"})


def test_requests_are_counted_per_second(prometheus: Prometheus) -> None:
    expected = {feature: rate_of(feature) for feature in STEADY}
    found = values(prometheus, ask("request_rate", by=("feature",)), STEADY)
    assert found == pytest.approx(expected)


def test_requests_are_split_by_outcome(prometheus: Prometheus) -> None:
    query = ask("request_rate", by=("outcome",), feature="chat", model="m1")
    found = {
        sample.labels["outcome"]: sample.value for sample in prometheus.read(query, at=NOON).samples
    }
    assert found == pytest.approx(REQUESTS["chat", "m1"])


def test_errors_are_failures_timeouts_and_rate_limits(prometheus: Prometheus) -> None:
    expected = {f: rate_of(f, outcomes=FAILED) / rate_of(f) for f in BUSY}
    assert (expected["quiet"], expected["broken"]) == (0, 1)
    found = values(prometheus, ask("error_ratio", by=("feature",)), STEADY)
    assert found == pytest.approx(expected)


def test_requests_without_any_error_series_have_an_error_ratio_of_zero(
    prometheus: Prometheus,
) -> None:
    assert value(prometheus, ask("error_ratio", feature="quiet")) == 0


def test_an_error_ratio_is_narrowed_to_one_model(prometheus: Prometheus) -> None:
    expected = rate_of("chat", "m2", FAILED) / rate_of("chat", "m2")
    found = value(prometheus, ask("error_ratio", feature="chat", model="m2"))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(("signal", "q"), [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)])
def test_latency_is_a_quantile_of_the_histogram(
    prometheus: Prometheus, signal: str, q: float
) -> None:
    found = values(prometheus, ask(f"latency_{signal}", by=("feature",)), SECONDS)
    assert found == pytest.approx({f: quantile(q, [f]) for f in ("chat", "search")})


def test_latency_over_several_series_is_a_quantile_of_their_sum(prometheus: Prometheus) -> None:
    # Model m2 serves chat and search: the buckets are added, not the quantiles.
    scoped = value(prometheus, ask("latency_p95", model="m2"))
    assert scoped == pytest.approx(10.0)
    assert value(prometheus, ask("latency_p50", model="m1", feature="chat")) == pytest.approx(0.5)


def test_cost_is_divided_by_requests(prometheus: Prometheus) -> None:
    expected = {
        feature: sum(rate for (f, _), rate in DOLLARS.items() if f == feature) / rate_of(feature)
        for feature in ("chat", "search")
    }
    found = values(prometheus, ask("cost_per_request", by=("feature",)), STEADY)
    assert found == pytest.approx(expected)


def test_an_unknown_cost_is_no_series_and_not_free(prometheus: Prometheus) -> None:
    reading = prometheus.read(ask("cost_per_request", feature="quiet"), at=NOON)
    assert reading.state is DataState.NO_SERIES


def test_cost_is_asked_over_a_day(prometheus: Prometheus) -> None:
    query = ask("cost_per_request", window=timedelta(days=1), feature="search")
    assert value(prometheus, query) == pytest.approx(0.01)


def test_cache_hits_are_a_share_and_zero_where_there_was_none(prometheus: Prometheus) -> None:
    found = values(prometheus, ask("cache_hit_ratio", by=("feature",)), STEADY)
    assert found == pytest.approx({"chat": 0.3, "search": 0.0})


def test_guardrails_that_blocked_are_a_share(prometheus: Prometheus) -> None:
    found = values(prometheus, ask("guardrail_ratio", by=("feature",)), STEADY)
    assert found == pytest.approx({"chat": 0.15, "search": 0.0})


def test_the_approval_queue_is_as_deep_as_its_deepest_report(prometheus: Prometheus) -> None:
    assert value(prometheus, ask("approval_queue_depth")) == 9


def test_the_eval_score_is_the_mean_of_the_window(prometheus: Prometheus) -> None:
    query = ask("eval_score", window=HALF_HOUR, feature="chat", prompt_version="v3")
    assert value(prometheus, query) == pytest.approx(72)
    assert value(prometheus, ask("eval_score", window=HALF_HOUR, feature="chat")) == pytest.approx(
        (72 + 66) / 2
    )


def test_the_eval_score_drops_against_the_seven_days_before_the_window(
    prometheus: Prometheus,
) -> None:
    query = ask("eval_score_drop", window=HALF_HOUR, feature="chat", prompt_version="v3")
    assert value(prometheus, query) == pytest.approx(80 - FIRST_DAY / 7 - 72)
    query = ask("eval_score_drop", window=HALF_HOUR, feature="chat", prompt_version="v4")
    assert value(prometheus, query) == pytest.approx(60 - FIRST_DAY / 7 - 66)


def test_tokens_are_counted_per_second(prometheus: Prometheus) -> None:
    assert value(prometheus, ask("token_rate", feature="chat")) == pytest.approx(1200)
    query = ask("token_rate", feature="chat", direction="output")
    assert value(prometheus, query) == pytest.approx(300)


@pytest.mark.parametrize("signal", RATIOS)
def test_series_without_traffic_are_no_traffic(prometheus: Prometheus, signal: str) -> None:
    reading = prometheus.read(ask(signal, feature="idle"), at=NOON)
    assert reading == Reading(no_traffic=({"feature": "idle"},))


@pytest.mark.parametrize("signal", BY_FEATURE)
def test_a_feature_that_does_not_exist_is_no_series(prometheus: Prometheus, signal: str) -> None:
    reading = prometheus.read(ask(signal, feature="gone"), at=NOON)
    assert reading.state is DataState.NO_SERIES


def test_a_label_value_may_hold_any_character(prometheus: Prometheus) -> None:
    assert value(prometheus, ask("error_ratio", feature=ODD)) == pytest.approx(0.25)
    assert ODD in values(prometheus, ask("error_ratio", by=("feature",)), [ODD])


@pytest.mark.parametrize("signal", BY_FEATURE)
def test_a_feature_picked_from_the_shared_answer_has_the_value_it_has_alone(
    prometheus: Prometheus, signal: str
) -> None:
    features = ["chat", "search", "idle", "quiet", ODD, "newborn", "gone"]
    queries = [ask(signal, feature=feature) for feature in features]
    asked = plan(queries)
    (question,) = set(asked.values())
    together = prometheus.read(question, at=NOON)
    alone = {query: prometheus.read(query, at=NOON) for query in queries}
    assert share(asked, {question: together}) == alone
    assert {query: pick(query, together) for query in queries} == alone


def test_the_first_errors_of_a_new_series_are_seen(prometheus: Prometheus) -> None:
    # Twenty errors before the first scrape, none after: `rate` alone sees none.
    assert value(prometheus, ask("error_ratio", feature="newborn")) == 1
    assert value(prometheus, ask("request_rate", feature="newborn")) == pytest.approx(20 / 300)
    assert value(prometheus, ask("latency_p50", feature="newborn")) == pytest.approx(3.75)


def test_a_new_series_that_does_not_tell_its_age_is_no_traffic(prometheus: Prometheus) -> None:
    reading = prometheus.read(ask("error_ratio", feature="undated"), at=NOON)
    assert reading.state is DataState.NO_TRAFFIC


def test_a_restart_does_not_lose_what_was_counted_before_it(prometheus: Prometheus) -> None:
    # One scrape interval of 300 s falls between the last sample before and the first after.
    assert value(prometheus, ask("request_rate", feature="restarted")) == pytest.approx(285 / 300)


def test_a_pause_of_the_scrapes_is_not_a_burst_of_requests(prometheus: Prometheus) -> None:
    found = value(prometheus, ask("request_rate", feature="unseen for 20 minutes"))
    assert found == pytest.approx((120 + 7.5) / 300)


@pytest.mark.parametrize("signal", ["error_ratio", "latency_p95", "request_rate"])
def test_a_range_has_at_each_instant_what_is_read_there(
    prometheus: Prometheus, signal: str
) -> None:
    query = ask(signal, by=("feature",), model="m2")
    start = NOON - 3 * MINUTE
    series = prometheus.read_range(query, start=start, end=NOON, step=MINUTE)
    points = {
        (s.labels["feature"], second): v
        for s in series
        for second, v in zip(s.seconds, s.values, strict=True)
    }
    expected = {
        (sample.labels["feature"], at.timestamp()): sample.value
        for at in (start + i * MINUTE for i in range(4))
        for sample in prometheus.read(query, at=at).samples
    }
    assert points == pytest.approx(expected)


def test_a_range_without_traffic_is_a_gap(prometheus: Prometheus) -> None:
    query = ask("error_ratio", feature="idle")
    assert prometheus.read_range(query, start=NOON - HALF_HOUR, end=NOON, step=MINUTE) == []


def test_a_range_of_more_points_than_prometheus_allows_is_read(prometheus: Prometheus) -> None:
    step = timedelta(milliseconds=500)
    start = NOON - 12_000 * step
    (series,) = prometheus.read_range(
        ask("request_rate", feature="quiet"), start=start, end=NOON, step=step
    )
    assert len(series.seconds) == 12_001
    assert {round(v, 9) for v in series.values} == {0.3}


def test_the_newest_data_is_found_after_the_scrapes_stopped(prometheus: Prometheus) -> None:
    assert prometheus.newest(at=NOON + MINUTE) == NOON
    assert prometheus.newest(at=NOON + timedelta(hours=2)) == NOON
    assert prometheus.newest(at=NOON + timedelta(days=2)) is None


def test_check_tells_debians_version(prometheus: Prometheus) -> None:
    assert "answers queries; version 2." in prometheus.check()


def test_an_expression_is_evaluated_as_it_stands(prometheus: Prometheus) -> None:
    reading = prometheus.evaluate('llm_approval_queue_depth{instance="replica-1"} > 5', at=NOON)
    assert [(s.labels, s.value) for s in reading.samples] == [({"instance": "replica-1"}, 7)]


def test_an_expression_that_does_not_parse_is_refused_in_prometheus_words(
    prometheus: Prometheus,
) -> None:
    with pytest.raises(QueryError, match="parse error: unclosed left parenthesis"):
        prometheus.evaluate("sum(", at=NOON)


def test_an_expression_that_fails_is_refused_in_prometheus_words(prometheus: Prometheus) -> None:
    ambiguous = "llm_requests_total / on (feature) llm_requests_total"
    with pytest.raises(QueryError, match="refused the query: found duplicate series"):
        prometheus.evaluate(ambiguous, at=NOON)


@pytest.mark.parametrize("expression", ["42", '"text"', "llm_requests_total[5m]"])
def test_what_is_no_vector_is_refused(prometheus: Prometheus, expression: str) -> None:
    with pytest.raises(QueryError, match="the expression yields a"):
        prometheus.evaluate(expression, at=NOON)


def test_a_process_that_fails_from_its_start_is_seen_at_its_first_scrape(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    labels = {"feature": "chat", "model": "m1"}
    requests = Counter("llm_requests", "Requests", [*labels, "outcome"], registry=registry)
    requests.labels(**labels, outcome="error").inc(3)
    requests.labels(**labels, outcome="success").inc(1)
    latency = Histogram("llm_latency_seconds", "Latency", labels, registry=registry, buckets=[1, 3])
    latency.labels(**labels).observe(2)
    application, thread = start_http_server(0, "127.0.0.1", registry)
    target = f"127.0.0.1:{application.server_port}"
    config = f"""
        global: {{scrape_interval: 1s}}
        scrape_configs: [{{job_name: llm, static_configs: [{{targets: ["{target}"]}}]}}]
    """
    try:
        with (
            running(tmp_path, config=config) as server,
            closing(Prometheus(PrometheusAccess(url=server.url))) as prometheus,
        ):
            wait_until(lambda: prometheus.newest(at=utc_now()) is not None, seconds=20)
            now = utc_now()
            assert prometheus.read(ask("error_ratio"), at=now).samples[0].value == 0.75
            assert prometheus.read(ask("latency_p50"), at=now).samples[0].value == 2
            rate = prometheus.read(ask("request_rate"), at=now).samples[0].value
            assert rate == pytest.approx(4 / 300)
    finally:
        application.shutdown()
        application.server_close()
        thread.join()
