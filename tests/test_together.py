"""Questions that one statement answers: the same answers, as new as if each were asked alone."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta

import pytest

from signals import Query, QueryError
from signals.traces.embedded import EmbeddedStore
from signals.traces.embedded.together import Rows, Together
from signals.traces.from_spans import SHARING
from tests.readings import ask, traffic, value
from tests.spans import HOUR, MINUTE, NOON, opened, root

SECOND = timedelta(seconds=1)


class Asked:
    """Remembers which signals were asked for together; what was found is a row of them."""

    def __init__(self) -> None:
        self.version = 0
        self.questions: list[tuple[str, ...]] = []
        self.together = Together(lambda: self.version)

    def ask(self, signal: str, instant: int, shape: str = "overview") -> None:
        signals, rows = self.together.ask(shape, instant, signal, self._answer)
        assert rows == [signals]
        assert signal in signals

    def _answer(self, signals: Sequence[str]) -> Rows:
        self.questions.append(tuple(signals))
        return [tuple(signals)]


def test_what_was_asked_for_the_last_instant_is_asked_once_for_the_next() -> None:
    asked = Asked()
    for instant in (1, 2):
        for signal in ("cost", "errors", "latency"):
            asked.ask(signal, instant)
    assert asked.questions[3:] == [("cost", "errors", "latency")]


def test_what_nobody_asks_any_more_is_left_out() -> None:
    asked = Asked()
    for instant, signals in enumerate((("cost", "errors"), ("cost",), ("cost",))):
        for signal in signals:
            asked.ask(signal, instant)
    assert asked.questions[-2:] == [("cost", "errors"), ("cost",)]


def test_questions_of_another_shape_stay_apart() -> None:
    asked = Asked()
    asked.ask("cost", 1)
    asked.ask("errors", 1, shape="of a tenant")
    asked.ask("cost", 2)
    assert asked.questions == [("cost",), ("errors",), ("cost",)]


def test_an_answer_from_before_a_write_is_not_given_after_it() -> None:
    asked = Asked()
    asked.ask("cost", 1)
    asked.version += 1
    asked.ask("cost", 1)
    assert asked.questions == [("cost",), ("cost",)]


def test_who_comes_while_it_is_asked_waits_for_the_answer() -> None:
    together, asking, answered = Together(lambda: 0), threading.Event(), threading.Event()
    found: list[Rows] = []

    def slowly(signals: Sequence[str]) -> Rows:
        asking.set()
        assert answered.wait(timeout=10)
        return [tuple(signals)]

    def first() -> None:
        found.append(together.ask("overview", 1, "cost", slowly)[1])

    def second() -> None:
        found.append(together.ask("overview", 1, "cost", lambda _: [])[1])

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert asking.wait(timeout=10)
    threads.append(threading.Thread(target=second))
    threads[1].start()
    answered.set()
    for thread in threads:
        thread.join()
    assert found == [[("cost",)], [("cost",)]]


def test_a_refusal_is_told_and_not_remembered() -> None:
    together = Together(lambda: 0)

    def refuse(_: Sequence[str]) -> Rows:
        raise QueryError("no")

    with pytest.raises(QueryError):
        together.ask("overview", 1, "cost", refuse)
    assert together.ask("overview", 1, "cost", lambda _: [("now",)])[1] == [("now",)]


def test_spans_that_have_just_been_written_are_in_the_answer(store: EmbeddedStore) -> None:
    for seconds in range(3):
        for signal in SHARING:
            ask(store, signal, at=NOON + seconds * SECOND)
    store.write([root(NOON, duration_ms=7000.0)])
    at = NOON + 2 * SECOND
    assert value(ask(store, "latency_p50", at=at)) == 7
    store.sweep(now=NOON + HOUR, traces=MINUTE, logs=MINUTE)
    assert ask(store, "latency_p50", at=at).samples == ()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, EmbeddedStore]]:
    """Stores with the same hour of traffic: one for each signal alone, and one for all."""
    with ExitStack() as opening:
        found = {}
        for name in (*SHARING, "all"):
            found[name] = opening.enter_context(opened(tmp_path_factory.mktemp(name)))
            found[name].write(traffic(60))
        yield found


@pytest.mark.parametrize("by", [(), ("tenant",), ("model", "outcome")])
@pytest.mark.parametrize("scope", [(), (("feature", "chat"),), (("tenant", ""),)])
def test_each_signal_is_what_it_is_alone(
    stores: dict[str, EmbeddedStore],
    by: tuple[str, ...],
    scope: tuple[tuple[str, str], ...],
) -> None:
    for signal in (*SHARING, *SHARING):  # the second time together
        for window in (MINUTE, 20 * MINUTE):
            query = Query(signal=signal, window=window, by=by, scope=scope)
            together = stores["all"].read(query, at=NOON)
            alone = stores[signal].read(query, at=NOON)
            assert sorted(together.samples, key=str) == sorted(alone.samples, key=str)
            assert sorted(together.no_traffic, key=str) == sorted(alone.no_traffic, key=str)
            over_time, over_time_alone = (
                store.read_range(query, start=NOON - HOUR, end=NOON, step=20 * MINUTE)
                for store in (stores["all"], stores[signal])
            )
            assert over_time == over_time_alone
