"""The Traces page over several stores: it offers what one of them can narrow by, and asks that."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app import wired
from signals.traces import NARROWING, Abilities
from signals.traces.jaeger import ABILITIES as JAEGER
from signals.traces.several import Several
from signals.traces.tempo import ABILITIES as TEMPO
from tests.made_traces import changed, seed_trace
from tests.test_several_stores import Shelf, shelf
from tests.test_traces_page import Bench, bench, page

__all__ = ["bench"]


def put(*stores: object) -> None:
    asked = Several(stores)  # type: ignore[arg-type]  # a shelf is as much of a store as is asked
    wired.set_current(replace(wired.current(), traces=asked, several=asked))


@pytest.fixture
def beside() -> Iterator[list[Shelf]]:
    shelves: list[Shelf] = []
    yield shelves
    for each in shelves:
        each.close()


def offered(abilities: Abilities, *, shelves: list[Shelf]) -> set[str]:
    shelves.append(shelf("beside", abilities=abilities))
    put(shelves[-1], shelf("last"))
    at = page()
    return {str(one.key) for one in (*at.number_input, *at.text_input)}


@pytest.mark.parametrize(
    ("abilities", "fields"),
    [
        (Abilities(), set[str]()),
        (JAEGER, {"faster", "attribute"}),
        (TEMPO, {"faster", "attribute", "score"}),
        (Abilities(narrows=frozenset(NARROWING)), {"faster", "attribute", "score"}),
    ],
    ids=["neither", "Jaeger", "Tempo", "everything"],
)
def test_what_one_of_two_stores_narrows_by_is_offered(
    bench: Bench, beside: list[Shelf], abilities: Abilities, fields: set[str]
) -> None:
    found = offered(abilities, shelves=beside)
    assert found & {"faster", "attribute", "score"} == fields


def test_what_the_first_store_cannot_compare_the_next_is_asked(
    bench: Bench, beside: list[Shelf]
) -> None:
    bench.holds(changed(seed_trace(), "vector search", tool="web_fetch", eval_score=10.0))
    beside.append(shelf("tempo", abilities=TEMPO))
    put(beside[0], bench.store)
    assert page(attribute="tool=web_fetch").dataframe.len == 0  # which Tempo answers: none
    assert len(page(attribute="kind=http").dataframe[0].value) == 1


def test_what_no_store_can_compare_is_said_in_a_sentence(bench: Bench, beside: list[Shelf]) -> None:
    beside += [shelf("tempo", abilities=TEMPO), shelf("jaeger", abilities=JAEGER)]
    put(*beside)
    at = page(attribute="user_id=user 0123456789")
    assert "tempo cannot filter traces by user\\_id" in at.error[0].value
