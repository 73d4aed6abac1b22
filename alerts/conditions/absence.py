"""A signal of which nothing is left. Pure."""

from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from alerts.conditions.kind import Columns, OnSignal, Question, Values
from alerts.datastates import KEPT, DataStates
from alerts.durations import Duration
from models.vocabulary import DataChoice, Unit
from signals import Query
from signals.catalog import CATALOG
from signals.units import span


class Absence(OnSignal):
    """Holds while there is nothing of a signal: no sample, or of a rate, nothing but zero.

    Without a split it is the whole scope that is missed, whether or not it was ever there. With
    one, each label set that was there within `seen_within` is; one that has been gone for longer
    is forgotten, and its alert ends.
    """

    kind: Literal["absence"] = "absence"
    window: Duration = Field(
        default=timedelta(minutes=10), gt=timedelta(), description="Nothing for this long"
    )
    seen_within: Duration = Field(
        default=timedelta(days=1),
        le=timedelta(days=31),
        description="With a split: missed is what was there in this time, longer gone is forgotten",
    )

    @field_validator("signal")
    @classmethod
    def _can_cease(cls, name: str) -> str:
        if CATALOG[name].own:
            raise ValueError(f"{name} is about Wakeful itself, which always answers for it")
        return name

    @model_validator(mode="after")
    def _looks_back_further(self) -> "Absence":
        if self.by and self.seen_within <= self.window:
            raise ValueError("seen_within: longer than the window is needed to have seen anything")
        return self

    @property
    def missing(self) -> bool:
        """Say that nothing at all is a breach of the whole, but no label set's."""
        return not self.by

    @property
    def usual(self) -> DataStates:
        """Return that old data are used: what reports nothing new may be what is absent."""
        return KEPT.model_copy(update={"stale_data": DataChoice.USE})

    @cached_property
    def lately(self) -> Query:
        """Return the question for what is there."""
        return self.over(self.window)

    @cached_property
    def before(self) -> Query:
        """Return the question for what was there within the look-back."""
        return self.over(self.seen_within)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Return what to ask."""
        return (self.lately, self.before) if self.by else (self.lately,)

    def value(self, values: Values) -> float:
        """Return the number to show."""
        return values[self.lately]

    def holds(self, values: Values) -> bool:
        """Say whether nothing is left of what was there."""
        if not self.by:
            return self.lately in values and not self._is_there(values[self.lately])
        was = self.before in values and self._is_there(values[self.before])
        return was and not (self.lately in values and self._is_there(values[self.lately]))

    def holds_over(self, columns: Columns) -> Any:
        """Return `holds` of every row of `columns`."""
        lately = columns[self.lately]
        if not self.by:
            return (lately == lately) & ~self._is_there(lately)  # noqa: PLR0124 - is a number
        return self._is_there(columns[self.before]) & ~self._is_there(lately)

    def sentence(self, value: float | None) -> str:  # noqa: ARG002 - see `Threshold`
        """Return what went wrong in one line."""
        return f"{self.about.title}: nothing for {span(self.window)}"

    def _is_there(self, value: Any) -> Any:
        """Say of a number, or a column of them, whether something happened; NaN did not."""
        return value > 0 if self.about.unit is Unit.PER_SECOND else value == value  # noqa: PLR0124
