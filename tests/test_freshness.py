"""Whether anything new reaches a source that is scraped, and which answers that dates."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from models.vocabulary import DataState
from signals import Query, Reading, UnreachableError
from signals.reading import Readers
from signals.routing import Sources
from tests.memory_source import MemorySource

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ERRORS = Query(signal="error_ratio", window=5 * MINUTE)


@dataclass
class Scraped(MemorySource):
    """A source whose newest sample is as old as a test says; it counts who asks."""

    newest_at: datetime | None = NOW
    is_down: bool = False
    asked_newest: int = 0
    is_ours: bool = True

    def newest(self, *, at: datetime) -> datetime | None:
        self.asked_newest += 1
        if self.is_down:
            raise UnreachableError("no answer")
        return self.newest_at

    def dates(self, query: Query) -> bool:
        return self.is_ours


def asked(
    source: Scraped, *queries: Query, at: datetime = NOW, fed: bool = True
) -> list[DataState]:
    readers = Readers(Sources((source,)), fed=(source,) if fed else ())
    try:
        answers = readers.read_all(queries or (ERRORS,), at=NOW)
    finally:
        readers.close()
    return [a.state for a in answers.values() if isinstance(a, Reading)]


@pytest.mark.parametrize(
    ("source", "state"),
    [
        (Scraped(newest_at=NOW - MINUTE), DataState.OK),
        (Scraped(newest_at=NOW - 3 * MINUTE), DataState.STALE),
        (Scraped(newest_at=None), DataState.OK),
        (Scraped(newest_at=NOW - 3 * MINUTE, is_down=True), DataState.OK),
        (Scraped(newest_at=NOW - 3 * MINUTE, is_ours=False), DataState.OK),
    ],
    ids=["fresh", "old", "nothing at all", "no answer to that", "somebody's own PromQL"],
)
def test_an_answer_is_stale_where_nothing_new_came_for_two_minutes(
    source: Scraped, state: DataState
) -> None:
    assert asked(source) == [state]


def test_a_source_that_is_not_scraped_is_never_stale() -> None:
    assert asked(Scraped(newest_at=NOW - 3 * MINUTE), fed=False) == [DataState.OK]


def test_of_shared_questions_each_is_dated_and_the_past_is_not() -> None:
    source = Scraped(newest_at=NOW - 3 * MINUTE)
    each = [replace(ERRORS, scope=(("feature", f),)) for f in ("chat", "search", "draft")]
    before = replace(ERRORS, offset=timedelta(days=7))
    assert asked(source, *each, before) == [*[DataState.STALE] * 3, DataState.OK]


def test_the_newest_is_looked_up_four_times_a_minute_at_most() -> None:
    source = Scraped()
    readers = Readers(Sources((source,)), fed=(source,))
    for second in range(60):
        readers.read_all((ERRORS,), at=NOW + timedelta(seconds=second))
    readers.close()
    assert source.asked_newest == 4
