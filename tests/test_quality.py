"""How good and how safe answers were, added up by the embedded store: each rule by its spans."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.vocabulary import SpanKind
from signals import QueryError
from signals.traces import Span
from signals.traces.embedded import EmbeddedStore
from signals.traces.outcomes import OutcomeEvent
from signals.traces.quality import Feedback, Guard, QualityQuery, Searches
from signals.traces.spending import SpendQuery
from tests.spans import DAY, HOUR, MINUTE, NOON, bill, child, root

LATELY = NOON - HOUR


def asking(by: str = "feature", **scope: str) -> QualityQuery:
    """Return the question about the day up to NOON, and the day before it."""
    return QualityQuery(
        start=NOON - DAY,
        end=NOON,
        before=NOON - 2 * DAY,
        by=by,
        scope=tuple(sorted(scope.items())),
    )


def request(store: EmbeddedStore, at: datetime = LATELY, **labels: Any) -> Span:
    made = root(at, **labels)
    store.write([made])
    return made


def says(store: EmbeddedStore, made: Span, kind: SpanKind, **changes: Any) -> None:
    """Store a span below `made`; `attributes` are of the application's own."""
    store.write([child(made, kind=kind, name=kind.value, **changes)])


def tell(store: EmbeddedStore, made: Span, word: str, at: timedelta = -MINUTE) -> None:
    store.record([OutcomeEvent(trace_id=made.trace_id, outcome=word, at=NOON + at)])


# Scores


def test_scores_stand_by_the_label_of_their_request(store: EmbeddedStore) -> None:
    for points, version in ((80.0, "1"), (90.0, "1"), (50.0, "2")):
        made = request(store, prompt_version=version)
        says(store, made, SpanKind.EVALUATOR, eval_name="relevance", eval_score=points)
    first, second = store.scores(asking("prompt_version"))
    assert (first.value, first.name, first.judged, first.mean) == ("1", "relevance", 2, 85.0)
    assert (second.value, second.judged, second.mean) == ("2", 1, 50.0)


def test_scores_are_held_against_the_period_before(store: EmbeddedStore) -> None:
    for points, at in ((80.0, LATELY), (60.0, LATELY - DAY), (10.0, LATELY - 2 * DAY)):
        request(store, at, eval_name="relevance", eval_score=points)
    (found,) = store.scores(asking())
    assert (found.judged, found.mean, found.before_judged, found.before_mean) == (1, 80, 1, 60)


def test_without_a_judgement_there_is_no_score(store: EmbeddedStore) -> None:
    request(store, feature="chat")
    assert store.scores(asking()) == []


def test_a_score_of_users_is_no_judges(store: EmbeddedStore) -> None:
    request(store, eval_name="User-Feedback", eval_score=100.0)
    assert store.scores(asking()) == []
    assert store.feedback(asking())[0].up == 1


def test_the_scope_narrows(store: EmbeddedStore) -> None:
    for tenant in ("acme", "globex"):
        request(store, tenant=tenant, eval_name="relevance", eval_score=70.0)
    (found,) = store.scores(asking("tenant", tenant="acme"))
    assert found.value == "acme"


# Feedback


def feedback(store: EmbeddedStore) -> Feedback:
    (found,) = store.feedback(asking())
    return found


def test_what_nobody_said_is_not_counted_as_said(store: EmbeddedStore) -> None:
    request(store)
    found = feedback(store)
    assert (found.requests, found.told, found.up, found.down) == (1, 0, 0, 0)


def test_the_last_thumb_counts(store: EmbeddedStore) -> None:
    made = request(store)
    tell(store, made, "thumbs_up", -2 * MINUTE)
    tell(store, made, "thumbs_down")
    found = feedback(store)
    assert (found.told, found.up, found.down) == (1, 0, 1)


def test_a_thumb_does_not_change_how_a_request_turned_out(store: EmbeddedStore) -> None:
    made = root(LATELY)
    store.write([made, child(made, **bill(1.0))])
    tell(store, made, "accepted", -2 * MINUTE)
    tell(store, made, "thumbs_down")
    query = SpendQuery(edges=(NOON - DAY,), end=NOON, before=(NOON - 2 * DAY, NOON - DAY))
    (spent,) = store.spend(query).rows
    assert (spent.successes, feedback(store).accepted, feedback(store).down) == (1, 1, 1)


@pytest.mark.parametrize("word", ["accepted", "edited", "rejected", "abandoned"])
def test_what_became_of_the_answer_is_counted(store: EmbeddedStore, word: str) -> None:
    tell(store, request(store, outcome="success"), word)
    assert getattr(feedback(store), word) == 1


def test_a_confirmation_that_was_refused_counts_by_span_or_as_told(store: EmbeddedStore) -> None:
    says(store, request(store), SpanKind.TOOL, approval="granted")
    says(store, request(store), SpanKind.TOOL, approval="rejected")
    tell(store, request(store), "confirmation_rejected")
    found = feedback(store)
    assert (found.requests, found.confirmations, found.refused) == (3, 2, 2)


# Guardrails


def stopped(store: EmbeddedStore, reason: str = "", *, hit: bool = True, **labels: Any) -> Span:
    made = request(store, **labels)
    says(
        store,
        made,
        SpanKind.GUARDRAIL,
        guardrail="input",
        guardrail_triggered=hit,
        input_text="how do I …",
        attributes={"guardrail.reason": reason} if reason else {},
    )
    return made


def test_guardrails_are_counted_by_reason(store: EmbeddedStore) -> None:
    stopped(store, "injection")
    stopped(store, "injection")
    stopped(store, "personal data")
    stopped(store, hit=False)
    first, second = store.guards(asking())
    assert first == Guard(
        guardrail="input", reason="injection", checks=4, triggered=2, right=0, wrong=0
    )
    assert (second.reason, second.checks, second.triggered) == ("personal data", 4, 1)


def test_a_guardrail_that_stops_nothing_is_still_there(store: EmbeddedStore) -> None:
    stopped(store, hit=False)
    (found,) = store.guards(asking())
    assert (found.checks, found.triggered) == (1, 0)


def test_a_sample_can_be_judged(store: EmbeddedStore) -> None:
    made = stopped(store, "injection", tenant="acme")
    stopped(store, "personal data")
    tell(store, made, "rightly_stopped", -2 * MINUTE)
    tell(store, made, "wrongly_stopped")
    (sample,) = store.stops(asking(), "input", "injection")
    assert (sample.trace_id, sample.tenant, sample.text) == (made.trace_id, "acme", "how do I …")
    assert sample.judged == "wrongly_stopped"
    assert store.guards(asking())[0].wrong + store.guards(asking())[1].wrong == 1


# Approvals


def test_each_approver_has_what_they_decided_and_how_long_it_took(store: EmbeddedStore) -> None:
    times = {"approval.requested_at": "2026-03-02T10:00:00Z"}
    for approval, at in (("granted", "2026-03-02T10:01:00Z"), ("denied", "2026-03-02T10:03:00Z")):
        told = {**times, "approval.decided_at": at, "approval.approver": "ada"}
        says(store, request(store), SpanKind.TOOL, approval=approval, attributes=told)
    says(store, request(store), SpanKind.TOOL, approval="pending")
    ada, nobody = store.approvers(asking())
    assert (ada.name, ada.granted, ada.rejected, ada.wait_seconds) == ("ada", 1, 1, 120.0)
    assert (nobody.name, nobody.pending, nobody.wait_seconds) == (None, 1, None)


def test_the_queue_is_as_it_was_last_told(store: EmbeddedStore) -> None:
    says(store, request(store, LATELY - HOUR), SpanKind.TOOL, queue_depth=9.0)
    says(store, request(store), SpanKind.TOOL, queue_depth=4.0)
    found = store.queue(asking())
    assert found is not None
    assert (found.depth, found.at) == (4.0, LATELY)


def test_a_queue_of_which_nobody_tells_is_not_empty(store: EmbeddedStore) -> None:
    request(store)
    assert store.queue(asking()) is None


# Retrieval


def searched(store: EmbeddedStore, **attributes: str) -> None:
    says(store, request(store), SpanKind.RETRIEVAL, attributes=attributes)


def test_retrieval_says_chunks_citations_and_ways_out(store: EmbeddedStore) -> None:
    searched(store, retrievalChunkCount="5", citations="kb-1,kb-2")
    searched(store, retrievalChunkCount="0", citations="[]", lowConfidence="true")
    searched(store)
    assert store.searches(asking()) == [
        Searches(
            value=None,
            searched=3,
            told=2,
            empty=1,
            chunks=2.5,
            citing=2,
            cited=1,
            answering=1,
            fallbacks=1,
        )
    ]


def test_of_a_search_inside_a_retrieval_the_whole_counts(store: EmbeddedStore) -> None:
    made = request(store)
    for chunks, lasts in (("20", 90.0), ("5", 200.0)):
        says(
            store,
            made,
            SpanKind.RETRIEVAL,
            duration_ms=lasts,
            attributes={"retrievalChunkCount": chunks},
        )
    assert store.searches(asking())[0].chunks == 5.0


def test_a_split_that_there_is_not_is_refused(store: EmbeddedStore) -> None:
    with pytest.raises(QueryError, match="there are prompt_version, feature"):
        store.scores(asking("user_id"))
