"""What tools did: the embedded store says of a period what an independent computation says."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.vocabulary import SpanKind, SpanStatus
from signals import QueryError
from signals.traces import Span
from signals.traces.embedded import EmbeddedStore
from signals.traces.tools import Approval, ToolQuery, ToolReport, approvals, instant, uses
from tests.spans import DAY, HOUR, MINUTE, NOON, child, opened, root


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with opened(tmp_path, memory_mb=128) as made:
        yield made


def call(tool: str | None = "sql", *, of: Span | None = None, **changes: Any) -> Span:
    return child(of or root(), kind=SpanKind.TOOL, tool=tool, name="a call", **changes)


def asked(
    store: EmbeddedStore, *spans: Span, start: datetime = NOON - HOUR, **scope: str
) -> ToolReport:
    store.write(spans)
    return store.tools(
        ToolQuery(start=start, end=NOON + MINUTE, scope=tuple(sorted(scope.items())))
    )


def counts(report: ToolReport) -> dict[str, int]:
    return {use.tool: use.calls for use in report.tools}


def test_the_store_says_what_the_spans_say(store: EmbeddedStore) -> None:
    spans = [
        call("sql", duration_ms=float(n), permission=permission, approval=approval, status=status)
        for n, (permission, approval, status) in enumerate(
            [
                ("allowed", None, SpanStatus.OK),
                ("ALLOW", None, SpanStatus.ERROR),
                ("denied", None, SpanStatus.ERROR),
                ("needs_confirmation", "granted", SpanStatus.OK),
                ("needs confirmation", "rejected", SpanStatus.OK),
                ("ask", "pending", SpanStatus.UNSET),
                ("a word of its own", "another", SpanStatus.OK),
                (None, None, SpanStatus.OK),
            ]
        )
    ]
    (use,) = asked(store, *spans).tools
    assert use == uses(spans)[0]
    assert (use.allowed, use.denied, use.confirmed, use.unsaid) == (2, 1, 3, 2)
    assert (use.granted, use.rejected, use.pending, use.errors) == (1, 1, 1, 2)
    assert [use.p50_ms, use.p95_ms] == pytest.approx([3.5, 6.65])


def test_the_most_called_tool_comes_first(store: EmbeddedStore) -> None:
    report = asked(store, call("a"), call("b"), call("b"), call(None))
    assert list(counts(report)) == ["b", "a", "a call"]
    assert report.names == 3


def test_a_call_outside_the_period_does_not_count(store: EmbeddedStore) -> None:
    assert counts(asked(store, call(), call(started_at=NOON - DAY))) == {"sql": 1}


def test_only_spans_of_tools_count(store: EmbeddedStore) -> None:
    assert asked(store, child(root(), kind=SpanKind.LLM, tool="sql")) == ToolReport()


def test_a_call_belongs_to_the_tenant_of_its_request(store: EmbeddedStore) -> None:
    acme, other = root(tenant="acme"), root(tenant="globex")
    spans = [acme, other, call("a", of=acme), call("b", of=other)]
    assert counts(asked(store, *spans, tenant="acme")) == {"a": 1}


def test_a_label_that_traces_lack_is_refused(store: EmbeddedStore) -> None:
    with pytest.raises(QueryError, match="no label 'colour'"):
        asked(store, colour="red")


def test_an_approval_waits_until_a_span_with_its_id_decides(store: EmbeddedStore) -> None:
    requested = NOON - 10 * MINUTE
    told = {"approval.requested_at": requested.isoformat()}
    first = call("close", approval="pending", attributes={"approval.id": "7"} | told)
    second = call("pay", approval="pending", attributes={"approval.id": "8"} | told)
    report = asked(store, first, second)
    assert [(one.tool, one.requested_at) for one in report.waiting] == [
        ("close", requested),
        ("pay", requested),
    ]
    assert report.waiting[0].age(now=NOON) == 10 * MINUTE
    report = asked(store, call("close", approval="granted", attributes={"approval.id": "7"}))
    assert [one.tool for one in report.waiting] == ["pay"]
    assert report.waits == 1


def test_in_one_trace_a_decision_ends_the_wait_too() -> None:
    first = call(approval="pending", attributes={"approval.id": "7"})
    done = {"approval.id": "7", "approval.decided_at": str((NOON + MINUTE).timestamp())}
    second = replace(call(approval="granted", of=first, attributes=done), started_at=NOON)
    assert [(one.outcome, one.age(now=NOON + DAY)) for one in approvals([first, second])] == [
        ("granted", MINUTE)
    ]


def test_a_decision_without_a_time_has_no_age() -> None:
    (found,) = approvals([call(approval="granted")])
    assert found.age(now=NOON) is None


def test_clocks_that_differ_give_no_negative_age() -> None:
    waiting = Approval(tool="", trace_id="", span_id="", outcome="pending", requested_at=NOON)
    assert waiting.age(now=NOON - MINUTE) == timedelta()


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9])
def test_an_instant_is_read_in_any_unit_since_1970(scale: int) -> None:
    assert instant(str(int(NOON.timestamp()) * scale)) == NOON


@pytest.mark.parametrize("told", ["2026-03-02T12:00:00Z", "2026-03-02T13:00:00+01:00"])
def test_an_instant_is_read_from_iso_8601(told: str) -> None:
    assert instant(told) == NOON


@given(st.text() | st.floats().map(str))
@settings(max_examples=200)
def test_whatever_is_told_as_an_instant_raises_nothing(told: str) -> None:
    instant(told)
