"""How many requests PagerDuty's REST API answers."""

import math
from collections import deque
from collections.abc import Callable

MINUTE = 60.0


class Patience:
    """How many requests a minute are answered.

    Source: https://developer.pagerduty.com/docs/rest-api-rate-limits
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._asked: deque[float] = deque()

    def wait(self) -> int:
        """Return after how many seconds a request is answered; 0 for this one."""
        now = self._clock()
        while self._asked and self._asked[0] <= now - MINUTE:
            self._asked.popleft()
        if len(self._asked) >= self._limit:
            return math.ceil(self._asked[0] + MINUTE - now)
        self._asked.append(now)
        return 0
