"""Counters that begin are looked for, so that Prometheus computes for them only while there are."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from signals import Query, QueryError, UnreachableError
from signals.births import KNOWN_FOR, Births
from signals.packs import PACKS
from signals.prometheus import Prometheus, PrometheusAccess
from signals.recipes import recipe
from tests import fake_prometheus
from tests.made_metrics import DAY, NOON, REQUESTS, steady
from tests.prometheus import backfill, running

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BORN = AT - timedelta(minutes=10)
MINUTES_5, HOUR = timedelta(minutes=5), timedelta(hours=1)
SEEDS = {name: found for name in PACKS[0].signals if (found := recipe(PACKS[0], name, None))}


class Register:
    """Tells of one birth, and counts how often it is asked."""

    def __init__(self, answer: Callable[[], float | None] = BORN.timestamp) -> None:
        self.answer = answer
        self.asked: list[datetime] = []

    def __call__(self, at: datetime) -> float | None:
        self.asked.append(at)
        return self.answer()


def refuse() -> float:
    raise QueryError("no regular expressions here")


def be_silent() -> float:
    raise UnreachableError("nobody answers")


def test_a_counter_is_young_for_windows_that_began_before_it() -> None:
    births = Births(Register())
    assert births.since(AT - HOUR, at=AT)
    assert not births.since(AT - MINUTES_5, at=AT)


def test_where_nothing_tells_of_births_nothing_is_young() -> None:
    assert not Births(Register(lambda: None)).since(AT - HOUR, at=AT)


def test_where_telling_is_refused_anything_may_be_young() -> None:
    assert Births(Register(refuse)).since(AT - MINUTES_5, at=AT)


def test_one_look_serves_a_few_seconds() -> None:
    register = Register()
    births = Births(register)
    for late in (timedelta(), KNOWN_FOR / 2, KNOWN_FOR, KNOWN_FOR * 1.5):
        births.since(AT - HOUR, at=AT + late)
    assert register.asked == [AT, AT + KNOWN_FOR]


def test_the_past_is_looked_at_for_itself() -> None:
    register = Register()
    births = Births(register)
    births.since(AT - HOUR, at=AT)
    births.since(AT - DAY * timedelta(seconds=1), at=AT - HOUR)
    assert register.asked == [AT, AT - HOUR]


def test_a_silent_source_is_asked_once_for_an_instant_and_again_for_the_next() -> None:
    register = Register(be_silent)
    births = Births(register)
    for at in (AT, AT, AT + timedelta(seconds=1)):
        with pytest.raises(UnreachableError, match="nobody answers"):
            births.since(AT - HOUR, at=at)
    assert register.asked == [AT, AT + timedelta(seconds=1)]


@pytest.mark.parametrize(("minutes_old", "asked_for"), [(4, True), (6, False)])
def test_the_long_form_is_asked_only_while_something_is_young(
    httpserver: HTTPServer, minutes_old: int, asked_for: bool
) -> None:
    born = (fake_prometheus.AT - timedelta(minutes=minutes_old)).timestamp()
    with fake_prometheus.serving(httpserver) as fake:
        fake.answer(fake_prometheus.success(fake_prometheus.vector(str(born))))
        fake.connect().read(fake_prometheus.RATE, at=fake_prometheus.AT)
    births, question = (params["query"] for params in fake.seen)
    created = (name for one in SEEDS.values() for name in one.created)
    assert births == f'max({{__name__=~"{"|".join(sorted(set(created)))}"}})'
    assert ("_created" in question) is asked_for


def test_without_births_the_short_expressions_say_the_same(tmp_path: Path) -> None:
    story = steady()
    for feature, model in REQUESTS:
        labels = {"feature": feature, "model": model, "outcome": "success"}
        for second in range(-7200, 1, 15):
            story.sample("llm_requests_created", labels, NOON.timestamp() - DAY, second)
    backfill(tmp_path / "blocks", story.text())
    with (
        running(tmp_path, storage=tmp_path / "blocks") as server,
        closing(Prometheus(PrometheusAccess(url=server.url))) as prometheus,
    ):
        for signal, seeds in SEEDS.items():
            by = () if seeds.lacking(["feature"]) else ("feature",)
            query = Query(signal=signal, window=MINUTES_5, by=by)
            long, short = (
                prometheus.evaluate(seeds.ask(query, grown=grown).promql, at=NOON)
                for grown in (False, True)
            )
            assert {tuple(s.labels.items()): s.value for s in long.samples} == pytest.approx(
                {tuple(s.labels.items()): s.value for s in short.samples}
            )
            assert prometheus.read(query, at=NOON).state is short.state


def test_only_what_counts_has_a_longer_form() -> None:
    for signal, seeds in SEEDS.items():
        query = Query(signal=signal, window=MINUTES_5)
        long, short = (seeds.ask(query, grown=grown).promql for grown in (False, True))
        assert ("_created" in long) is (long != short)
        assert "_created" not in short
