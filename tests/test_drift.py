"""Drift: a signal against what it was, and when there is nothing to compare it with."""

from typing import Any

import pytest
from pydantic import ValidationError

from alerts import observations, rulebook, ruledraft
from alerts.conditions import Drift, Question
from alerts.evaluation import Evaluator
from alerts.lifecycle import Timing
from alerts.observations import Seen, Watch
from models.vocabulary import AlertState, Comparison, Measure
from signals import Labels
from signals.reading import Readers
from signals.routing import Sources
from tests.house import House, house, house_template
from tests.memory_source import NOON, MemorySource

__all__ = ["house", "house_template"]

SLOWER = Drift(signal="latency_p95", bound=0.4)
WORSE = Drift(signal="eval_score", comparison=Comparison.BELOW, measure=Measure.ABSOLUTE, bound=5)
PLENTY = 1.0  # requests a second


def values(condition: Drift, now: float, then: float, rate: float) -> dict[Question, float]:
    return dict(zip(condition.questions, (now, then, rate), strict=True))


@pytest.mark.parametrize(
    ("condition", "now", "then", "holds"),
    [
        (SLOWER, 2.9, 2.0, True),
        (SLOWER, 2.7, 2.0, False),
        (SLOWER, 1.0, 2.0, False),
        (WORSE, 80.0, 86.0, True),
        (WORSE, 81.0, 86.0, False),
        (WORSE, 99.0, 86.0, False),
    ],
)
def test_it_holds_strictly_beyond_the_change(
    condition: Drift, now: float, then: float, holds: bool
) -> None:
    assert condition.holds(values(condition, now, then, PLENTY)) is holds


@pytest.mark.parametrize(
    ("condition", "there"),
    [
        (SLOWER, values(SLOWER, 9.0, 2.0, 19 / 3600)),
        (SLOWER, values(SLOWER, 9.0, 0.0, PLENTY)),
        (SLOWER, {SLOWER.now: 9.0, SLOWER.traffic: PLENTY}),
        (WORSE, {WORSE.now: 9.0, WORSE.then: 86.0}),
    ],
)
def test_too_little_to_compare_with_is_no_observation(
    condition: Drift, there: dict[Question, float]
) -> None:
    watch = Watch(condition=condition, timing=Timing(), labels={})
    assert not condition.suffices(there)
    assert observations.changes(watch, Seen(values={(): there}), {}, now=NOON) == []


def test_a_change_of_a_share_is_said_in_points() -> None:
    points = Drift(signal="error_ratio", measure=Measure.ABSOLUTE, bound=0.02)
    assert points.sentence(0.031) == (
        "Error rate is 3.1 percentage points above that of 7 d before "
        "(alert 2 percentage points above, over 1 h)"
    )


def test_what_it_came_from_is_said() -> None:
    assert SLOWER.sentence(0.45) == (
        "Latency p95 is 45 % above that of 7 d before (alert 40 % above, over 1 h)"
    )
    assert WORSE.sentence(-6) == (
        "Online eval score is 6 points below that of 7 d before (alert 5 points below, over 1 h)"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"signal": "lateness"}, "keeps no past"),
        ({"bound": 0}, "greater than 0"),
        ({"offset": "0s"}, "greater than 0"),
        ({"offset": "3y"}, "less than or equal to"),
        ({"measure": "twice"}, "relative"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Drift.model_validate({"signal": "latency_p95", "bound": 0.4, **changes})


def test_the_engine_compares_with_the_same_hour_of_last_week(house: House) -> None:
    """The source is slower from now on, and was as it is last week."""
    now = house.now

    def wave(signal: str, labels: Labels, seconds: float) -> float | None:
        if signal == "latency_p95":
            return 2.0 if seconds < now.timestamp() else 3.0
        return PLENTY

    draft = ruledraft.RuleDraft(
        name="Slower", owner="ada", condition=SLOWER, policy="standard", severity="error"
    )
    rulebook.save_rule(house.wiring.db, draft, by="ada", now=now)
    readers = Readers(Sources((MemorySource(wave=wave),)))
    Evaluator(db=house.wiring.db, engine_id="test").tick(
        lambda questions, at: readers.read_all(questions, at=at), now=now
    )
    readers.close()
    alert = house.alert("Slower")
    assert (alert.state, alert.value) == (AlertState.FIRING, 0.5)
