"""The group that an alert is told in: found or opened when it fires, and what it is called."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlmodel import Session, col, func, select

from alerts import escalation, flapping, groups, muting, plans, silences
from alerts.flapping import WITHIN
from alerts.muting import Mutes
from alerts.policies import plan_of
from models.tables import Alert, Group, Policy, Rule
from models.tables.columns import still_open
from models.vocabulary import AlertState

STORM_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where an alert that has just fired belongs.

    Attributes:
        muted_by: What mutes it: see `alerts.muting`.
        flaps: See `alerts.flapping`.
    """

    group_id: int
    muted_by: str
    flaps: int


class Homes:
    """Finds homes within one transaction; what they have in common is read once."""

    def __init__(self, session: Session, *, now: datetime) -> None:
        self._session = session
        self._now = now
        self._rules: dict[int, tuple[Rule, Policy]] = {}
        self._mutes: Mutes | None = None

    def find(self, row: Alert) -> Home:
        """Return the open group for `row`, opened if there is none."""
        rule, policy = self._rule(row.rule_id)
        labels = muting.identity(row.labels, rule=rule.name, severity=row.severity)
        if self._mutes is None:
            self._mutes = silences.mutes(self._session, now=self._now)
        group = self._group(policy, rule, labels)
        return Home(
            group_id=cast(int, group.id),
            muted_by=self._mutes.reason(labels),
            flaps=self._flaps(row),
        )

    def _group(self, policy: Policy, rule: Rule, labels: dict[str, str]) -> Group:
        policy_id = cast(int, policy.id)
        shared = groups.shared(labels, policy.group_by)
        key = groups.key(policy_id, shared)
        if group := self._open(key):
            return group
        if policy.storm_limit and self._opened_lately(policy_id) >= policy.storm_limit:
            shared, key = {}, groups.storm_key(policy_id)
            if group := self._open(key):
                return group
        plan = plan_of(policy)
        group = Group(
            dedup_key=f"wakeful-{uuid.uuid4().hex}",
            key=key,
            labels=shared,
            title=rule.name,
            policy_id=policy_id,
            policy=plans.dump(plan),
            opened_at=self._now,
            # Without an alert so far: `Decision.settle` says where it stands.
            state=AlertState.FIRING,
            severity=rule.severity,
            size=0,
            muted=False,
            **asdict(escalation.Cursor()),
        )
        self._session.add(group)
        self._session.flush()
        return group

    def _open(self, key: str) -> Group | None:
        opened = (Group.key == key, still_open(Group.state))
        return self._session.exec(select(Group).where(*opened)).one_or_none()

    def _opened_lately(self, policy_id: int) -> int:
        lately = (Group.policy_id == policy_id, Group.opened_at > self._now - STORM_WITHIN)
        return self._session.exec(select(func.count()).select_from(Group).where(*lately)).one()

    def _flaps(self, row: Alert) -> int:
        same = (Alert.rule_id == row.rule_id, Alert.fingerprint == row.fingerprint)
        lately = col(Alert.fired_at) > self._now - WITHIN
        fired = self._session.exec(select(Alert.fired_at).where(*same, lately)).all()
        return flapping.flaps([at for at in fired if at], now=self._now)

    def _rule(self, rule_id: int) -> tuple[Rule, Policy]:
        if rule_id not in self._rules:
            both = select(Rule, Policy).join(Policy).where(Rule.id == rule_id)
            self._rules[rule_id] = self._session.exec(both).one()
        return self._rules[rule_id]


def title(session: Session, rule_ids: Sequence[int], size: int) -> str:
    """Return what a group with `size` open alerts of those rules is called."""
    distinct = list(dict.fromkeys(rule_ids))
    name = session.exec(select(Rule.name).where(Rule.id == distinct[0])).one()
    if size == 1:
        return name
    if len(distinct) == 1:
        return f"{name}, {size} alerts"
    others = "1 other rule" if len(distinct) == 2 else f"{len(distinct) - 1} other rules"
    return f"{name} and {others}, {size} alerts"
