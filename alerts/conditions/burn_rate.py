"""An error budget that burns too fast. Pure."""

from datetime import timedelta
from functools import cached_property, reduce
from operator import or_
from typing import Any, Literal

from pydantic import Field, field_validator

from alerts.conditions.kind import Columns, OnSignal, Part, Question, Values, known_zone
from alerts.durations import Duration
from models.vocabulary import Period, Unit
from signals.catalog import CATALOG
from signals.units import render

LONGEST_NOTE = 500


class Window(Part):
    """One long and one short window, and how fast the budget may burn over both."""

    long: Duration
    short: Duration
    factor: float = Field(gt=0)


# Google SRE Workbook, ch. 5, table 5-8: https://sre.google/workbook/alerting-on-slos/
PAGE_WINDOWS = (
    Window(long=timedelta(hours=1), short=timedelta(minutes=5), factor=14.4),
    Window(long=timedelta(hours=6), short=timedelta(minutes=30), factor=6),
)


class BurnRate(OnSignal):
    """Holds while the error budget of an SLO burns too fast over a long and a short window.

    What the budget is for (`period`, `zone`) and what was agreed on for when it is spent decide
    nothing here: they are what else there is to an SLO. See `alerts.slos`.

    Source: Google SRE Workbook, ch. 5, "Multiwindow, Multi-Burn-Rate Alerts".
    """

    kind: Literal["burn_rate"] = "burn_rate"
    objective: float = Field(gt=0, lt=1, description="Share of good requests, such as 0.99")
    windows: tuple[Window, ...] = Field(default=PAGE_WINDOWS, min_length=1)
    period: Period = Field(default=Period.DAYS_30, description="What the budget is for")
    zone: str = Field(
        default="UTC", max_length=100, description="Time zone of a calendar month, such as `UTC`"
    )
    policy_when_spent: str = Field(
        default="",
        max_length=LONGEST_NOTE,
        description="What was agreed on for when the budget is spent, such as a freeze",
    )

    @field_validator("signal")
    @classmethod
    def _is_a_ratio(cls, name: str) -> str:
        if CATALOG[name].unit is not Unit.RATIO:
            raise ValueError(f"an error budget needs a ratio; {name} is in {CATALOG[name].unit}")
        return name

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        return known_zone(name)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Return what to ask, the first pair's short window first."""
        return tuple(
            dict.fromkeys(self.over(w) for pair in self.windows for w in (pair.short, pair.long))
        )

    def value(self, values: Values) -> float:
        """Return the worst burn rate that both windows of a pair sustain; 1 spends it exactly."""
        budget = 1 - self.objective
        return max(
            min(values.get(self.over(w), 0.0) for w in (pair.short, pair.long)) / budget
            for pair in self.windows
        )

    def holds(self, values: Values) -> bool:
        """Say whether some pair's windows both burn faster than its factor."""
        return self.burning(values) is not None

    def holds_over(self, columns: Columns) -> Any:
        """Return `holds` of every row of `columns`."""
        budget = 1 - self.objective
        pairs = [
            (columns[self.over(pair.short)] > pair.factor * budget)
            & (columns[self.over(pair.long)] > pair.factor * budget)
            for pair in self.windows
        ]
        return reduce(or_, pairs)

    def burning(self, values: Values) -> Window | None:
        """Return the first pair of windows that both burn too fast, if any."""
        budget = 1 - self.objective
        for pair in self.windows:
            asked = (self.over(pair.short), self.over(pair.long))
            if all(q in values and values[q] > pair.factor * budget for q in asked):
                return pair
        return None

    def sentence(self, value: float | None) -> str:
        """Return what went wrong in one line; `value` is of when the alert last changed state."""
        goal = f"objective {render(self.objective, Unit.RATIO)}"
        if value is None:
            return f"Error budget of {self.about.title.lower()} has no data ({goal})"
        return f"{self.about.title}: error budget burned {value:.3g} times too fast ({goal})"
