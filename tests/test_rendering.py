"""PromQL as it is written for a server's own spellings."""

from datetime import timedelta

import pytest

from signals import Query, QueryError
from signals.packs import PACKS
from signals.promql import duration, selector
from signals.recipes import Recipe, recipe
from signals.spelling import Inventory, prefixes, spellings

BY_NAME = {pack.name: pack for pack in PACKS}
OTEL_LABELS = {"gen_ai.operation.name", "gen_ai.request.model", "error.type", "service.name", "le"}
NOTHING = "(vector(0) > 0)"


def of(metrics: dict[str, set[str]]) -> Inventory:
    names = frozenset(metrics)
    return Inventory(
        names=names, live=names, labels={name: frozenset(found) for name, found in metrics.items()}
    )


def found(pack: str, signal: str, metrics: dict[str, set[str]]) -> Recipe:
    one = recipe(BY_NAME[pack], signal, of(metrics))
    assert one is not None
    return one


def ask(one: Recipe, *by: str, **scope: str) -> str:
    pairs = tuple(sorted(scope.items()))
    query = Query(signal=one.signal, window=timedelta(minutes=5), by=by, scope=pairs)
    return one.ask(query, grown=True).promql


def underscored(labels: set[str]) -> set[str]:
    return {label.replace(".", "_") for label in labels}


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("gen_ai_client_operation_duration_seconds", underscored(OTEL_LABELS)),
        ("gen_ai_client_operation_duration", underscored(OTEL_LABELS)),
        ("gen_ai.client.operation.duration_seconds", OTEL_LABELS),
        ("gen_ai.client.operation.duration", OTEL_LABELS),
    ],
)
def test_opentelemetrys_names_are_found_in_each_translation(name: str, labels: set[str]) -> None:
    promql = ask(found("otel", "latency_p95", {f"{name}_bucket": labels}), "model")
    assert f"{name}_bucket" in promql
    quoted = "gen_ai.request.model" in labels
    assert ('by (le, "gen_ai.request.model")' if quoted else "gen_ai_request_model") in promql


def test_names_and_labels_with_dots_are_written_as_prometheus_3_wants_them() -> None:
    one = found("otel", "request_rate", {"gen_ai.client.operation.duration_bucket": OTEL_LABELS})
    assert ask(one, model="m").startswith(
        'sum(rate({__name__="gen_ai.client.operation.duration_count",'
        '"gen_ai.operation.name"!~"embeddings?|'
    )
    assert '"gen_ai.request.model"="m"' in ask(one, model="m")


def test_a_young_counter_with_dots_is_selected_as_its_birth_is() -> None:
    name = "gen_ai.client.operation.duration"
    one = found("otel", "request_rate", {f"{name}_bucket": OTEL_LABELS, f"{name}_created": set()})
    question = Query(signal="request_rate", window=timedelta(minutes=5))
    counter, created = (f'{{__name__="{name}_{part}",' for part in ("count", "created"))
    promql = one.ask(question).promql
    assert (promql.count(counter), promql.count(created)) == (3, 1)


def test_what_is_written_under_two_names_counts_once() -> None:
    labels = underscored(OTEL_LABELS)
    one = found(
        "otel",
        "request_rate",
        {
            "gen_ai_client_operation_duration_seconds_bucket": labels,
            "gen_ai_client_operation_duration_bucket": labels,
        },
    )
    left, _, right = ask(one).partition(" or ")
    assert "duration_seconds_count" in left
    assert "duration_count" in right


def test_two_translations_are_split_and_narrowed_by_the_labels_of_each() -> None:
    one = found(
        "otel",
        "request_rate",
        {
            "gen_ai_client_operation_duration_seconds_bucket": underscored(OTEL_LABELS),
            "gen_ai.client.operation.duration_bucket": OTEL_LABELS,
        },
    )
    left, _, right = ask(one, model="m").partition(" or ")
    assert 'gen_ai_request_model="m"' in left
    assert '"gen_ai.request.model"="m"' in right
    split = ask(one, "model")
    assert split.startswith("sum by (model) (label_replace(rate(gen_ai_client_operation")
    assert '"model", "$1", "gen_ai.request.model", "(.+)")' in split


PROVIDERS = {
    "gen_ai_client_operation_duration_seconds_bucket": {
        "gen_ai_provider_name",
        "gen_ai_system",
        "gen_ai_request_model",
        "le",
    }
}


def test_an_old_and_a_new_label_narrow_together() -> None:
    promql = ask(found("otel", "request_rate", PROVIDERS), provider="openai")
    new, _, old = promql.partition(" or ")
    assert 'gen_ai_provider_name="openai"' in new
    assert 'gen_ai_provider_name="",gen_ai_system="openai"' in old


def test_an_old_and_a_new_label_split_together() -> None:
    promql = ask(found("otel", "request_rate", PROVIDERS), "provider")
    assert promql.startswith("sum by (provider) (label_replace(label_replace(")
    assert promql.index('"gen_ai_system"') < promql.index('"gen_ai_provider_name"')


CODES = {"litellm_proxy_total_requests_metric_total": {"status_code", "requested_model"}}


@pytest.mark.parametrize(
    ("outcome", "matchers"),
    [
        ("success", 'status_code=~"2..",status_code!~"408|504",status_code!~"429"'),
        ("rate_limited", 'status_code=~"429"'),
        ("error", 'status_code!~"2..",status_code!~"408|504",status_code!~"429"'),
    ],
)
def test_our_words_for_outcomes_select_the_stacks_codes(outcome: str, matchers: str) -> None:
    promql = ask(found("litellm", "request_rate", CODES), outcome=outcome)
    assert promql == f"sum(rate(litellm_proxy_total_requests_metric_total{{{matchers}}}[5m]))"


def test_a_word_that_no_code_means_selects_nothing() -> None:
    assert ask(found("litellm", "request_rate", CODES), outcome="sunny") == NOTHING


TOKENS = {
    "vllm:prompt_tokens_total": {"model_name"},
    "vllm:generation_tokens_total": {"model_name"},
}


def test_a_term_that_is_one_direction_is_chosen_by_it() -> None:
    one = found("vllm", "token_rate", TOKENS)
    promql = ask(one, direction="output")
    assert "generation_tokens" in promql
    assert "prompt_tokens" not in promql
    assert ask(one, direction="sideways") == NOTHING


def test_milliseconds_become_seconds() -> None:
    one = found("middleware_otel", "latency_p50", {"llm_latency_ms_bucket": {"model", "le"}})
    assert ask(one).endswith("(rate(llm_latency_ms_bucket[5m]))) * 0.001")


def test_the_share_of_errors_cannot_be_split_by_what_makes_them_errors() -> None:
    one = found("seeds", "error_ratio", {"llm_requests_total": {"feature", "model", "outcome"}})
    assert one.lacking(["feature", "outcome"]) == ["outcome"]


def test_failures_without_a_model_are_not_split_by_it() -> None:
    one = found(
        "openllmetry",
        "error_ratio",
        {
            "gen_ai_client_operation_duration_seconds_bucket": {
                "gen_ai_response_model",
                "error_type",
                "le",
            }
        },
    )
    assert one.lacking(["model"]) == ["model"]


def test_a_label_value_with_quotes_and_newlines_stays_one_value() -> None:
    one = found("seeds", "request_rate", {"llm_requests_total": {"feature", "model", "outcome"}})
    assert '{feature="a \\"b\\"\\n}"}' in ask(one, feature='a "b"\n}')


def test_a_label_that_the_series_have_is_used_by_its_own_name() -> None:
    one = found("litellm", "request_rate", CODES | {CODE: {*CODES[CODE], "route"}})
    assert ask(one, "route").startswith("sum by (route) (")


CODE = next(iter(CODES))


def test_a_window_under_a_second_is_refused() -> None:
    one = found("litellm", "request_rate", CODES)
    with pytest.raises(QueryError, match="too short"):
        one.ask(Query(signal="request_rate", window=timedelta(milliseconds=10)))


@pytest.mark.parametrize(
    ("seconds", "text"), [(86_400, "1d"), (7200, "2h"), (300, "5m"), (90, "90s"), (5400, "90m")]
)
def test_windows_are_written_as_people_write_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_a_name_that_promql_does_not_know_is_matched_as_text() -> None:
    assert selector("a.b", ['x="1"']) == '{__name__="a.b",x="1"}'
    assert selector("vllm:a") == "vllm:a"


def test_the_names_to_look_for_fit_into_an_address() -> None:
    names = {
        spelling.sample(metric.kind, "count")
        for pack in PACKS
        for metric in pack.metrics.values()
        for spelling in spellings(metric)
    }
    assert prefixes(names) == "calls.*|duration.*|gen.*|litellm.*|llm.*|traces.*|vllm.*"
