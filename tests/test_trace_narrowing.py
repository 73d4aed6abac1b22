"""Narrowing by speed, score and attribute: the same question, the same traces from every store.

What a store cannot do it declares, and then refuses in a sentence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from signals import QueryError
from signals.traces import NARROWING, TraceQuery
from signals.traces.people import mark
from tests.told_traces import END, START, Lot, Made, Rated, context, llm
from tests.trace_stores import STORES, Held

QUICK, LATE, ODD, POOR, FAIR, GOOD, WORD = (digit * 32 for digit in "1234567")
REGION = {"cloud.region": "eu-1"}
HOSTILE = {
    "quotes": ('it\'s "odd"', 'o\'clock "sharp"'),
    "braces": ("{name} (x)", "{value_0:String} } || {"),
    "backslashes": ("a\\b\\", "c\\n\\"),
    "backticks": ("`a`.`b`", "`"),
    "unicode": ("größe ☃", "ünï 🐍 ‮ end"),
    "dots": ("a.b-c.0.d", "0.1.2"),
    "colons": ("a:b", "c:d,e=f"),
    "SQL": ("x'] = '' OR 1 = 1 --", "'; DROP TABLE otel_traces; --"),
    "TraceQL": ('x" != nil ||.y', '" || true } || { name != "'),
    "a filter": ('x"), neq(name, "y', '")) or true or (("'),
    "long": ("n" * 240, "v" * 500),
}


def root(number: str, ms: float, **attributes: Any) -> Made:
    told = context("chat", "acme", "s-1") | REGION | attributes
    return Made(id=number * 16, name="POST /chat", ms=ms, server=True, attributes=told)


def child(number: str, place: str, name: str, **changes: Any) -> Made:
    return Made(id=number * 15 + place, name=name, parent=number * 16, **changes)


def made(minutes: int, *spans: Made) -> tuple[timedelta, list[Made]]:
    return timedelta(minutes=minutes), list(spans)


LOT = Lot(
    name="narrow",
    traces={
        QUICK: made(
            10,
            root("1", 400, lane="fast"),
            child("1", "a", "batch", ms=60_000, attributes={"team": "pay"}),
            child("1", "b", "chat gpt-4o", attributes=llm("gpt-4o", "openai", (100, 20))),
        ),
        LATE: made(
            15,
            root("2", 5000),
            child(
                "2",
                "a",
                "execute_tool lookup",
                ms=50,
                status=Status.STATUS_CODE_ERROR,
                attributes={"openinference.span.kind": "TOOL", "tool.name": "lookup"}
                | {"team": "search", "retry.count": 3, "cached": True, "share": 0.25},
            ),
        ),
        ODD: made(20, root("3", 1500), child("3", "a", "odd", attributes=dict(HOSTILE.values()))),
        POOR: made(25, root("4", 1200), child("4", "a", "judge", attributes={"eval.score": 0.2})),
        FAIR: made(30, root("5", 1300, **{"eval.score": 60})),
        GOOD: made(35, root("6", 1400, **{"eval.score": 0.9})),
        WORD: made(40, root("7", 1100, **{"eval.label": "fail"})),
    },
    rated=(
        Rated(trace_id=POOR, span_id="4" * 15 + "a", score=0.2),
        Rated(trace_id=FAIR, score=60),
        Rated(trace_id=GOOD, score=0.9),
        Rated(trace_id=WORD, label="fail"),
    ),
)
ALL = set(LOT.traces)
# Fields of Span that a store cannot compare; a store without resources does not know the service.
UNTOLD = {
    "tempo": {"kind", "user_id"},
    "jaeger": {"user_id"},
    "langsmith-v1": {"kind", "user_id", "status", "service"},
    "langsmith-v2": {"kind", "user_id", "status", "service"},
    "phoenix": {"service"},
}


# Stores that keep an attribute that we have a field for under the application's own name.
KEEP_NAMES = {
    *("embedded", "clickhouse", "clickhouse-old", "clickhouse-json", "tempo", "jaeger", "langfuse"),
}


@dataclass(frozen=True)
class Narrow:
    kind: str
    held: Held

    def finds(self, **changes: Any) -> set[str]:
        query = TraceQuery(start=START, end=END, **changes)
        return {line.trace_id for line in self.held.store.search(query)}

    def can(self, *fields: str) -> bool:
        return set(fields) <= self.held.store.abilities.narrows


@pytest.fixture(scope="module", params=list(STORES))
def store(request: pytest.FixtureRequest) -> Iterator[Narrow]:
    with STORES[request.param](request, LOT) as held:
        yield Narrow(request.param, held)
        held.store.close()


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"max_duration_ms": 1200.0}, {QUICK, WORD}),
        ({"max_duration_ms": 1200.5}, {QUICK, WORD, POOR}),
        ({"max_duration_ms": 1400.0, "min_duration_ms": 1200.0}, {POOR, FAIR}),
        ({"max_duration_ms": 0.5}, set()),
    ],
    ids=["excluded", "included", "between", "none"],
)
def test_a_request_is_as_fast_as_its_root(
    store: Narrow, bounds: dict[str, float], expected: set[str]
) -> None:
    assert store.finds(**bounds) == expected


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (0, {WORD}),
        (20, {WORD, POOR}),
        (59, {WORD, POOR}),
        (60, {WORD, POOR, FAIR}),
        (100, {WORD, POOR, FAIR, GOOD}),
    ],
    ids=["the word alone", "a ratio", "fair beyond", "points", "everything rated"],
)
def test_a_score_is_that_of_any_span(store: Narrow, points: float, expected: set[str]) -> None:
    if not store.can("max_score"):
        with pytest.raises(QueryError, match="cannot filter traces by their score"):
            store.finds(max_score=points)
        return
    assert store.finds(max_score=points) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("team", "pay", {QUICK}),
        ("team", "pa", set()),
        ("Team", "pay", set()),
        ("retry.count", "3", {LATE}),
        ("cached", "true", {LATE}),
        ("share", "0.25", {LATE}),
        ("lane", "fast", {QUICK}),
        ("tool", "lookup", {LATE}),
        ("model", "gpt-4o", {QUICK}),
        ("provider", "openai", {QUICK}),
        ("name", "batch", {QUICK}),
        ("kind", "tool", {LATE}),
        ("status", "error", {LATE}),
        ("service", "copilot", ALL),
        ("tenant", "acme", ALL),
        ("user_id", "u-7", ALL),
        ("user_id", mark("u-7"), ALL),
        ("user_id", mark("u-8"), set()),
    ],
)
def test_an_attribute_is_told_by_any_span(
    store: Narrow, name: str, value: str, expected: set[str]
) -> None:
    if not store.can("attributes") or name in UNTOLD.get(store.kind, ()):
        with pytest.raises(QueryError, match="cannot filter traces by"):
            store.finds(attributes=((name, value),))
        return
    assert store.finds(attributes=((name, value),)) == expected


def test_an_attribute_of_the_resource_is_told_by_all_its_spans(store: Narrow) -> None:
    if not store.can("attributes"):
        return
    # Phoenix keeps none of it, and says so.
    expected = set() if store.kind == "phoenix" else ALL
    assert store.finds(attributes=(("telling", "resource"),)) == expected


def test_what_became_a_field_is_found_by_the_name_it_came_under(store: Narrow) -> None:
    if store.kind not in KEEP_NAMES:
        return
    assert store.finds(attributes=(("gen_ai.request.model", "gpt-4o"),)) == {QUICK}
    assert store.finds(attributes=(("gen_ai.request.model", "gpt-4"),)) == set()


def test_two_attributes_may_be_told_by_two_spans(store: Narrow) -> None:
    two = (("team", "pay"), ("lane", "fast"))
    if not store.can("attributes") or store.kind.startswith("langsmith"):
        with pytest.raises(QueryError, match="cannot filter traces by"):
            store.finds(attributes=two)
        return
    assert store.finds(attributes=two) == {QUICK}
    assert store.finds(attributes=(("team", "pay"), ("cached", "true"))) == set()


def test_the_span_that_tells_need_not_be_the_one_that_took_so_long(store: Narrow) -> None:
    if not store.can("attributes"):
        return
    assert store.finds(attributes=(("team", "search"),), min_duration_ms=2000) == {LATE}
    assert store.finds(attributes=(("team", "pay"),), max_duration_ms=1000) == {QUICK}
    assert store.finds(attributes=(("team", "pay"),), max_duration_ms=300) == set()


def test_all_that_narrows_must_hold(store: Narrow) -> None:
    if not store.can(*NARROWING):
        return
    bounds = {"max_score": 60.0, "attributes": (("cloud.region", "eu-1"),)}
    assert store.finds(**bounds, max_duration_ms=1250) == {POOR, WORD}
    assert store.finds(**bounds, scope={"tenant": "globex"}) == set()


@pytest.mark.parametrize("pair", list(HOSTILE.values()), ids=list(HOSTILE))
def test_whatever_an_attribute_is_called_finds_only_what_tells_it(
    store: Narrow, pair: tuple[str, str]
) -> None:
    if not store.can("attributes"):
        return
    assert store.finds(attributes=(pair,)) == {ODD}
    assert store.finds(attributes=((pair[0], "x"),)) == set()
    assert store.finds(attributes=(("team", pair[1]),)) == set()


@pytest.mark.parametrize(
    "pairs",
    [
        (("", "x"),),
        (("x", ""),),
        (("x" * 501, "y"),),
        (("a\nb", "c"),),
        (("a", "b\x00"),),
        (("a", "\ud800"),),
        (("a", "b"),) * 9,
    ],
    ids=["no name", "no value", "too long", "a line end", "a nought", "half a pair", "too many"],
)
def test_what_no_application_tells_is_refused(
    store: Narrow, pairs: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(QueryError) as caught:
        store.finds(attributes=pairs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [float("nan"), float("inf")], ids=["nan", "inf"])
def test_a_bound_that_is_no_number_is_refused(store: Narrow, number: float) -> None:
    with pytest.raises(QueryError, match="numbers that are finite"):
        store.finds(max_duration_ms=number)
