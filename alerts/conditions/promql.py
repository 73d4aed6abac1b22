"""A PromQL expression that returns something. Pure."""

from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from alerts.conditions.kind import Columns, Kind, Question, Values
from alerts.datastates import DataStates
from models.vocabulary import DataChoice


class Promql(Kind):
    """Holds for every series that a PromQL expression returns, as a Prometheus rule does."""

    kind: Literal["promql"] = "promql"
    expression: str = Field(min_length=1, description="Each series it returns is a breach")

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Return what to ask."""
        return (self.expression,)

    @property
    def missing(self) -> bool:
        """Say that a series that is not returned is no breach."""
        return False

    @property
    def settled(self) -> DataStates:
        """Say also that values are used however old: whose they are nobody knows."""
        return super().settled.model_copy(update={"stale_data": DataChoice.USE})

    def value(self, values: Values) -> float:
        """Return the number to show."""
        return values[self.questions[0]]

    def holds(self, values: Values) -> bool:
        """Say whether the expression returned this series."""
        return self.questions[0] in values

    def holds_over(self, columns: Columns) -> Any:
        """Return `holds` of every row of `columns`."""
        values = columns[self.questions[0]]
        return values == values  # noqa: PLR0124 - false of what is not a number

    def sentence(self, value: float | None) -> str:
        """Return what went wrong in one line; `value` is of when the alert last changed state."""
        shown = "no value" if value is None else f"{value:.4g}"
        return f"{self.expression} reached {shown}"
