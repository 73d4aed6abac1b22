"""Which SLOs there are: what burn-rate rules keep watch over. Pure.

An SLO is no row of its own: it is what rules of one objective on the same traffic have in common,
such as the one that pages and the one that opens a ticket.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from alerts.conditions import BurnRate
from models.vocabulary import Period
from signals import Query
from signals.catalog import CATALOG, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """A rule that watches the budget."""

    rule_id: int
    name: str
    owner: str
    enabled: bool
    condition: BurnRate


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """An objective, and the traffic and time it is for.

    Attributes:
        by: Labels that split it: a budget for each of their values.
        zone: Whose calendar, if `period` is a month.
        watchers: The rules that watch it; the first gives it its name. Not a part of what it is.
    """

    signal: str
    objective: float
    scope: tuple[tuple[str, str], ...]
    by: tuple[str, ...]
    period: Period
    zone: str
    watchers: tuple[Watcher, ...] = field(default=(), compare=False, repr=False)

    @property
    def about(self) -> Signal:
        """Return the entry of its signal in the catalog."""
        return CATALOG[self.signal]

    @property
    def name(self) -> str:
        """Return the name of the first rule that watches it."""
        return self.watchers[0].name

    @property
    def policies_when_spent(self) -> tuple[str, ...]:
        """Return what was agreed on for when the budget is spent."""
        said = (one.condition.policy_when_spent for one in self.watchers)
        return tuple(dict.fromkeys(text for text in said if text))

    def question(self, signal: str, window: timedelta) -> Query:
        """Return the question about `signal` for the same traffic."""
        return Query(signal=signal, window=window, scope=self.scope, by=self.by)


def slos(watchers: Iterable[Watcher]) -> list[Slo]:
    """Return the SLOs that rules watch, in the order of their first rule."""
    found: dict[Slo, list[Watcher]] = {}
    for watcher in watchers:
        found.setdefault(_of(watcher.condition), []).append(watcher)
    return [replace(slo, watchers=tuple(rules)) for slo, rules in found.items()]


def _of(condition: BurnRate) -> Slo:
    is_month = condition.period is Period.MONTH
    return Slo(
        signal=condition.signal,
        objective=condition.objective,
        scope=tuple(sorted(condition.scope.items())),
        by=tuple(sorted(condition.by)),
        period=condition.period,
        zone=condition.zone if is_month else "UTC",
    )
