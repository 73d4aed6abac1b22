"""Spend beyond an amount. Pure."""

from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from alerts.conditions.kind import Columns, OnSignal, Question, Values
from alerts.durations import Duration
from models.vocabulary import Unit
from signals import Query
from signals.units import render, span

COST = "cost"


class Budget(OnSignal):
    """Holds while what was spent within a rolling window is beyond an amount.

    With a pace also while what was spent lately would be, if it went on so for a whole window: that
    tells hours earlier. Where nothing was spent there is nothing to hold.
    """

    kind: Literal["budget"] = "budget"
    signal: str = Field(default=COST, description="What is spent: always `cost`")
    amount_usd: float = Field(gt=0, allow_inf_nan=False, description="In dollars, for a window")
    window: Duration = Field(
        default=timedelta(days=1),
        gt=timedelta(),
        le=timedelta(days=31),
        description="What the amount is for, ending now: `1d` is the last 24 hours",
    )
    pace: Duration = Field(
        default=timedelta(),
        ge=timedelta(),
        description="Also beyond where the spend of this last time, such as `1h`, would lead; 0s: "
        "only what has been spent",
    )

    @field_validator("signal")
    @classmethod
    def _is_money(cls, name: str) -> str:
        if name != COST:
            raise ValueError(f"a budget is about {COST!r}, not {name!r}")
        return name

    @model_validator(mode="after")
    def _goes_on_for_longer(self) -> "Budget":
        if self.pace >= self.window:
            raise ValueError("pace: shorter than the window is needed to tell where it leads")
        return self

    @property
    def missing(self) -> bool:
        """Say that where nothing was spent, the amount is not."""
        return False

    @cached_property
    def spent(self) -> Query:
        """Return the question for what was spent."""
        return self.over(self.window)

    @cached_property
    def lately(self) -> Query:
        """Return the question for what was spent at the pace."""
        return self.over(self.pace)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Return what to ask."""
        return (self.spent, self.lately) if self.pace else (self.spent,)

    def suffices(self, values: Values) -> bool:
        """Say whether anything was spent; nothing lately is an answer too."""
        return self.spent in values

    def suffices_over(self, columns: Columns) -> Any:
        """Return `suffices` of every row of `columns`."""
        spent = columns[self.spent]
        return spent == spent  # noqa: PLR0124 - false of what is not a number

    def value(self, values: Values) -> float:
        """Return the dollars that were spent, or those where the pace leads, if more."""
        if self.lately not in values:
            return values[self.spent]
        return max(values[self.spent], values[self.lately] * self._times)

    def holds(self, values: Values) -> bool:
        """Say whether more than the amount was spent, or would be."""
        return self.suffices(values) and self.value(values) > self.amount_usd

    def holds_over(self, columns: Columns) -> Any:
        """Return `holds` of every row of `columns`."""
        beyond = columns[self.spent] > self.amount_usd
        if self.pace:
            beyond = beyond | (columns[self.lately] * self._times > self.amount_usd)
        return beyond & self.suffices_over(columns)

    def sentence(self, value: float | None) -> str:
        """Return what went wrong in one line; `value` is of when the alert last changed state."""
        budget = f"budget {render(self.amount_usd, Unit.USD)} in {span(self.window)}"
        if value is None:
            return f"Nothing was spent ({budget})"
        spent = render(value, Unit.USD)
        if self.pace:
            return f"Cost heads for {spent} at the pace of the last {span(self.pace)} ({budget})"
        return f"Cost reached {spent} ({budget})"

    @property
    def _times(self) -> float:
        return self.window / self.pace if self.pace else 1.0
