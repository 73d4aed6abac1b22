"""Getting the answers that a page needs side by side: a slow source holds up its own panel only.

What is not there in time is left to go on: the page is drawn without it, and the next refresh,
seconds later, looks again. A question that is under way is never put a second time.
"""

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from threading import Lock
from typing import Final, TypeVar, cast

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")
PATIENCE: Final = timedelta(seconds=3)
THREADS: Final = 24  # two pages of panels that all wait
MOST_WAITING: Final = 200


class Askers:
    """Threads that ask, and what they are at; one for the process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="asking")
        self._under_way: dict[Hashable, Future[object]] = {}
        self._lock = Lock()

    def in_time(
        self, questions: Mapping[Key, Callable[[], Found]], patience: timedelta = PATIENCE
    ) -> dict[Key, Found]:
        """Ask all `questions`; return the answers that are there when `patience` has run out.

        What an asker raises is raised here.
        """
        asked = self._asked(questions, patience)
        return {
            key: cast(Found, future.result())
            for key, future in asked.items()
            if future is not None and future.done()
        }

    def late(
        self, questions: Mapping[Key, Callable[[], object]], patience: timedelta = PATIENCE
    ) -> set[Key]:
        """Ask all `questions`; return those without an answer when `patience` has run out.

        What an asker raises is left for whoever asks again in the page itself.
        """
        asked = self._asked(questions, patience)
        return {key for key, future in asked.items() if future is None or not future.done()}

    def _asked(
        self, questions: Mapping[Key, Callable[[], object]], patience: timedelta
    ) -> dict[Key, Future[object] | None]:
        with self._lock:
            futures = {key: self._begun(key, ask) for key, ask in questions.items()}
        wait([one for one in futures.values() if one], timeout=patience.total_seconds())
        return futures

    def _begun(self, key: Hashable, ask: Callable[[], object]) -> Future[object] | None:
        """Return the question under way; None if so many wait that it is not put now."""
        known = self._under_way.get(key)
        if known is not None and not known.done():
            return known
        self._under_way = {k: one for k, one in self._under_way.items() if not one.done()}
        if len(self._under_way) >= MOST_WAITING:
            return None
        self._under_way[key] = self._threads.submit(ask)
        return self._under_way[key]


ASKERS: Final = Askers()
