"""Absence: nothing is left of a signal, of a whole scope or of label sets that were there."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import policies, rulebook
from alerts.backtest import Answers, Hindsight, Instants, backtest
from alerts.conditions import Absence, AnyCondition
from alerts.evaluation import Answers as Told
from alerts.evaluation import Evaluator
from alerts.lifecycle import Timing
from alerts.observations import Watch
from alerts.policies import PolicyDraft
from alerts.ruledraft import RuleDraft
from models.tables import Alert
from models.vocabulary import AlertState
from signals import Reading, Sample, Series, UnreachableError

MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHOLE = Absence(signal="request_rate", window=2 * MINUTE)
EACH = Absence(signal="request_rate", window=2 * MINUTE, by=("tenant",), seen_within=5 * MINUTE)
SCORES = Absence(signal="eval_score", window=2 * MINUTE)


def course(drawn: str) -> list[float | None]:
    """`#` is traffic, `0` is a rate of zero, a blank is no sample."""
    return [{"#": 3.0, "0": 0.0, " ": None}[c] for c in drawn]


def series(drawn: str, tenant: str) -> Series:
    points = [(START.timestamp() + 60 * n, v) for n, v in enumerate(course(drawn)) if v is not None]
    return Series(
        labels={"tenant": tenant} if tenant else {},
        seconds=[at for at, _ in points],
        values=[value for _, value in points],
    )


def looked_back(condition: AnyCondition, *drawn: str, tenant: str = "") -> Hindsight:
    """Look back over the answers to the condition's questions, one drawing for each."""
    answers: Answers = {
        question: [series(one, tenant)]
        for question, one in zip(condition.questions, drawn, strict=True)
    }
    watch = Watch(condition=condition, timing=Timing(), labels={})
    return backtest(watch, answers, Instants(start=START, step=MINUTE, count=len(drawn[0])))


def fired(found: Hindsight) -> list[tuple[int, int | None]]:
    return [
        (
            int((a.fired_at - START) / MINUTE),
            None if a.ended_at is None else int((a.ended_at - START) / MINUTE),
        )
        for a in found.fired
        if a.fired_at
    ]


@pytest.mark.parametrize(
    ("condition", "drawn", "episodes"),
    [
        (WHOLE, "##00##", [(2, 4)]),
        (WHOLE, "##  ##", [(2, 4)]),
        (WHOLE, "##0 0#", [(2, 5)]),
        (WHOLE, "      ", [(0, None)]),
        (WHOLE, "######", []),
        (SCORES, "##00##", []),
        (SCORES, "##  ##", [(2, 4)]),
    ],
)
def test_a_whole_scope_is_missed_while_there_is_nothing_of_it(
    condition: Absence, drawn: str, episodes: list[tuple[int, int | None]]
) -> None:
    assert fired(looked_back(condition, drawn)) == episodes


@pytest.mark.parametrize(
    ("lately", "before", "episodes"),
    [
        ("##    ##", "########", [(2, 6)]),
        ("##00  ##", "########", [(2, 6)]),
        ("##      ", "######  ", [(2, 6)]),
        ("##000000", "######00", [(2, 6)]),
        ("        ", "        ", []),
    ],
)
def test_a_label_set_is_missed_until_it_is_back_or_forgotten(
    lately: str, before: str, episodes: list[tuple[int, int | None]]
) -> None:
    found = looked_back(EACH, lately, before, tenant="acme")
    assert fired(found) == episodes
    assert all(alert.labels == {"tenant": "acme"} for alert in found.alerts)


def test_the_time_missed_is_counted_once() -> None:
    assert looked_back(WHOLE, "##0  ##").held == 3 * MINUTE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"signal": "lateness"}, "always answers for it"),
        ({"by": ["tenant"], "window": "1d"}, "seen_within: longer than the window"),
        ({"window": "0s"}, "greater than 0"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Absence.model_validate({"signal": "request_rate", **changes})


@dataclass
class Traffic:
    """Answers which tenants were there lately, and before."""

    lately: dict[str, float]
    before: dict[str, float]
    is_down: bool = False

    def ask(self, questions: Any, at: datetime) -> Told:
        if self.is_down:
            return dict.fromkeys(questions, UnreachableError("prometheus did not answer"))
        values = {EACH.lately: self.lately, EACH.before: self.before}
        return {q: _reading(values[q], at) for q in questions}


def _reading(values: dict[str, float], at: datetime) -> Reading:
    samples = (Sample(labels={"tenant": t}, value=v, at=at) for t, v in values.items())
    return Reading(samples=tuple(samples))


@pytest.fixture
def evaluator(sqlite_db: Engine) -> Evaluator:
    policy = PolicyDraft.model_validate(
        {"name": "p", "steps": [{"after": "0s", "channels": ["slack:#a"]}]}
    )
    policies.save_policy(sqlite_db, policy)
    rule = RuleDraft(name="Gone", owner="ada", condition=EACH, policy="p", interval=MINUTE)
    rulebook.save_rule(sqlite_db, rule, by="ada", now=START)
    return Evaluator(db=sqlite_db, engine_id="test")


def states(db: Engine) -> dict[str, AlertState]:
    with Session(db) as session:
        return {alert.labels["tenant"]: alert.state for alert in session.exec(select(Alert))}


def test_the_engine_misses_the_tenant_that_stopped_and_no_other(evaluator: Evaluator) -> None:
    traffic = Traffic(lately={"acme": 1.0}, before={"acme": 1.0, "globex": 0.4})
    evaluator.tick(traffic.ask, now=START)
    assert states(evaluator.db) == {"globex": AlertState.FIRING}
    traffic.lately["globex"] = 0.1
    evaluator.tick(traffic.ask, now=START + MINUTE)
    assert states(evaluator.db) == {"globex": AlertState.RESOLVED}


def test_a_source_that_does_not_answer_misses_nobody(evaluator: Evaluator) -> None:
    traffic = Traffic(lately={}, before={"globex": 0.4})
    evaluator.tick(traffic.ask, now=START)
    traffic.is_down, traffic.before = True, {"acme": 1.0}
    evaluator.tick(traffic.ask, now=START + MINUTE)
    assert states(evaluator.db) == {"globex": AlertState.FIRING}


def test_nobody_left_to_miss_ends_what_is_open(evaluator: Evaluator) -> None:
    traffic = Traffic(lately={}, before={"globex": 0.4})
    evaluator.tick(traffic.ask, now=START)
    evaluator.tick(replace(traffic, before={}).ask, now=START + MINUTE)
    assert states(evaluator.db) == {"globex": AlertState.RESOLVED}
