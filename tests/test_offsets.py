"""A question about the past is put to its source at that past, and its answer brought here."""

from datetime import timedelta

from signals import Query, offsets
from signals.grouping import plan
from signals.reading import Readers
from signals.routing import Sources
from tests.memory_source import NOON, MemorySource

MINUTE = timedelta(minutes=1)
WEEK = timedelta(days=7)
NOW = Query(signal="latency_p95", window=5 * MINUTE)
THEN = Query(signal="latency_p95", window=5 * MINUTE, offset=WEEK)
# The value tells when it was asked for.
CLOCK = MemorySource(wave=lambda _signal, _labels, seconds: seconds)


def test_a_reading_is_that_of_the_offset_before_dated_now() -> None:
    [sample] = offsets.read(CLOCK, THEN, at=NOON).samples
    assert (sample.value, sample.at) == ((NOON - WEEK).timestamp(), NOON)


def test_a_range_is_that_of_the_offset_before_moved_here() -> None:
    [series] = offsets.read_range(CLOCK, THEN, start=NOON, end=NOON + 2 * MINUTE, step=MINUTE)
    assert list(series.seconds) == [(NOON + n * MINUTE).timestamp() for n in range(3)]
    assert list(series.values) == [(NOON - WEEK + n * MINUTE).timestamp() for n in range(3)]


def test_a_source_never_sees_an_offset() -> None:
    source = MemorySource()
    offsets.read(source, THEN, at=NOON)
    offsets.read_range(source, THEN, start=NOON, end=NOON, step=MINUTE)
    assert source.asked == [NOW, NOW]


def test_now_and_then_are_two_questions() -> None:
    assert NOW != THEN
    assert hash(NOW) != hash(THEN)


def test_questions_about_different_times_are_not_asked_as_one() -> None:
    scopes = [(("feature", name),) for name in ("chat", "search", "summaries")]
    queries = [
        Query(signal="error_ratio", window=MINUTE, scope=scope, offset=offset)
        for scope in scopes
        for offset in (timedelta(), WEEK)
    ]
    asked = set(plan(queries).values())
    assert {(query.by, query.offset) for query in asked} == {
        (("feature",), timedelta()),
        (("feature",), WEEK),
    }


def test_both_are_answered_in_one_round() -> None:
    readers = Readers(Sources((CLOCK,)))
    answers = readers.read_all([NOW, THEN], at=NOON)
    readers.close()
    values = [answers[query].samples[0].value for query in (NOW, THEN)]  # type: ignore[union-attr]
    assert values == [NOON.timestamp(), (NOON - WEEK).timestamp()]
