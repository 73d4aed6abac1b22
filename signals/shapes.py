"""Parts of a vendor's JSON, as what they should be: whatever else is there counts as nothing."""

from collections.abc import Mapping, Sequence
from typing import Any


def mapping(found: object) -> Mapping[str, Any]:
    """Return an object of JSON, or an empty one."""
    return found if isinstance(found, Mapping) else {}


def mappings(found: object) -> list[Mapping[str, Any]]:
    """Return those items of a list that are objects."""
    return [item for item in items(found) if isinstance(item, Mapping)]


def items(found: object) -> Sequence[Any]:
    """Return a list, or an empty one."""
    return found if isinstance(found, list) else ()


def text(found: object) -> str:
    """Return a text, or the text of a number; empty for what is neither."""
    return str(found) if isinstance(found, str | int | float) else ""
