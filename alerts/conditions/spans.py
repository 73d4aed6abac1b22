"""A measure of one's own over spans beyond a bound. Pure."""

from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator

from alerts.conditions.kind import Columns, Kind, Question, Scope, Values
from alerts.durations import Duration
from models.vocabulary import Comparison
from signals import SPANS, Query
from signals.measures import ATTRIBUTE, Measure
from signals.units import render, span


class Spans(Kind):
    """Holds while a count, share, quantile or sum over spans is beyond a bound.

    Which spans, any of their fields or attributes may say: this is where tenants and prompt
    versions are, which no metric may have as labels.
    """

    kind: Literal["spans"] = "spans"
    measure: Measure = Field(description="What is asked of the spans")
    comparison: Comparison = Field(default=Comparison.ABOVE, description="Which side is a breach")
    bound: float = Field(
        allow_inf_nan=False, description="In the measure's unit; seconds, and ratios from 0 to 1"
    )
    window: Duration = Field(default=timedelta(minutes=5), gt=timedelta(), description="Covered")
    scope: Scope = Field(default={}, description="Only requests with these labels")
    by: tuple[str, ...] = Field(
        default=(),
        description="One alert per value of these labels, or of attributes of the span itself, "
        "such as `attributes.team`",
    )

    @field_validator("by")
    @classmethod
    def _names_attributes(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if ATTRIBUTE in labels:
            raise ValueError(f"`{ATTRIBUTE}` names no attribute: write `{ATTRIBUTE}team`")
        return labels

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Return what to ask."""
        return (self.asked,)

    @cached_property
    def asked(self) -> Query:
        """Return the one question."""
        scope = tuple(sorted(self.scope.items()))
        return Query(
            signal=SPANS, measure=self.measure, window=self.window, scope=scope, by=self.by
        )

    def value(self, values: Values) -> float:
        """Return the number to show."""
        return values[self.asked]

    def holds(self, values: Values) -> bool:
        """Say whether the value is strictly beyond the bound."""
        value = values.get(self.asked)
        return value is not None and bool(self._beyond(value))

    def holds_over(self, columns: Columns) -> Any:
        """Return `holds` of every row of `columns`."""
        return self._beyond(columns[self.asked])

    def sentence(self, value: float | None) -> str:
        """Return what went wrong in one line; `value` is of when the alert last changed state."""
        bound = render(self.bound, self.measure.unit)
        rest = f"alert {self.comparison} {bound} over {span(self.window)}"
        if value is None:
            return f"{self.measure.title}: no data ({rest})"
        return f"{self.measure.title}: reached {render(value, self.measure.unit)} ({rest})"

    def _beyond(self, values: Any) -> Any:
        above = self.comparison is Comparison.ABOVE
        return values > self.bound if above else values < self.bound
