"""Column types that several tables share."""

from enum import StrEnum
from typing import Any

from sqlmodel import Enum


def word(enum: type[StrEnum]) -> Any:
    """Return a column type that stores `enum` by value, in text wide enough to grow."""
    return Enum(enum, native_enum=False, length=32, values_callable=lambda e: [m.value for m in e])
