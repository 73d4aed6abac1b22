"""One suite for all trace stores: the same traces put in, the same questions, equal answers.

What a store cannot do it declares, and then refuses in a sentence.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals import Query, QueryError, Source
from signals.catalog import CATALOG
from signals.otlp.spans import spans_of
from signals.traces import FILTERS, SEARCHED, Order, Span, TraceQuery, TraceSummary
from signals.traces.costs import trace_cost
from signals.traces.embedded import EmbeddedStore
from signals.traces.people import mark
from tests.langfuse_server import SECRET as LANGFUSE_SECRET
from tests.langsmith_server import KEY as LANGSMITH_KEY
from tests.told_traces import (
    CHAT,
    END,
    FAILED,
    LITTLE,
    NOON,
    OLD,
    SECRET,
    SLOW,
    START,
    TRACES,
    exported,
)
from tests.trace_stores import STORES, Held

EXPECTED = {span.span_id: span for span in spans_of(exported(), now=NOON).spans}
ORDERED = {
    Order.NEWEST: [OLD, FAILED, CHAT, SLOW],
    Order.SLOWEST: [SLOW, CHAT, OLD, FAILED],
    Order.DEAREST: [CHAT, FAILED, OLD, SLOW],
    Order.WORST: [OLD, FAILED, CHAT, SLOW],
}
FILTERED = {
    "feature": ("chat", {CHAT, FAILED, OLD}),
    "tenant": ("globex", {FAILED}),
    "model": ("gpt-4o", {CHAT}),
    "prompt_version": ("v12", {CHAT}),
    "outcome": ("error", {FAILED}),
    "session_id": ("s-1", {CHAT, SLOW}),
    "environment": ("prod", {CHAT, FAILED, SLOW, OLD}),
    "request_id": ("req-1", {CHAT}),
    "user_id": ("u-7", {CHAT, FAILED, SLOW, OLD}),
    "tool": ("lookup", {CHAT}),
}
VALUES = {
    "feature": {"chat", "search"},
    "tenant": {"acme", "globex"},
    "model": {"gpt-4o", "claude-sonnet-4-0"},
    "prompt_version": {"v12"},
    "outcome": {"success", "error"},
    "session_id": {"s-1", "s-2", "s-3"},
    "environment": {"prod"},
}
SAME = (
    *("trace_id", "span_id", "parent_id", "name", "started_at", "kind", "status", "outcome"),
    *("model", "provider", "feature", "tenant", "session_id", "user_id", "prompt_version", "tool"),
    *("input_tokens", "output_tokens", "cache_read_tokens", "service", "environment"),
    *("cost_usd", "cost_source", "status_message", "input_text", "output_text"),
)
LINE = {
    "name": "POST /chat",
    "started_at": NOON - timedelta(minutes=30),
    "duration_ms": 2580.0,
    "feature": "chat",
    "tenant": "acme",
    "model": "gpt-4o",
    "prompt_version": "v12",
    "session_id": "s-1",
    "tokens": 1200,
    "span_count": 4,
    "error_count": 1,
    "provider": "openai",
    "tools": ("lookup",),
}
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module", params=list(STORES))
def held(request: pytest.FixtureRequest) -> Iterator[Held]:
    with STORES[request.param](request, LITTLE) as found:
        yield found
        found.store.close()


def query(**changes: Any) -> TraceQuery:
    return TraceQuery(**{"start": START, "end": END, **changes})


def ids(lines: list[TraceSummary]) -> list[str]:
    return [line.trace_id for line in lines]


def told(span: Span, lost: frozenset[str]) -> dict[str, Any]:
    """Return what is compared of a span, made alike where the vendor does not keep it."""
    found = {name: getattr(span, name) for name in SAME if name not in lost}
    if "http" in lost and span.kind is SpanKind.HTTP:
        found["kind"] = SpanKind.OTHER
    if "http" in lost and span.kind is SpanKind.CHAIN:
        found["kind"] = SpanKind.OTHER
    if "ok" in lost and span.status is SpanStatus.OK:
        found |= {"status": SpanStatus.UNSET, "outcome": None}
    if "unset" in lost and span.status is SpanStatus.UNSET:
        found |= {"status": SpanStatus.OK, "outcome": "success"}
    if "cost" in lost:
        del found["cost_usd"], found["cost_source"]
    return found


@pytest.mark.parametrize("trace_id", list(TRACES), ids=["chat", "failed", "slow", "64-bit"])
def test_a_trace_is_what_was_sent(held: Held, trace_id: str) -> None:
    trace = held.store.trace(trace_id)
    assert trace is not None
    expected = [span for span in EXPECTED.values() if span.trace_id == trace_id]
    expected.sort(key=lambda span: span.started_at)
    assert [told(s, held.lost) for s in trace.spans] == [told(s, held.lost) for s in expected]
    assert not trace.cut


def test_durations_are_exact_to_the_microsecond(held: Held) -> None:
    trace = held.store.trace(CHAT)
    assert trace is not None
    durations = {span.span_id: span.duration_ms for span in trace.spans}
    expected = {s.span_id: s.duration_ms for s in EXPECTED.values() if s.trace_id == CHAT}
    assert durations == pytest.approx(expected, abs=0.001)


def test_a_cost_says_where_it_comes_from(held: Held) -> None:
    trace = held.store.trace(CHAT)
    assert trace is not None
    call = next(span for span in trace.spans if span.kind is SpanKind.LLM)
    assert call.cost_usd is not None
    assert call.cost_source is (CostSource.REPORTED if "cost" in held.lost else CostSource.COMPUTED)


def test_an_orphan_is_shown(held: Held) -> None:
    trace = held.store.trace(SLOW)
    assert trace is not None
    assert ("lost", "eeeeeeee0000dead") in {(span.name, span.parent_id) for span in trace.spans}


def test_a_secret_in_a_prompt_is_not_shown(held: Held) -> None:
    trace = held.store.trace(CHAT)
    assert trace is not None
    assert SECRET not in repr(trace)


def test_a_trace_that_is_not_there_is_none(held: Held) -> None:
    assert held.store.trace("f" * 32) is None


def test_scores_reach_the_span_they_are_about(held: Held) -> None:
    trace = held.store.trace(FAILED)
    assert trace is not None
    scores = {span.span_id: span.eval_score for span in trace.spans if span.eval_score is not None}
    assert scores == ({"d75597dee50b0cac": 25.0} if held.scored else {})


@pytest.mark.parametrize("order", list(Order))
def test_a_list_comes_in_the_order_asked_for_or_is_refused(held: Held, order: Order) -> None:
    if order not in held.store.abilities.orders:
        with pytest.raises(QueryError, match="cannot list"):
            held.store.search(query(order=order))
        return
    assert ids(held.store.search(query(order=order))) == ORDERED[order]


def test_a_line_says_what_the_store_can_list(held: Held) -> None:
    line = next(line for line in held.store.search(query()) if line.trace_id == CHAT)
    shown = {name: getattr(line, name) for name in LINE if name in held.store.abilities.listed}
    assert shown == {name: value for name, value in LINE.items() if name in shown}
    unlisted = set(LINE) - held.store.abilities.listed
    assert {getattr(line, name) for name in unlisted} <= {None, ()}


def test_the_cost_of_a_list_is_the_sum_over_the_trace(held: Held) -> None:
    if "cost_usd" not in held.store.abilities.listed:
        return
    line = next(line for line in held.store.search(query()) if line.trace_id == CHAT)
    trace = held.store.trace(CHAT)
    assert trace is not None
    assert line.cost_usd == pytest.approx(trace_cost(trace.spans).usd)


@pytest.mark.parametrize("field", SEARCHED)
def test_a_label_narrows_the_list_or_is_refused(held: Held, field: str) -> None:
    value, expected = FILTERED[field]
    if field not in held.store.abilities.filters:
        with pytest.raises(QueryError, match=f"cannot filter traces by {field}"):
            held.store.search(query(scope={field: value}))
        return
    assert set(ids(held.store.search(query(scope={field: value})))) == expected


def test_two_labels_must_both_hold(held: Held) -> None:
    scope = {"tenant": "acme", "session_id": "s-1"}
    assert set(ids(held.store.search(query(scope=scope)))) == {CHAT, SLOW}
    assert held.store.search(query(scope={"tenant": "globex", "session_id": "s-1"})) == []


def test_a_label_without_traces_is_an_empty_list(held: Held) -> None:
    assert held.store.search(query(scope={"tenant": 'no "one" \\ here'})) == []


def test_failed_requests_can_be_listed(held: Held) -> None:
    assert ids(held.store.search(query(errors_only=True))) == [FAILED]


def test_slow_requests_can_be_listed(held: Held) -> None:
    assert ids(held.store.search(query(min_duration_ms=2000.5))) == [CHAT, SLOW]


def test_a_user_is_found_by_their_mark_or_is_not_looked_for(held: Held) -> None:
    if "user_id" not in held.store.abilities.filters:
        with pytest.raises(QueryError, match="cannot filter traces by user_id"):
            held.store.search(query(scope={"user_id": mark("u-7")}))
        return
    assert set(ids(held.store.search(query(scope={"user_id": mark("u-7")})))) == set(TRACES)
    assert held.store.search(query(scope={"user_id": mark("u-8")})) == []


def test_dear_requests_can_be_listed_or_cost_is_refused(held: Held) -> None:
    if "cost_usd" not in held.store.abilities.listed:
        with pytest.raises(QueryError, match="cannot filter traces by cost"):
            held.store.search(query(min_cost_usd=0.002))
        return
    assert ids(held.store.search(query(min_cost_usd=0.002))) == [CHAT]


def test_a_list_is_as_long_as_asked_for(held: Held) -> None:
    found = ids(held.store.search(query(limit=2)))
    assert len(found) == 2
    if not held.store.abilities.some:
        assert found == ORDERED[Order.NEWEST][:2]


def test_a_list_keeps_to_its_time(held: Held) -> None:
    since = NOON - timedelta(minutes=25)
    assert ids(held.store.search(query(start=since))) == [OLD, FAILED]
    assert ids(held.store.search(query(end=since))) == [CHAT, SLOW]
    assert held.store.search(query(start=START - HOUR, end=START)) == []


def test_a_period_that_ends_before_it_starts_is_refused(held: Held) -> None:
    with pytest.raises(QueryError, match="end after its start"):
        held.store.search(query(start=END, end=START))


@pytest.mark.parametrize("field", FILTERS)
def test_values_are_listed_or_refused(held: Held, field: str) -> None:
    if field not in held.store.abilities.values:
        with pytest.raises(QueryError, match=f"cannot list the values of {field}"):
            held.store.values(field, start=START, end=END)
        return
    assert set(held.store.values(field, start=START, end=END)) == VALUES[field]


def test_an_unknown_label_is_refused(held: Held) -> None:
    with pytest.raises(QueryError, match="no label 'colour'"):
        held.store.search(query(scope={"colour": "red"}))
    with pytest.raises(QueryError, match="no label 'colour'"):
        held.store.values("colour", start=START, end=END)


@pytest.mark.parametrize("signal", list(CATALOG))
def test_a_signal_is_what_the_embedded_store_says_or_is_declined(
    held: Held, signal: str, reference: EmbeddedStore
) -> None:
    asked = Query(signal=signal, window=HOUR)
    abilities = held.store.abilities
    if signal not in abilities.signals:
        assert not getattr(held.store, "answers", lambda _: False)(asked)
        return
    source: Source = held.store  # type: ignore[assignment]  # it said that it is one
    assert source.answers(asked)
    expected = {s.value for s in reference.read(asked, at=NOON).samples}
    found = {s.value for s in source.read(asked, at=NOON).samples}
    if "cost" in held.lost and signal in ("cost_per_request", "cost"):
        spent = 0.0045 + 0.0015  # by the vendor's own prices
        expected = {spent / 4 if signal == "cost_per_request" else spent}
    if held.scored and signal == "eval_score":
        expected = {25.0}
    # Powers of two: an estimate may be off by a factor of two.
    apart = 1.0 if signal in abilities.estimates else 1e-9
    assert sorted(found) == pytest.approx(sorted(expected), rel=apart)


def test_a_source_knows_its_newest_data(held: Held) -> None:
    if not held.store.abilities.signals:
        return
    source: Source = held.store  # type: ignore[assignment]
    newest = source.newest(at=NOON)
    assert newest is not None
    assert NOON - timedelta(minutes=11) < newest <= NOON


def test_a_store_without_signals_says_so(held: Held) -> None:
    if held.store.abilities.signals:
        return
    assert any("golden signals" in note for note in held.store.abilities.notes)


def test_a_link_goes_to_the_trace(held: Held) -> None:
    url = held.store.web_url(CHAT)
    assert url is None or (url.startswith("http") and CHAT in url.replace("-", ""))


def test_a_store_says_who_it_is_without_its_secrets(held: Held) -> None:
    line = held.store.check()
    assert "\n" not in line
    for secret in (LANGFUSE_SECRET, LANGSMITH_KEY, "pass:word"):
        assert secret not in line + repr(held.store)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore.open(tmp_path_factory.mktemp("reference") / "traces.duckdb")
    store.write(spans_of(exported(), now=NOON).spans)
    yield store
    store.close()
