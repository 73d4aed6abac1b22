"""Rules on a measure over spans: live, in the form, in words, and what is refused."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import Session, select

from alerts import evidence, rulebook
from alerts.backtest import Instants, backtest
from alerts.conditions import Spans
from alerts.evaluation import Evaluator
from alerts.lifecycle import Timing
from alerts.observations import Watch
from alerts.ruledraft import RuleDraft
from alerts.rulelint import Check, itself
from app import condition_form, watching
from models.tables import Alert, Rule
from models.vocabulary import SpanKind, SpanStatus
from signals import QueryError
from signals.reading import Readers
from signals.routing import Sources
from signals.traces import Order
from signals.traces.embedded import EmbeddedStore
from tests.house import House, house, house_template
from tests.memory_source import NOON, MemorySource
from tests.spans import child, opened, root

__all__ = ["house", "house_template"]

FAILING: dict[str, Any] = {
    "kind": "spans",
    "measure": {
        "aggregate": "ratio",
        "where": ["kind = llm", "attributes.team = web"],
        "part": ["status = error"],
    },
    "bound": 0.3,
    "by": ["prompt_version"],
}
BY_TEAM: dict[str, Any] = {
    "kind": "spans",
    "measure": {"aggregate": "count", "where": ["kind = llm"]},
    "bound": 0,
    "by": ["attributes.team"],
}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """Two prompt versions, of which v2's calls for the team fail; another team's fail too."""
    spans = []
    calls = [
        *[("v1", "web", False), ("v1", "web", False), ("v1", "app", True)],
        *[("v2", "web", True), ("v2", "web", False)],
    ]
    for number, (version, team, failed) in enumerate(calls):
        whole = root(
            NOON - timedelta(seconds=30),
            trace_id=f"{number + 1:032x}",
            span_id=f"{number + 1:016x}",
            prompt_version=version,
        )
        call = child(
            whole,
            kind=SpanKind.LLM,
            span_id=f"{900 + number:016x}",
            status=SpanStatus.ERROR if failed else SpanStatus.OK,
            attributes={"team": team},
        )
        spans += [whole, call]
    with opened(tmp_path / "spans.duckdb") as kept:
        kept.write(spans)
        yield kept


def saved(house: House, condition: dict[str, Any], name: str = "By team") -> None:
    draft = RuleDraft.model_validate(
        {"name": name, "owner": "ada", "condition": condition, "policy": "standard"}
    )
    rulebook.save_rule(house.wiring.db, draft, by="ada", now=NOON)


def evaluated(house: House, store: EmbeddedStore) -> None:
    readers = Readers(Sources((MemorySource(), store)))
    Evaluator(db=house.wiring.db, engine_id="test").tick(
        lambda questions, at: readers.read_all(questions, at=at), now=NOON
    )
    readers.close()


def test_the_engine_finds_what_only_spans_can_tell(house: House, store: EmbeddedStore) -> None:
    saved(house, FAILING, name="Prompt fails")
    evaluated(house, store)
    alert = house.alert("Prompt fails")
    assert (alert.labels["prompt_version"], alert.value) == ("v2", 0.5)


def test_a_rule_split_by_an_attribute_opens_one_alert_for_each_value(
    house: House, store: EmbeddedStore
) -> None:
    saved(house, BY_TEAM)
    evaluated(house, store)
    with Session(house.wiring.db) as session:
        rule = session.exec(select(Rule).where(Rule.name == "By team")).one()
        found = session.exec(select(Alert).where(Alert.rule_id == rule.id)).all()
    told = sorted((one.labels["attributes.team"], one.value) for one in found)
    assert told == [("app", 1.0), ("web", 4.0)]


def test_the_backtest_splits_by_an_attribute_too(store: EmbeddedStore) -> None:
    condition = Spans.model_validate(BY_TEAM)
    series = store.read_range(
        condition.asked, start=NOON - MINUTE, end=NOON + MINUTE, step=timedelta(seconds=30)
    )
    instants = Instants(start=NOON - MINUTE, step=timedelta(seconds=30), count=5)
    watch = Watch(condition=condition, timing=Timing(), labels={}, name="By team")
    found = backtest(watch, {condition.asked: series}, instants, every=timedelta(seconds=30))
    assert {one.labels["attributes.team"] for one in found.fired} == {"app", "web"}


def test_the_chart_and_the_traces_of_an_alert_are_of_its_value(store: EmbeddedStore) -> None:
    condition = Spans.model_validate(BY_TEAM)
    labels = {"attributes.team": "app"}
    (sample,) = store.read(watching.narrowed(condition.asked, labels), at=NOON).samples
    assert (sample.labels, sample.value) == (labels, 1.0)
    which = evidence.worst(condition)
    asked = evidence.question(which, labels, start=NOON - MINUTE, end=NOON, limit=9)
    assert len(store.search(asked)) == 1


def test_what_is_no_label_is_told_how_an_attribute_is_written(store: EmbeddedStore) -> None:
    condition = Spans.model_validate(BY_TEAM | {"by": ["team"]})
    with pytest.raises(QueryError) as caught:
        Sources((MemorySource(), store)).route(condition.asked)
    assert str(caught.value) == (
        "traces cannot tell spans where kind = llm by the label team: an attribute is written "
        "`attributes.…`"
    )


def test_the_lint_warns_of_an_attribute_with_a_value_for_each_person() -> None:
    draft = RuleDraft.model_validate(
        {
            "name": "x",
            "owner": "ada",
            "condition": BY_TEAM | {"by": ["attributes.user_id"]},
            "policy": "standard",
        }
    )
    assert Check.CARDINALITY in {found.check for found in itself.findings(draft)}


def test_without_a_store_that_can_it_says_who_could() -> None:
    condition = Spans.model_validate(FAILING)
    readers = Readers(Sources((MemorySource(),)))
    (answer,) = readers.read_all(condition.questions, at=NOON).values()
    readers.close()
    assert isinstance(answer, QueryError)
    assert "only the embedded trace store can tell" in str(answer)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"measure": {"aggregate": "quantile", "of": "duration_ms", "quantile": 0.9}, "bound": 8},
        {"measure": {"aggregate": "count"}, "comparison": "below", "bound": 5, "window": "1h"},
        {"measure": {"aggregate": "sum", "of": "cost_usd"}, "scope": {"tenant": "acme"}},
        {"by": ["attributes.team", "feature"]},
    ],
)
def test_what_the_form_shows_it_writes(changes: dict[str, Any]) -> None:
    condition = Spans.model_validate(FAILING | changes)
    fields = condition_form.defaults() | condition_form.fields_of(condition)
    assert Spans.model_validate(condition_form.read(fields)) == condition


def test_it_says_what_it_watches_and_what_it_found() -> None:
    condition = Spans.model_validate(FAILING)
    what = "Share with status = error where kind = llm and attributes.team = web"
    assert watching.sentence(condition) == (
        f"{what}: above 30 % over 5 min, for each prompt_version"
    )
    assert condition.sentence(0.5) == f"{what}: reached 50 % (alert above 30 % over 5 min)"


@pytest.mark.parametrize(
    ("measure", "title"),
    [
        (FAILING["measure"], "Failed traces"),
        ({"aggregate": "quantile", "of": "duration_ms"}, "Slowest traces"),
        ({"aggregate": "sum", "of": "cost_usd"}, "Dearest traces"),
        ({"aggregate": "count", "where": ["tool = search"]}, "Newest traces"),
    ],
)
def test_the_traces_beside_it_are_those_that_explain_it(
    measure: dict[str, Any], title: str
) -> None:
    which = evidence.worst(Spans.model_validate(FAILING | {"measure": measure}))
    assert which.title == title
    assert (which.order is Order.SLOWEST) == (title == "Slowest traces")


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"bound": 1.0}, Check.NEVER_FIRES),
        ({"measure": {"aggregate": "count"}, "bound": -1}, Check.ALWAYS_FIRES),
    ],
)
def test_the_lint_knows_what_a_measure_can_be(changes: dict[str, Any], check: Check) -> None:
    draft = RuleDraft.model_validate(
        {"name": "x", "owner": "ada", "condition": FAILING | changes, "policy": "standard"}
    )
    assert check in {found.check for found in itself.findings(draft)}


@pytest.mark.parametrize(
    ("measure", "reason"),
    [
        ({"aggregate": "ratio"}, "a ratio needs"),
        ({"aggregate": "sum", "of": "model"}, "a sum needs one of"),
        ({"aggregate": "count", "where": ["latency > 3"]}, "no field 'latency'"),
        ({"aggregate": "count", "where": ["duration_ms > soon"]}, "compares with a number"),
    ],
)
def test_a_measure_that_makes_no_sense_is_refused(measure: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Spans.model_validate(FAILING | {"measure": measure})


def test_an_attribute_without_a_name_is_refused() -> None:
    with pytest.raises(ValidationError, match="names no attribute"):
        Spans.model_validate(BY_TEAM | {"by": ["attributes."]})
