"""An engine that starts anew in the middle of a rule's patience goes on where the other was.

Prometheus forgets `keep_firing_for` when it restarts, and `for` after an hour; here both are rows.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import policies, rulebook
from alerts.conditions import Question, Threshold
from alerts.delivery import Channels
from alerts.evaluation import Answers
from alerts.jobs import Jobs
from alerts.policies import PolicyDraft
from alerts.ruledraft import RuleDraft
from models.tables import Alert, Transition
from models.vocabulary import AlertState
from signals import Reading, Sample

MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICY = {"name": "p", "steps": [{"after": "0s", "channels": ["slack:#llm"]}]}
RULE = {
    "name": "Errors",
    "owner": "ada",
    "policy": "p",
    "condition": Threshold(signal="error_ratio", bound=0.5),
    "for": "5m",
    "keep_firing_for": "6m",
    "interval": "1m",
}
# Breaches from minute 2 to 9, and once more at 12: 5 min are over at 7, 6 min of health at 19.
VALUES = "..########..#........."
FIRES, ENDS = 7, 19


def lived(db: Engine, *, anew: Collection[int] = (), down: Collection[int] = ()) -> list[Alert]:
    """Let engines live through `VALUES`, a minute each; return the alerts there were.

    Args:
        db: Where they live.
        anew: The minutes before which one dies and another starts.
        down: The minutes in which there is none.
    """
    policies.save_policy(db, PolicyDraft.model_validate(POLICY))
    rulebook.save_rule(db, RuleDraft.model_validate(RULE), by="ada", now=START)
    clock = [START]

    def ask(questions: Sequence[Question], at: datetime) -> Answers:
        value = 0.9 if VALUES[(at - START) // MINUTE] == "#" else 0.1
        return dict.fromkeys(questions, Reading(samples=(Sample(labels={}, value=value, at=at),)))

    def engine() -> Jobs:
        return Jobs(db=db, clock=lambda: clock[0], ask=ask, usable=Channels())

    jobs = engine()
    for minute in range(len(VALUES)):
        clock[0] = START + minute * MINUTE
        if minute in anew:
            jobs = engine()
        if minute not in down:
            jobs.beat()
            jobs.evaluate()
    with Session(db) as session:
        return list(session.exec(select(Alert)))


def at(minute: int) -> datetime:
    return START + minute * MINUTE


@pytest.mark.parametrize(
    "anew",
    [
        pytest.param((), id="never"),
        pytest.param((4,), id="in mid-for"),
        pytest.param((FIRES,), id="as for ends"),
        pytest.param((11,), id="in mid-keep_firing_for"),
        pytest.param((15,), id="in mid-keep_firing_for, after it began again"),
        pytest.param((ENDS,), id="as keep_firing_for ends"),
        pytest.param(range(len(VALUES)), id="every minute"),
    ],
)
def test_a_restart_changes_no_instant_of_an_alert(db: Engine, anew: Collection[int]) -> None:
    (alert,) = lived(db, anew=anew)
    assert alert.state is AlertState.RESOLVED
    assert (alert.active_at, alert.fired_at, alert.resolved_at) == (at(2), at(FIRES), at(ENDS))


def test_restarts_add_no_transition(db: Engine) -> None:
    lived(db, anew=range(len(VALUES)))
    with Session(db) as session:
        states = [row.to_state for row in session.exec(select(Transition))]
    assert states == [AlertState.PENDING, AlertState.FIRING, AlertState.RESOLVED]


def test_time_without_an_engine_counts_for_both(db: Engine) -> None:
    (alert,) = lived(db, anew=(6, 17), down=(3, 4, 5, 14, 15, 16))
    assert (alert.active_at, alert.fired_at, alert.resolved_at) == (at(2), at(FIRES), at(ENDS))


def test_what_ended_while_no_engine_ran_is_seen_by_the_next(db: Engine) -> None:
    (alert,) = lived(db, anew=(21,), down=range(8, 21))
    assert (alert.fired_at, alert.state) == (at(FIRES), AlertState.FIRING)
    assert alert.clear_since == at(21)
