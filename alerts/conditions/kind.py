"""What the kinds of rule have in common. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from functools import reduce
from operator import and_
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.datastates import KEPT, DataStates
from models.vocabulary import DataChoice
from signals import Day, Query
from signals.catalog import CATALOG, Signal

Scope = dict[str, str]


Question = Query | str  # a text is in a source's own language, PromQL
Values = Mapping[Question, float]
Columns = Mapping[Question, Any]  # NumPy arrays of one length, not-a-number where nothing was


def known_zone(name: str) -> str:
    """Return the name of a time zone.

    Raises:
        ValueError: There is none of that name.
    """
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


class Part(BaseModel):
    """A part of a condition: as it was written, unchanging."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(Part, ABC):
    """A kind of rule."""

    @property
    @abstractmethod
    def questions(self) -> tuple[Question, ...]:
        """Return what to ask."""

    @abstractmethod
    def value(self, values: Values) -> float:
        """Return the number to show, of values that suffice."""

    @abstractmethod
    def holds(self, values: Values) -> bool:
        """Say whether it is so; False where values that are needed are not there."""

    @abstractmethod
    def holds_over(self, columns: Columns) -> Any:
        """Return `holds` of every row of `columns`."""

    @abstractmethod
    def sentence(self, value: float | None) -> str:
        """Return what went wrong in one line; None where nothing was seen."""

    @property
    def missing(self) -> bool | None:
        """Say what a label set amounts to that is not there; None if the rule's choice does."""
        return None

    @property
    def settled(self) -> DataStates:
        """Return what the kind itself makes of data states, whatever the rule chooses."""
        if self.missing is None:
            return DataStates()
        choice = DataChoice.ALERT if self.missing else DataChoice.RESOLVE
        return DataStates(no_series=choice, no_traffic=choice)

    @property
    def usual(self) -> DataStates:
        """Return what is made of data states for which the rule chooses nothing."""
        return KEPT

    def suffices(self, values: Values) -> bool:
        """Say whether `values` are enough to decide on; if not, its data state does."""
        return all(question in values for question in self.questions)

    def suffices_over(self, columns: Columns) -> Any:
        """Return `suffices` of every row of `columns`."""
        # What is not a number is not itself.
        return reduce(and_, [columns[q] == columns[q] for q in self.questions])


class OnSignal(Kind):
    """What the kinds that watch a golden signal share."""

    signal: str = Field(description="Golden signal to watch")
    scope: Scope = Field(default={}, description="Only traffic with these labels")
    by: tuple[str, ...] = Field(default=(), description="One alert per value of these labels")

    @field_validator("signal")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in CATALOG:
            raise ValueError(f"there is no signal {name!r}; there are {', '.join(CATALOG)}")
        return name

    @property
    def about(self) -> Signal:
        """Return the signal's entry in the catalog."""
        return CATALOG[self.signal]

    def over(
        self,
        window: timedelta,
        *,
        signal: str = "",
        offset: timedelta = timedelta(),
        day: Day | None = None,
    ) -> Query:
        """Return the question for one window, about another signal if one is named."""
        return Query(
            signal=signal or self.signal,
            window=window,
            scope=tuple(sorted(self.scope.items())),
            by=self.by,
            offset=offset,
            day=day,
        )
