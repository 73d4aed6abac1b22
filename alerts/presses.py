"""What a press of a button in Slack does; both ways by which presses arrive end in `follow`."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from prometheus_client import Counter
from sqlalchemy import Engine

from alerts import actions
from alerts.actions import UnknownAlertError
from alerts.decision import StaleError
from alerts.lifecycle import TransitionError
from alerts.notifiers import NotifyError, slack_buttons
from alerts.notifiers.slack_people import NOBODY, Member
from alerts.notifiers.slack_replies import MalformedReplyError, Press, press, whisper
from models.clock import Clock

logger = logging.getLogger(__name__)

PRESSES = Counter(
    "wakeful_slack_presses_total", "Presses of buttons in Slack", ["action", "outcome"]
)
FAILED = "Wakeful could not record that. Try again."
_STRANGER = "Slack does not know who you are, so nothing was done"
_NO_ZONE = "Slack does not tell your time zone, so that this is 9:00 UTC."


class StrangerError(Exception):
    """Slack does not know who pressed."""


class Find(Protocol):
    """Finds out who someone in Slack is."""

    def __call__(self, user_id: str, *, now: datetime) -> Member:
        """Return who the user is; what is not known is empty."""
        ...


def nobody(user_id: str, *, now: datetime) -> Member:  # noqa: ARG001 - see `Find`
    """Return that nothing is known of anybody: there is no token to ask with."""
    return NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class _Presser:
    """Who pressed: what they are called here, and what else they may have been called."""

    name: str
    also: frozenset[str]
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Presses:
    """Follows presses on the alerts of one database."""

    db: Engine
    clock: Clock
    find: Find = nobody

    def take(self, payload: Mapping[str, Any]) -> None:
        """Follow an interaction that Slack is known to have sent, if it is one of ours."""
        try:
            pressed = press(payload)
        except MalformedReplyError as error:
            PRESSES.labels(action="unknown", outcome="malformed").inc()
            logger.warning("press malformed=%s", error)
            return
        if pressed is not None:
            self.follow(pressed)

    def follow(self, pressed: Press) -> None:
        """Do what was pressed. What comes of it shows in the post; what does not, is whispered.

        Never raises: whoever pressed is told of a failure as well.
        """
        said, outcome = "", "followed"
        try:
            said = self._act(pressed)
        except (UnknownAlertError, TransitionError, StaleError, StrangerError) as error:
            said, outcome = _sentence(error), "refused"
        except Exception:  # the top of this door
            logger.exception("press action=%s user=%s failed", pressed.action, pressed.user_id)
            said, outcome = FAILED, "failed"
        PRESSES.labels(action=pressed.action, outcome=outcome).inc()
        logger.info("press action=%s user=%s outcome=%s", pressed.action, pressed.user_id, outcome)
        if said and pressed.response_url:
            try:
                whisper(pressed.response_url, said)
            except NotifyError as error:
                logger.warning("press user=%s untold=%s", pressed.user_id, error)

    def _act(self, pressed: Press) -> str:
        """Return what to whisper about what was done; empty if the post says it all."""
        now = self.clock()
        member = self.find(pressed.user_id, now=now)
        if member.stranger:
            raise StrangerError(_STRANGER)
        who = _presser(pressed, member)
        return _ACTS[pressed.action](self.db, pressed, who, now)


def _acknowledge(db: Engine, pressed: Press, who: _Presser, now: datetime) -> str:
    taken = actions.acknowledge(db, pressed.dedup_key, by=who.name, now=now, key=pressed.key)
    return "" if taken.first or taken.by in who.also else f"{taken.by} has it already."


def _snooze(db: Engine, pressed: Press, who: _Presser, now: datetime) -> str:
    until = slack_buttons.snoozed_until(pressed.choice, zone=who.zone or "UTC", now=now)
    actions.snooze(
        db, pressed.dedup_key, until=until.astimezone(UTC), by=who.name, now=now, key=pressed.key
    )
    return _NO_ZONE if pressed.choice == slack_buttons.TOMORROW and not who.zone else ""


def _escalate(db: Engine, pressed: Press, who: _Presser, now: datetime) -> str:
    actions.escalate_now(db, pressed.dedup_key, by=who.name, now=now, key=pressed.key)
    return ""


def _resolve(db: Engine, pressed: Press, who: _Presser, now: datetime) -> str:
    first = actions.resolve(db, pressed.dedup_key, by=who.name, now=now, key=pressed.key)
    return "" if first else "It was resolved already."


_ACTS: dict[str, Callable[[Engine, Press, _Presser, datetime], str]] = {
    slack_buttons.ACKNOWLEDGE: _acknowledge,
    slack_buttons.SNOOZE: _snooze,
    slack_buttons.ESCALATE: _escalate,
    slack_buttons.RESOLVE: _resolve,
}


def _presser(pressed: Press, member: Member) -> _Presser:
    names = [member.name, member.email, pressed.handle, pressed.user_id]
    known = [name for name in names if name]
    return _Presser(name=known[0], also=frozenset(known), zone=member.zone)


def _sentence(error: Exception) -> str:
    said = str(error)
    return f"{said[:1].upper()}{said[1:]}."
