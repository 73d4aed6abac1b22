"""Why an alert fired: the window that decided, the events behind it, what differed before."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import actions, rulebook, surroundings
from alerts.conditions import AnyCondition, BurnRate, Drift, Promql, Question, Threshold
from app import why
from models.tables import Alert
from signals import Query
from signals.traces.sharing import Share
from tests.world import MINUTE, RULE, World

LABELS = {"feature": "chat"}
SLO = BurnRate(signal="error_ratio", objective=0.99, by=("feature",))
HOUR = timedelta(hours=1)


def values(condition: AnyCondition, ratios: dict[timedelta, float]) -> why.Values:
    """Return the ratio of each window, and two requests a second."""
    found: dict[Question, float] = {}
    for question in why.asked(condition, LABELS):
        assert isinstance(question, Query)
        if question.signal == why.TRAFFIC:
            found[question] = 2.0
        elif question.signal != why.CACHE and question.window in ratios:
            found[question] = ratios[question.window]
    return found


def test_the_pair_of_windows_that_burned_is_named_with_its_events() -> None:
    slow = {5 * MINUTE: 0.2, HOUR: 0.08, 30 * MINUTE: 0.09, 6 * HOUR: 0.07}
    assert why.decided(SLO, LABELS, values(SLO, slow)) == [
        "The windows of 6 h and 30 min: both burned more than 6 times too fast",
        "Error rate 7 % in 6 h: about 3,024 of 43,200 requests",
        "Error rate 9 % in 30 min: about 324 of 3,600 requests",
    ]


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        (
            Threshold(signal="error_ratio", bound=0.1, by=("feature",)),
            "Error rate 20 % in 5 min: about 120 of 600 requests",
        ),
        (
            Threshold(signal="latency_p95", bound=0.1, by=("feature",)),
            "Latency p95 200 ms in 5 min, of about 600 requests",
        ),
        (Threshold(signal="cost", bound=0.1), "Cost $0.20 in 5 min"),
        (
            Drift(signal="error_ratio", bound=0.1, window=5 * MINUTE),
            "Error rate 20 % in 5 min: about 120 of 600 requests",
        ),
    ],
)
def test_a_value_is_said_with_the_requests_behind_it(condition: AnyCondition, line: str) -> None:
    assert why.decided(condition, LABELS, values(condition, {5 * MINUTE: 0.2})) == [line]


def test_what_nobody_answered_is_not_said() -> None:
    assert why.decided(SLO, LABELS, {}) == []
    promql = Promql(expression="up == 0")
    assert why.asked(promql, LABELS) == ("up == 0",)
    assert why.decided(promql, LABELS, {"up == 0": 0.0}) == []


def test_only_questions_about_the_alerts_own_traffic_are_asked() -> None:
    queries = [q for q in why.asked(SLO, LABELS) if isinstance(q, Query)]
    assert {(q.scope, q.by) for q in queries} == {((("feature", "chat"),), ())}


def share(field: str, value: str, now: float, before: float) -> Share:
    return Share(
        field=field, value=value, selected=1, rest=1, selected_ratio=now, rest_ratio=before
    )


def test_what_is_more_frequent_than_before_is_said() -> None:
    found = [
        share("prompt_version", "v7", 0.62, 0.03),
        share("provider", "", 0.5, 0.1),
        share("model", "gpt", 0.5, 0.45),
    ]
    assert why.mix(found) == ["prompt version v7: 62 % of the requests, 3 % in the hour before"]


@pytest.mark.parametrize(
    ("before", "said"), [(0.45, "cache hits: 12 %, 45 % an hour before"), (0.15, "")]
)
def test_cache_hits_that_changed_are_said(before: float, said: str) -> None:
    queries = [q for q in why.asked(SLO, LABELS) if isinstance(q, Query) and q.signal == why.CACHE]
    found: dict[Question, float] = {q: before if q.offset else 0.12 for q in queries}
    assert why.cache_hits(SLO, LABELS, found) == said


def test_the_episode_before_says_who_took_it_and_what_they_wrote(
    httpserver: object, sqlite_db: Engine
) -> None:
    world = World(httpserver, sqlite_db)  # type: ignore[arg-type]
    world.minutes(3, value=0.2)
    first = world.alert.id or 0
    actions.acknowledge(world.db, first, by="ada", now=world.now)
    actions.note(world.db, first, author="ada", text="Rolled back v7.", now=world.now)
    world.minutes(3, value=0)
    world.minutes(4, value=0.2)
    with Session(world.db) as session:
        rule, _ = next(r for r in rulebook.rules(session) if r[0].name == RULE["name"])
        before, again = session.exec(select(Alert).order_by("id")).all()
        assert surroundings.surroundings(session, before, rule).last is None
        last = surroundings.surroundings(session, again, rule).last
    assert last is not None
    assert (last.alert_id, last.acknowledged_by, last.note) == (first, "ada", "Rolled back v7.")
    assert last.ended_at is not None
    assert isinstance(last.fired_at, datetime)
    assert last.fired_at.tzinfo is UTC
