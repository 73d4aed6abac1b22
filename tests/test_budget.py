"""Budget: what was spent, and where the pace leads."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import Session, select

from alerts import rulebook
from alerts.conditions import Budget, Question
from alerts.evaluation import Evaluator
from alerts.ruledraft import RuleDraft
from app import cached_watching
from models.tables import Alert, Rule
from models.vocabulary import CostSource, SpanKind, SpanStatus
from signals import Query, offsets
from signals.reading import Readers
from signals.routing import Sources
from signals.traces import Span
from tests.house import MINUTE, House, house, house_template

__all__ = ["house", "house_template"]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPENT = Budget(amount_usd=50)
HEADING = Budget(amount_usd=50, pace=HOUR)
BERLIN = "Europe/Berlin"
DAILY = Budget(amount_usd=50, zone=BERLIN)
FORECAST = Budget(amount_usd=50, zone=BERLIN, pace=HOUR, by=("tenant",))


@pytest.mark.parametrize(
    ("condition", "spent", "holds"),
    [
        (SPENT, [50.01], True),
        (SPENT, [50.0], False),
        (SPENT, [], False),
        (HEADING, [50.01], True),
        (HEADING, [50.01, 0.0], True),
        (HEADING, [10.0, 2.1], True),
        (HEADING, [10.0, 2.0], False),
        (HEADING, [], False),
        (DAILY, [50.01], True),
        (FORECAST, [10.0, 40.01], True),  # the second is what the rest of the day will bring
        (FORECAST, [10.0, 40.0], False),
        (FORECAST, [50.01], True),
    ],
)
def test_it_holds_beyond_the_amount_spent_or_headed_for(
    condition: Budget, spent: list[float], holds: bool
) -> None:
    values: dict[Question, float] = dict(zip(condition.questions, spent, strict=False))
    assert condition.holds(values) is holds


def test_what_is_said_tells_spent_from_headed_for() -> None:
    values: dict[Question, float] = {HEADING.spent: 10.0, HEADING.lately: 2.5}
    assert HEADING.sentence(HEADING.value(values)) == (
        "Cost heads for $60.00 at the pace of the last 1 h (budget $50.00 in 1 d)"
    )
    assert FORECAST.sentence(61) == (
        "Cost heads for $61.00 by the end of the day at the pace of the last 1 h "
        "(budget $50.00 a day in Europe/Berlin)"
    )
    assert SPENT.sentence(61) == "Cost reached $61.00 (budget $50.00 in 1 d)"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount_usd": 0}, "greater than 0"),
        ({"pace": "1d"}, "pace: shorter than the window"),
        ({"zone": "Europe/Atlantis"}, "there is no time zone 'Europe/Atlantis'"),
        ({"zone": BERLIN, "window": "7d"}, "window: a calendar day needs 1d"),
        ({"signal": "token_rate"}, "a budget is about 'cost'"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Budget.model_validate({"amount_usd": 50, **changes})


def spans(house: House, tenant: str, cost_usd: float, ago: timedelta) -> list[Span]:
    """Return a request of a tenant with one call that cost as much."""
    at = house.now - ago
    number = 100_000 * len(tenant) + ago // MINUTE
    common: dict[str, Any] = {
        "trace_id": f"{number:032x}",
        "service": "copilot",
        "started_at": at,
        "duration_ms": 1000.0,
        "status": SpanStatus.OK,
        "tenant": tenant,
    }
    root = Span(
        span_id="00000000000000a1", parent_id=None, name="POST", kind=SpanKind.HTTP, **common
    )
    call = Span(
        span_id="00000000000000a2",
        parent_id=root.span_id,
        name="chat",
        kind=SpanKind.LLM,
        cost_usd=cost_usd,
        cost_source=CostSource.REPORTED,
        **common,
    )
    return [root, call]


def test_the_engine_finds_the_tenant_over_its_budget_in_the_trace_store(house: House) -> None:
    store = house.wiring.store
    assert store is not None
    store.write(
        [
            *spans(house, "initech", 30, 20 * HOUR),
            *spans(house, "initech", 25, 5 * MINUTE),
            *spans(house, "hooli", 49, 5 * MINUTE),
            *spans(house, "hooli", 90, 26 * HOUR),
        ]
    )
    draft = RuleDraft(
        name="Dear", owner="ada", condition=Budget(amount_usd=50, by=("tenant",)), policy="standard"
    )
    rulebook.save_rule(house.wiring.db, draft, by="ada", now=house.now)
    readers = Readers(Sources((store,)))
    Evaluator(db=house.wiring.db, engine_id="test").tick(
        lambda questions, at: readers.read_all(questions, at=at), now=house.now
    )
    readers.close()
    with Session(house.wiring.db) as session:
        asked = select(Alert).join(Rule).where(Rule.name == "Dear")
        found = {alert.labels["tenant"]: alert.value for alert in session.exec(asked)}
    assert found == {"initech": pytest.approx(55)}


def test_a_day_live_and_in_hindsight_comes_to_the_same(house: House) -> None:
    """Acme spends from both sides of the midnight of Berlin, 23:00 UTC; the house is at noon."""
    store = house.wiring.store
    assert store is not None
    minutes = (5, 200, 779, 781, 900)
    store.write([s for m in minutes for s in spans(house, "initech", 10 + m, m * MINUTE)])
    step = cached_watching.past_step(FORECAST.questions)
    for question in FORECAST.questions:
        assert isinstance(question, Query)
        live = offsets.read(store, question, at=house.now)
        past = offsets.read_range(store, question, start=house.now - DAY, end=house.now, step=step)
        now = {one.labels["tenant"]: one.value for one in live.samples}
        then = {one.labels["tenant"]: one.values[-1] for one in past}
        assert now["initech"] == pytest.approx(then["initech"])
    assert now["initech"] == pytest.approx(15 * 11)  # what the last hour cost, 11 more hours


@pytest.mark.parametrize(
    ("windows", "by", "minutes"),
    [
        ([5 * MINUTE], (), 1),
        ([5 * MINUTE], ("tenant",), 5),
        ([DAY], ("tenant",), 15),
        ([DAY, HOUR], (), 15),
        ([5 * MINUTE, 6 * HOUR], (), 1),
        ([], (), 1),
    ],
)
def test_long_windows_are_looked_back_on_in_longer_steps(
    windows: list[timedelta], by: tuple[str, ...], minutes: int
) -> None:
    questions = [Query(signal="cost", window=window, by=by) for window in windows]
    assert cached_watching.past_step(questions or ["up"]) == minutes * MINUTE
