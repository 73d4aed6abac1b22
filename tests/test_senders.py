"""What single SDKs mean by what they send; `tests/test_real_sdks.py` has the SDKs themselves."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.vocabulary import CostSource, SpanKind
from signals import attributes
from signals.otlp import senders
from signals.otlp.retold import NOTE, count_once
from signals.traces import SpanEvent
from signals.traces.rows import UNSAID, SpanRow

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OPENLIT = {"telemetry.sdk.name": "openlit"}
OPENAI_CHAT = (
    '{"prompt_tokens": 120, "completion_tokens": 50, "total_tokens": 170,'
    ' "prompt_tokens_details": {"cached_tokens": 100, "audio_tokens": 0},'
    ' "completion_tokens_details": {"reasoning_tokens": 40}}'
)
OPENAI_RESPONSES = (
    '{"input_tokens": 120, "output_tokens": 50, "total_tokens": 170,'
    ' "input_tokens_details": {"cached_tokens": 100},'
    ' "output_tokens_details": {"reasoning_tokens": 40}}'
)


def completed(told: dict[str, Any], *events: SpanEvent) -> dict[str, Any]:
    found = attributes.of_span(told)
    senders.complete_call(found, told, events, started_at=NOON)
    return found.fields


def call(span_id: str, parent_id: str | None = None, **changes: Any) -> SpanRow:
    """Return a call of a model as a row, of one second."""
    used = {"input_tokens": 100, "output_tokens": 20, "cost_usd": 0.5}
    priced = {"cost_source": CostSource.COMPUTED, "model": "claude-sonnet-4-5-20250929"}
    ids = {"trace_id": "a", "span_id": span_id, "attributes": {}}
    changes = {"parent_id": parent_id, "started_at": NOON} | changes
    return {
        **UNSAID,
        **ids,
        "kind": SpanKind.LLM,
        "duration_ms": 1_000.0,
        **used,
        **priced,
    } | changes


def answered(span_id: str, response: str, **changes: Any) -> SpanRow:
    return call(span_id, "root", attributes={"gen_ai.response.id": response}, **changes)


@pytest.mark.parametrize(
    ("told", "tool"),
    [
        ({}, "close_ticket"),
        ({"tool.name": "search"}, "search"),
        ({"traceloop.entity.name": "search"}, "search"),
    ],
)
def test_a_tool_that_is_not_named_has_its_spans_name(told: dict[str, Any], tool: str) -> None:
    found = attributes.of_span(told)
    senders.complete_tool(found, name="close_ticket")
    assert found.fields["tool"] == tool


def test_a_model_that_asks_for_a_tool_is_no_run_of_it() -> None:
    assert "tool" not in completed({"gen_ai.tool.name": "close_ticket"})


@pytest.mark.parametrize(
    ("told", "usd"),
    [
        (OPENLIT | {"gen_ai.usage.cost": 0}, None),
        (OPENLIT | {"gen_ai.usage.cost": 0.01}, 0.01),
        ({"gen_ai.usage.cost": 0}, 0),
    ],
)
def test_a_cost_of_nothing_is_openlits_word_for_no_price(
    told: dict[str, Any], usd: float | None
) -> None:
    assert completed(told).get("cost_usd") == usd


@pytest.mark.parametrize(("streamed", "ms"), [(True, 250), (None, 250), (False, None)])
def test_only_a_stream_has_a_first_token(streamed: bool | None, ms: float | None) -> None:
    told = {"gen_ai.server.time_to_first_token": 0.25, "gen_ai.request.stream": streamed}
    said = {key: value for key, value in told.items() if value is not None}
    assert completed(said).get("ttft_ms") == ms


@pytest.mark.parametrize(
    ("told", "model"),
    [
        ({"llm.invocation_parameters": '{"model": "gpt-4o"}'}, "gpt-4o"),
        ({"embedding.invocation_parameters": '{"model": "e3"}'}, "e3"),
        ({"llm.invocation_parameters": '{"model": "gpt-4o"}', "llm.model_name": "gpt-5"}, "gpt-5"),
        ({"llm.invocation_parameters": "not JSON"}, None),
        ({"llm.invocation_parameters": '{"model": null}'}, None),
        ({}, None),
    ],
)
def test_a_call_that_failed_tells_its_model_as_a_parameter(
    told: dict[str, Any], model: str | None
) -> None:
    assert completed(told).get("model") == model


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        ('"2026-03-02T12:00:00.250Z"', 250),
        ("2026-03-02T12:00:00.250", 250),
        ('"2026-03-02T11:59:59Z"', None),
        ("soon", None),
        (12, None),
    ],
)
def test_langfuse_tells_when_a_stream_began(written: Any, ms: float | None) -> None:
    told = {"langfuse.observation.completion_start_time": written}
    assert completed(told).get("ttft_ms") == ms


def test_the_first_chunk_of_a_stream_is_its_first_token() -> None:
    events = [
        SpanEvent(at=NOON + timedelta(milliseconds=ms), name=name)
        for ms, name in ((100, "retry"), (250, "gen_ai.content.completion.chunk"))
    ]
    events.append(SpanEvent(at=NOON + timedelta(seconds=1), name=events[-1].name))
    assert completed({}, *events)["ttft_ms"] == 250


@pytest.mark.parametrize("details", [OPENAI_CHAT, OPENAI_RESPONSES])
def test_openais_usage_within_langfuses_details_counts_cached_tokens_within(details: str) -> None:
    fields = attributes.of_span({"langfuse.observation.usage_details": details}).fields
    assert fields == {
        "input_tokens": 120,
        "cache_read_tokens": 100,
        "output_tokens": 50,
        "reasoning_tokens": 40,
    }


def test_langfuse_reports_no_cost_of_a_call_that_failed() -> None:
    nothing = {"langfuse.observation.cost_details": '{"input": 0, "output": 0, "total": 0}'}
    used = {"langfuse.observation.usage_details": '{"input": 10, "output": 2}'}
    assert "cost_usd" not in attributes.of_span(nothing).fields
    assert attributes.of_span(nothing | used).fields["cost_usd"] == 0


@pytest.mark.parametrize(
    ("sender", "provider", "whole"),
    [
        ("openlit", "anthropic", 140),
        ("openlit", "openai", 100),
        ("opentelemetry", "anthropic", 100),
    ],
)
def test_openlit_counts_what_anthropic_caches_beside_the_input(
    sender: str, provider: str, whole: int
) -> None:
    sent = {
        "telemetry.sdk.name": sender,
        "gen_ai.provider.name": provider,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 40,
    }
    assert attributes.of_span(sent).fields["input_tokens"] == whole


def test_a_call_told_by_the_span_above_counts_there() -> None:
    rows = [call("inner", "outer", duration_ms=900.0), call("outer")]
    count_once(rows, ["sdk"] * len(rows))
    assert [row["cost_usd"] for row in rows] == [None, 0.5]
    assert (rows[0]["input_tokens"], rows[0]["cost_source"]) == (None, CostSource.NONE)
    assert "100 input_tokens, 20 output_tokens" in rows[0]["attributes"][NOTE]


@pytest.mark.parametrize(
    ("inner", "outer", "usd"),
    [
        (CostSource.REPORTED, CostSource.COMPUTED, 0.4),
        (CostSource.COMPUTED, CostSource.UNPRICED, 0.4),
        (CostSource.COMPUTED, CostSource.REPORTED, 0.5),
        (CostSource.COMPUTED, CostSource.COMPUTED, 0.5),
    ],
)
def test_the_cost_that_is_known_best_stays(
    inner: CostSource, outer: CostSource, usd: float
) -> None:
    held = None if outer is CostSource.UNPRICED else 0.5
    rows = [
        call("inner", "outer", cost_usd=0.4, cost_source=inner),
        call("outer", cost_usd=held, cost_source=outer),
    ]
    count_once(rows, ["sdk"] * len(rows))
    assert [row["cost_usd"] for row in rows] == [None, usd]


def test_the_span_that_keeps_a_call_takes_what_it_did_not_say() -> None:
    rows = [call("inner", "outer", ttft_ms=250.0, cache_read_tokens=40), call("outer")]
    count_once(rows, ["sdk"] * len(rows))
    assert (rows[1]["ttft_ms"], rows[1]["cache_read_tokens"]) == (250.0, 40)


def test_a_call_told_at_three_levels_counts_at_the_highest() -> None:
    rows = [call("c", "b"), call("b", "a"), call("a")]
    count_once(rows, ["sdk"] * len(rows))
    assert [row["cost_usd"] for row in rows] == [None, None, 0.5]


def test_two_spans_with_the_same_response_are_one_call() -> None:
    rows = [answered("long", "r"), answered("short", "r", duration_ms=900.0)]
    count_once(rows, ["sdk"] * len(rows))
    assert [row["cost_usd"] for row in rows] == [0.5, None]


def test_a_framework_and_its_client_side_by_side_tell_one_call() -> None:
    rows = [call("client", "root", duration_ms=900.0), call("framework", "root", model="claude")]
    count_once(rows, ["openai", "langchain"])
    assert [row["cost_usd"] for row in rows] == [None, 0.5]
    assert rows[1]["model"] == "claude-sonnet-4-5-20250929"


@pytest.mark.parametrize(
    ("scopes", "changes"),
    [
        (["openai", "openai"], {}),  # the same question asked twice at once
        (["openai", "langchain"], {"started_at": NOON - SECOND}),
        (["openai", "langchain"], {"input_tokens": 99}),
        (["openai", "langchain"], {"attributes": {"gen_ai.response.id": "r"}, "output_tokens": 9}),
        (["openai", "langchain"], {"model": "gpt-4o"}),
    ],
)
def test_two_calls_side_by_side_are_two(scopes: list[str], changes: dict[str, Any]) -> None:
    rows = [call("a", "root", duration_ms=900.0), call("b", "root", **changes)]
    count_once(rows, scopes)
    assert [row["cost_usd"] for row in rows] == [0.5, 0.5]


def test_a_flood_of_calls_alike_is_not_weighed_one_by_one() -> None:
    rows = [call(str(number), "root") for number in range(8_000)]
    begun = time.process_time()
    count_once(rows, ["openai", "langchain"] * 4_000)
    assert time.process_time() - begun < 1
    assert {row["cost_usd"] for row in rows} == {0.5}


def test_each_span_of_a_framework_stands_for_one_call_of_the_client() -> None:
    rows = [call(one, "root", duration_ms=900.0) for one in ("a", "b")]
    rows.append(call("framework", "root"))
    count_once(rows, ["openai", "openai", "langchain"])
    assert [row["cost_usd"] for row in rows] == [None, 0.5, 0.5]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ({"model": "gpt-4o"}, {}),  # a call that makes another
        ({"output_tokens": 10}, {}),
        ({"kind": SpanKind.AGENT}, {}),  # whose sums are never priced
        ({"output_tokens": None, "input_tokens": None}, {}),
        (
            {"attributes": {"gen_ai.response.id": "r1"}},
            {"attributes": {"gen_ai.response.id": "r2"}},
        ),
    ],
)
def test_another_call_above_takes_nothing(above: dict[str, Any], below: dict[str, Any]) -> None:
    rows = [call("inner", "outer", **below), call("outer", **above)]
    count_once(rows, ["sdk"] * len(rows))
    assert rows[0]["cost_usd"] == 0.5


@pytest.mark.parametrize(
    "rows",
    [
        [answered("a", "r1"), answered("b", "r2")],
        [call("a", "root"), call("b", "root", duration_ms=900.0)],
        [answered("a", "r1"), answered("a", "r1")],  # sent twice
        [answered("a", "r1"), answered("b", "r1", trace_id="b")],
    ],
    ids=["two responses", "no responses", "one span", "two traces"],
)
def test_calls_side_by_side_keep_what_they_used(rows: list[SpanRow]) -> None:
    count_once(rows, ["sdk"] * len(rows))
    assert [row["cost_usd"] for row in rows] == [0.5, 0.5]
