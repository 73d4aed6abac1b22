"""The traps of each vendor's API, one by one: what it hides, limits or spells its own way."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models.vocabulary import SpanStatus
from signals import Query, QueryError, UnreachableError
from signals.traces import TraceQuery
from signals.traces.ids import as_uuid
from signals.traces.jaeger import Jaeger
from signals.traces.langfuse import Langfuse
from signals.traces.langsmith import LangSmith
from signals.traces.tempo import Tempo
from tests.jaeger_server import JaegerServer
from tests.langfuse_server import PUBLIC, SECRET, LangfuseServer
from tests.langsmith_server import KEY, LangSmithServer
from tests.serving import serve
from tests.tempo_server import TempoServer
from tests.told_traces import CHAT, END, NOON, SLOW, START, TRACES, Made, exported
from tests.trace_stores import address

QUERY = TraceQuery(start=START, end=END)


DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


P95 = Query(signal="latency_p95", window=HOUR)


RATE = Query(signal="request_rate", window=HOUR)


def aged(days: int) -> Any:
    """Return the traces as they would have been sent `days` ago."""
    return exported({key: (ago + days * DAY, spans) for key, (ago, spans) in TRACES.items()})


@contextmanager
def tempo(**changes: Any) -> Iterator[tuple[TempoServer, Tempo]]:
    server = TempoServer(now=lambda: NOON, **changes)
    server.spans.add(exported())
    with serve(server.app) as url:
        store = Tempo(address(f"tempo+{url}"), clock=lambda: NOON)
        with closing(store):
            yield server, store


def test_tempo_searches_a_month_a_week_at_a_time() -> None:
    with tempo() as (server, store):
        server.spans.all.clear()
        server.spans.add(aged(20))
        found = store.search(replace(QUERY, start=NOON - 30 * DAY))
        assert {line.trace_id for line in found} == set(TRACES)
        searches = [url for url in server.asked if "/api/search" in url]
        assert len(searches) == 5


def test_tempo_is_not_searched_without_end() -> None:
    with tempo() as (_, store), pytest.raises(QueryError, match="70 days at most"):
        store.search(replace(QUERY, start=NOON - 100 * DAY))


def test_a_trace_that_tempo_trimmed_is_cut() -> None:
    with tempo(is_partial=True) as (_, store):
        trace = store.trace(CHAT)
        assert trace is not None
        assert trace.cut


def test_an_older_tempo_is_asked_by_its_older_path() -> None:
    with tempo(has_v2=False) as (_, store):
        trace = store.trace(CHAT)
        assert trace is not None
        assert len(trace.spans) == 4
        assert store.trace("f" * 32) is None


def test_tempo_computes_over_a_day_at_most() -> None:
    with tempo() as (_, store), pytest.raises(QueryError, match="24 h at most"):
        store.read(replace(P95, window=2 * DAY), at=NOON)


def test_a_chart_of_a_week_asks_tempo_a_day_at_a_time() -> None:
    with tempo() as (server, store):
        server.spans.add(aged(3))
        (line,) = store.read_range(RATE, start=NOON - 7 * DAY, end=NOON, step=HOUR)
        points = dict(zip(line.seconds, line.values, strict=True))
        assert points == {(NOON - 3 * DAY).timestamp(): pytest.approx(4 / 3600)}
        assert len([url for url in server.asked if "query_range" in url]) == 8


def test_tempo_leaves_out_the_last_half_minute() -> None:
    with tempo() as (server, store):
        server.spans.all.clear()
        made = [Made(id="00000000000000aa", name="now", ms=100)]
        server.spans.add(exported({CHAT: (timedelta(seconds=10), made)}))
        assert store.read(RATE, at=NOON).samples == ()


def test_tempo_cannot_tell_by_model_for_roots_do_not_say() -> None:
    with tempo() as (_, store):
        assert not store.answers(replace(P95, by=("model",)))
        with pytest.raises(QueryError, match="cannot tell latency_p95 by these labels"):
            store.read(replace(P95, by=("model",)), at=NOON)


def test_tempo_wants_instants_that_end_its_windows() -> None:
    start = NOON - HOUR + 7 * MINUTE
    with tempo() as (_, store), pytest.raises(QueryError, match="multiples of 3600 s"):
        store.read_range(RATE, start=start, end=NOON, step=HOUR)


@contextmanager
def jaeger(params: str = "", **changes: Any) -> Iterator[tuple[JaegerServer, Jaeger]]:
    server = JaegerServer(**changes)
    server.spans.add(exported())
    with serve(server.app) as url:
        store = Jaeger(address(f"jaeger+{url}/{params}"))
        with closing(store):
            yield server, store


def test_an_older_jaeger_gives_single_traces() -> None:
    with jaeger(has_v3=False) as (_, store):
        trace = store.trace(CHAT)
        assert trace is not None
        by_name = {span.name: span for span in trace.spans}
        call, tool = by_name["chat gpt-4o"], by_name["execute_tool lookup"]
        assert (call.model, call.input_tokens, call.duration_ms) == ("gpt-4o", 1000, 2000.0)
        assert (tool.status, tool.status_message) == (SpanStatus.ERROR, "no such order")
        assert tool.events[0].attributes["exception.type"] == "LookupError"
        assert call.parent_id == by_name["POST /chat"].span_id
        assert (call.service, call.environment) == ("copilot", "prod")
        assert store.trace("f" * 32) is None


def test_an_older_jaeger_cannot_be_searched() -> None:
    with (
        jaeger("?service=copilot", has_v3=False) as (_, store),
        pytest.raises(UnreachableError, match="by id only"),
    ):
        store.search(QUERY)


def test_jaeger_is_asked_in_every_spelling_until_it_finds() -> None:
    with jaeger() as (server, store):
        (line,) = store.search(replace(QUERY, scope={"model": "gpt-4o"}))
        assert line.trace_id == CHAT
        assert server.asked[0] == '{"gen_ai.response.model": "gpt-4o"}'
        assert server.asked[-1] == '{"gen_ai.request.model": "gpt-4o"}'


def test_a_slow_tool_does_not_make_a_slow_request_of_jaegers() -> None:
    slow_child = [
        Made(id="00000000000000a1", name="POST /chat", ms=100),
        Made(id="00000000000000a2", name="batch", parent="00000000000000a1", ms=60_000),
    ]
    with jaeger() as (server, store):
        server.spans.add(exported({"ab" * 16: (5 * MINUTE, slow_child)}))
        found = store.search(replace(QUERY, min_duration_ms=5000))
        assert [line.trace_id for line in found] == [SLOW]


@contextmanager
def langfuse(**changes: Any) -> Iterator[tuple[LangfuseServer, Langfuse]]:
    server = LangfuseServer(**changes)
    server.spans.add(exported())
    with serve(server.app) as url:
        line = f"langfuse+http://{PUBLIC}:{SECRET}@{url.removeprefix('http://')}"
        store = Langfuse(address(line), clock=lambda: NOON)
        with closing(store):
            yield server, store


def test_langfuse_finds_a_trace_whose_id_is_a_uuid() -> None:
    with langfuse() as (server, store):
        for span in server.spans.all:
            span.trace = as_uuid(span.trace)
        trace = store.trace(CHAT)
        assert trace is not None
        assert trace.trace_id == CHAT


def test_the_same_question_within_a_minute_costs_langfuse_one_call() -> None:
    with langfuse(limits={"public-api-v2-metrics": 1}) as (_, store):
        first = store.read(P95, at=NOON)
        again = store.read(P95, at=NOON + timedelta(seconds=40))
        assert [s.value for s in first.samples] == [s.value for s in again.samples]


def test_a_langfuse_whose_metrics_are_used_up_still_gives_traces() -> None:
    with langfuse(limits={"public-api-v2-metrics": 0}) as (_, store):
        with pytest.raises(UnreachableError, match=r"until 12:00:30 UTC \(rate limit\)"):
            store.read(P95, at=NOON)
        assert store.trace(CHAT) is not None


def test_langfuse_is_asked_for_its_newest_twice_a_minute_at_most() -> None:
    with langfuse() as (server, store):
        for seconds in range(0, 30, 10):
            assert store.newest(at=NOON + timedelta(seconds=seconds)) is not None
        assert server.asked.count("/api/public/v2/observations") == 1


def test_many_scores_come_in_pages_of_a_hundred() -> None:
    with langfuse() as (server, store):
        server.scores += [
            {"id": str(n), "name": f"s{n}", "traceId": CHAT, "value": 0.5, "dataType": "NUMERIC"}
            for n in range(250)
        ]
        trace = store.trace(CHAT)
        assert trace is not None
        told = [key for key in trace.spans[0].attributes if key.startswith("score.")]
        assert len(told) == 250


@pytest.mark.parametrize(
    ("kind", "value", "points"),
    [("NUMERIC", 0.8, 80.0), ("BOOLEAN", 1, 100.0), ("CATEGORICAL", "incorrect", 0.0)],
)
def test_scores_of_every_type_are_read(kind: str, value: Any, points: float) -> None:
    with langfuse() as (server, store):
        score = {"id": "1", "name": "judge", "traceId": CHAT, "value": value, "dataType": kind}
        server.scores.append({**score, "observationId": "00f067aa0ba902b9"})
        trace = store.trace(CHAT)
        assert trace is not None
        judged = [span for span in trace.spans if span.eval_score is not None]
        assert [(s.name, s.eval_name, s.eval_score) for s in judged] == [
            ("chat gpt-4o", "judge", points)
        ]


def test_scores_on_two_scales_make_no_mean() -> None:
    with langfuse() as (server, store):
        server.scores += [
            {"name": "a", "traceId": CHAT, "value": value, "timestamp": "2026-03-02T11:30:00Z"}
            for value in (0.5, 80)
        ]
        with pytest.raises(QueryError, match="several scales"):
            store.read(Query(signal="eval_score", window=HOUR), at=NOON)


def test_langfuse_draws_by_the_minute_the_hour_or_the_day() -> None:
    with langfuse() as (_, store):
        (line,) = store.read_range(RATE, start=NOON - 2 * HOUR, end=NOON, step=HOUR)
        assert list(line.values) == [pytest.approx(4 / 3600)]
        assert list(line.seconds) == [NOON.timestamp()]
        window = replace(RATE, window=5 * MINUTE)
        with pytest.raises(QueryError, match="the minute, the hour or the day"):
            store.read_range(window, start=NOON - HOUR, end=NOON, step=5 * MINUTE)


def test_langfuse_does_not_split_by_what_it_refuses() -> None:
    with langfuse() as (_, store):
        assert not store.answers(replace(RATE, by=("session_id",)))
        assert not store.answers(replace(RATE, by=("model",)))
        assert store.answers(Query(signal="token_rate", window=HOUR, by=("model",)))


@contextmanager
def langsmith(**changes: Any) -> Iterator[tuple[LangSmithServer, LangSmith]]:
    server = LangSmithServer(now=lambda: NOON, **changes)
    server.spans.add(exported())
    with serve(server.app) as url:
        line = f"langsmith+http://:{KEY}@{url.removeprefix('http://')}/?project=copilot"
        store = LangSmith(address(line), clock=lambda: NOON)
        with closing(store):
            yield server, store


@pytest.mark.parametrize("is_v2", [True, False])
def test_a_trace_of_last_week_is_found_in_langsmith(is_v2: bool) -> None:
    with langsmith(flags={"sdb_query_enabled": is_v2}) as (server, store):
        server.spans.all.clear()
        server.spans.add(aged(7))
        trace = store.trace(CHAT)
        assert trace is not None
        assert len(trace.spans) == 4


def test_long_traces_come_from_langsmith_page_by_page() -> None:
    spans = [Made(id=f"{n + 1:016x}", name="step", at_ms=n) for n in range(1, 230)]
    with langsmith(flags={}) as (server, store):
        server.spans.add(exported({"ab" * 16: (5 * MINUTE, spans)}))
        trace = store.trace("ab" * 16)
        assert trace is not None
        assert len(trace.spans) == 229
        assert len(server.asked) == 3


def test_langsmith_that_is_asked_too_often_says_until_when() -> None:
    with langsmith(calls_left=0) as (server, store):
        for _ in range(3):
            with pytest.raises(UnreachableError, match="until 12:00:07 UTC"):
                store.trace(CHAT)
        assert len(server.asked) == 1


def test_an_unknown_project_is_named() -> None:
    with serve(LangSmithServer(now=lambda: NOON).app) as url:
        line = f"langsmith+http://:{KEY}@{url.removeprefix('http://')}/?project=nobody"
        store = LangSmith(address(line))
        with pytest.raises(UnreachableError, match="no project of that name"):
            store.trace(CHAT)
        store.close()
