"""Sessions in the embedded store: how they end, what they cost, and turn by turn."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals.traces import Span
from signals.traces.embedded import EmbeddedStore
from signals.traces.outcomes import OutcomeEvent
from signals.traces.sessions import SessionOrder, SessionQuery, Sessions, spoken
from tests.spans import DAY, HOUR, MINUTE, NOON, bill, child, opened, root

LATE = NOON + 2 * HOUR


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with opened(tmp_path, memory_mb=128) as made:
        yield made


def turn(session_id: str, after: timedelta = timedelta(), **changes: Any) -> Span:
    return root(NOON + after, session_id=session_id, **changes)


def listed(store: EmbeddedStore, *spans: Span, now: datetime = LATE, **asked: Any) -> Sessions:
    store.write(spans)
    query: dict[str, Any] = {"start": NOON - HOUR, "end": now} | asked
    return store.sessions(SessionQuery(**query), now=now)


def endings(found: Sessions) -> dict[str, str]:
    return {one.session_id: one.ending for one in found.listed}


def test_a_session_adds_up_its_turns(store: EmbeddedStore) -> None:
    first = turn("s", user_id="jane", feature="chat")
    second = turn("s", MINUTE, status=SpanStatus.ERROR)
    paid = [child(first, **bill(0.25), input_tokens=10), child(second, **bill(0.5))]
    (found,) = listed(store, first, second, *paid).listed
    assert (found.turns, found.failures, found.errors) == (2, 1, 1)
    assert (found.cost_usd, found.cost_source, found.tokens) == (0.75, CostSource.REPORTED, 10)
    assert (found.user_id, found.feature) == ("jane", "chat")
    assert (found.started_at, found.ended_at) == (first.started_at, NOON + MINUTE)


def test_a_request_without_a_session_is_none(store: EmbeddedStore) -> None:
    assert listed(store, root(), root(session_id="")) == Sessions()


def test_a_session_that_only_a_model_call_names_is_that_of_its_request(
    store: EmbeddedStore,
) -> None:
    first = root()
    assert endings(listed(store, first, child(first, session_id="s"))) == {"s": "ended"}


@pytest.mark.parametrize(
    ("told", "ending"),
    [
        ("accepted", "resolved"),
        ("edited", "resolved"),
        ("resolved", "resolved"),
        ("abandoned", "abandoned"),
        ("escalated", "escalated"),
        ("reopened", "reopened"),
    ],
)
def test_what_was_told_of_a_turn_is_how_the_session_ended(
    store: EmbeddedStore, told: str, ending: str
) -> None:
    first, second = turn("s"), turn("s", MINUTE, status=SpanStatus.ERROR)
    store.record([OutcomeEvent(trace_id=first.trace_id, outcome=told, at=NOON)])
    assert endings(listed(store, first, second)) == {"s": ending}


def test_the_latest_word_counts(store: EmbeddedStore) -> None:
    first = turn("s")
    for outcome, at in (("reopened", NOON + HOUR), ("resolved", NOON + MINUTE)):
        store.record([OutcomeEvent(trace_id=first.trace_id, outcome=outcome, at=at)])
    assert endings(listed(store, first)) == {"s": "reopened"}


def test_a_session_is_open_for_half_an_hour(store: EmbeddedStore) -> None:
    failed = turn("s", status=SpanStatus.ERROR)
    assert endings(listed(store, failed, now=NOON + 29 * MINUTE)) == {"s": "open"}
    assert endings(listed(store, now=NOON + 31 * MINUTE)) == {"s": "abandoned"}


def test_who_came_back_after_an_error_did_not_abandon(store: EmbeddedStore) -> None:
    spans = [turn("s", status=SpanStatus.ERROR), turn("s", MINUTE)]
    assert endings(listed(store, *spans)) == {"s": "ended"}


def test_a_success_alone_resolves_nothing(store: EmbeddedStore) -> None:
    assert endings(listed(store, turn("s", outcome="success"))) == {"s": "ended"}


def test_the_last_turn_may_say_itself_how_it_ended(store: EmbeddedStore) -> None:
    spans = [turn("a", outcome="resolved"), turn("b", outcome="resolved"), turn("b", MINUTE)]
    assert endings(listed(store, *spans)) == {"a": "resolved", "b": "ended"}


def test_the_cost_of_all_sessions_is_borne_by_those_that_were_resolved(
    store: EmbeddedStore,
) -> None:
    good, bad, worse = turn("a", outcome="resolved"), turn("b", status=SpanStatus.ERROR), turn("c")
    more = turn("b", -MINUTE)
    costs = [child(one, **bill(0.3)) for one in (good, bad, worse)]
    found = listed(store, good, bad, worse, more, *costs)
    assert (found.count, found.turns, found.resolved, found.abandoned) == (3, 4, 1, 1)
    assert found.cost_per_resolved == pytest.approx(0.9)
    assert found.abandoned_turns == 2


def test_without_a_resolved_session_there_is_no_cost_of_one(store: EmbeddedStore) -> None:
    only = turn("a")
    assert listed(store, only, child(only, **bill(1.0))).cost_per_resolved is None


def test_figures_are_of_all_sessions_however_few_are_listed(store: EmbeddedStore) -> None:
    found = listed(store, *(turn(f"s{n}", n * MINUTE) for n in range(5)), limit=2)
    assert ([one.session_id for one in found.listed], found.count) == (["s4", "s3"], 5)


def test_an_unpriced_call_makes_the_cost_a_floor(store: EmbeddedStore) -> None:
    first = turn("s")
    spans = [first, child(first, **bill(0.5)), child(first, **bill(None))]
    found = listed(store, *spans)
    assert (found.cost_usd, found.at_least) == (0.5, True)


@pytest.mark.parametrize(
    ("order", "first"),
    [
        (SessionOrder.NEWEST, "new"),
        (SessionOrder.DEAREST, "dear"),
        (SessionOrder.LONGEST, "long"),
        (SessionOrder.WORST, "bad"),
    ],
)
def test_sessions_come_in_the_order_asked_for(
    store: EmbeddedStore, order: SessionOrder, first: str
) -> None:
    dear = turn("dear")
    spans = [
        dear,
        child(dear, **bill(1.0)),
        turn("new", HOUR),
        turn("bad", status=SpanStatus.ERROR),
    ]
    spans += [turn("long"), turn("long", MINUTE)]
    assert listed(store, *spans, order=order).listed[0].session_id == first


def test_a_session_belongs_to_the_period_it_began_in(store: EmbeddedStore) -> None:
    spans = [turn("old", -2 * HOUR), turn("old"), turn("new")]
    assert list(endings(listed(store, *spans))) == ["new"]


def test_a_session_with_one_turn_of_a_tenant_is_listed_whole(store: EmbeddedStore) -> None:
    spans = [turn("a", feature="chat"), turn("a", MINUTE, feature="search"), turn("b")]
    found = listed(store, *spans, scope=(("feature", "chat"),))
    assert [(one.session_id, one.turns) for one in found.listed] == [("a", 2)]


def test_a_replay_tells_each_turn_in_order(store: EmbeddedStore) -> None:
    first = turn("s", input_text="Where is it?", outcome="success", user_id="jane")
    second = turn("s", MINUTE, status=SpanStatus.ERROR)
    asked = json.dumps(
        [
            {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
            {"role": "user", "parts": [{"type": "text", "content": "And now?"}]},
        ]
    )
    said = json.dumps([{"role": "assistant", "content": "On its way."}])
    spans = [
        child(second, input_text=asked, output_text=said, model="m", **bill(0.5)),
        child(second, kind=SpanKind.TOOL, tool="sql"),
    ]
    store.write([second, first, *spans, turn("another")])
    store.record([OutcomeEvent(trace_id=second.trace_id, outcome="abandoned", at=NOON)])
    told = store.turns("s", start=NOON - DAY, end=LATE)
    assert [one.trace_id for one in told] == [first.trace_id, second.trace_id]
    assert [(one.question, one.answer) for one in told] == [
        ("Where is it?", ""),
        ("And now?", "On its way."),
    ]
    assert [(one.outcome, one.failed) for one in told] == [("success", False), ("abandoned", True)]
    assert (told[1].cost_usd, told[1].model, told[1].tools) == (0.5, "m", ("sql",))
    assert told[0].user_id == "jane"


def test_a_session_that_is_not_held_has_no_turns(store: EmbeddedStore) -> None:
    assert store.turns("gone", start=NOON - DAY, end=LATE) == []


@pytest.mark.parametrize(
    "text", ["plain words", "[1, 2", '{"role": "user"}', "[[[[", '[{"role": "user", "parts": 7}]']
)
def test_a_text_that_is_no_messages_is_shown_as_it_is(text: str) -> None:
    assert spoken(text, "user") == text


def test_messages_that_were_cut_off_are_read_as_far_as_they_go() -> None:
    text = '[{"role": "user", "content": "Hello"}, {"role": "user", "content": "I am cut o'
    assert spoken(text, "user") == "Hello"
