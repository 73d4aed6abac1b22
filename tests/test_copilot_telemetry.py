"""One code path, three signals: what one request says in spans, metrics and history agrees."""

from datetime import timedelta
from random import Random

import pytest
from prometheus_client import generate_latest

from examples.copilot import backfill, otlp
from examples.copilot.breaks import Break
from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals.otlp.spans import spans_of
from signals.packs import PACKS
from tests.copilot import NOW, Instruments, plans, without_ids


@pytest.fixture
def instruments() -> Instruments:
    return Instruments()


def test_spans_and_metrics_of_a_request_agree(instruments: Instruments) -> None:
    made = plans(count=300)
    instruments.record(made)
    spans = instruments.decoded()
    roots = [span for span in spans if span.parent_id is None]
    assert instruments.total("llm_requests_total") == len(roots) == 300
    seconds = sum(root.duration_ms for root in roots) / 1000
    assert instruments.total("llm_latency_seconds_sum") == pytest.approx(seconds, rel=1e-6)
    cost = sum(span.cost_usd or 0 for span in spans)
    assert instruments.total("llm_cost_usd_total") == pytest.approx(cost, rel=1e-3)
    tokens = sum((span.input_tokens or 0) + (span.output_tokens or 0) for span in spans)
    assert instruments.total("llm_tokens_total") == tokens
    hits = sum(root.cache_hit is True for root in roots)
    assert instruments.total("llm_cache_requests_total", result="hit") == hits
    stopped = {span.trace_id for span in spans if span.guardrail_triggered}
    assert instruments.total("llm_guardrail_checks_total", verdict="block") == len(stopped)
    scores = [root.eval_score for root in roots if root.eval_score is not None]
    assert instruments.total("llm_eval_score_points_count") == len(scores)
    assert instruments.total("llm_eval_score_points_sum") == pytest.approx(sum(scores))


def test_every_request_is_counted_once_by_the_guardrails(instruments: Instruments) -> None:
    instruments.record(plans(Break.GUARDRAIL_STORM, Break.PROVIDER_ERRORS, count=300))
    assert instruments.total("llm_guardrail_checks_total") == 300


def test_no_metric_names_a_user_a_tenant_or_a_session(instruments: Instruments) -> None:
    instruments.record(plans(count=200))
    text = generate_latest(instruments.registry).decode()
    assert not any(word in text for word in ("acme", "u-", "s-0", "req_"))


def test_wakeful_reads_every_dimension_from_the_spans(instruments: Instruments) -> None:
    plan = next(p for p in plans() if p.cache_hit is False and p.eval_score is not None)
    instruments.record([plan])
    root = next(span for span in instruments.decoded() if span.parent_id is None)
    request = plan.request
    assert root.kind is SpanKind.HTTP
    assert (root.feature, root.tenant) == (request.feature.name, request.tenant)
    assert (root.session_id, root.request_id) == (request.session_id, request.request_id)
    assert root.prompt_version == request.prompt.version
    assert (root.model, root.outcome) == (request.feature.model.name, "success")
    assert root.user_id
    assert root.environment == "production"


def test_a_failed_call_is_an_error_span_that_says_why(instruments: Instruments) -> None:
    failed = next(p for p in plans(Break.PROVIDER_ERRORS) if p.outcome == "timeout")
    instruments.record([failed])
    call = next(span for span in instruments.decoded() if span.kind is SpanKind.LLM)
    assert call.status is SpanStatus.ERROR
    assert [event.name for event in call.events] == ["exception"]


def test_a_cost_the_application_leaves_out_is_computed_to_the_same(
    instruments: Instruments,
) -> None:
    plan = next(p for p in plans() if p.request.feature.name == "search" and p.output_tokens)
    instruments.record([plan])
    call = next(span for span in instruments.decoded() if span.kind is SpanKind.LLM)
    told = next(step for step in plan.steps if step.name == "chat gpt-4o-mini")
    assert call.cost_source is CostSource.COMPUTED
    assert call.cost_usd == pytest.approx(told.cost_usd, rel=1e-6)


def test_customers_are_redacted_before_they_are_stored(instruments: Instruments) -> None:
    plan = next(p for p in plans() if "@customer.example" in p.request.question and p.output_tokens)
    instruments.record([plan])
    call = next(span for span in instruments.decoded() if span.kind is SpanKind.LLM)
    assert "@customer.example" not in call.input_text
    assert plan.request.question.split()[0] in call.input_text


def test_history_is_what_the_sdk_would_have_sent(instruments: Instruments) -> None:
    made = plans(Break.PROVIDER_ERRORS, count=60)
    instruments.record(made)
    started_ns = int(NOW.timestamp() * 1e9)
    request, _ = otlp.requests([(started_ns, plan, 1) for plan in made], Random(1))
    written = spans_of(request, now=NOW + timedelta(hours=1)).spans
    assert [without_ids(span) for span in written] == [
        without_ids(span) for span in instruments.decoded()
    ]


def test_the_backfill_adds_what_the_live_counters_add(instruments: Instruments) -> None:
    made = plans(count=200)
    instruments.record(made)
    added: dict[str, float] = {}
    for plan in made:
        for (name, _labels), value in backfill.adds(plan):
            added[name] = added.get(name, 0) + value
    for name in added:
        assert instruments.total(name) == pytest.approx(added[name]), name


def test_the_metrics_are_those_of_the_pack_that_reads_them(instruments: Instruments) -> None:
    text = generate_latest(instruments.registry).decode()
    read = {name for metric in PACKS[0].metrics.values() for name in metric.names}
    for family in backfill.FAMILIES:
        assert family in read
        assert f"# HELP {family}" in text
