"""A question goes to the first source that has its signal with its labels."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from signals import Query, QueryError, Source
from signals.prometheus import Prometheus, PrometheusAccess
from signals.routing import Sources

WINDOW = timedelta(minutes=5)


@dataclass(frozen=True)
class Having:
    """A source that has `signals` with any of `labels`; routing asks it nothing else."""

    name: str
    signals: frozenset[str]
    labels: frozenset[str]

    def answers(self, query: Query) -> bool:
        wanted = {name for name, _ in query.scope} | set(query.by)
        return query.signal in self.signals and wanted <= self.labels


METRICS = Having("prometheus", frozenset({"error_ratio"}), frozenset({"feature", "model"}))
TRACES = Having("traces", frozenset({"error_ratio", "eval_score"}), frozenset({"tenant"}))


def sources(*having: object) -> Sources:
    return Sources(having)  # type: ignore[arg-type]


def query(signal: str = "error_ratio", **changes: object) -> Query:
    return Query(signal=signal, window=WINDOW, **changes)  # type: ignore[arg-type]


def refusal(having: Sources, question: Query) -> str:
    with pytest.raises(QueryError) as caught:
        having.route(question)
    return str(caught.value)


def test_the_first_source_that_answers_is_asked() -> None:
    assert sources(METRICS, TRACES).route(query()) is METRICS
    assert sources(TRACES, METRICS).route(query()) is TRACES


def test_a_split_that_metrics_lack_goes_to_the_traces() -> None:
    assert sources(METRICS, TRACES).route(query(by=("tenant",))) is TRACES


def test_a_scope_that_metrics_lack_goes_to_the_traces() -> None:
    assert sources(METRICS, TRACES).route(query(scope=(("tenant", "acme"),))) is TRACES


def test_a_signal_that_metrics_lack_goes_to_the_traces() -> None:
    assert sources(METRICS, TRACES).route(query("eval_score")) is TRACES


def test_a_label_nobody_has_is_named() -> None:
    assert refusal(sources(METRICS, TRACES), query(by=("region",))) == (
        "nobody can tell error_ratio by the label region: prometheus has it without the label "
        "region; traces has it without the label region"
    )


def test_labels_that_no_one_source_has_together_are_named_with_who_lacks_what() -> None:
    asked = query(scope=(("feature", "chat"),), by=("tenant",))
    assert refusal(sources(METRICS, TRACES), asked) == (
        "nobody can tell error_ratio by the labels feature, tenant: prometheus has it without the "
        "label tenant; traces has it without the label feature"
    )


def test_a_signal_nobody_has_is_named() -> None:
    assert refusal(sources(METRICS, TRACES), query("latency_p95")) == (
        "prometheus and traces cannot tell latency_p95: connect a source that can"
    )


def test_without_sources_the_operator_learns_what_to_connect() -> None:
    assert refusal(sources(), query()) == (
        "nobody to ask for error_ratio: connect a Prometheus or send traces"
    )


def test_a_signal_that_does_not_exist_is_refused_with_those_that_do() -> None:
    assert refusal(sources(METRICS), query("errors")).startswith(
        "there is no signal errors; there are latency_p50, "
    )


@pytest.mark.parametrize(
    ("signal", "labels"),
    [
        ("latency_p50", "feature model"),
        ("latency_p95", "feature model"),
        ("latency_p99", "feature model"),
        ("error_ratio", "feature model"),
        ("cost_per_request", "feature model"),
        ("cost", "feature model"),
        ("cache_hit_ratio", "feature"),
        ("guardrail_ratio", "feature"),
        ("approval_queue_depth", ""),
        ("eval_score", "feature prompt_version"),
        ("eval_score_drop", "feature prompt_version"),
        ("request_rate", "feature model outcome"),
        ("token_rate", "feature model direction"),
    ],
)
def test_the_seeds_metrics_answer_by_their_own_labels_only(signal: str, labels: str) -> None:
    prometheus: Source = Prometheus(PrometheusAccess(url="http://127.0.0.1:1"))
    every = ("feature", "model", "outcome", "direction", "prompt_version", "tenant", "session_id")
    split = " ".join(name for name in every if prometheus.answers(query(signal, by=(name,))))
    assert split == labels
    narrowed = (name for name in every if prometheus.answers(query(signal, scope=((name, "x"),))))
    assert " ".join(narrowed) == labels
