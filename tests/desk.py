"""Where replies of vendors arrive in a test: it records them, and refuses when told to."""

import threading

from alerts.notifiers.pagerduty_replies import Reply
from alerts.notifiers.slack_replies import Press


class Desk:
    def __init__(self) -> None:
        self.done: list[tuple[str, str, str]] = []
        self.refusal: Exception | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.followed = threading.Event()

    def follow(self, pressed: Press) -> None:
        what = f"{pressed.action} {pressed.choice}".strip()
        self._act(what, pressed.dedup_key, pressed.user_id)
        self.followed.set()

    def acknowledge(self, dedup_key: str, by: str) -> str:
        return self._act("acknowledge", dedup_key, by)

    def hear(self, told: Reply) -> str:
        return self._act(told.happening.value, told.key or told.incident_id, told.by)

    def _act(self, what: str, dedup_key: str, by: str) -> str:
        assert self.may_go_on.wait(timeout=10)
        if self.refusal is not None:
            raise self.refusal
        self.done.append((what, dedup_key, by))
        return f"{by} has it"
