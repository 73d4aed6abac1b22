"""What the pages about alerts read, shared by all viewers.

Rows are read often and cheaply: at most once in two seconds, whoever looks. Whatever changes
something calls `clear`, so that nobody is shown the state before their own click. When the
database does not answer, the last answer stays, with its age.

Everything is cached as a resource and never copied: never change a row that comes from here.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeVar, cast

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from alerts import (
    inbox,
    mutings,
    policies,
    rulebook,
    rulefile,
    rulefolder,
    shifts,
    surroundings,
    tallies,
    timelines,
    versions,
)
from alerts.entries import Entry
from alerts.handover import Shift
from alerts.inbox import Item
from alerts.mutings import Mutings
from alerts.surroundings import Surroundings
from alerts.tallies import Delivered, Watch
from alerts.versions import Step
from app import wired
from app.cached import Answer, LastGood
from models.database import read_only
from models.tables import Delivery, Group, Notification, Policy, Rule, SourceStatus, WatchedFile

FRESH: Final = timedelta(seconds=2)
DAY: Final = timedelta(hours=24)
DATABASE_DOWN: Final = "The database of rules and alerts does not answer."

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """What is wrong now, and whether anybody would notice more.

    Attributes:
        open: Firing and acknowledged, in the order to look at them.
        mutings: What mutes some of them.
    """

    open: tuple[Item, ...]
    pending: tuple[Item, ...]
    mutings: Mutings
    watch: Watch
    sources: tuple[SourceStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One alert, everything that happened to it and around it, and who still has to be told."""

    item: Item
    timeline: tuple[Entry, ...]
    waiting: tuple[Notification, ...]
    mutings: Mutings
    surroundings: Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """The alerts of one group, everything that happened to them, and every attempt to tell."""

    items: tuple[Item, ...]
    timeline: tuple[Entry, ...]
    attempts: tuple[tuple[Delivery, str], ...]
    waiting: tuple[Notification, ...]
    mutings: Mutings


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleList:
    """Every rule with its policy, the open alerts by rule, and the files of the watched folder."""

    rules: tuple[tuple[Rule, Policy], ...]
    open: dict[int, list[int]]
    files: tuple[WatchedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyList:
    """Every policy, its rules' names, and the open groups that go on with an older version."""

    policies: tuple[Policy, ...]
    rules: dict[int, tuple[str, ...]]
    older: dict[int, tuple[Group, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What was sent and what is still to be said, each with what its alerts are called.

    Attributes:
        day: The last 24 hours.
    """

    attempts: tuple[tuple[Delivery, str], ...]
    outbox: tuple[tuple[Notification, str], ...]
    day: Delivered


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def inbox_now() -> Answer[Inbox]:
    """Return what is wrong now."""

    def read(session: Session) -> Inbox:
        opened = inbox.firing_now(session)
        return Inbox(
            open=tuple(opened),
            pending=tuple(inbox.pending(session)),
            mutings=_mutings(session, opened),
            watch=tallies.watch(session),
            sources=tuple(inbox.sources(session)),
        )

    return ask("inbox", read)


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def resolved() -> Answer[tuple[Item, ...]]:
    """Return the alerts that ended last, newest first."""
    return ask("resolved", lambda session: tuple(inbox.resolved(session)))


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False)
def detail(alert_id: int) -> Answer[Detail]:
    """Return one alert; neither data nor error mean that there is none with that id."""

    def read(session: Session) -> Detail | None:
        item = inbox.item(session, alert_id)
        if item is None:
            return None
        return Detail(
            item=item,
            timeline=tuple(timelines.timeline(session, alert_id)),
            waiting=_waiting(session, item.group.id if item.group else None),
            mutings=_mutings(session, [item]),
            surroundings=surroundings.surroundings(session, item.alert, item.rule),
        )

    return ask(("detail", alert_id), read)


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False)
def group(group_id: int) -> Answer[Together]:
    """Return one group of alerts; neither data nor error mean that there is none with that id."""

    def read(session: Session) -> Together | None:
        items = inbox.group(session, group_id)
        if not items:
            return None
        return Together(
            items=tuple(items),
            timeline=tuple(timelines.group_timeline(session, group_id)),
            attempts=tuple(inbox.deliveries(session, group_id=group_id)),
            waiting=_waiting(session, group_id),
            mutings=_mutings(session, items),
        )

    return ask(("group", group_id), read)


@st.cache_resource(ttl=FRESH, max_entries=8, show_spinner=False)
def shift(lasted: timedelta) -> Answer[Shift]:
    """Return what is open, and what happened in that time until now."""
    wiring = wired.current()
    now, base_url = wiring.clock(), wiring.settings.base_url

    def read(session: Session) -> Shift:
        return shifts.shift(session, since=now - lasted, base_url=base_url, now=now)

    return ask(("shift", lasted), read)


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def rule_list() -> Answer[RuleList]:
    """Return every rule, by name."""

    def read(session: Session) -> RuleList:
        return RuleList(
            rules=tuple(rulebook.rules(session)),
            open=tallies.open_by_rule(session),
            files=tuple(rulefolder.files(session)),
        )

    return ask("rules", read)


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner=False)
def rule_history(rule_id: int) -> Answer[tuple[Step, ...]]:
    """Return the versions of one rule, newest first."""
    return ask(("history", rule_id), lambda session: tuple(versions.history(session, rule_id)))


@st.cache_resource(ttl=FRESH, max_entries=1, show_spinner=False)
def policy_list() -> Answer[PolicyList]:
    """Return every policy, by name."""

    def read(session: Session) -> PolicyList:
        found = policies.policies(session)
        named: dict[int, list[str]] = {}
        for rule, policy in rulebook.rules(session):
            named.setdefault(cast(int, policy.id), []).append(rule.name)
        return PolicyList(
            policies=tuple(found),
            rules={policy_id: tuple(names) for policy_id, names in named.items()},
            older={cast(int, p.id): tuple(policies.groups_on_older(session, p)) for p in found},
        )

    return ask("policies", read)


@st.cache_resource(ttl=FRESH, max_entries=32, show_spinner=False)
def ledger(channel: str, outcome: str) -> Answer[Ledger]:
    """Return the newest attempts of that channel kind and outcome, either empty for all."""
    since = wired.current().clock() - DAY

    def read(session: Session) -> Ledger:
        # The colon keeps "slack" from matching "slack-dm:…" as well.
        kind = f"{channel}:" if channel else ""
        return Ledger(
            attempts=tuple(inbox.deliveries(session, channel=kind, outcome=outcome)),
            outbox=tuple(inbox.outbox(session)),
            day=tallies.delivered(session, since=since),
        )

    return ask(("ledger", channel, outcome), read)


def rule_file() -> str:
    """Return every policy and rule as YAML, as of now."""
    with Session(read_only(wired.current().db)) as session:
        return rulefile.dump(session)


def clear() -> None:
    """Forget what was read: somebody has just changed it."""
    for cache in (
        inbox_now,
        resolved,
        detail,
        group,
        shift,
        rule_list,
        rule_history,
        policy_list,
        ledger,
    ):
        cache.clear()


def forget() -> None:
    """Forget the last good answers too."""
    clear()
    _last_good.clear()


def _mutings(session: Session, items: Sequence[Item]) -> Mutings:
    reasons = {item.alert.muted_by for item in items}
    return mutings.mutings(session, reasons, now=wired.current().clock())


def _waiting(session: Session, group_id: int | None) -> tuple[Notification, ...]:
    return tuple(note for note, _ in inbox.outbox(session) if note.group_id == group_id)


@st.cache_resource(ttl=timedelta(days=7), max_entries=1, show_spinner=False)
def _last_good() -> LastGood:
    return LastGood(limit=128)


def ask(question: object, read: Callable[[Session], T | None]) -> Answer[T]:
    """Return what `read` finds, or its last answer to that question while the database is down."""
    wiring = wired.current()
    kept = cast(Answer[T], _last_good().get(question) or Answer())
    try:
        with Session(read_only(wiring.db)) as session:
            found = read(session)
    except SQLAlchemyError as error:
        # Its text names the statement and the address, which are not for a page.
        logger.warning("read failed question=%s error=%s", question, type(error).__name__)
        return replace(kept, source="database", error=DATABASE_DOWN)
    answer: Answer[T] = Answer(data=found, at=wiring.clock(), source="database")
    _last_good().keep(question, answer)
    return answer
