"""JSON that was cut off in the middle, made whole again: its last, broken item is dropped."""

import re

# Strings are matched as a whole, so that brackets inside of them do not count.
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_CLOSERS = {"[": "]", "{": "}"}


def mended(text: str) -> str:
    """Return `text` up to the last whole object that is an item of a list, and its closers.

    Raises:
        ValueError: There is no such object.
    """
    opened: list[str] = []
    end, closers = 0, ""
    for token in _TOKENS.finditer(text):
        sign = token[0]
        if sign in _CLOSERS:
            opened.append(_CLOSERS[sign])
        elif sign in ("]", "}"):
            if not opened or opened.pop() != sign:
                raise ValueError("the brackets do not match")
            if sign == "}" and opened and opened[-1] == "]":
                end, closers = token.end(), "".join(reversed(opened))
    if not end:
        raise ValueError("no whole item was read")
    return text[:end] + closers
