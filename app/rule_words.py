"""What the list of rules says about each: what it watches and how it fares. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from alerts import rulebook
from alerts.conditions import AnyCondition, Question, parse_condition
from app import numbers, watching
from models.tables import Policy, Rule
from models.vocabulary import DataState
from signals.units import span

Known = tuple[Rule, Policy]
HERE: Final = "made here"
OFF, UNEVALUATED, FIRING, LATE = "off", "not evaluated yet", "alerts open", "late"
STATES: Final = (*DataState, UNEVALUATED, FIRING, LATE, OFF)
# A rule is leased while it is evaluated, and what is read may be two seconds old.
PATIENCE: Final = timedelta(seconds=10)
_OFF: Final = "switched off"


def condition_of(rule: Rule) -> AnyCondition | None:
    """Return what the rule watches; None when a newer or older version of Wakeful wrote it."""
    try:
        return parse_condition(rule.condition)
    except ValidationError:
        return None


def watches(rule: Rule) -> str:
    """Return what the rule watches and how patient it is, in one line."""
    condition = condition_of(rule)
    if condition is None:
        return "This version cannot read its condition: edit it, or import it again."
    patience = watching.patience(rule.hold, rule.keep_firing)
    return ", ".join(part for part in (watching.sentence(condition), patience) if part)


def looked_after(rule: Rule, policy: Policy, *, now: datetime) -> str:
    """Return who answers for the rule, whom it tells, and when it was last evaluated."""
    every = span(timedelta(seconds=rule.interval_seconds))
    last = numbers.age(rule.evaluated_at, now=now)
    checked = f"evaluated {last}, every {every}{_late(rule, now)}" if rule.enabled else _OFF
    kept = f" · kept in {rulebook.origin_of(rule)}" if rule.source_file else ""
    return f"owner {rule.owner} · policy {policy.name} · {checked}{kept}"


def overdue(rule: Rule, *, now: datetime) -> timedelta:
    """Return for how long a rule should have been evaluated and was not; nothing if it is off."""
    late = now - rule.next_evaluation_at if rule.enabled else timedelta()
    return late if late > PATIENCE else timedelta()


def lag(rule: Rule) -> timedelta | None:
    """Return how long after it was due a rule was last evaluated; None if that cannot be told.

    Rules are due at the multiples of their interval, and once as soon as they are saved.
    """
    every = timedelta(seconds=rule.interval_seconds)
    at = rule.evaluated_at
    if at is None or at - rule.updated_at < every:
        return None
    return timedelta(seconds=at.timestamp() % rule.interval_seconds)


def _late(rule: Rule, now: datetime) -> str:
    if late := overdue(rule, now=now):
        return f", late by {span(late)}"
    known = lag(rule)
    return "" if known is None else f", {known.total_seconds():.1f} s after it was due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the list is narrowed to; of each that is not empty, a rule has one.

    Attributes:
        text: Words that all occur.
        signals: Golden signals, such as those of a dashboard; None for all.
        source: Returns who answers a rule's first question; asked only for `sources`.
    """

    text: str = ""
    kinds: Collection[str] = ()
    owners: Collection[str] = ()
    states: Collection[str] = ()
    places: Collection[str] = ()
    signals: Collection[str] | None = None
    sources: Collection[str] = ()
    source: Callable[[Question], str] = lambda _: ""

    def __bool__(self) -> bool:
        """Say whether it is narrowed at all."""
        fields = (self.text, self.kinds, self.owners, self.states, self.places, self.sources)
        return any(fields) or self.signals is not None

    def takes(self, known: Known, states: Collection[str]) -> bool:
        """Say whether a rule in these states is one of them."""
        rule, _ = known
        return (
            (not self.kinds or rule.condition.get("kind") in self.kinds)
            and (not self.owners or rule.owner in self.owners)
            and (not self.states or any(one in self.states for one in states))
            and (not self.places or place(rule) in self.places)
            and (self.signals is None or rule.condition.get("signal") in self.signals)
            and self._is_asked(rule)
            and self._has_words(known)
        )

    def _is_asked(self, rule: Rule) -> bool:
        if not self.sources:
            return True
        condition = condition_of(rule)
        return condition is not None and self.source(condition.questions[0]) in self.sources

    def _has_words(self, known: Known) -> bool:
        wanted = self.text.lower().split()
        if not wanted:
            return True
        words = _words(*known)
        return all(word in words for word in wanted)


def place(rule: Rule) -> str:
    """Return where a rule is kept: a file, or here."""
    return rule.source_file or HERE


def states(rule: Rule, open_alerts: Sequence[int], *, now: datetime) -> list[str]:
    """Return every word for how a rule fares."""
    if not rule.enabled:
        return [OFF]
    said = [rule.data_state or UNEVALUATED]
    said += [FIRING] if open_alerts else []
    said += [LATE] if overdue(rule, now=now) else []
    return said


def matching(
    rules: Iterable[Known], wanted: Wanted, opened: Mapping[int, Sequence[int]], *, now: datetime
) -> list[Known]:
    """Return the rules that are wanted."""
    if not wanted:
        return list(rules)
    return [
        known
        for known in rules
        if wanted.takes(known, states(known[0], opened.get(known[0].id or 0, ()), now=now))
    ]


def _words(rule: Rule, policy: Policy) -> str:
    labels = " ".join(f"{name}={value}" for name, value in rule.labels.items())
    said = (rule.name, rule.owner, rule.summary, rule.severity, policy.name, watches(rule), labels)
    return " ".join(said).lower()
