"""What retrieval did for a request, from the spans of several conventions."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import CostSource, SpanKind
from signals.traces import Span
from signals.traces.retrieval import Retrieval, retrieval_of
from tests.made_traces import paid, seed_trace, span, span_id

LLM, RETRIEVAL, EMBEDDING = SpanKind.LLM, SpanKind.RETRIEVAL, SpanKind.EMBEDDING


def request(*inside: Span, answer: str = "", **attributes: str) -> Retrieval:
    """A request whose retrieval says `attributes`, spelled with _ for every dot."""
    told = {name.replace("_", "."): value for name, value in attributes.items()}
    root = span("request", 0, 100, kind=SpanKind.HTTP, output_text=answer)
    made = span("retrieval", 0, 50, kind=RETRIEVAL, parent_id=root.span_id, attributes=told)
    found = retrieval_of([root, made, *inside])
    assert found is not None
    return found


def below(name: str, start: float, ms: float, **fields: Any) -> Span:
    return span(name, start, ms, **{"parent_id": span_id("retrieval"), **fields})


def test_a_request_without_retrieval_says_nothing() -> None:
    spans = [one for one in seed_trace().spans if one.kind is not RETRIEVAL]
    assert retrieval_of(spans) is None


def test_the_rewrite_and_the_filters_are_told() -> None:
    told = request(
        retrieval_query_original="it?", retrieval_query_rewritten="parcel", retrieval_filters="de"
    )
    assert (told.question, told.rewritten, told.filters) == ("it?", "parcel", "de")


def test_a_search_inside_a_retrieval_is_a_part_of_it() -> None:
    inner = below("vector search", 5, 30, kind=RETRIEVAL, attributes={"retrievalChunkCount": "20"})
    told = request(inner, retrievalChunkCount="5", retrieval_chunks_injected="4")
    assert (told.searches, told.search_ms, told.returned, told.injected) == (1, 50, 20, 4)


def test_the_chunks_of_two_searches_add_up() -> None:
    other = span("again", 60, 10, kind=RETRIEVAL, attributes={"retrievalChunkCount": "3"})
    told = request(other, retrievalChunkCount="5")
    assert (told.searches, told.returned) == (2, 8)


def test_documents_of_openinference_are_counted_and_named() -> None:
    told = request(
        retrieval_documents_1_document_id="b",
        retrieval_documents_0_document_id="a",
        retrieval_documents_0_document_content="text",
    )
    assert (told.returned, told.retrieved) == (2, ("a", "b"))


def test_documents_of_opentelemetry_are_counted_and_named() -> None:
    found = retrieval_of(
        [
            span(
                "retrieval",
                0,
                1,
                kind=RETRIEVAL,
                attributes={"gen_ai.retrieval.documents": json.dumps([{"id": "a"}, {"id": "b"}])},
            )
        ]
    )
    assert found is not None
    assert (found.returned, found.retrieved) == (2, ("a", "b"))


def test_a_document_that_the_answer_names_is_cited() -> None:
    told = request(answer="See KB-1007, step two.", topDocIds="KB-1000,KB-1007,KB-100")
    assert (told.cited, told.citations_told, told.unfounded) == (("KB-1007",), False, ())


def test_a_citation_of_what_was_not_retrieved_is_unfounded() -> None:
    told = request(topDocIds='["KB-1"]', citations='["KB-1", "KB-2"]')
    assert (told.cited, told.citations_told, told.unfounded) == (("KB-1", "KB-2"), True, ("KB-2",))


def test_time_and_cost_of_embedding_stand_apart() -> None:
    embeds = [
        below(f"embed {n}", n, 60, kind=EMBEDDING, **paid(0.25, CostSource.COMPUTED))
        for n in range(2)
    ]
    told = request(*embeds)
    assert (told.embeds, told.embed_ms, told.embed_usd) == (2, 120, 0.5)
    assert told.embed_source is CostSource.COMPUTED


@pytest.mark.parametrize(("said", "low"), [("true", True), ("false", False), ("dunno", None)])
def test_low_confidence_is_told_or_unknown(said: str, low: bool | None) -> None:
    assert request(lowConfidence=said).low_confidence is low


def test_parents_in_a_circle_end() -> None:
    one = span("a", 0, 1, kind=RETRIEVAL, parent_id=span_id("b"))
    other = span("b", 0, 1, kind=RETRIEVAL, parent_id=span_id("a"))
    found = retrieval_of([one, other])
    assert found is not None
    assert found.searches >= 1


@given(st.text(), st.text())
def test_whatever_is_told_raises_nothing(ids: str, citations: str) -> None:
    request(topDocIds=ids, citations=citations, retrievalChunkCount=ids, lowConfidence=ids)
