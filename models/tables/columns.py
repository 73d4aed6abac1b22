"""Column types that the tables share."""

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, literal
from sqlmodel import Enum, col

from models.vocabulary import AlertState


def word(enum: type[StrEnum]) -> Any:
    """Return a column type that stores `enum` by value, in text wide enough to grow."""
    return Enum(enum, native_enum=False, length=32, values_callable=lambda e: [m.value for m in e])


def still_open(state: AlertState) -> ColumnElement[bool]:
    """Return the condition that the column `state`, of alerts or groups, says it is not over.

    The word is written out, as the partial indexes have it: beside a bound one, SQLite plans each
    statement anew every time.
    """
    over = literal(AlertState.RESOLVED, literal_execute=True, type_=word(AlertState))
    return col(state) != over
