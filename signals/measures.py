"""A measure of one's own over spans: how many, what share, a quantile or a sum, with a filter.

What tenants, prompt versions and an application's own attributes say lives in traces, since none
of them may be a metric's label. A condition is written as people say it:

    kind = llm
    tool != search
    duration_ms > 8000
    attributes.http.response.status_code >= 500
    request = true            (the root of a trace)

A field that a span does not have is empty text, and no number. `attributes.…` is also what splits a
measure by an attribute: each span counts under its own value, as it does for a condition.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from models.vocabulary import Unit

NUMBERS: Final = (
    *("duration_ms", "ttft_ms", "cost_usd", "input_tokens", "output_tokens"),
    *("cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "queue_depth", "eval_score"),
)
TEXTS: Final = (
    *("name", "kind", "service", "status", "status_message", "outcome", "feature", "tenant"),
    *("user_id", "session_id", "request_id", "environment", "provider", "model", "prompt_name"),
    *("prompt_version", "cache_hit", "guardrail", "guardrail_triggered", "tool", "permission"),
    *("approval", "eval_name"),
)
REQUEST: Final = "request"
ATTRIBUTE: Final = "attributes."
MOST_CONDITIONS: Final = 10
_CONDITION: Final = re.compile(r"(\S+?)\s*(!=|>=|<=|=|>|<)\s*(.*)", re.DOTALL)
_EQUALITIES: Final = ("=", "!=")


def attribute_of(label: str) -> str:
    """Return the name of the attribute that a label of a split or a scope spells; else empty."""
    return label.removeprefix(ATTRIBUTE) if label.startswith(ATTRIBUTE) else ""


class Aggregate(StrEnum):
    """What is made of the spans that are left."""

    COUNT = "count"
    RATIO = "ratio"
    QUANTILE = "quantile"
    SUM = "sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition on a span.

    Attributes:
        sign: `=` or `!=` compare texts; `<`, `<=`, `>`, `>=` numbers.
    """

    field: str
    sign: str
    value: str

    @property
    def attribute(self) -> str:
        """Return the name of the attribute that it is about; empty for a field of ours."""
        return attribute_of(self.field)


def condition(text: str) -> Condition:
    """Return the condition that `text` writes.

    Raises:
        ValueError: It is none; the message says what to write.
    """
    found = _CONDITION.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"{text[:80]!r} is no condition: write `kind = llm` or `duration_ms > 8000`"
        )
    field, sign, value = found.groups()
    known = field in (*NUMBERS, *TEXTS, REQUEST)
    if not known and not (field.startswith(ATTRIBUTE) and field != ATTRIBUTE):
        raise ValueError(
            f"spans have no field {field[:80]!r}: what an application sends of its own is "
            f"`{ATTRIBUTE}{field[:40]}`"
        )
    if sign not in _EQUALITIES:
        try:
            float(value)
        except ValueError:
            raise ValueError(f"{text[:80]!r}: `{sign}` compares with a number") from None
    return Condition(field=field, sign=sign, value=value)


def _check(text: str) -> str:
    condition(text)
    return " ".join(text.split())


ConditionText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=300),
    AfterValidator(_check),
]


class Measure(BaseModel):
    """What is asked of the spans."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    aggregate: Aggregate
    of: str = Field(default="", description="The number added up, or whose quantile is taken")
    quantile: float = Field(default=0.95, gt=0, lt=1, description="For the quantile alone")
    where: tuple[ConditionText, ...] = Field(
        default=(), max_length=MOST_CONDITIONS, description="Which spans, such as `kind = llm`"
    )
    part: tuple[ConditionText, ...] = Field(
        default=(), max_length=MOST_CONDITIONS, description="For the ratio: which of those count"
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        takes_number = self.aggregate in (Aggregate.QUANTILE, Aggregate.SUM)
        attribute = self.of.startswith(ATTRIBUTE) and self.of != ATTRIBUTE
        if takes_number and self.of not in NUMBERS and not attribute:
            raise ValueError(f"of: a {self.aggregate} needs one of {', '.join(NUMBERS)}")
        if not takes_number and self.of:
            raise ValueError(f"of: a {self.aggregate} is of no number")
        if (self.aggregate is Aggregate.RATIO) != bool(self.part):
            raise ValueError("part: a ratio needs the conditions of its part, others have none")
        return self

    @property
    def unit(self) -> Unit:
        """Return the unit of its values."""
        if self.aggregate is Aggregate.RATIO:
            return Unit.RATIO
        if self.of.endswith("_ms"):
            return Unit.SECONDS
        return Unit.USD if self.of == "cost_usd" else Unit.COUNT

    @property
    def words(self) -> str:
        """Return in a few words what it is."""
        match self.aggregate:
            case Aggregate.COUNT:
                what = "spans"
            case Aggregate.RATIO:
                what = f"share with {' and '.join(self.part)}"
            case Aggregate.QUANTILE:
                what = f"p{self.quantile * 100:g} of {self.of}"
            case Aggregate.SUM:
                what = f"sum of {self.of}"
        return f"{what} where {' and '.join(self.where)}" if self.where else what

    @property
    def title(self) -> str:
        """Return its words as a sentence begins."""
        return self.words[0].upper() + self.words[1:]
