"""Whom the alerts of a backtest would have told: groups, silences and a policy, as live. Pure.

Nobody is taken to have acknowledged anything: this is the most that people would have heard.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts import escalation, groups, observations
from alerts.backtest import Past
from alerts.escalation import Cursor, Plan, Situation
from alerts.groups import Members, Standing
from alerts.matchers import match
from alerts.muting import Quiet, identity
from models.vocabulary import AlertState, Severity

STORM_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How alerts reach people: a policy, and what keeps it quiet.

    Attributes:
        group_by: The policy's; None where each alert is alone.
        storm_limit: New groups within a minute, beyond which they become one; 0 for no limit.
        silences: Those that were active at some time.
    """

    plan: Plan
    group_by: tuple[str, ...] | None = None
    storm_limit: int = 0
    silences: tuple[Quiet, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A step of the policy that was due.

    Attributes:
        group: Which one it was about: alerts with the same number were told together.
        skipped: Why nobody was told; empty if they were.
    """

    at: datetime
    channels: tuple[str, ...]
    group: int
    skipped: str = ""


def told(
    alerts: Sequence[Past], route: Route, *, rule: str, severity: Severity, until: datetime
) -> list[Told]:
    """Return the steps that would have been taken until `until`, in order.

    Args:
        alerts: Those of one rule.
        route: How they reach people.
        rule: The rule's name.
        severity: The rule's.
        until: Until when time passes.
    """
    way = _Way(route=route, rule=rule, severity=severity)
    fired = [alert for alert in alerts if alert.fired_at is not None]
    begins, ends = (
        _by_instant(fired, lambda a: a.fired_at),
        _by_instant(fired, lambda a: a.ended_at),
    )
    for at in sorted({*begins, *ends, *_edges(fired, route.silences, until)}):
        way.pass_time(at)
        way.leave(ends.get(at, ()))
        way.join(begins.get(at, ()), at)
        way.settle(at)
    way.pass_time(until)
    return sorted(way.told, key=lambda step: step.at)


@dataclass(slots=True, kw_only=True)
class _Group:
    number: int
    key: str
    opened_at: datetime
    alerts: list[Past] = field(default_factory=list)
    stands: Standing
    cursor: Cursor = field(default_factory=Cursor)
    joined: bool = False


@dataclass(slots=True, kw_only=True)
class _Way:
    """The groups on their way through time."""

    route: Route
    rule: str
    severity: Severity
    told: list[Told] = field(default_factory=list)
    _groups: list[_Group] = field(default_factory=list)
    _opened: list[datetime] = field(default_factory=list)

    def pass_time(self, at: datetime) -> None:
        """Take every step that is due before `at`."""
        for group in self._groups:
            while (due := group.cursor.next_escalation_at) is not None and due < at:
                situation = Situation(severity=group.stands.severity, size=group.stands.size)
                group.cursor, move = escalation.advance(
                    self.route.plan, group.cursor, situation, now=due
                )
                if move is not None:
                    self.told.append(
                        Told(
                            at=due,
                            channels=move.step.channels,
                            group=group.number,
                            skipped=move.skipped,
                        )
                    )

    def join(self, alerts: Iterable[Past], at: datetime) -> None:
        """Let alerts that fire join their groups."""
        for alert in alerts:
            group = self._home(alert, at)
            group.alerts.append(alert)
            group.joined = True

    def leave(self, alerts: Iterable[Past]) -> None:
        """Let alerts that are over leave them."""
        for alert in alerts:
            for group in self._groups:
                group.alerts = [other for other in group.alerts if other is not alert]

    def settle(self, at: datetime) -> None:
        """Bring every group up to date; those that are over are forgotten."""
        quiet = [silence for silence in self.route.silences if silence.active(at)]
        for group in self._groups:
            before = group.stands
            group.stands = groups.standing(
                (self._member(alert, quiet) for alert in group.alerts), before=before.severity
            )
            group.cursor = escalation.follow(
                self.route.plan, group.cursor, before, group.stands, joined=group.joined, now=at
            )
            group.joined = False
        self._groups = [g for g in self._groups if g.stands.state is not AlertState.RESOLVED]

    def _member(self, alert: Past, quiet: Sequence[Quiet]) -> Members:
        labels = self._labels(alert)
        muted = any(match(silence.matchers, labels) for silence in quiet)
        return Members(state=AlertState.FIRING, severity=self._severity(alert), muted=muted)

    def _home(self, alert: Past, at: datetime) -> _Group:
        key = groups.key(0, groups.shared(self._labels(alert), self.route.group_by))
        if group := self._open(key):
            return group
        lately = sum(at - opened < STORM_WITHIN for opened in self._opened)
        if self.route.storm_limit and lately >= self.route.storm_limit:
            key = groups.storm_key(0)
            if group := self._open(key):
                return group
        group = _Group(
            number=len(self._opened) + 1,
            key=key,
            opened_at=at,
            stands=Standing(state=AlertState.FIRING, severity=self._severity(alert), size=0),
        )
        self._groups.append(group)
        self._opened.append(at)
        return group

    def _open(self, key: str) -> _Group | None:
        return next((group for group in self._groups if group.key == key), None)

    def _labels(self, alert: Past) -> dict[str, str]:
        return dict(identity(alert.labels, rule=self.rule, severity=self._severity(alert)))

    def _severity(self, alert: Past) -> Severity:
        return observations.severity_of(alert.labels, self.severity)


def _by_instant(
    alerts: Sequence[Past], instant: Callable[[Past], datetime | None]
) -> dict[datetime, list[Past]]:
    found: dict[datetime, list[Past]] = {}
    for alert in alerts:
        if (at := instant(alert)) is not None:
            found.setdefault(at, []).append(alert)
    return found


def _edges(fired: Sequence[Past], silences: Sequence[Quiet], until: datetime) -> Iterator[datetime]:
    """Yield when some silence begins or ends, from the first alert on."""
    first = min((alert.fired_at for alert in fired if alert.fired_at is not None), default=until)
    for silence in silences:
        for window in silence.windows(first, until):
            yield from window
