"""Destinations as settings name them: `name=value, name=value`. Pure.

No message holds a value: it may be a secret.
"""

import re

DEFAULT = "default"
_NAME = r"[\w.-]+"
_WEB_URL = re.compile(r"https?://[^/\s]+\S*")
# What the address of a trace elsewhere may have in braces; `trace_id` in one form it must.
LINK_FIELDS = (
    *("trace_id", "trace_id_decimal", "span_id", "service"),
    *("start_ms", "end_ms", "start_s", "end_s"),
)


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


def links(text: str) -> dict[str, str]:
    """Return the templates of addresses of a trace by name, in order; none for nothing.

    Raises:
        DestinationError: One is no web address, names no trace, or asks for what nobody knows.
    """
    found = read(text, value=r"https?://") if text else {}
    for name, url in found.items():
        fields = re.findall(r"\{([a-z0-9_]+)\}", url)
        if not _WEB_URL.fullmatch(url) or not {"trace_id", "trace_id_decimal"} & set(fields):
            raise DestinationError(f"{name} needs an http or https address with {{trace_id}} in it")
        if unknown := next((field for field in fields if field not in LINK_FIELDS), None):
            known = ", ".join(f"{{{field}}}" for field in LINK_FIELDS)
            raise DestinationError(f"{name} has {{{unknown}}} in it; there are {known}")
    return found
