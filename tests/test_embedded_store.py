"""The embedded store: what is written is there, once, and can be found."""

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals import UnreachableError
from signals.logs import LogRecord
from signals.traces import BusyError, SpanEvent, StoreError, TraceQuery, TraceSummary
from signals.traces.embedded import EmbeddedStore
from signals.traces.embedded.database import Database
from signals.traces.embedded.schema import spans_table
from signals.traces.embedded.writer import Writer
from tests.spans import DAY, HOUR, MINUTE, NOON, SECOND, bill, child, opened, root, until


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
