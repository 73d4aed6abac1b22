"""A signal that is not what it was. Pure."""

from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator

from alerts.conditions.kind import Columns, OnSignal, Question, Values
from alerts.durations import Duration
from models.vocabulary import Comparison, Measure, Unit
from signals import Query
from signals.catalog import CATALOG
from signals.units import render, span

TRAFFIC = "request_rate"


class Drift(OnSignal):
    """Holds while a signal is far from what it was, in its unit or relative to it.

    Nothing is observed where the earlier window had too few requests, where nothing was measured
    then, or, of a relative change, where what was measured is not above zero.
    """

    kind: Literal["drift"] = "drift"
    comparison: Comparison = Field(default=Comparison.ABOVE, description="Which side is a breach")
    measure: Measure = Field(default=Measure.RELATIVE, description="How the change is counted")
    bound: float = Field(
        gt=0,
        allow_inf_nan=False,
        description="Change that is a breach: relative, 0.4 is 40 %; absolute, in the signal's "
        "unit, ratios from 0 to 1",
    )
    window: Duration = Field(
        default=timedelta(hours=1), gt=timedelta(), description="Covered, now and then"
    )
    offset: Duration = Field(
        default=timedelta(days=7),
        gt=timedelta(),
        le=timedelta(days=365),
        description="How long ago the baseline is; `7d` is the same hour last week",
    )
    baseline_requests: int = Field(
        default=20,
        ge=0,
        le=1_000_000_000,
        description="Fewer requests then are no baseline; 0 does not count them",
    )

    @field_validator("signal")
    @classmethod
    def _has_a_past(cls, name: str) -> str:
        if CATALOG[name].own:
            raise ValueError(f"{name} is about Wakeful itself, which keeps no past of it")
        return name

    @cached_property
    def now(self) -> Query:
        """Return the question for the present."""
        return self.over(self.window)

    @cached_property
    def then(self) -> Query:
        """Return the question for the baseline."""
        return self.over(self.window, offset=self.offset)

    @cached_property
    def traffic(self) -> Query:
        """Return the question for the requests of the baseline, per second."""
        return self.over(self.window, signal=TRAFFIC, offset=self.offset)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Return what to ask: the present, the baseline, and the requests behind it."""
        counted = (self.traffic,) if self.baseline_requests else ()
        return tuple(dict.fromkeys((self.now, self.then, *counted)))

    @property
    def _least_traffic(self) -> float:
        return self.baseline_requests / self.window.total_seconds()

    def suffices(self, values: Values) -> bool:
        """Say whether there is a present and a baseline to compare it with."""
        if any(question not in values for question in self.questions):
            return False
        if self.baseline_requests and values[self.traffic] < self._least_traffic:
            return False
        return self.measure is Measure.ABSOLUTE or values[self.then] > 0

    def suffices_over(self, columns: Columns) -> Any:
        """Return `suffices` of every row of `columns`."""
        enough = super().suffices_over(columns)
        if self.baseline_requests:
            enough = enough & (columns[self.traffic] >= self._least_traffic)
        return enough if self.measure is Measure.ABSOLUTE else enough & (columns[self.then] > 0)

    def value(self, values: Values) -> float:
        """Return the change: relative, or in the signal's unit; below zero for a fall."""
        change = values[self.now] - values[self.then]
        return change if self.measure is Measure.ABSOLUTE else change / values[self.then]

    def holds(self, values: Values) -> bool:
        """Say whether the signal has moved strictly more than the bound."""
        if not self.suffices(values):
            return False
        return bool(self._beyond(values[self.now], values[self.then]))

    def holds_over(self, columns: Columns) -> Any:
        """Return `holds` of every row of `columns`."""
        beyond = self._beyond(columns[self.now], columns[self.then])
        return beyond & self.suffices_over(columns)

    def sentence(self, value: float | None) -> str:
        """Return what went wrong in one line; `value` is of when the alert last changed state."""
        rest = f"alert {self.said(self.bound)} {self.comparison}, over {span(self.window)}"
        before = f"{span(self.offset)} before"
        if value is None:
            return f"{self.about.title} has nothing to compare with {before} ({rest})"
        side = Comparison.BELOW if value < 0 else Comparison.ABOVE
        return f"{self.about.title} is {self.said(value)} {side} that of {before} ({rest})"

    def said(self, change: float) -> str:
        """Return the size of a change in words; of a share in points, not in percent of itself."""
        if self.measure is Measure.RELATIVE:
            return render(abs(change), Unit.RATIO)
        if self.about.unit is Unit.RATIO:
            return f"{abs(change) * 100:.3g} percentage points"
        return render(abs(change), self.about.unit)

    def _beyond(self, now: Any, then: Any) -> Any:
        """Compare numbers or columns of them; no division, since `then` may be zero."""
        least = self.bound * then if self.measure is Measure.RELATIVE else self.bound
        return now - then > least if self.comparison is Comparison.ABOVE else then - now > least
