"""No row that a vendor could send, however broken, is more than left out."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.traces import Span, Trace
from signals.traces.clickhouse.rows import spans_of as of_clickhouse
from signals.traces.jaeger_v1 import spans_of_v1
from signals.traces.langfuse.rows import score_of
from signals.traces.langfuse.rows import spans as of_langfuse
from signals.traces.langsmith_runs import scores_of
from signals.traces.langsmith_runs import spans as of_langsmith
from signals.traces.otlp_json import spans_of as of_otlp
from signals.traces.phoenix_rows import spans_of as of_phoenix
from signals.traces.scores import scored
from signals.traces.summaries import summary_of
from signals.traces.tempo import line_of
from signals.traces.told import assembled
from tests.told_traces import CHAT

OWN = "00f067aa0ba902b7"
AT = "2026-03-02T12:00:00Z"
NS = "1772452800000000000"
# One good row of each vendor, of which any part may be replaced by anything.
PHOENIX = {
    "context": {"trace_id": CHAT, "span_id": OWN},
    "name": "a",
    "start_time": AT,
    "end_time": AT,
    "parent_id": None,
    "span_kind": "LLM",
    "status_code": "OK",
    "status_message": "",
    "attributes": {"llm.model_name": "m"},
    "events": [{"name": "e", "timestamp": AT, "attributes": {}}],
}
LANGFUSE = {
    "id": OWN,
    "traceId": CHAT,
    "startTime": AT,
    "endTime": AT,
    "type": "GENERATION",
    "level": "ERROR",
    "tags": ["tenant:acme"],
    "metadata": {"attributes": {"a": "b"}, "resourceAttributes": {"service.name": "s"}},
    "usageDetails": {"input": 1},
    "timeToFirstToken": 1.0,
    "subject": {"kind": "observation", "id": OWN},
    "value": 1,
}
LANGSMITH = {
    "id": CHAT,
    "trace_id": CHAT,
    "start_time": AT,
    "end_time": AT,
    "first_token_time": AT,
    "run_type": "llm",
    "parent_run_ids": [CHAT],
    "extra": {"metadata": {"a": "b"}},
    "prompt_token_details": {"raw": {"cache_read": 1}},
    "feedback_stats": {"a": {"avg": 1.0}},
    "tags": ["x"],
}
OTLP = {
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
    "scopeSpans": [
        {
            "spans": [
                {
                    "traceId": CHAT,
                    "spanId": OWN,
                    "startTimeUnixNano": NS,
                    "endTimeUnixNano": NS,
                    "kind": 2,
                    "status": {"code": 2},
                    "attributes": [{"key": "a", "value": {"intValue": "1"}}],
                    "events": [{"timeUnixNano": NS, "name": "e", "attributes": []}],
                }
            ]
        }
    ],
}
JAEGER = {
    "processes": {"p1": {"serviceName": "s", "tags": [{"key": "a", "value": "b"}]}},
    "spans": [
        {
            "traceID": CHAT,
            "spanID": OWN,
            "startTime": 1,
            "duration": 1,
            "references": [{"refType": "CHILD_OF", "spanID": OWN}],
            "tags": [{"key": "error", "type": "bool", "value": True}],
            "logs": [{"timestamp": 1, "fields": [{"key": "event", "value": "e"}]}],
            "processID": "p1",
        }
    ],
}
CLICKHOUSE = {
    "TraceId": CHAT,
    "SpanId": OWN,
    "ParentSpanId": "",
    "start_ns": NS,
    "Duration": "1",
    "StatusCode": "Error",
    "resource": {"service.name": "s"},
    "attributes": '{"a": {"b": 1}}',
    "event_names": ["e"],
    "event_times": [NS],
    "event_attributes": [{"a": "b"}],
}
TEMPO = {
    "traceID": CHAT,
    "spanSets": [
        {
            "spans": [
                {
                    "spanID": OWN,
                    "startTimeUnixNano": NS,
                    "durationNanos": "5",
                    "attributes": [{"key": "nestedSetParent", "value": {"intValue": "-1"}}],
                }
            ]
        }
    ],
    "serviceStats": {"s": {"spanCount": 1, "errorCount": 0}},
}
VENDORS: dict[str, tuple[Any, Callable[[Any], Iterable[Any]]]] = {
    "phoenix": (PHOENIX, lambda row: of_phoenix([row])),
    "langfuse": (LANGFUSE, lambda row: of_langfuse([row])),
    "langfuse scores": (LANGFUSE, lambda row: [score_of(row)]),
    "langsmith": (LANGSMITH, lambda row: of_langsmith([row], service="s")),
    "langsmith scores": (LANGSMITH, scores_of),
    "otlp": (OTLP, lambda row: of_otlp([row])),
    "jaeger": (JAEGER, spans_of_v1),
    "clickhouse": (CLICKHOUSE, lambda row: of_clickhouse([row])),
    "tempo": (TEMPO, lambda row: [line_of(row)]),
}
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([10**400, "9" * 5000, "\ud800", CHAT, AT, "0" * 32, "-1", "1e999"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def paths(node: Any, before: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    children = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, child in children:
        yield (*before, key)
        yield from paths(child, (*before, key))


def changed(node: Any, path: Sequence[Any], value: Any) -> Any:
    if not path:
        return value
    copy = node.copy()
    copy[path[0]] = changed(node[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("vendor", VENDORS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_broken_row_is_left_out_or_shown(vendor: str, data: st.DataObject) -> None:
    row, read = VENDORS[vendor]
    for path in data.draw(st.lists(st.sampled_from(sorted(paths(row), key=str)), max_size=2)):
        try:
            row = changed(row, path, data.draw(anything))
        except (TypeError, KeyError, IndexError, AttributeError, ValueError):
            continue  # the first change took away what the second is about
    list(read(row))


@pytest.mark.parametrize("vendor", [name for name in VENDORS if "scores" not in name])
def test_a_good_row_is_read(vendor: str) -> None:
    row, read = VENDORS[vendor]
    (found,) = read(row)
    assert found.trace_id == CHAT


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), max_size=6))
def test_any_tangle_of_parents_makes_a_trace_and_a_line(tangle: list[tuple[int, int]]) -> None:
    rows = [
        {
            **PHOENIX,
            "context": {"trace_id": CHAT, "span_id": f"{own:016x}"},
            "parent_id": f"{up:016x}",
        }
        for own, up in tangle
    ]
    spans: list[Span] = list(of_phoenix(rows))
    trace: Trace | None = assembled(CHAT, spans)
    if trace is None:
        assert not rows
        return
    assert summary_of(trace.spans).span_count == len({own for own, _ in tangle})
    assert len(scored(trace.spans, [])) == len(trace.spans)
