"""Measures of one's own over spans: what they count, whose labels, and what is refused."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from models.vocabulary import SpanKind, SpanStatus
from signals import SPANS, Query, QueryError
from signals.measures import Measure
from signals.traces.embedded import EmbeddedStore
from tests.spans import NOON, child, opened, root

MINUTE = timedelta(minutes=1)
CODE = "attributes.http.response.status_code"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """Four requests of the last minute, three with a model call; one of an hour ago."""
    requests = [
        root(NOON - timedelta(seconds=5 + number), feature=feature, **trace(number))
        for number, feature in enumerate(("chat", "chat", "chat", "search"))
    ]
    calls = [
        child(
            one,
            kind=SpanKind.LLM,
            span_id=f"{900 + number:016x}",
            feature=None,
            duration_ms=1000.0 * (number + 1),
            cost_usd=0.25 * (number + 1),
            status=SpanStatus.ERROR if number == 2 else SpanStatus.OK,
            attributes={"http.response.status_code": str(500 if number == 2 else 200), "x": "nan"},
        )
        for number, one in enumerate(requests[:3])
    ]
    old = root(NOON - timedelta(hours=1), feature="chat", **trace(77))
    with opened(tmp_path_factory.mktemp("measures") / "traces.duckdb") as kept:
        kept.write([*requests, *calls, old])
        yield kept


def trace(number: int) -> dict[str, Any]:
    return {"trace_id": f"{number + 1:032x}", "span_id": f"{number + 1:016x}"}


def values(
    store: EmbeddedStore, measure: dict[str, Any], **more: Any
) -> dict[tuple[str, ...], float]:
    asked = Query(signal=SPANS, measure=Measure.model_validate(measure), window=MINUTE, **more)
    found = store.read_range(asked, start=NOON, end=NOON, step=MINUTE)
    return {tuple(one.labels.values()): one.values[-1] for one in found}


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ({"aggregate": "count"}, 7),
        ({"aggregate": "count", "where": ["kind = llm"]}, 3),
        ({"aggregate": "count", "where": ["kind != llm"]}, 4),
        ({"aggregate": "count", "where": ["request = true"]}, 4),
        ({"aggregate": "count", "where": ["kind = llm", "duration_ms >= 2000"]}, 2),
        ({"aggregate": "count", "where": ["attributes.http.response.status_code > 499"]}, 1),
        ({"aggregate": "count", "where": ["attributes.nobody.sent.this = "]}, 7),
        ({"aggregate": "count", "where": ["kind = x' OR 'a'='a"]}, 0),
        (
            {"aggregate": "ratio", "where": ["kind = llm"], "part": ["status = error"]},
            1 / 3,
        ),
        (
            {
                "aggregate": "quantile",
                "of": "duration_ms",
                "quantile": 0.5,
                "where": ["kind = llm"],
            },
            2,
        ),
        ({"aggregate": "sum", "of": "cost_usd"}, 1.5),
        ({"aggregate": "sum", "of": "attributes.http.response.status_code"}, 900),
    ],
)
def test_a_measure_is_what_its_words_say(
    store: EmbeddedStore, measure: dict[str, Any], value: float
) -> None:
    assert values(store, measure).get((), 0) == pytest.approx(value)


def test_a_call_counts_under_the_label_of_its_request(store: EmbeddedStore) -> None:
    found = values(store, {"aggregate": "count", "where": ["kind = llm"]}, by=("feature",))

    assert found == {("chat",): 3}


@pytest.mark.parametrize(
    ("measure", "more", "expected"),
    [
        ({"aggregate": "count"}, {"by": (CODE,)}, {("200",): 2, ("500",): 1, (): 4}),
        (
            {"aggregate": "sum", "of": "cost_usd"},
            {"by": ("feature", CODE)},
            {("chat", "200"): 0.75, ("chat", "500"): 0.75},
        ),
        (
            {"aggregate": "ratio", "where": ["kind = llm"], "part": ["status = error"]},
            {"by": (CODE, "feature")},
            {("200", "chat"): 0, ("500", "chat"): 1},
        ),
        ({"aggregate": "count"}, {"by": (CODE, "attributes.x")}, {
            ("200", "nan"): 2, ("500", "nan"): 1, (): 4,
        }),
        ({"aggregate": "count"}, {"scope": ((CODE, "500"),)}, {("500",): 1}),
        (
            {"aggregate": "count", "where": ["kind = llm"]},
            {"by": ('attributes."; DROP TABLE spans',)},
            {(): 3},
        ),
    ],
    ids=["alone", "after a label", "before a label", "two", "narrowed", "hostile"],
)  # fmt: skip
def test_a_measure_is_split_by_any_attribute(
    store: EmbeddedStore,
    measure: dict[str, Any],
    more: dict[str, Any],
    expected: dict[tuple[str, ...], float],
) -> None:
    assert values(store, measure, **more) == pytest.approx(expected)
    asked = Query(signal=SPANS, measure=Measure.model_validate(measure), window=MINUTE, **more)
    now = store.read(asked, at=NOON).samples
    assert {tuple(one.labels.values()): one.value for one in now} == pytest.approx(expected)
    assert {name for one in now for name in one.labels} <= {*more.get("by", ()), CODE}


def test_a_split_into_too_many_values_is_refused(tmp_path: Path) -> None:
    spans = [
        root(NOON - timedelta(seconds=5), attributes={"n": str(number)}, **trace(number))
        for number in range(2_001)
    ]
    asked = Query(
        signal=SPANS,
        measure=Measure.model_validate({"aggregate": "count"}),
        window=MINUTE,
        by=("attributes.n",),
    )
    with opened(tmp_path / "many.duckdb") as kept:
        kept.write(spans)
        with pytest.raises(QueryError, match="more than 2000 values: split by fewer labels"):
            kept.read(asked, at=NOON)


def test_a_measure_is_narrowed_to_the_chosen_traffic(store: EmbeddedStore) -> None:
    scope = (("feature", "search"),)

    assert values(store, {"aggregate": "count"}, scope=scope) == {("search",): 1}


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ({"aggregate": "count"}, [[0.0, 0.0]]),
        ({"aggregate": "quantile", "of": "duration_ms"}, []),
    ],
)
def test_no_span_is_a_count_of_zero_but_no_quantile(
    store: EmbeddedStore, measure: dict[str, Any], expected: list[list[float]]
) -> None:
    asked = Query(signal=SPANS, measure=Measure.model_validate(measure), window=MINUTE)
    start = NOON - timedelta(minutes=30)

    found = store.read_range(asked, start=start, end=start + MINUTE, step=MINUTE)

    assert [list(one.values) for one in found] == expected


def test_a_text_that_is_no_finite_number_is_left_out_of_a_sum(store: EmbeddedStore) -> None:
    assert values(store, {"aggregate": "sum", "of": "attributes.x"}) == {}


def test_a_split_by_what_is_no_label_is_refused(store: EmbeddedStore) -> None:
    with pytest.raises(QueryError, match="no label 'user_id'"):
        values(store, {"aggregate": "count"}, by=("user_id",))


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ({"aggregate": "average"}, "aggregate"),
        ({"aggregate": "sum"}, "needs one of duration_ms"),
        ({"aggregate": "sum", "of": "name"}, "needs one of duration_ms"),
        ({"aggregate": "count", "of": "cost_usd"}, "is of no number"),
        ({"aggregate": "ratio"}, "needs the conditions of its part"),
        ({"aggregate": "count", "part": ["kind = llm"]}, "others have none"),
        ({"aggregate": "quantile", "of": "duration_ms", "quantile": 1}, "quantile"),
        ({"aggregate": "count", "where": ["kind"]}, "is no condition"),
        ({"aggregate": "count", "where": ["colour = red"]}, "attributes.colour"),
        ({"aggregate": "count", "where": ["duration_ms > long"]}, "compares with a number"),
        ({"aggregate": "count", "where": ["kind = llm"] * 11}, "10"),
        ({"aggregate": "count", "wher": []}, "wher"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(measure: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Measure.model_validate(measure)
