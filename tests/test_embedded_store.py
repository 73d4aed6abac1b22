"""The embedded store: what is written is there, once, and can be found."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals import QueryError, UnreachableError
from signals.logs import LogRecord
from signals.traces import BusyError, Order, SpanEvent, StoreError, TraceQuery, TraceSummary
from signals.traces.costs import trace_cost, trace_tokens
from signals.traces.embedded import EmbeddedStore
from signals.traces.embedded.database import Database
from signals.traces.embedded.schema import spans_table
from signals.traces.embedded.writer import Writer
from tests.spans import DAY, HOUR, MINUTE, NOON, SECOND, bill, child, opened, root, until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with opened(tmp_path) as store:
        yield store


def found(store: EmbeddedStore, **changes: object) -> list[TraceSummary]:
    fields = {"start": NOON - HOUR, "end": NOON + HOUR} | changes
    return store.search(TraceQuery(**fields))  # type: ignore[arg-type]  # the fields of one test


def names(summaries: list[TraceSummary]) -> list[str]:
    return [summary.name for summary in summaries]


# Writing and reading back


def test_a_span_comes_back_as_it_was_written(store: EmbeddedStore) -> None:
    span = root(
        kind=SpanKind.LLM,
        status=SpanStatus.ERROR,
        status_message="it broke",
        feature="chat",
        tenant="acme",
        model="gpt-4o",
        outcome="timeout",
        input_tokens=12,
        output_tokens=3,
        cache_hit=False,
        guardrail_triggered=True,
        queue_depth=4.0,
        eval_score=88.5,
        ttft_ms=120.5,
        input_text="ü\x00\n",
        output_text="👍",
        attributes={"a": "b", "": "empty key"},
        events=(SpanEvent(at=NOON, name="exception", attributes={"exception.type": "E"}),),
        **bill(0.25, CostSource.COMPUTED),
    )
    store.write([span])
    trace = store.trace(span.trace_id)
    assert trace is not None
    assert trace.spans == (span,)


def test_a_trace_is_its_spans_by_start(store: EmbeddedStore) -> None:
    whole = root()
    late = child(whole, started_at=whole.started_at + SECOND)
    early = child(whole, started_at=whole.started_at - SECOND)
    store.write([late])
    store.write([whole])
    store.write([early])
    trace = store.trace(whole.trace_id)
    assert trace is not None
    assert trace.spans == (early, whole, late)


@pytest.mark.parametrize("unknown", ["f" * 32, "", "'; DROP TABLE spans; --"])
def test_an_unknown_trace_is_none(store: EmbeddedStore, unknown: str) -> None:
    assert store.trace(unknown) is None


def test_spans_that_are_each_others_parents_are_kept(store: EmbeddedStore) -> None:
    one = root(parent_id="00000000000000ff")
    other = child(one, span_id="00000000000000ff")
    store.write([replace(one, parent_id=other.span_id), other])
    trace = store.trace(one.trace_id)
    assert trace is not None
    assert len(trace.spans) == 2
    assert len(found(store, end=NOON)) == 1


def test_writing_again_changes_nothing(store: EmbeddedStore) -> None:
    spans = [root(**bill(0.5), kind=SpanKind.LLM) for _ in range(10)]
    store.write(spans)
    store.write([*spans, spans[0], root()])
    assert len(found(store)) == 11
    assert [summary.cost_usd for summary in found(store, limit=11)].count(0.5) == 10
    assert all(summary.span_count == 1 for summary in found(store))


def test_a_span_twice_in_one_request_is_one(store: EmbeddedStore) -> None:
    span = root()
    store.write([span, span])
    assert found(store)[0].span_count == 1


def test_a_span_sent_by_many_at_once_is_one(store: EmbeddedStore) -> None:
    spans = [root() for _ in range(50)]
    threads = [threading.Thread(target=store.write, args=(spans,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found(store, limit=1000)) == 50
    assert all(summary.span_count == 1 for summary in found(store))


def test_nothing_to_write_is_no_error(store: EmbeddedStore) -> None:
    store.write([])
    store.logs.write([])
    assert found(store) == []


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    span = root()
    with opened(tmp_path) as store:
        store.write([span])
    with opened(tmp_path) as store:
        trace = store.trace(span.trace_id)
    assert trace is not None
    assert trace.spans == (span,)


def test_a_repeated_span_is_known_after_reopening(tmp_path: Path) -> None:
    span = root()
    for _ in range(2):
        with opened(tmp_path) as store:
            store.write([span])
    with opened(tmp_path) as store:
        assert found(store)[0].span_count == 1


# Log lines


def test_the_lines_of_a_trace_come_oldest_first(store: EmbeddedStore) -> None:
    lines = [
        LogRecord(
            at=NOON + count * SECOND,
            severity="INFO",
            body=f"line {count}",
            service="copilot",
            trace_id="a" * 32,
            span_id="b" * 16,
            attributes={"n": str(count)},
        )
        for count in range(5)
    ]
    store.logs.write(lines[::-1])
    store.logs.write([replace(lines[0], trace_id=None), replace(lines[0], trace_id="c" * 32)])
    assert store.logs.lines("a" * 32) == lines
    assert store.logs.lines("a" * 32, limit=2) == lines[:2]


def test_a_line_that_an_exporter_repeats_is_one_line(store: EmbeddedStore) -> None:
    line = LogRecord(at=NOON, severity="", body="b", service="s", trace_id="a" * 32)
    store.logs.write([line])
    store.logs.write([line, replace(line, body="other")])
    assert [line.body for line in store.logs.lines("a" * 32)] == ["b", "other"]


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


def test_values_come_most_frequent_first(store: EmbeddedStore) -> None:
    tenants = ["acme", "globex", "globex", None]
    store.write([root(tenant=tenant) for tenant in tenants])
    assert store.values("tenant", start=NOON - HOUR, end=NOON) == ["globex", "acme"]
    assert store.values("tenant", start=NOON, end=NOON + HOUR) == []


# Keeping within bounds


def test_what_is_too_old_is_swept(store: EmbeddedStore) -> None:
    old, new = root(NOON - 8 * DAY), root(NOON - 6 * DAY)
    store.write([old, new])
    line = LogRecord(at=NOON - 8 * DAY, severity="", body="b", service="s", trace_id=old.trace_id)
    store.logs.write([line])
    store.sweep(now=NOON, traces=7 * DAY, logs=30 * DAY)
    assert store.trace(old.trace_id) is None
    assert store.trace(new.trace_id) is not None
    assert store.logs.lines(old.trace_id) == [line]
    store.sweep(now=NOON, traces=7 * DAY, logs=7 * DAY)
    assert store.logs.lines(old.trace_id) == []


def test_the_newest_is_the_last_to_have_ended_by_then(store: EmbeddedStore) -> None:
    assert store.newest(at=NOON) is None
    store.write([root(NOON - MINUTE), root(NOON + MINUTE)])
    assert store.newest(at=NOON) == NOON - MINUTE


def test_a_question_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    database = Database(tmp_path / "t", memory_mb=256, patience=timedelta(milliseconds=100))
    with pytest.raises(UnreachableError, match=r"longer than 0\.1 s"):
        database.ask("SELECT count(*) FROM range(1000000000) a, range(1000) b", {})
    assert database.ask("SELECT 1", {}) == [(1,)]
    database.close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        pass
    with pytest.raises(UnreachableError, match="closed"):
        store.newest(at=NOON)
    with pytest.raises(BusyError, match="closing"):
        store.write([root()])


def test_a_full_queue_refuses_and_stores_nothing_of_the_batch(tmp_path: Path) -> None:
    database = Database(tmp_path / "t", memory_mb=256, patience=10 * SECOND)
    writer = Writer(database, max_waiting_bytes=1)
    rows, refused = spans_table([root() for _ in range(500)]), []

    def write() -> None:
        try:
            writer.write("spans", rows)
        except BusyError as error:
            refused.append(str(error))

    def burst() -> bool:
        threads = [threading.Thread(target=write) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return bool(refused)

    until(burst)
    assert refused[0] == "the trace store has more to write than it can; send again soon"
    writer.close()
    assert database.ask("SELECT count(*) FROM store.spans", {}) == [(500,)]
    database.close()


def test_a_batch_that_cannot_be_written_spoils_no_other(tmp_path: Path) -> None:
    database = Database(tmp_path / "t", memory_mb=256, patience=10 * SECOND)
    writer = Writer(database)
    with pytest.raises(BusyError, match="could not write"):
        writer.write("spans", pa.table({"started_at": [1], "trace_id": ["a"], "span_id": ["b"]}))
    writer.write("spans", spans_table([root()]))
    writer.close()
    assert database.ask("SELECT count(*) FROM store.spans", {}) == [(1,)]
    database.close()


# Opening


def test_a_file_that_another_process_holds_is_one_clear_sentence(tmp_path: Path) -> None:
    with opened(tmp_path):
        script = (
            "import sys; from signals.traces.embedded import EmbeddedStore\n"
            "from signals.traces import StoreError\n"
            "try: EmbeddedStore.open(sys.argv[1])\n"
            "except StoreError as error: print(error)"
        )
        command = [sys.executable, "-c", script, str(tmp_path / "traces.duckdb")]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "is in use by another process" in said
    assert len(said.splitlines()) == 1


def test_the_same_process_cannot_open_it_twice(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(StoreError, match="in use"):
        EmbeddedStore.open(tmp_path / "traces.duckdb")


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    path.write_text("precious " * 1000)
    with pytest.raises(StoreError, match="cannot be opened"):
        EmbeddedStore.open(path)
    assert path.read_text().startswith("precious")


def test_a_path_with_a_quote_is_only_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    with opened(folder) as store:
        store.write([root()])
    assert (folder / "traces.duckdb").exists()
