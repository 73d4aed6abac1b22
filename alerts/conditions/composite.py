"""Several rules at once. Pure."""

from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from alerts.conditions.kind import Columns, Kind, Question, Values
from models.vocabulary import Needed
from signals import Query

# How many of the rules in its scope have an alert that fires; `alerts.selfwatch` knows.
SIGNAL = "rules_firing"
LABEL = "rule"
MOST = 20
_NOW = timedelta(minutes=1)

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class Composite(Kind):
    """Holds while all, or any, of other rules have an alert that fires, acknowledged or not."""

    kind: Literal["composite"] = "composite"
    needed: Needed = Field(default=Needed.ALL, description="How many of the rules must fire")
    rules: tuple[Name, ...] = Field(
        min_length=1, max_length=MOST, description="Names of other rules, composites among them"
    )

    @field_validator("rules")
    @classmethod
    def _each_once(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        if twice := next((name for name in rules if rules.count(name) > 1), ""):
            raise ValueError(f"{twice!r} is there more than once")
        return rules

    @property
    def missing(self) -> bool:
        """Say that rules of which nothing is known do not fire."""
        return False

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Return what to ask: how many of them fire."""
        scope = tuple((LABEL, name) for name in sorted(self.rules))
        return (Query(signal=SIGNAL, window=_NOW, scope=scope),)

    @property
    def least(self) -> int:
        """Return how many must fire."""
        return len(self.rules) if self.needed is Needed.ALL else 1

    def value(self, values: Values) -> float:
        """Return how many fire."""
        return values[self.questions[0]]

    def holds(self, values: Values) -> bool:
        """Say whether enough of them fire."""
        return values.get(self.questions[0], 0) >= self.least

    def holds_over(self, columns: Columns) -> Any:
        """Return `holds` of every row of `columns`."""
        return columns[self.questions[0]] >= self.least

    def sentence(self, value: float | None) -> str:
        """Return what went wrong in one line; `value` is of when the alert last changed state."""
        names = ", ".join(self.rules)
        fire = "nothing is known" if value is None else f"{value:.0f} of {len(self.rules)} fire"
        return f"{fire}: {names} (alert when {self.needed} do)"
