"""The kinds of rule. Each names the questions it must ask and says whether it holds. Pure.

A new kind is a class in a file here with `kind`, `questions`, `holds`, `holds_over`, `value` and
`sentence`, and its name in `AnyCondition`. `suffices` and `suffices_over` say whether what was
answered is enough to decide on: by default, whether every question was. `missing` is what it makes
of a label set that a source no longer mentions: True or False where absence is itself an answer,
None where the rule's choice for the data state decides; `settled` and `usual` say it state by
state.
"""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter

from alerts.conditions.absence import Absence
from alerts.conditions.budget import Budget
from alerts.conditions.burn_rate import PAGE_WINDOWS, BurnRate, Window
from alerts.conditions.composite import Composite
from alerts.conditions.drift import Drift
from alerts.conditions.kind import Columns, OnSignal, Question, Scope, Values
from alerts.conditions.promql import Promql
from alerts.conditions.spans import Spans
from alerts.conditions.threshold import Threshold

__all__ = [
    "KINDS",
    "PAGE_WINDOWS",
    "Absence",
    "AnyCondition",
    "Budget",
    "BurnRate",
    "Columns",
    "Composite",
    "Condition",
    "Drift",
    "OnSignal",
    "Promql",
    "Question",
    "Scope",
    "Spans",
    "Threshold",
    "Values",
    "Window",
    "parse_condition",
]

AnyCondition = Threshold | BurnRate | Promql | Drift | Absence | Budget | Composite | Spans
Condition = Annotated[AnyCondition, Field(discriminator="kind")]
KINDS: tuple[str, ...] = tuple(k.model_fields["kind"].default for k in get_args(AnyCondition))
_condition: TypeAdapter[AnyCondition] = TypeAdapter(Condition)


def parse_condition(data: Mapping[str, Any]) -> AnyCondition:
    """Return the condition stored as `data`; pydantic's ValidationError says what is wrong."""
    return _condition.validate_python(data)
