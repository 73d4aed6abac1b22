"""Destinations as settings name them: `name=value, name=value`. Pure.

No message holds a value: it may be a secret.
"""

import re

DEFAULT = "default"
_NAME = r"[\w.-]+"


class DestinationError(ValueError):
    """Not a list of names and values; the message says what is wrong in half a sentence."""


def read(text: str, *, value: str = r"") -> dict[str, str]:
    """Return the values by name, in order; one without a name is `default`.

    Args:
        text: As set.
        value: How each value begins, as a regular expression, where values may hold commas.

    Raises:
        DestinationError: A name or a value is missing, or comes twice.
    """
    found: dict[str, str] = {}
    for part in re.split(rf",\s*(?={_NAME}\s*={value})", text.strip().rstrip(",")):
        named = re.fullmatch(rf"({_NAME})\s*=\s*({value}.*)", part.strip(), re.DOTALL)
        name, found_value = (named[1], named[2].strip()) if named else (DEFAULT, part.strip())
        if not found_value:
            raise DestinationError(f"{name} has no value")
        if name in found:
            raise DestinationError(f"{name} is named twice")
        if found_value in found.values():
            raise DestinationError(f"{name} is the same as another")
        found[name] = found_value
    return found
