"""One decision, one transaction: alerts, their groups, and what each channel should know.

Everything that changes an alert goes through here, whoever asks: the evaluation, the engine's
clocks, people. A decision collects its changes and, at its end, brings the groups they touched up
to date: where they stand, whose turn in the policy it is, and what is wanted of the outbox.

Groups are locked before their alerts, in the order of their ids, so that two engines never wait
for one another.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, TypeVar, cast

import sqlalchemy
from sqlalchemy import CursorResult, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, func, select, update

from alerts import escalation, grouping, lifecycle, outbox, plans
from alerts.escalation import Cursor
from alerts.grouping import Homes
from alerts.groups import Members, Standing, standing
from alerts.lifecycle import Lifecycle
from models.tables import Alert, Group, Remark, Rule, Transition
from models.vocabulary import AlertState, DataState, Event, Severity

logger = logging.getLogger(__name__)

LIFECYCLE = {f.name for f in fields(Lifecycle)}
CURSOR = {f.name for f in fields(Cursor)}
STANDING = {f.name for f in fields(Standing)}
OPEN = (AlertState.FIRING, AlertState.ACKNOWLEDGED)
TRIES = 5
_CONFLICTS = ("40001", "40P01", "55P03")  # PostgreSQL: serialization, deadlock, lock timeout
_EVENTS = {
    AlertState.FIRING: Event.TRIGGER,
    AlertState.ACKNOWLEDGED: Event.ACKNOWLEDGE,
    AlertState.RESOLVED: Event.RESOLVE,
}
T = TypeVar("T")


class StaleError(Exception):
    """Another process changed the alert first; drop the decision, the next tick decides anew."""


@dataclass(slots=True)
class _Touched:
    """A group that this decision changes.

    Attributes:
        joined: An alert has joined it.
        seen: Something changed that a post about it shows.
        told: Something happened that only the thread of a post tells.
    """

    group: Group
    joined: bool = False
    seen: bool = False
    told: bool = False


class Decision:
    """Changes to alerts within one open transaction; `settle` ends it, the caller commits."""

    def __init__(self, session: Session, *, now: datetime) -> None:
        self.session = session
        self.now = now
        self._touched: dict[int, _Touched] = {}
        self._homes = Homes(session, now=now)

    def open(
        self,
        rule: Rule,
        after: Lifecycle,
        *,
        fingerprint: str,
        labels: Mapping[str, str],
        value: float | None,
        severity: Severity,
    ) -> Alert:
        """Add the alert of a new episode, pending; `move` it on if it fires at once."""
        row = Alert(
            rule_id=cast(int, rule.id),
            fingerprint=fingerprint,
            labels=dict(labels),
            severity=severity,
            value=value,
            **asdict(Lifecycle(state=AlertState.PENDING, active_at=after.active_at)),
        )
        self.session.add(row)
        self.session.flush()
        self._record(row, None, actor=lifecycle.ENGINE, at=after.active_at)
        return row

    def move(self, row: Alert, after: Lifecycle, *, actor: str, value: float | None = None) -> None:
        """Write `after` and its transition.

        Raises:
            StaleError: The row is no longer the one that was read.
        """
        values: dict[str, Any] = asdict(after)
        before, changed = row.state, row.state is not after.state
        if changed and value is not None and after.state is not AlertState.RESOLVED:
            values["value"] = value  # of an alert that is over, what it was about stays
        touched = self.lock(row.group_id) if row.group_id and changed else None
        if before is AlertState.PENDING and after.state is AlertState.FIRING:
            home = self._homes.find(row)
            touched = self.lock(home.group_id)
            touched.joined = True
            values |= asdict(home)
        self._swap(row, values)
        if not changed:
            return
        if touched is not None:
            touched.seen = True
        self._record(row, before, actor=actor, at=self.now, value=value)
        logger.info("alert id=%s rule=%s state=%s by=%s", row.id, row.rule_id, after.state, actor)

    def sight(self, row: Alert, state: DataState) -> None:
        """Write the data state in which an alert stands, and since when it is not seen."""
        if row.data_state is not state:
            since = None if state is DataState.OK else self.now
            self._swap(row, {"data_state": state, "data_since": since})

    def mute(self, row: Alert, reason: str) -> None:
        """Write what mutes an alert, or that nothing does any longer; see `alerts.muting`."""
        touched = self.lock(cast(int, row.group_id))
        self._swap(row, {"muted_by": reason})
        touched.seen = True

    def forget(self, row: Alert) -> None:
        """Remove a pending alert whose condition stopped holding before it fired."""
        for step in self.session.exec(select(Transition).where(Transition.alert_id == row.id)):
            self.session.delete(step)
        self.session.flush()
        self.session.delete(row)

    def remark(self, group_id: int, text: str, *, actor: str) -> None:
        """Write into a group's timeline, and bring what shows it up to date."""
        self.session.add(Remark(group_id=group_id, at=self.now, actor=actor, text=text))
        self.lock(group_id).seen = True

    def tell(self, group_id: int) -> None:
        """Have the threads of a group's posts told what this decision writes about it."""
        self.lock(group_id).told = True

    def lock(self, group_id: int) -> "_Touched":
        """Return the group, locked until the transaction ends."""
        touched = self._touched.get(group_id)
        if touched is None:
            mine = select(Group).where(Group.id == group_id).with_for_update()
            group = self.session.exec(mine.execution_options(populate_existing=True)).one()
            touched = self._touched[group_id] = _Touched(group)
        return touched

    def settle(self) -> None:
        """Bring every group that was touched up to date with its alerts."""
        self.session.flush()
        for touched in self._touched.values():
            self._settle(touched)

    def _settle(self, touched: _Touched) -> None:
        if touched.joined or touched.seen:
            self._bring_up_to_date(touched)
        if touched.joined or touched.seen or touched.told:
            outbox.want_threads(self.session, cast(int, touched.group.id), now=self.now)
        touched.joined = touched.seen = touched.told = False

    def _bring_up_to_date(self, touched: _Touched) -> None:
        group = touched.group
        before = Standing(**group.model_dump(include=STANDING))
        alike = _alike(self.session, cast(int, group.id))
        after = standing((m for _, m in alike), before=before.severity)
        cursor = escalation.follow(
            plans.load(group.policy),
            Cursor(**group.model_dump(include=CURSOR)),
            before,
            after,
            joined=touched.joined,
            now=self.now,
        )
        went_on = before.state is AlertState.ACKNOWLEDGED and after.state is AlertState.FIRING
        values = asdict(after) | asdict(cursor)
        if alike:
            values["title"] = grouping.title(self.session, [r for r, m in alike], after.size)
        if went_on:
            values["epoch"] = group.epoch + 1
        group.sqlmodel_update(values | {"version": group.version + 1})
        self.session.add(group)
        if after.state is not before.state and not went_on:
            outbox.want_everywhere(self.session, group, _EVENTS[after.state], now=self.now)
        else:
            outbox.want_updates(self.session, group, _EVENTS[after.state], now=self.now)

    def _swap(self, row: Alert, values: Mapping[str, Any]) -> None:
        """Compare and swap on `version`."""
        mine = update(Alert).where(col(Alert.id) == row.id, col(Alert.version) == row.version)
        after = {**values, "version": row.version + 1}  # now: the update itself may change the row
        written = self.session.exec(mine.values(after))
        if cast(CursorResult[Any], written).rowcount != 1:
            raise StaleError(f"alert {row.id} is past version {row.version}")
        for name, value in after.items():
            set_committed_value(row, name, value)

    def _record(
        self,
        row: Alert,
        before: AlertState | None,
        *,
        actor: str,
        at: datetime,
        value: float | None = None,
    ) -> None:
        change = Transition(
            alert_id=cast(int, row.id),
            at=at,
            from_state=before,
            to_state=row.state,
            actor=actor,
            value=value,
        )
        self.session.add(change)


@contextmanager
def deciding(db: Engine, *, now: datetime) -> Iterator[Decision]:
    """Give a decision that is settled and committed at the end, or rolled back as a whole.

    Raises:
        StaleError: Somebody else was faster.
    """
    with Session(db) as session:
        decision = Decision(session, now=now)
        try:
            yield decision
            decision.settle()
            session.commit()
        except (IntegrityError, OperationalError) as error:
            if not _is_conflict(error):
                raise
            raise StaleError(
                "two engines opened the same group, or waited for each other"
            ) from error


def retrying(decide: Callable[[], T]) -> T:
    """Return what `decide` returns, asked anew if somebody else was faster."""
    for attempt in range(TRIES):
        try:
            return decide()
        except StaleError:
            if attempt + 1 == TRIES:
                raise
    raise AssertionError("unreachable")


def core(row: Alert) -> Lifecycle:
    """Return the part of `row` that the lifecycle knows."""
    return Lifecycle(**row.model_dump(include=LIFECYCLE))


def _is_conflict(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", "") in _CONFLICTS


def _alike(session: Session, group_id: int) -> list[tuple[int, Members]]:
    """Return the open alerts of a group, those that are alike counted, with their rule's id."""
    kind = (Alert.rule_id, Alert.state, Alert.severity, col(Alert.muted_by) != "")
    alike = (
        sqlalchemy.select(*cast(Any, kind), func.count())
        .where(col(Alert.group_id) == group_id, col(Alert.state).in_(OPEN))
        .group_by(*cast(Any, kind))
        .order_by(col(Alert.rule_id))
    )
    found = cast(Any, session.connection().execute(alike))
    return [
        (rule_id, Members(state=state, severity=severity, muted=bool(muted), count=count))
        for rule_id, state, severity, muted, count in found
    ]
