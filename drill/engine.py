"""`wakeful engine` that kills itself: `python -m drill.engine POINT COUNT`, by SIGKILL.

Not a line of the product knows of it: the points are laid round SQLAlchemy's commits and the
vendors' `send` from outside. POINT is one of `POINTS`, passed COUNT times before it kills; none
makes it the engine that it is.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

from alerts.notifiers.pagerduty import PagerDutyEvents
from alerts.notifiers.slack import Slack
from app.cli import main
from models.tables import Delivery, Escalation, Notification, Transition

# What is about to be committed, or has just been, by the rows in it.
DECISION, STEP, CLAIM, RECORD = "decision", "step", "claim", "record"
POINTS = (
    "decision, before its commit",
    "decision, after its commit",
    "step, before its commit",
    "step, after its commit",
    "claim, before its commit",
    "claim, after its commit",
    "Slack, before the send",
    "Slack, after the send",
    "PagerDuty, before the send",
    "PagerDuty, after the send",
    "record, before its commit",
    "record, after its commit",
)


class Fuse:
    """Kills this process the `count`-th time that `point` is passed."""

    def __init__(self, point: str, count: int) -> None:
        self._point = point
        self._left = count
        self._lock = threading.Lock()

    def passing(self, point: str) -> None:
        """Note that `point` is passed, and blow if it is time."""
        if point != self._point:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
                threading.Event().wait()  # the signal is on its way: nothing more may happen


def lay(fuse: Fuse) -> None:
    """Lay `fuse` at every point."""
    _around_commits(fuse)
    _around_send(fuse, Slack, "Slack")
    _around_send(fuse, PagerDutyEvents, "PagerDuty")


def _around_commits(fuse: Fuse) -> None:
    commit = Session.commit

    def committing(self: Session) -> None:
        self.flush()
        kind = self.info.pop("drill", None)
        if kind:
            fuse.passing(f"{kind}, before its commit")
        commit(self)
        if kind:
            fuse.passing(f"{kind}, after its commit")

    Session.commit = committing  # type: ignore[method-assign]
    event.listen(Session, "after_flush", _see)


def _see(session: Any, _context: object) -> None:
    rows = {type(row) for row in (*session.new, *session.dirty)}
    for table, kind in (
        (Delivery, RECORD),
        (Escalation, STEP),
        (Transition, DECISION),
        (Notification, CLAIM),
    ):
        if table in rows:
            session.info.setdefault("drill", kind)
            return


def _around_send(fuse: Fuse, vendor: Any, name: str) -> None:
    send: Callable[..., Any] = vendor.send

    def sending(self: Any, target: str, message: Any) -> Any:
        fuse.passing(f"{name}, before the send")
        receipt = send(self, target, message)
        fuse.passing(f"{name}, after the send")
        return receipt

    vendor.send = sending


if __name__ == "__main__":
    lay(Fuse(sys.argv[1], int(sys.argv[2])))
    main(["engine"])
