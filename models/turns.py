"""Writers of one process take turns, first come, first served.

SQLite lets one write at a time, and whoever waits looks now and then whether it may: somebody who
writes back to back is always faster, and the others time out. So they stand in line before they
ask SQLite, which still has the last word where other processes write.
"""

import threading
from collections import deque
from typing import Any

from sqlalchemy import Engine, event

TURN = "wakeful_turn"  # in a connection's info, while it is that connection's turn


class Turns:
    """A lock that those who wait get in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._line: deque[threading.Event] = deque()

    def __len__(self) -> int:
        """Say how many wait."""
        return len(self._line)

    def take(self, seconds: float) -> bool:
        """Wait for our turn, at most so long; say whether it came."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            called = threading.Event()
            self._line.append(called)
        if called.wait(seconds):
            return True
        with self._lock:
            if called.is_set():
                return True
            self._line.remove(called)
            return False

    def give(self) -> None:
        """Call whoever waits longest."""
        with self._lock:
            if self._line:
                self._line.popleft().set()
            else:
                self._taken = False


def take_turns(engine: Engine, *, seconds: float) -> None:
    """Let the transactions of `engine` that write begin one after the other, as they came.

    A turn ends when the connection goes back to its pool, which is after the commit. One that did
    not come within `seconds` is done without: SQLite refuses soon enough.
    """
    turns = Turns()

    def begin(connection: Any) -> None:
        if not connection.get_execution_options().get("wakeful_read_only", False):
            held = connection.info.get(TURN, False)
            connection.info[TURN] = held or turns.take(seconds)

    def checkin(_connection: Any, record: Any) -> None:
        if record.info.pop(TURN, False):
            turns.give()

    event.listen(engine, "begin", begin)
    event.listen(engine, "checkin", checkin)
