"""What pages are told by sources, through the caches."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.wiring import Wiring
from app import cached, signal_card, wired
from app.golden import Standing
from app.scope import Scope
from signals import Query
from signals.catalog import CATALOG
from tests.house import House, empty_house
from tests.memory_source import NOON, MemorySource, wiring_of

__all__ = ["empty_house"]

HOUR = timedelta(hours=1)
P95 = Query(signal="latency_p95", window=timedelta(minutes=5))


@pytest.fixture
def source() -> MemorySource:
    return MemorySource()


@pytest.fixture
def wiring(source: MemorySource, tmp_path: Path) -> Iterator[Wiring]:
    made = wiring_of(tmp_path, source)
    wired.set_current(made)
    cached.clear()
    yield made
    cached.clear()
    made.close()


def later(wiring: Wiring, passed: timedelta) -> None:
    wired.set_current(replace(wiring, clock=lambda: NOON + passed))


@pytest.mark.parametrize(
    ("span", "step"),
    [
        (timedelta(minutes=15), timedelta(seconds=30)),
        (HOUR, timedelta(seconds=30)),
        (6 * HOUR, timedelta(minutes=1)),
        (24 * HOUR, timedelta(minutes=5)),
        (timedelta(days=7), timedelta(minutes=20)),
    ],
)
def test_a_chart_has_at_most_600_steps_and_none_under_half_a_minute(
    span: timedelta, step: timedelta
) -> None:
    assert cached.grid(span, now=NOON).step == step


@pytest.mark.parametrize("step", [timedelta(seconds=30), timedelta(minutes=20)])
def test_points_cover_the_time_between_them_so_that_no_peak_is_missed(step: timedelta) -> None:
    assert cached.window(step) >= step
    assert cached.window(step) >= timedelta(minutes=1)


def test_the_grid_stays_put_between_two_refreshes() -> None:
    before = cached.grid(timedelta(days=7), now=NOON + timedelta(minutes=1))

    assert cached.grid(timedelta(days=7), now=NOON + timedelta(minutes=19)) == before


def test_the_newest_point_waits_until_its_data_have_arrived() -> None:
    grid = cached.grid(HOUR, now=NOON + timedelta(seconds=5))

    assert grid.end == NOON - timedelta(seconds=30)


def test_history_is_asked_with_the_step_as_window(wiring: Wiring, source: MemorySource) -> None:
    cached.history(P95, timedelta(days=7))

    assert source.asked == [replace(P95, window=timedelta(minutes=20))]


def test_history_is_not_asked_again_before_anything_can_have_moved(
    wiring: Wiring, source: MemorySource
) -> None:
    later(wiring, timedelta(minutes=1))
    first = cached.history(P95, timedelta(days=7))
    later(wiring, timedelta(minutes=5))

    assert cached.history(P95, timedelta(days=7)) is first
    assert len(source.asked) == 1


def test_an_answer_says_who_gave_it_and_when(wiring: Wiring) -> None:
    answer = cached.current(P95)

    assert (answer.source, answer.at, answer.error) == ("prometheus", NOON, "")


def test_a_source_that_goes_down_leaves_its_last_answer_with_its_age(
    wiring: Wiring, source: MemorySource
) -> None:
    before = cached.current(P95)
    source.down = "Prometheus at http://prom:9090 did not answer within 5 s."
    later(wiring, timedelta(minutes=4))

    after = cached.current(P95)

    assert (after.data, after.at) == (before.data, NOON)
    assert after.error == source.down


def test_a_source_that_never_answered_leaves_nothing(wiring: Wiring, source: MemorySource) -> None:
    source.down = "refused"

    answer = cached.history(P95, HOUR)

    assert (answer.data, answer.at, answer.error) == (None, None, "refused")


def test_a_signal_that_no_source_has_is_not_a_source_down(
    wiring: Wiring, source: MemorySource
) -> None:
    source.lacking = frozenset({"latency_p95"})

    answer = cached.current(P95)

    assert answer.nobody
    assert "latency_p95" in answer.error


def test_a_second_viewer_asks_nothing(wiring: Wiring, source: MemorySource) -> None:
    signal_card.known(CATALOG["latency_p95"], Scope(span=HOUR))
    asked = len(source.asked)

    signal_card.known(CATALOG["latency_p95"], Scope(span=HOUR))

    assert len(source.asked) == asked


def test_a_value_knows_how_many_requests_it_rests_on(wiring: Wiring, source: MemorySource) -> None:
    source.wave = lambda signal, labels, seconds: 7 / 300 if signal == "request_rate" else 1.0

    assert signal_card.known(CATALOG["latency_p95"], Scope(span=HOUR)).samples == 7


def test_an_old_answer_is_no_longer_judged(wiring: Wiring, source: MemorySource) -> None:
    fresh = signal_card.known(CATALOG["latency_p95"], Scope(span=HOUR))
    old = replace(fresh, answer=replace(fresh.answer, error="refused"))

    assert old.standing(now=NOON + timedelta(minutes=1)) is Standing.OK
    assert old.standing(now=NOON + timedelta(minutes=3)) is Standing.SOURCE_DOWN


def test_only_so_many_last_answers_are_kept() -> None:
    kept = cached.LastGood(limit=2)
    for name in ("a", "b", "c"):
        kept.keep(name, cached.Answer(data=name))

    assert [kept.get(name) is None for name in ("a", "b", "c")] == [True, False, False]


def test_label_values_are_none_when_nobody_can_tell(wiring: Wiring, source: MemorySource) -> None:
    source.down = "refused"

    assert cached.label_values("model") == ()


def test_label_values_come_from_metrics_when_there_are_no_traces(wiring: Wiring) -> None:
    assert cached.label_values("feature") == ("chat", "search", "summaries")


def test_label_values_come_from_metrics_while_the_traces_have_none(empty_house: House) -> None:
    assert cached.label_values("feature") == ("chat", "search", "summaries")
