"""Questions asked together are answered as if each had been asked alone."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import DataState
from signals import Query, QueryError, Reading, Sample, Series, SignalError
from signals.grouping import Answer, Question, pick, plan, share
from signals.reading import Readers
from signals.routing import Sources
from tests.prometheus import wait_until

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
ALL_LABELS = frozenset({"feature", "model"})


@dataclass(frozen=True)
class Requests:
    """Some requests with the same labels: how many there were, and how many failed."""

    labels: dict[str, str]
    count: int
    failed: int


@dataclass
class Model:
    """A source in memory that answers the share of failed requests, by the contract's letter."""

    requests: tuple[Requests, ...] = ()
    labels: frozenset[str] = ALL_LABELS
    splits: bool = True
    name: str = "model"
    error: SignalError | None = None
    asked: list[Query] = field(default_factory=list)

    def answers(self, query: Query) -> bool:
        wanted = {name for name, _ in query.scope} | set(query.by)
        return wanted <= self.labels and (self.splits or not query.by)

    def read(self, query: Query, *, at: datetime) -> Reading:
        self.asked.append(query)
        if self.error:
            raise self.error
        totals: dict[tuple[tuple[str, str], ...], list[int]] = {}
        for some in self.requests:
            if all(some.labels.get(name, "") == value for name, value in query.scope):
                kept = {name for name, _ in query.scope} | set(query.by)
                key = tuple(sorted((n, v) for n, v in some.labels.items() if n in kept and v))
                total = totals.setdefault(key, [0, 0])
                total[0] += some.count
                total[1] += some.failed
        return Reading(
            samples=tuple(
                Sample(labels=dict(key), value=failed / count, at=at)
                for key, (count, failed) in totals.items()
                if count
            ),
            no_traffic=tuple(dict(key) for key, (count, _) in totals.items() if not count),
        )

    def evaluate(self, expression: str, *, at: datetime) -> Reading:
        return Reading(samples=(Sample(labels={"expression": expression}, value=1.0, at=at),))

    def read_range(self, *_: object, **__: object) -> list[Series]:
        return []

    def evaluate_range(self, *_: object, **__: object) -> list[Series]:
        return []

    def newest(self, *, at: datetime) -> datetime | None:
        return at


def about(feature: str, *, by: tuple[str, ...] = (), window: timedelta = WINDOW) -> Query:
    return Query(signal="error_ratio", window=window, scope=(("feature", feature),), by=by)


def content(answer: Answer) -> object:
    assert isinstance(answer, Reading)
    return (
        Counter((tuple(sorted(s.labels.items())), s.value, s.at) for s in answer.samples),
        Counter(tuple(sorted(labels.items())) for labels in answer.no_traffic),
    )


def answered(queries: list[Query], model: Model) -> dict[Question, Answer]:
    asked = plan(queries)
    return share(asked, {question: model.read(question, at=AT) for question in asked.values()})


values = st.sampled_from(["", "a", "b", "c"])
requests = st.builds(
    lambda feature, model, count, failed: Requests(
        labels={"feature": feature, "model": model}, count=count, failed=min(count, failed)
    ),
    values,
    values,
    st.integers(0, 3),
    st.integers(0, 3),
)
queries = st.builds(
    lambda signal, minutes, scope, by: Query(
        signal=signal,
        window=timedelta(minutes=minutes),
        scope=tuple(sorted(scope.items())),
        by=tuple(by),
    ),
    st.sampled_from(["error_ratio", "latency_p95"]),
    st.sampled_from([5, 30]),
    st.dictionaries(st.sampled_from(["feature", "model"]), values),
    st.lists(st.sampled_from(["feature", "model"]), unique=True),
)


@given(st.lists(requests, max_size=12), st.lists(queries, max_size=30))
def test_what_is_asked_together_is_answered_as_if_asked_alone(
    some: list[Requests], wanted: list[Query]
) -> None:
    model = Model(tuple(some))
    together = {q: content(a) for q, a in answered(wanted, model).items()}
    assert together == {query: content(model.read(query, at=AT)) for query in wanted}


@given(st.lists(requests, max_size=12), queries)
def test_one_answer_picked_out_is_the_answer_alone(some: list[Requests], query: Query) -> None:
    model = Model(tuple(some))
    by = tuple(sorted({name for name, _ in query.scope} | set(query.by)))
    everything = Query(signal=query.signal, window=query.window, by=by)
    picked = pick(query, model.read(everything, at=AT))
    assert content(picked) == content(model.read(query, at=AT))


@given(st.lists(queries, max_size=30))
def test_a_plan_never_asks_more_than_there_are_queries(wanted: list[Query]) -> None:
    asked = plan(wanted)
    assert set(asked) == set(wanted)
    assert len(set(asked.values())) <= len(asked)


def test_three_queries_that_differ_in_scope_are_one_question() -> None:
    asked = plan([about("a"), about("b"), about("c")])
    together = Query(signal="error_ratio", window=WINDOW, by=("feature",))
    assert set(asked.values()) == {together}


def test_two_queries_are_asked_one_by_one() -> None:
    wanted = [about("a"), about("b")]
    assert plan(wanted) == {query: query for query in wanted}


def test_queries_over_other_windows_are_not_merged() -> None:
    wanted = [about("a"), about("b"), about("c", window=timedelta(hours=1))]
    assert plan(wanted) == {query: query for query in wanted}


def test_what_all_scopes_agree_on_still_narrows_the_question() -> None:
    wanted = [
        Query(signal="error_ratio", window=WINDOW, scope=(("feature", f), ("model", "m")))
        for f in "abc"
    ]
    together = Query(signal="error_ratio", window=WINDOW, scope=(("model", "m"),), by=("feature",))
    assert set(plan(wanted).values()) == {together}


def test_a_scope_without_series_stays_without_series_among_others() -> None:
    model = Model((Requests({"feature": "a"}, 4, 1), Requests({"feature": "b"}, 0, 0)))
    answers = answered([about("a"), about("b"), about("gone")], model)
    assert {q.scope[0][1]: a.state for q, a in answers.items()} == {  # type: ignore[union-attr]
        "a": DataState.OK,
        "b": DataState.NO_TRAFFIC,
        "gone": DataState.NO_SERIES,
    }


@contextmanager
def reading(
    sources: tuple[object, ...], *, expressions: object = None, patience: float = 5.0
) -> Iterator[Readers]:
    readers = Readers(
        Sources(sources),  # type: ignore[arg-type]
        expressions,  # type: ignore[arg-type]
        patience=timedelta(seconds=patience),
    )
    try:
        yield readers
    finally:
        readers.close()


def test_a_thousand_rules_on_one_signal_ask_their_source_once() -> None:
    wanted = [about(f"f{i}") for i in range(1000)]
    model = Model(tuple(Requests({"feature": f"f{i}"}, 2, 1) for i in range(1000)))
    with reading((model,)) as readers:
        answers = readers.read_all(wanted, at=AT)
    assert len(model.asked) == 1
    assert [content(answers[q]) for q in wanted] == [content(model.read(q, at=AT)) for q in wanted]


def test_a_source_that_cannot_split_is_asked_one_by_one() -> None:
    model = Model(tuple(Requests({"feature": f}, 2, 1) for f in "abc"), splits=False)
    wanted = [about(f) for f in "abc"]
    with reading((model,)) as readers:
        answers = readers.read_all(wanted, at=AT)
    assert sorted(q.scope for q in model.asked) == [q.scope for q in wanted]
    assert [content(answers[q]) for q in wanted] == [content(model.read(q, at=AT)) for q in wanted]


def test_a_question_nobody_answers_has_its_error_and_the_others_their_answers() -> None:
    by_tenant = Query(signal="error_ratio", window=WINDOW, by=("tenant",))
    model = Model((Requests({"feature": "a"}, 2, 1),))
    with reading((model,)) as readers:
        answers = readers.read_all([about("a"), by_tenant], at=AT)
    assert isinstance(answers[by_tenant], QueryError)
    assert content(answers[about("a")]) == content(model.read(about("a"), at=AT))


@dataclass
class Narrow(Model):
    """A source that refuses to answer for more than two label sets at once."""

    def read(self, query: Query, *, at: datetime) -> Reading:
        reading = super().read(query, at=at)
        if len(reading.samples) > 2:
            raise QueryError("too many values: narrow the scope")
        return reading


def test_a_split_too_wide_for_its_source_is_asked_one_by_one() -> None:
    model = Narrow(tuple(Requests({"feature": f}, 2, 1) for f in "abcd"))
    wanted = [about(f) for f in "abc"]
    with reading((model,)) as readers:
        answers = readers.read_all(wanted, at=AT)
    assert [content(answers[q]) for q in wanted] == [content(model.read(q, at=AT)) for q in wanted]


def test_a_split_too_wide_for_its_source_is_tried_once() -> None:
    model = Narrow(tuple(Requests({"feature": f}, 2, 1) for f in "abcd"))
    with reading((model,)) as readers:
        for _ in range(3):
            readers.read_all([about(f) for f in "abc"], at=AT)
    assert Counter(query.scope for query in model.asked)[()] == 1


def test_an_error_of_the_source_is_the_error_of_each() -> None:
    error = QueryError("too many samples")
    with reading((Model(error=error),)) as readers:
        answers = readers.read_all([about(f) for f in "abc"], at=AT)
    assert list(answers.values()) == [error] * 3


def test_expressions_are_answered_beside_queries() -> None:
    model = Model((Requests({"feature": "a"}, 2, 1),))
    with reading((model,), expressions=model) as readers:
        answers = readers.read_all([about("a"), "up == 0"], at=AT)
    assert answers["up == 0"] == model.evaluate("up == 0", at=AT)
    assert set(answers) == {about("a"), "up == 0"}


def test_without_a_prometheus_an_expression_is_refused() -> None:
    with reading(()) as readers:
        answers = readers.read_all(["up == 0"], at=AT)
    assert isinstance(answers["up == 0"], QueryError)


@dataclass
class Hanging(Model):
    """A source that answers nothing until it is released."""

    released: Event = field(default_factory=Event)

    def read(self, query: Query, *, at: datetime) -> Reading:
        self.released.wait(30)
        return super().read(query, at=at)


BY_MODEL = Query(signal="error_ratio", window=WINDOW, by=("model",))


def hanging() -> tuple[Hanging, Model]:
    return Hanging(name="slow", labels=frozenset({"model"})), Model(
        (Requests({"feature": "a"}, 2, 1),), name="fast", labels=frozenset({"feature"})
    )


def test_a_source_that_hangs_is_unreachable_and_the_other_answers() -> None:
    slow, fast = hanging()
    with reading((slow, fast), patience=0.2) as readers:
        answers = readers.read_all([BY_MODEL, about("a")], at=AT)
        slow.released.set()
    assert str(answers[BY_MODEL]) == "slow did not answer within 0.2 s"
    assert content(answers[about("a")]) == content(fast.read(about("a"), at=AT))


def test_a_source_that_hangs_holds_up_one_call_only() -> None:
    slow, fast = hanging()
    with reading((slow, fast), patience=0.2) as readers:
        readers.read_all([BY_MODEL], at=AT)
        answers = readers.read_all([BY_MODEL, about("a")], at=AT)
        slow.released.set()
    assert str(answers[BY_MODEL]) == "slow is still busy with what it was asked before"
    assert isinstance(answers[about("a")], Reading)


def test_a_source_that_recovers_is_asked_again() -> None:
    slow, fast = hanging()
    with reading((slow, fast), patience=0.2) as readers:
        readers.read_all([BY_MODEL], at=AT)
        slow.released.set()
        wait_until(
            lambda: isinstance(readers.read_all([BY_MODEL], at=AT)[BY_MODEL], Reading), seconds=10
        )
