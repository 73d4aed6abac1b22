"""Composites: rules made of rules, at the door, live, in files and in the past."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from alerts import actions, intake, policies, rulebook, rulefile
from alerts.conditions import AnyCondition, Composite, Question, Threshold
from alerts.evaluation import Answers, Evaluator
from alerts.policies import PolicyDraft
from alerts.rulebook import RuleError
from alerts.rulecode.complaints import RuleCodeError
from alerts.ruledraft import RuleDraft
from alerts.selfwatch import SelfWatch
from models.tables import Alert, Rule
from models.vocabulary import AlertState, DataState, Needed
from signals import Query, Reading, Sample

MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILE = """
version: 1
policies: [{name: p, steps: [{after: 0s, channels: ["slack:#a"]}]}]
rules:
  - name: Both
    owner: ada
    condition: {kind: composite, needed: all, rules: [Slow, Failing]}
    policy: p
  - name: Failing
    owner: ada
    condition: {kind: threshold, signal: error_ratio, bound: 0.03}
    policy: p
  - name: Slow
    owner: ada
    condition: {kind: threshold, signal: latency_p95, bound: 5}
    policy: p
"""


def both(*rules: str, needed: Needed = Needed.ALL) -> Composite:
    return Composite(rules=rules or ("Slow", "Failing"), needed=needed)


def save(db: Engine, name: str, condition: AnyCondition, rule_id: int | None = None) -> int:
    draft = RuleDraft(name=name, owner="ada", condition=condition, policy="p", interval=MINUTE)
    return rulebook.save_rule(db, draft, by="ada", now=START, rule_id=rule_id)


@pytest.fixture
def db(sqlite_db: Engine) -> Engine:
    """A database with the rules Slow and Failing."""
    policy = PolicyDraft.model_validate(
        {"name": "p", "steps": [{"after": "0s", "channels": ["slack:#a"]}]}
    )
    policies.save_policy(sqlite_db, policy)
    save(sqlite_db, "Slow", Threshold(signal="latency_p95", bound=5))
    save(sqlite_db, "Failing", Threshold(signal="error_ratio", bound=0.03))
    return sqlite_db


def id_of(db: Engine, name: str) -> int:
    with Session(db) as session:
        return session.exec(select(Rule).where(Rule.name == name)).one().id or 0


def live(db: Engine, now: datetime, **values: float) -> None:
    """Let the engine evaluate the parts, then what is made of them."""

    def ask(questions: object, at: datetime) -> Answers:
        assert isinstance(questions, list)
        return {q: _reading(values[q.signal], at) for q in questions if isinstance(q, Query)}

    Evaluator(db=db, engine_id="test").tick(ask, now=now)
    Evaluator(db=db, engine_id="test", own=True).tick(SelfWatch(db=db).ask, now=now)


def _reading(value: float, at: datetime) -> Reading:
    return Reading(samples=(Sample(labels={}, value=value, at=at),))


def states(db: Engine, rule: str) -> list[AlertState]:
    with Session(db) as session:
        asked = select(Alert.state).join(Rule).where(Rule.name == rule).order_by(Alert.id)  # type: ignore[arg-type]
        return list(session.exec(asked))


@pytest.mark.parametrize(
    ("needed", "firing", "holds"),
    [(Needed.ALL, 2, True), (Needed.ALL, 1, False), (Needed.ANY, 1, True), (Needed.ANY, 0, False)],
)
def test_it_holds_when_enough_of_its_rules_fire(needed: Needed, firing: int, holds: bool) -> None:
    condition = both(needed=needed)
    values: dict[Question, float] = {condition.questions[0]: firing}
    assert condition.holds(values) is holds


def test_the_engine_finds_both_firing_and_one_of_them_over(db: Engine) -> None:
    save(db, "Both", both())
    live(db, START, latency_p95=9, error_ratio=0.01)
    assert states(db, "Both") == []
    live(db, START + MINUTE, latency_p95=9, error_ratio=0.2)
    assert states(db, "Both") == [AlertState.FIRING]
    live(db, START + 2 * MINUTE, latency_p95=1, error_ratio=0.2)
    assert states(db, "Both") == [AlertState.RESOLVED]


def test_an_acknowledged_alert_still_counts(db: Engine) -> None:
    save(db, "Both", both())
    live(db, START, latency_p95=9, error_ratio=0.2)
    with Session(db) as session:
        slow = session.exec(select(Alert).join(Rule).where(Rule.name == "Slow")).one().id or 0
    actions.acknowledge(db, slow, by="ada", now=START)
    live(db, START + MINUTE, latency_p95=9, error_ratio=0.2)
    assert states(db, "Both") == [AlertState.FIRING]


def test_the_past_of_the_alerts_is_the_past_of_the_composite(db: Engine) -> None:
    for minute, (latency, errors) in enumerate([(1, 0), (9, 0), (9, 1), (1, 1), (1, 0)]):
        live(db, START + minute * MINUTE, latency_p95=latency, error_ratio=errors)
    (series,) = SelfWatch(db=db).read_range(
        both().questions[0],  # type: ignore[arg-type]
        start=START,
        end=START + 4 * MINUTE,
        step=MINUTE,
    )
    assert series.values == [0, 1, 2, 1, 0]


def test_a_part_that_is_switched_off_leaves_it_blind_and_says_so(db: Engine) -> None:
    whole = save(db, "Both", both())
    live(db, START, latency_p95=9, error_ratio=0.2)
    rulebook.set_enabled(db, id_of(db, "Slow"), False, by="ada", now=START)
    live(db, START + MINUTE, error_ratio=0.2)
    with Session(db) as session:
        row = session.get_one(Rule, whole)
        assert row.data_state is DataState.QUERY_ERROR
        assert row.error == "the rule 'Slow' is switched off, so that it cannot fire"
    assert states(db, "Both") == [AlertState.FIRING]


def test_a_part_that_is_not_there_is_refused(db: Engine) -> None:
    with pytest.raises(RuleError, match="there is no rule named 'Nobody' to be made of"):
        save(db, "Both", both("Slow", "Nobody"))


def test_a_composite_of_itself_is_refused_with_the_way_round(db: Engine) -> None:
    first = save(db, "First", both())
    save(db, "Second", both("First", "Slow"))
    save(db, "Third", both("Second"))
    with pytest.raises(RuleError, match="of itself: First -> Third -> Second -> First"):
        save(db, "First", both("Slow", "Third"), first)
    with pytest.raises(RuleError, match="of itself: Own -> Own"):
        save(db, "Own", both("Own"))


def test_a_part_keeps_its_name(db: Engine) -> None:
    save(db, "Both", both())
    with pytest.raises(RuleError, match="'Both' is made of 'Slow' by this name"):
        save(db, "Slower", Threshold(signal="latency_p95", bound=5), id_of(db, "Slow"))


def test_a_file_may_have_a_composite_before_its_parts(sqlite_db: Engine) -> None:
    intake.load(sqlite_db, FILE, by="ada", now=START)
    with Session(sqlite_db) as session:
        first = rulefile.dump(session)
    intake.load(sqlite_db, first, by="ada", now=START)
    assert next(rule.condition for rule in rulefile.parse(first).rules) == both()


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("[Slow, Failing]", "[Slow, Gone]", "there is no rule named 'Gone' to be made of"),
        ("[Slow, Failing]", "[Slow, Both]", "of itself: Both -> Both"),
        ("[Slow, Failing]", "[Slow, Slow]", "'Slow' is there more than once"),
    ],
)
def test_a_file_with_a_composite_that_makes_no_sense_is_refused(
    sqlite_db: Engine, before: str, after: str, reason: str
) -> None:
    with pytest.raises(RuleCodeError, match=reason):
        intake.load(sqlite_db, FILE.replace(before, after), by="ada", now=START)


def test_the_export_says_why_it_is_left_out(db: Engine) -> None:
    save(db, "Both", both())
    with Session(db) as session:
        left = rulefile.leaving(session).left_out
    assert left["Both"] == "it is made of other rules, which PromQL cannot ask about"
