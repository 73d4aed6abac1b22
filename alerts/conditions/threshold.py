"""A signal beyond a bound. Pure."""

from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from alerts.conditions.kind import Columns, OnSignal, Question, Values
from alerts.durations import Duration
from models.vocabulary import Comparison
from signals.units import render, span


class Threshold(OnSignal):
    """Holds while a signal is beyond a bound."""

    kind: Literal["threshold"] = "threshold"
    comparison: Comparison = Field(default=Comparison.ABOVE, description="Which side is a breach")
    bound: float = Field(
        allow_inf_nan=False, description="In the signal's unit; ratios from 0 to 1"
    )
    window: Duration = Field(default=timedelta(minutes=5), gt=timedelta(), description="Covered")

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Return what to ask."""
        return (self.over(self.window),)

    def value(self, values: Values) -> float:
        """Return the number to show."""
        return values[self.questions[0]]

    def holds(self, values: Values) -> bool:
        """Say whether the value is strictly beyond the bound."""
        value = values.get(self.questions[0])
        if value is None:
            return False
        return value > self.bound if self.comparison is Comparison.ABOVE else value < self.bound

    def holds_over(self, columns: Columns) -> Any:
        """Return `holds` of every row of `columns`."""
        values = columns[self.questions[0]]
        return values > self.bound if self.comparison is Comparison.ABOVE else values < self.bound

    def sentence(self, value: float | None) -> str:
        """Return what went wrong in one line; `value` is of when the alert last changed state."""
        bound = render(self.bound, self.about.unit)
        rest = f"alert {self.comparison} {bound} over {span(self.window)}"
        if value is None:
            return f"{self.about.title} has no data ({rest})"
        return f"{self.about.title} reached {render(value, self.about.unit)} ({rest})"
