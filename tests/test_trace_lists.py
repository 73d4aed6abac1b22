"""Lists of traces from the embedded store."""

from dataclasses import replace

import pytest

from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals import QueryError
from signals.traces import Order, TraceQuery, TraceSummary
from signals.traces.costs import trace_cost, trace_tokens
from signals.traces.embedded import EmbeddedStore
from tests.spans import HOUR, MINUTE, NOON, SECOND, bill, child, root


def found(store: EmbeddedStore, **changes: object) -> list[TraceSummary]:
    fields = {"start": NOON - HOUR, "end": NOON + HOUR} | changes
    return store.search(TraceQuery(**fields))  # type: ignore[arg-type]  # the fields of one test


def names(summaries: list[TraceSummary]) -> list[str]:
    return [summary.name for summary in summaries]


# Finding


def test_a_list_says_what_a_request_was(store: EmbeddedStore) -> None:
    whole = root(outcome="success", feature="chat", tenant="acme", session_id="s1")
    call = child(
        whole,
        model="gpt-4o",
        prompt_version="v2",
        input_tokens=10,
        output_tokens=5,
        status=SpanStatus.ERROR,
        **bill(0.25),
    )
    tools = [child(whole, tool=tool, eval_score=40.0) for tool in ("search", "lookup", "search")]
    store.write([whole, call, *tools])
    assert found(store) == [
        TraceSummary(
            trace_id=whole.trace_id,
            name="POST /chat",
            started_at=whole.started_at,
            duration_ms=1000.0,
            status=SpanStatus.UNSET,
            outcome="success",
            feature="chat",
            tenant="acme",
            model="gpt-4o",
            prompt_version="v2",
            session_id="s1",
            tokens=15,
            cost_usd=0.25,
            cost_source=CostSource.REPORTED,
            span_count=5,
            error_count=1,
            tools=("lookup", "search"),
            worst_score=40.0,
        )
    ]


def test_a_list_counts_costs_as_the_rest_of_the_house_does(store: EmbeddedStore) -> None:
    one, two, three, four = (root(name=name) for name in ("sums", "alone", "unpriced", "free"))
    tokens = {"input_tokens": 7, "output_tokens": 1}
    spans = [
        replace(one, **bill(0.9), input_tokens=99),
        child(one, kind=SpanKind.AGENT, **bill(0.9), **tokens),
        child(one, kind=SpanKind.LLM, **bill(0.5), **tokens),
        child(one, kind=SpanKind.TOOL, **bill(0.25, CostSource.COMPUTED)),
        replace(two, **bill(0.7), input_tokens=5),
        child(two, kind=SpanKind.LLM),
        three,
        child(three, **bill(0.5), **tokens),
        child(three, **bill(None), **tokens),
        four,
        child(four),
    ]
    store.write(spans)
    for summary in found(store):
        own = [span for span in spans if span.trace_id == summary.trace_id]
        cost = trace_cost(own)
        assert (summary.name, summary.cost_usd, summary.cost_source, summary.tokens) == (
            summary.name,
            cost.usd,
            cost.source,
            trace_tokens(own),
        )


def test_lists_come_in_the_order_asked_for(store: EmbeddedStore) -> None:
    new = root(NOON, name="new", duration_ms=10.0)
    slow = root(NOON - MINUTE, name="slow", duration_ms=9000.0)
    dear = root(NOON - 2 * MINUTE, name="dear", duration_ms=20.0)
    store.write([new, slow, dear, child(dear, **bill(2.0)), child(new, **bill(1.0))])
    assert names(found(store, order=Order.NEWEST)) == ["new", "slow", "dear"]
    assert names(found(store, order=Order.SLOWEST)) == ["slow", "dear", "new"]
    assert names(found(store, order=Order.DEAREST)) == ["dear", "new", "slow"]


def test_a_list_is_bounded(store: EmbeddedStore) -> None:
    store.write([root(NOON - count * SECOND, name=str(count)) for count in range(30)])
    assert names(found(store, limit=3)) == ["0", "1", "2"]
    assert len(found(store, limit=10_000)) == 30
    assert len(found(store, limit=-5)) == 1


def test_a_list_holds_requests_that_started_in_the_period(store: EmbeddedStore) -> None:
    on_start = root(NOON + SECOND, name="first")
    on_end = root(NOON + MINUTE + SECOND, name="too late")
    store.write([on_start, on_end])
    assert names(found(store, start=NOON, end=NOON + MINUTE)) == ["first"]


def test_only_the_failed_are_listed_when_asked_for(store: EmbeddedStore) -> None:
    store.write(
        [
            root(NOON, name="fine", outcome="success"),
            root(NOON - SECOND, name="status", status=SpanStatus.ERROR),
            root(NOON - 2 * SECOND, name="timeout", outcome="timeout"),
            root(NOON - 3 * SECOND, name="rejected", outcome="user_rejected"),
        ]
    )
    assert names(found(store, errors_only=True)) == ["status", "timeout"]


def test_only_the_slow_are_listed_when_asked_for(store: EmbeddedStore) -> None:
    store.write([root(name="slow", duration_ms=5000.0), root(name="fast", duration_ms=4999.0)])
    assert names(found(store, min_duration_ms=5000)) == ["slow"]


def test_a_list_is_narrowed_by_what_any_span_of_the_request_says(store: EmbeddedStore) -> None:
    inside = root(name="inside")
    outside = root(name="outside", model="other")
    store.write([inside, child(inside, model="gpt-4o"), outside, child(outside, model="gpt-4o")])
    assert names(found(store, scope={"model": "gpt-4o"})) == ["inside"]
    assert names(found(store, scope={"model": "other"})) == ["outside"]


def test_an_empty_value_finds_what_does_not_say(store: EmbeddedStore) -> None:
    store.write([root(name="silent"), root(name="told", tenant="acme")])
    assert names(found(store, scope={"tenant": ""})) == ["silent"]


def test_the_worst_scored_come_first_and_the_unscored_last(store: EmbeddedStore) -> None:
    poor, fair, unscored = (root(name=name) for name in ("poor", "fair", "unscored"))
    scores = [child(poor, eval_score=90.0), child(poor, eval_score=5.0)]
    store.write([unscored, fair, poor, child(fair, eval_score=50.0), *scores])
    assert names(found(store, order=Order.WORST)) == ["poor", "fair", "unscored"]


@pytest.mark.parametrize("order", list(Order))
def test_a_cost_asked_for_holds_in_every_order(store: EmbeddedStore, order: Order) -> None:
    dear, cheap, unknown = (root(name=name) for name in ("dear", "cheap", "unknown"))
    calls = [
        child(dear, kind=SpanKind.LLM, **bill(0.5)),
        child(cheap, kind=SpanKind.LLM, **bill(0.4)),
    ]
    store.write([dear, cheap, unknown, *calls])
    assert names(found(store, order=order, min_cost_usd=0.5)) == ["dear"]


def test_a_quote_in_a_value_is_only_a_quote(store: EmbeddedStore) -> None:
    store.write([root(name="odd", tenant="'; DROP TABLE store.spans; --")])
    assert names(found(store, scope={"tenant": "'; DROP TABLE store.spans; --"})) == ["odd"]
    assert found(store, scope={"tenant": "' OR '1'='1"}) == []


@pytest.mark.parametrize("label", ["status_message", "1=1; --", "started_at"])
def test_a_label_that_traces_lack_is_refused(store: EmbeddedStore, label: str) -> None:
    with pytest.raises(QueryError, match="no label"):
        found(store, scope={label: "x"})
    with pytest.raises(QueryError, match="no label"):
        store.values(label, start=NOON - HOUR, end=NOON)


@pytest.mark.parametrize("label", ["user_id", "request_id", "tool"])
def test_what_any_span_may_say_is_searched_by_but_never_split_by(
    store: EmbeddedStore, label: str
) -> None:
    told = root(name="told")
    store.write([told, child(told, **{label: "o'x"}), root(name="silent")])
    assert names(found(store, scope={label: "o'x"})) == ["told"]
    assert names(found(store, scope={label: ""})) == ["silent"]
    with pytest.raises(QueryError, match="no label"):
        store.values(label, start=NOON - HOUR, end=NOON)


def test_a_trace_whose_root_has_not_come_is_listed_by_its_first_span(store: EmbeddedStore) -> None:
    whole = root()
    first = child(whole, name="first", started_at=NOON - MINUTE, duration_ms=1000.0)
    second = child(whole, name="second", started_at=NOON - MINUTE + SECOND, duration_ms=2000.0)
    store.write([second, first])
    (summary,) = found(store, end=NOON)
    assert (summary.name, summary.duration_ms, summary.span_count) == ("first", 3000.0, 2)
    store.write([whole])
    assert names(found(store)) == ["POST /chat"]


def test_a_trace_with_two_roots_is_listed_once(store: EmbeddedStore) -> None:
    one = root(name="one")
    store.write([one, replace(child(one, name="two"), parent_id=None)])
    assert len(found(store)) == 1
