"""The traces that explain a breach: asked for beside a message, which never waits long for them."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine

from alerts.conditions import AnyCondition, Promql, Threshold
from alerts.evidence import Breach, TraceEvidence
from alerts.notifiers import NO_EVIDENCE
from models.vocabulary import CostSource, SpanStatus
from signals import UnreachableError
from signals.traces import Order, TraceQuery, TraceSummary
from tests.world import World

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BASE = "http://127.0.0.1:8501"
SLOW = Threshold(signal="latency_p95", bound=5, window=timedelta(minutes=10))


def summary(trace_id: str) -> TraceSummary:
    return TraceSummary(
        trace_id=trace_id,
        name="POST /chat",
        started_at=NOW,
        duration_ms=7200,
        status=SpanStatus.OK,
        outcome=None,
        feature="chat",
        tenant=None,
        model=None,
        prompt_version=None,
        session_id=None,
        tokens=None,
        cost_usd=0.03,
        cost_source=CostSource.REPORTED,
        span_count=3,
        error_count=0,
    )


class Store:
    """A trace store that may be slow, down or broken."""

    name = "store"

    def __init__(self) -> None:
        self.asked: list[TraceQuery] = []
        self.held = [summary(f"{number:032x}") for number in range(5)]
        self.error: Exception | None = None
        self.begun, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        self.asked.append(query)
        self.begun.set()
        assert self.may_answer.wait(10)
        if self.error:
            raise self.error
        return self.held[: query.limit]


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.may_answer.set()


@pytest.fixture
def finder(store: Store) -> TraceEvidence:
    return TraceEvidence(store, base_url=BASE, patience=timedelta(seconds=5))  # type: ignore[arg-type]


def a_breach(condition: AnyCondition = SLOW, **changes: object) -> Breach:
    began = NOW - timedelta(minutes=2)
    made = Breach(condition=condition, labels={"feature": "chat", "pod": "p-1"}, began=began)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_three_worst_are_linked(finder: TraceEvidence) -> None:
    found = finder(a_breach(), now=NOW)
    assert found.title == "Slowest traces"
    assert [link.url for link in found.traces] == [
        f"{BASE}/traces?trace={number:032x}" for number in range(3)
    ]
    assert found.traces[0].duration == timedelta(seconds=7.2)
    assert found.traces[0].cost_usd == 0.03


def test_what_is_asked_begins_with_the_window_that_was_decided_on(
    finder: TraceEvidence, store: Store
) -> None:
    finder(a_breach(), now=NOW)
    (asked,) = store.asked
    assert (asked.start, asked.end) == (NOW - timedelta(minutes=12), NOW)
    assert (asked.order, asked.errors_only, asked.limit) == (Order.SLOWEST, False, 3)


def test_only_labels_that_traces_have_narrow_the_question(
    finder: TraceEvidence, store: Store
) -> None:
    scoped = SLOW.model_copy(update={"scope": {"environment": "production"}})
    finder(a_breach(scoped), now=NOW)
    assert store.asked[0].scope == {"feature": "chat", "environment": "production"}


def test_of_an_alert_that_is_over_nothing_later_is_shown(
    finder: TraceEvidence, store: Store
) -> None:
    finder(a_breach(ended=NOW - timedelta(minutes=1)), now=NOW)
    assert store.asked[0].end == NOW - timedelta(minutes=1)


def test_where_no_traces_are_worse_than_others_none_are_asked_for(
    finder: TraceEvidence, store: Store
) -> None:
    assert finder(a_breach(Promql(expression="up == 0")), now=NOW) == NO_EVIDENCE
    assert store.asked == []


@pytest.mark.parametrize("error", [UnreachableError("it is down"), KeyError("a fault of ours")])
def test_a_store_that_fails_costs_no_message(
    finder: TraceEvidence, store: Store, error: Exception
) -> None:
    store.error = error
    assert finder(a_breach(), now=NOW) == NO_EVIDENCE
    store.error = None
    assert finder(a_breach(), now=NOW) != NO_EVIDENCE


def test_a_store_that_is_slow_is_waited_for_only_so_long(store: Store) -> None:
    finder = TraceEvidence(store, base_url=BASE, patience=timedelta(milliseconds=50))  # type: ignore[arg-type]
    store.may_answer.clear()
    assert finder(a_breach(), now=NOW) == NO_EVIDENCE


def test_while_an_answer_is_overdue_nobody_waits_for_another(
    finder: TraceEvidence, store: Store
) -> None:
    store.may_answer.clear()
    first = threading.Thread(target=finder, args=(a_breach(),), kwargs={"now": NOW})
    first.start()
    assert store.begun.wait(10)
    assert finder(a_breach(), now=NOW) == NO_EVIDENCE
    store.may_answer.set()
    first.join()
    assert len(store.asked) == 1


def test_a_post_shows_the_traces_and_a_page_does_not_wait_for_them(
    httpserver: HTTPServer, sqlite_db: Engine, store: Store
) -> None:
    world = World(httpserver, sqlite_db)
    asked: Callable[..., object] = TraceEvidence(store, base_url=BASE)  # type: ignore[arg-type]
    world.jobs = replace(world.jobs, usable=replace(world.jobs.usable, evidence=asked))
    world.minutes(3, value=0.2)
    (post,) = world.slack.posts.values()
    assert "Failed traces" in str(post["blocks"])
    assert f"<{BASE}/traces?trace={0:032x}|POST /chat>, 7.2 s, $0.03" in str(post["blocks"])
    before = len(store.asked)
    world.minutes(5, value=0.2)
    assert world.pages == ["trigger"]
    assert len(store.asked) == before
