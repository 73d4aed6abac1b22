"""Narrowing by speed, score and attribute, and the heat map, over a real embedded store."""

from datetime import timedelta
from typing import Any

import pytest

from models.vocabulary import SpanStatus
from signals import QueryError
from signals.traces import Abilities, TraceQuery
from signals.traces.bounds import check
from signals.traces.embedded import EmbeddedStore
from signals.traces.heat import Cell, HeatQuery, edge_ms, row_of
from signals.traces.people import mark
from tests.spans import HOUR, MINUTE, NOON, child, root

START = NOON - HOUR


def asked(**changes: Any) -> TraceQuery:
    return TraceQuery(**{"start": START, "end": NOON, **changes})


def names(store: EmbeddedStore, **changes: Any) -> list[str]:
    return [summary.name for summary in store.search(asked(**changes))]


def started(minute: float, **changes: Any) -> Any:
    return root(started_at=START + minute * MINUTE, **changes)


def test_only_the_fast_are_listed_when_asked_for(store: EmbeddedStore) -> None:
    store.write([started(1, name="slow", duration_ms=5000.0), started(2, name="fast")])
    assert names(store, max_duration_ms=5000) == ["fast"]


def test_a_score_asked_for_is_that_of_any_span(store: EmbeddedStore) -> None:
    poor, good = started(1, name="poor"), started(2, name="good")
    store.write([poor, good, child(poor, eval_score=20.0), child(good, eval_score=90.0)])
    assert names(store, max_score=50) == ["poor"]


@pytest.mark.parametrize(
    "pair",
    [("http.route", "/chat"), ("provider", "openai"), ("user_id", "u-7"), ("user_id", mark("u-7"))],
    ids=["an attribute", "a field", "a user", "a user's mark"],
)
def test_an_attribute_of_any_span_finds_its_request(
    store: EmbeddedStore, pair: tuple[str, str]
) -> None:
    meant, other = started(1, name="meant"), started(2, name="other")
    told = {"attributes": {"http.route": "/chat"}, "provider": "openai", "user_id": "u-7"}
    store.write([meant, other, child(meant, **told)])
    assert names(store, attributes=(pair,)) == ["meant"]


def test_a_quote_in_an_attribute_is_only_a_quote(store: EmbeddedStore) -> None:
    store.write([started(1, name="odd", attributes={"it's": "'; --"})])
    assert names(store, attributes=(("it's", "'; --"),)) == ["odd"]


@pytest.mark.parametrize(
    "changes",
    [{"max_duration_ms": 1.0}, {"max_score": 50.0}, {"attributes": (("a", "b"),)}],
    ids=["fast", "score", "attribute"],
)
def test_a_store_that_cannot_narrow_so_says_it(changes: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="Tempo cannot filter traces by"):
        check(asked(**changes), Abilities(), "Tempo")


def test_traces_are_counted_by_their_start_and_their_latency(store: EmbeddedStore) -> None:
    store.write(
        [
            started(0, duration_ms=1000.0),
            started(4.9, duration_ms=1200.0, status=SpanStatus.ERROR),
            started(5, duration_ms=1000.0),
            started(59, duration_ms=0.0),
        ]
    )
    found = store.heat(HeatQuery(traces=asked(), step=5 * MINUTE))
    assert sorted(found, key=lambda cell: cell.column) == [
        Cell(column=0, row=24, traces=2, failed=1),
        Cell(column=1, row=24, traces=1, failed=0),
        Cell(column=11, row=0, traces=1, failed=0),
    ]


def test_a_heat_map_counts_what_the_list_would_show(store: EmbeddedStore) -> None:
    chat, other = started(1, feature="chat"), started(2, feature="search")
    store.write([chat, other, child(chat, eval_score=10.0), child(other, eval_score=10.0)])
    traces = asked(scope={"feature": "chat"}, max_score=50, min_cost_usd=None)
    assert sum(c.traces for c in store.heat(HeatQuery(traces=traces, step=MINUTE))) == 1


@pytest.mark.parametrize("step", [timedelta(), timedelta(seconds=1)], ids=["none", "too short"])
def test_a_heat_map_of_too_many_columns_is_refused(store: EmbeddedStore, step: timedelta) -> None:
    with pytest.raises(QueryError, match="at most 200 columns"):
        store.heat(HeatQuery(traces=asked(), step=step))


@pytest.mark.parametrize("duration_ms", [1.0, 12.5, 1000.0, 60_000.0])
def test_a_duration_lies_within_its_row(duration_ms: float) -> None:
    row = row_of(duration_ms)
    assert edge_ms(row) <= duration_ms < edge_ms(row + 1)
