"""When the youngest counter was created, so that who asks may leave out what only youth needs."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from signals import QueryError, UnreachableError

# A counter created after the last look is known this much later; its events are not lost, for
# they stay within the window.
KNOWN_FOR = timedelta(seconds=5)


class Births:
    """The youngest counter of one source. One object serves all threads.

    Args:
        ask: Returns the Unix time of the last creation as of an instant, None if nothing tells.
    """

    def __init__(self, ask: Callable[[datetime], float | None]) -> None:
        self._ask = ask
        self._lock = Lock()
        self._asked_at: datetime | None = None
        self._last = math.inf
        self._fault = ""

    def since(self, start: datetime, *, at: datetime) -> bool:
        """Say whether a counter may have been created between `start` and `at`.

        True where the source refuses to tell.

        Raises:
            UnreachableError: The source did not answer. It is asked once for an instant, so that
                many who wait do not wait for one another's time-outs.
        """
        with self._lock:
            if not self._knows(at):
                self._look(at)
            if self._fault:
                raise UnreachableError(self._fault)
            return self._last > start.timestamp()

    def _knows(self, at: datetime) -> bool:
        if self._asked_at is None or at == self._asked_at:
            return self._asked_at is not None
        return not self._fault and timedelta() <= at - self._asked_at < KNOWN_FOR

    def _look(self, at: datetime) -> None:
        self._asked_at, self._fault = at, ""
        try:
            newest = self._ask(at)
        except QueryError:
            self._last = math.inf
        except UnreachableError as error:
            self._fault = str(error)
        else:
            self._last = -math.inf if newest is None else newest
