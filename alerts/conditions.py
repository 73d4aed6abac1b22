"""The kinds of rule. Each names the questions it must ask and says whether it holds. Pure.

A new kind is a class here with `kind`, `questions`, `holds`, `holds_over`, `value` and `sentence`,
and its name in `Condition`. `missing` is what it makes of a label set that a source no longer
mentions: False where absence is itself an answer, None where the rule's `no_data` decides.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property, reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from alerts.durations import Duration
from models.vocabulary import Comparison, Unit
from signals import Query
from signals.catalog import CATALOG, Signal
from signals.units import render, span

Scope = dict[str, str]


Question = Query | str  # a text is in a source's own language, PromQL
Values = Mapping[Question, float]
Columns = Mapping[Question, Any]  # NumPy arrays of one length, not-a-number where nothing was


class _Kind(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _OnSignal(_Kind):
    """What the kinds that watch a golden signal share."""

    missing: ClassVar[bool | None] = None

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

    def over(self, window: timedelta) -> Query:
        """Return the question for one window."""
        scope = tuple(sorted(self.scope.items()))
        return Query(signal=self.signal, window=window, scope=scope, by=self.by)


class Threshold(_OnSignal):
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


class Window(_Kind):
    """One long and one short window, and how fast the budget may burn over both."""

    long: Duration
    short: Duration
    factor: float = Field(gt=0)


# Google SRE Workbook, ch. 5, table 5-8: https://sre.google/workbook/alerting-on-slos/
PAGE_WINDOWS = (
    Window(long=timedelta(hours=1), short=timedelta(minutes=5), factor=14.4),
    Window(long=timedelta(hours=6), short=timedelta(minutes=30), factor=6),
)


class BurnRate(_OnSignal):
    """Holds while the error budget of an SLO burns too fast over a long and a short window.

    Source: Google SRE Workbook, ch. 5, "Multiwindow, Multi-Burn-Rate Alerts".
    """

    kind: Literal["burn_rate"] = "burn_rate"
    objective: float = Field(gt=0, lt=1, description="Share of good requests, such as 0.99")
    windows: tuple[Window, ...] = Field(default=PAGE_WINDOWS, min_length=1)

    @field_validator("signal")
    @classmethod
    def _is_a_ratio(cls, name: str) -> str:
        if CATALOG[name].unit is not Unit.RATIO:
            raise ValueError(f"an error budget needs a ratio; {name} is in {CATALOG[name].unit}")
        return name

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


class Promql(_Kind):
    """Holds for every series that a PromQL expression returns, as a Prometheus rule does."""

    missing: ClassVar[bool | None] = False

    kind: Literal["promql"] = "promql"
    expression: str = Field(min_length=1, description="Each series it returns is a breach")

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Return what to ask."""
        return (self.expression,)

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


AnyCondition = Threshold | BurnRate | Promql
Condition = Annotated[AnyCondition, Field(discriminator="kind")]
_condition: TypeAdapter[AnyCondition] = TypeAdapter(Condition)


def parse_condition(data: Mapping[str, Any]) -> AnyCondition:
    """Return the condition stored as `data`; pydantic's ValidationError says what is wrong."""
    return _condition.validate_python(data)
