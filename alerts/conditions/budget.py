"""Spend beyond an amount. Pure."""

from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from alerts.conditions.kind import Columns, OnSignal, Question, Values, known_zone
from alerts.durations import Duration
from models.vocabulary import Unit
from signals import Day, Query
from signals.units import render, span

COST = "cost"
DAY = timedelta(days=1)


class Budget(OnSignal):
    """Holds while what was spent within a rolling window, or a calendar day, is beyond an amount.

    With a pace also while what was spent lately would be, if it went on so for a whole window, or
    until the day ends: that tells hours earlier. Where nothing was spent there is nothing to hold.
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
    zone: str = Field(
        default="",
        max_length=100,
        description="The amount is for a calendar day in this time zone, such as `Europe/Berlin`, "
        "not for a rolling window; the window is then `1d`",
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

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        return known_zone(name) if name else ""

    @model_validator(mode="after")
    def _goes_on_for_longer(self) -> "Budget":
        if self.pace >= self.window:
            raise ValueError("pace: shorter than the window is needed to tell where it leads")
        if self.zone and self.window != DAY:
            raise ValueError("window: a calendar day needs 1d")
        return self

    @property
    def missing(self) -> bool:
        """Say that where nothing was spent, the amount is not."""
        return False

    @cached_property
    def spent(self) -> Query:
        """Return the question for what was spent."""
        return self.over(self.window, day=Day(zone=self.zone) if self.zone else None)

    @cached_property
    def lately(self) -> Query:
        """Return the question for what was spent at the pace, or what the day's rest would."""
        return self.over(self.pace, day=Day(zone=self.zone, rest=True) if self.zone else None)

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
        return max(values[self.spent], float(self._leads(values)))

    def holds(self, values: Values) -> bool:
        """Say whether more than the amount was spent, or would be."""
        return self.suffices(values) and self.value(values) > self.amount_usd

    def holds_over(self, columns: Columns) -> Any:
        """Return `holds` of every row of `columns`."""
        beyond = columns[self.spent] > self.amount_usd
        if self.pace:
            beyond = beyond | (self._leads(columns) > self.amount_usd)
        return beyond & self.suffices_over(columns)

    def sentence(self, value: float | None) -> str:
        """Return what went wrong in one line; `value` is of when the alert last changed state."""
        during = f"a day in {self.zone}" if self.zone else f"in {span(self.window)}"
        budget = f"budget {render(self.amount_usd, Unit.USD)} {during}"
        if value is None:
            return f"Nothing was spent ({budget})"
        spent = render(value, Unit.USD)
        if self.pace and self.zone:
            pace = f"the pace of the last {span(self.pace)}"
            return f"Cost heads for {spent} by the end of the day at {pace} ({budget})"
        if self.pace:
            return f"Cost heads for {spent} at the pace of the last {span(self.pace)} ({budget})"
        return f"Cost reached {spent} ({budget})"

    def _leads(self, values: Any) -> Any:
        """Return where the pace leads: a number of numbers, a column of columns."""
        if self.zone:
            return values[self.spent] + values[self.lately]
        return values[self.lately] * (self.window / self.pace)
