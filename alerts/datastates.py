"""What a rule makes of each data state: of having no answer, in one of five ways. Pure.

A rule chooses for each state apart; what it leaves open its kind decides (`Kind.usual`), and some
kinds leave no choice (`Kind.settled`), since to them a missing series is itself an answer.
"""

from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)

from models.vocabulary import DataChoice, DataState

NAMED = tuple(state for state in DataState if state is not DataState.OK)


class DataStates(BaseModel):
    """A choice for each data state; None where none is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    no_series: DataChoice | None = Field(
        default=None, description="The source answers; nothing of that name and scope exists"
    )
    no_traffic: DataChoice | None = Field(
        default=None, description="The series exist; nothing happened in the window"
    )
    query_error: DataChoice | None = Field(
        default=None, description="The source refuses the question"
    )
    unreachable: DataChoice | None = Field(
        default=None, description="The source does not answer in time"
    )
    stale_data: DataChoice | None = Field(
        default=None,
        description="The source answers, but nothing new has reached it for minutes; `use` judges "
        "by what there is",
    )

    @field_validator("no_series", "no_traffic", "query_error", "unreachable")
    @classmethod
    def _has_nothing_to_use(cls, choice: DataChoice | None) -> DataChoice | None:
        if choice is DataChoice.USE:
            raise ValueError("'use' is for stale data: in this state there are none")
        return choice

    @model_serializer(mode="wrap")
    def _only_choices(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: choice for name, choice in write(self).items() if choice is not None}

    def of(self, state: DataState) -> DataChoice | None:
        """Return what is chosen for a state; None if nothing is, as for OK."""
        choice: DataChoice | None = getattr(self, field_of(state), None)
        return choice


def field_of(state: DataState) -> str:
    """Return the name of a state's field: `no_series`."""
    return state.value.replace(" ", "_")


KEPT = DataStates(**{field_of(state): DataChoice.KEEP for state in NAMED})
