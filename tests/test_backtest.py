"""The backtest is what live evaluation would have done: the same alerts, at the same instants."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import flapping, observations
from alerts.backtest import Answers, Instants, Past, backtest
from alerts.conditions import (
    Absence,
    AnyCondition,
    Budget,
    BurnRate,
    Composite,
    Drift,
    Promql,
    Question,
    Spans,
    Threshold,
    Window,
)
from alerts.datastates import DataStates
from alerts.lifecycle import Timing
from alerts.observations import Episode, Identity, Seen, Watch
from models.vocabulary import AlertState, Comparison, DataChoice, DataState, Measure, Needed
from signals import Series
from signals.measures import Aggregate
from signals.measures import Measure as Measured

MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
FEATURES = ("chat", "search", "draft")
CONDITIONS: tuple[AnyCondition, ...] = (
    Threshold(signal="error_ratio", bound=0.5, window=5 * MINUTE, by=("feature",)),
    Threshold(signal="cache_hit_ratio", bound=0.5, comparison=Comparison.BELOW, by=("feature",)),
    BurnRate(
        signal="error_ratio",
        objective=0.9,
        windows=(
            Window(long=60 * MINUTE, short=5 * MINUTE, factor=2),
            Window(long=360 * MINUTE, short=30 * MINUTE, factor=5),
        ),
        by=("feature",),
    ),
    Promql(expression="up == 0"),
    Drift(signal="latency_p95", bound=0.4, by=("feature",), window=MINUTE, baseline_requests=30),
    Drift(
        signal="error_ratio",
        comparison=Comparison.BELOW,
        measure=Measure.ABSOLUTE,
        bound=0.1,
        by=("feature",),
        baseline_requests=0,
    ),
    Absence(signal="request_rate", by=("feature",)),
    Absence(signal="eval_score", by=("feature",)),
    Composite(rules=("Slow",), needed=Needed.ANY),
    Spans(measure=Measured(aggregate=Aggregate.COUNT), bound=0.4, by=("feature",)),
    Budget(amount_usd=0.5, by=("feature",)),
    Budget(amount_usd=0.9, window=10 * MINUTE, pace=5 * MINUTE, by=("feature",)),
)

IDLE = "idle"  # there, with nothing to count
Value = float | str | None
Rows = dict[Question, dict[Identity, list[Value]]]


def value() -> st.SearchStrategy[Value]:
    return st.sampled_from([None, IDLE, 0.0, 0.1, 0.4, 0.5, 0.6, 1.0])


def number() -> st.SearchStrategy[float | None]:
    return st.sampled_from([None, 0.0, 0.1, 0.4, 0.5, 0.6, 1.0])


def data_states(condition: AnyCondition) -> st.SearchStrategy[DataStates]:
    """Return choices for the states that a look back can know, where the kind leaves any."""
    choices = st.sampled_from(
        [DataChoice.KEEP, DataChoice.ALERT, DataChoice.RESOLVE, DataChoice.SAY]
    )
    drawn = st.builds(DataStates, no_series=choices, no_traffic=choices)
    return drawn if condition.settled.of(DataState.NO_SERIES) is None else st.just(DataStates())


@st.composite
def cases(draw: st.DrawFn) -> tuple[Watch, Rows, Instants]:
    condition = draw(st.sampled_from(CONDITIONS))
    count = draw(st.integers(1, 60))
    features = draw(st.lists(st.sampled_from(FEATURES), unique=True, max_size=3))
    rows: Rows = {
        question: {
            (("feature", feature),): _stretched(draw, count)
            for feature in features
            if draw(st.booleans()) or question == condition.questions[0]
        }
        for question in condition.questions
    }
    watch = Watch(
        condition=condition,
        timing=Timing(
            hold=draw(st.sampled_from([0, 1, 3, 4.5])) * MINUTE,
            keep_firing=draw(st.sampled_from([0, 1, 2.5, 6])) * MINUTE,
        ),
        labels=draw(st.sampled_from([{}, {"team": "llm"}])),
        data_states=draw(data_states(condition)),
    )
    return watch, rows, Instants(start=START, step=MINUTE, count=count)


def _stretched(draw: st.DrawFn, count: int) -> list[Value]:
    """Values that stay for a while, as they do."""
    runs = draw(st.lists(st.tuples(value(), st.integers(1, 12)), min_size=1, max_size=20))
    values = [one for one, length in runs for _ in range(length)]
    return (values + [values[-1]] * count)[:count]


def series(rows: Rows, instants: Instants) -> Answers:
    start = instants.start.timestamp()
    return {
        question: [
            Series(
                labels=dict(identity),
                seconds=[start + 60 * n for n, v in enumerate(values) if isinstance(v, float)],
                values=[v for v in values if isinstance(v, float)],
                idle=[start + 60 * n for n, v in enumerate(values) if v == IDLE],
            )
            for identity, values in of_labels.items()
        ]
        for question, of_labels in rows.items()
    }


def seen_at(rows: Rows, index: int) -> Seen:
    values: dict[Identity, dict[Question, float]] = {}
    idle: set[Identity] = set()
    for question, of_labels in rows.items():
        for identity, all_values in of_labels.items():
            one = all_values[index]
            if isinstance(one, float):
                values.setdefault(identity, {})[question] = one
            elif one == IDLE:
                idle.add(identity)
    return Seen(values=values, idle=idle)


def minute_by_minute(watch: Watch, rows: Rows, instants: Instants) -> list[Past]:
    """Every instant observed, as the engine does."""
    episodes: dict[str, Episode] = {}
    opened: dict[str, dict[str, object]] = {}
    fired: dict[str, list[datetime]] = {}
    over: list[dict[str, object]] = []
    for index in range(instants.count):
        now = instants.at(index)
        for change in observations.changes(watch, seen_at(rows, index), episodes, now=now):
            after = change.after
            key = (
                observations.fingerprint(change.labels)
                if change.episode is None
                else next(k for k, e in episodes.items() if e is change.episode)
            )
            if after is None:
                over.append(opened.pop(key) | {"ended_at": now})
                del episodes[key]
                continue
            past = opened.setdefault(
                key, {"labels": change.labels, "active_at": after.active_at, "flaps": 0}
            )
            if after.fired_at is not None and "fired_at" not in past:
                lately = [at for at in fired.get(key, []) if now - at < flapping.WITHIN]
                past |= {"fired_at": now, "value": change.value}
                past["flaps"] = flapping.flaps(lately, now=now)
                fired.setdefault(key, []).append(now)
            if after.state is AlertState.RESOLVED:
                over.append(opened.pop(key) | {"ended_at": now})
                episodes.pop(key, None)
                continue
            episodes[key] = Episode(
                lifecycle=after, flaps=int(str(past["flaps"])), state=change.state
            )
    return [Past(**one) for one in [*over, *opened.values()]]  # type: ignore[arg-type]


def in_order(alerts: Sequence[Past]) -> list[Past]:
    return sorted(alerts, key=lambda a: (a.active_at, sorted(a.labels.items())))


@given(case=cases())
@settings(max_examples=500, deadline=None)
def test_only_instants_at_which_something_can_happen_need_to_be_looked_at(
    case: tuple[Watch, Rows, Instants],
) -> None:
    watch, rows, instants = case
    found = backtest(watch, series(rows, instants), instants)
    assert in_order(found.alerts) == in_order(minute_by_minute(watch, rows, instants))


@given(
    condition=st.sampled_from(CONDITIONS),
    columns=st.lists(st.lists(number(), min_size=4, max_size=4), min_size=1, max_size=20),
)
@settings(max_examples=200, deadline=None)
def test_a_condition_says_of_a_column_what_it_says_of_each_row(
    condition: AnyCondition, columns: list[list[float | None]]
) -> None:
    rows = [dict(zip(condition.questions, row, strict=False)) for row in columns]
    arrays = {
        question: np.array([np.nan if row[question] is None else row[question] for row in rows])
        for question in condition.questions
    }
    each = [condition.holds({q: v for q, v in row.items() if v is not None}) for row in rows]
    assert condition.holds_over(arrays).tolist() == each


def test_a_value_stands_until_the_next_however_often_the_rule_is_evaluated() -> None:
    watch = Watch(
        condition=CONDITIONS[0],
        timing=Timing(hold=timedelta(seconds=10)),
        labels={},
    )
    rows: Rows = {CONDITIONS[0].questions[0]: {(("feature", "chat"),): [0.0, 1.0, 0.0, 0.0]}}
    instants = Instants(start=START, step=MINUTE, count=4)
    [often] = backtest(watch, series(rows, instants), instants, every=MINUTE / 12).alerts
    assert often.fired_at == START + MINUTE + timedelta(seconds=10)
    assert often.ended_at == START + 2 * MINUTE
    assert backtest(watch, series(rows, instants), instants).fired == ()
    assert backtest(watch, series(rows, instants), instants, every=2 * MINUTE).alerts == ()


@given(case=cases(), factor=st.sampled_from([2, 3]))
@settings(max_examples=200, deadline=None)
def test_evaluating_more_often_is_reading_the_same_values_more_often(
    case: tuple[Watch, Rows, Instants], factor: int
) -> None:
    watch, rows, instants = case
    finer = Instants(start=START, step=MINUTE / factor, count=instants.count * factor)
    repeated: Rows = {
        question: {who: [v for v in row for _ in range(factor)] for who, row in of_labels.items()}
        for question, of_labels in rows.items()
    }
    found = backtest(watch, series(rows, instants), instants, every=finer.step)
    assert in_order(found.alerts) == in_order(minute_by_minute(watch, repeated, finer))


def test_what_ended_at_the_last_instant_is_over_and_what_holds_there_is_open() -> None:
    watch = Watch(condition=CONDITIONS[0], timing=Timing(), labels={})
    rows: Rows = {
        CONDITIONS[0].questions[0]: {
            (("feature", "chat"),): [1.0, 0.0],
            (("feature", "search"),): [0.0, 1.0],
        }
    }
    instants = Instants(start=START, step=MINUTE, count=2)
    chat, search = backtest(watch, series(rows, instants), instants).alerts
    assert (chat.fired_at, chat.ended_at) == (START, START + MINUTE)
    assert (search.fired_at, search.ended_at) == (START + MINUTE, None)
    assert (chat.labels, chat.value) == ({"feature": "chat"}, 1.0)


def test_what_goes_from_not_measured_to_too_little_changes_its_data_state() -> None:
    """Found by the property above: both do not suffice, and only one of them is no traffic."""
    condition = Drift(signal="latency_p95", bound=0.4, by=("feature",), baseline_requests=30)
    alert = DataStates(no_series=DataChoice.KEEP, no_traffic=DataChoice.ALERT)
    watch = Watch(condition=condition, timing=Timing(), labels={}, data_states=alert)
    search = (("feature", "search"),)
    rows: Rows = {
        condition.now: {search: [None, 0.5]},
        condition.then: {search: [0.5, 0.5]},
        condition.traffic: {search: [0.0, 0.0]},
    }
    instants = Instants(start=START, step=MINUTE, count=2)
    (found,) = backtest(watch, series(rows, instants), instants).alerts
    assert found.active_at == START + MINUTE
