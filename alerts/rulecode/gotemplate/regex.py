"""Regular expressions as Prometheus knows them: RE2, which takes linear time whatever is asked.

The one file of this package that knows google-re2.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

from alerts.rulecode.gotemplate.literals import decode, encode, quote
from alerts.rulecode.gotemplate.printing import LIMIT_CHARACTERS
from alerts.rulecode.gotemplate.values import CallError

LIMIT_PATTERN = 4096
_GROUP = re.compile(r"\$(?:\$|\{([^}]*)\}|(\w+))", re.ASCII)
# RE2's words for what Go says differently.
_GO_WORDS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "trailing \\": "trailing backslash at end of expression",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
}


def matches(pattern: str, text: str) -> bool:
    """Say whether `pattern` is found anywhere in `text`.

    Raises:
        CallError: The pattern makes no sense, in Go's words.
    """
    return _compiled(pattern).search(encode(text)) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Return `text` with every match replaced; `$1` and `${name}` are the match's groups.

    Raises:
        CallError: The pattern makes no sense, in Go's words, or the result is too long.
    """
    try:
        compiled = _compiled(pattern)
    except CallError as error:
        shown = quote(pattern) if "`" in pattern else f"`{pattern}`"
        raise CallError(f"regexp: Compile({shown}): {error}") from error
    data, parts, end, length = encode(text), [], 0, 0
    for found in _found(compiled, data):
        parts += [data[end : found.start()], _expanded(replacement, found)]
        length += len(parts[-1]) + len(parts[-2])
        end = found.end()
        if length > LIMIT_CHARACTERS:
            raise CallError(f"longer than {LIMIT_CHARACTERS} characters")
    return decode(b"".join(parts) + data[end:])


def _found(compiled: Any, data: bytes) -> Iterator[Any]:
    """Yield the matches as Go counts them: an empty one right behind another is none."""
    end = -1
    for found in compiled.finditer(data):
        if not (found.start() == found.end() == end):
            yield found
        end = found.end()


def _expanded(replacement: str, found: Any) -> bytes:
    def group(reference: re.Match[str]) -> str:
        if reference[0] == "$$":
            return "$"
        name = reference[1] if reference[1] is not None else reference[2]
        if not re.fullmatch(r"\w+", name):
            return reference[0]
        try:
            taken = found.group(int(name) if name.isdecimal() else encode(name))
        except (IndexError, KeyError, re2.error):
            return ""
        return decode(taken or b"")

    return encode(_GROUP.sub(group, replacement))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    if len(pattern) > LIMIT_PATTERN:
        raise CallError(f"a pattern may have {LIMIT_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(encode(pattern), options=options)
    except re2.error as error:
        raise CallError(f"error parsing regexp: {_in_go_words(error)}") from error


def _in_go_words(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(error)
    for ours, theirs in _GO_WORDS.items():
        if text.startswith(f"{ours}: "):
            text = theirs + text[len(ours) :]
            break
    code, _, rest = text.partition(": ")
    return f"{code}: `{rest}`" if rest else code
