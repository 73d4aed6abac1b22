"""What was pasted into the box of the Traces page, and what it may be the name of. Pure.

People paste what they have: an id in any spelling, a link, a log line, the text of a ticket. The
result are candidates, the likeliest first; the stores say which of them is real.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from signals.redact import pseudonym
from signals.traces import ids, people

MAX_TEXT: Final = 20_000  # characters that are looked at
MOST_IDS: Final = 3
MOST_NAMES: Final = 3
_LONGEST_NAME: Final = 200

_HEX = r"[0-9a-f]"
_UUID = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
# An id that is called one comes first, then the long forms, then a 64-bit id as Zipkin, Datadog
# and Tempo (which strips leading zeros) write it.
_FORMS = tuple(
    re.compile(rf"{before}(?<!{_HEX})({form})(?!{_HEX})")
    for before, form in (
        (r"trace[\s_-]{0,2}(?:id)?[\"'\s:=/]{1,4}", rf"{_UUID}|{_HEX}{{12,32}}"),
        ("", _UUID),
        ("", rf"{_HEX}{{32}}"),
        ("", rf"{_HEX}{{16,31}}"),
    )
)
_BASE64 = re.compile(r"(?<![\w+/])[\w+/-]{22}==(?!=)")
# Ids of spans stand beside those of traces, by name or in a `traceparent`.
_SPAN_IDS = re.compile(
    rf"(?:span|parent)[\s_-]?(?:id)?[\"'\s:=/]{{1,4}}{_HEX}{{16}}(?!{_HEX})"
    rf"|(?<={_HEX})-{_HEX}{{16}}-{_HEX}{{2}}(?!{_HEX})"
)

_FIELDS: Final = {
    "request": "request_id",
    "req": "request_id",
    "session": "session_id",
    "conversation": "session_id",
    "thread": "session_id",
    "user": "user_id",
    "enduser": "user_id",
}
_NAMED = re.compile(
    rf"(?<![a-z])({'|'.join(_FIELDS)})[\s_.-]?(?:ids?|s)?[\"']?\s{{0,2}}[:=/]\s{{0,2}}[\"']?"
    rf"([^\s\"'&,;{{}}\[\]()<>|\\?#/]{{1,{_LONGEST_NAME}}})",
    re.IGNORECASE,
)
_MARK = re.compile(rf"(?<!\w)user [0-9a-f]{{{people.DIGITS}}}(?!\w)")
_ALONE = re.compile(rf"[^\s\"'&,;{{}}()<>|\\?=]{{2,{_LONGEST_NAME}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a text may be the name of.

    Attributes:
        trace_ids: Of 32 lower hex digits, at most `MOST_IDS`.
        names: (field of `signals.traces.SEARCHED`, value) pairs to search by where no trace has
            one of the ids, at most `MOST_NAMES`; a user is told by their mark.
        cut: Only the first `MAX_TEXT` characters were looked at.
    """

    trace_ids: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    cut: bool = False

    @property
    def is_nothing(self) -> bool:
        """Say that there is nothing to look for."""
        return not (self.trace_ids or self.names)


def seek(text: str) -> Sought:
    """Return what `text` may be the name of.

    Trace ids are read as 12 to 32 hex digits, a UUID, base64 or a `traceparent`, in upper or lower
    case, with any text around them; requests, sessions and users where they are called so, or
    where nothing else was pasted.
    """
    looked_at = unquote(text[:MAX_TEXT], errors="replace").strip()
    return Sought(
        trace_ids=tuple(dict.fromkeys(_trace_ids(looked_at)))[:MOST_IDS],
        names=tuple(dict.fromkeys(_names(looked_at)))[:MOST_NAMES],
        cut=len(text) > MAX_TEXT,
    )


def malformed(text: str) -> str:
    """Return the sentence for a text in which no trace id was found."""
    written = text[:MAX_TEXT].strip().lower().replace("-", "")
    if written and set(written) == {"0"}:
        return "A trace id of zeros only means that the sender had no trace."
    if written and set(written) <= set("0123456789abcdef"):
        return (
            "A trace id has 32 hexadecimal digits, or 16 in older systems; "
            f"this one has {len(written):,}."
        )
    return (
        "There is no trace id in that: it has 32 hexadecimal digits (0-9, a-f), or 16 in older "
        "systems, or is written as a UUID."
    )


def _trace_ids(text: str) -> Iterator[str]:
    small = _SPAN_IDS.sub(" ", text.lower())
    found = [match[1] for form in _FORMS for match in form.finditer(small)]
    found += [match[0] for match in _BASE64.finditer(text)]
    if len(text) == 22:
        found.append(text)  # base64 without its padding; in a longer text any word could be one
    for written in found:
        with contextlib.suppress(ids.MalformedIdError):
            yield ids.trace_id(written)


def _names(text: str) -> Iterator[tuple[str, str]]:
    for match in _MARK.finditer(text):
        yield "user_id", match[0]
    for match in _NAMED.finditer(text):
        yield _named(_FIELDS[match[1].lower()], match[2])
    if (
        _ALONE.fullmatch(text)
        and "://" not in text
        and not _NAMED.search(text)
        and text.strip("0-")
    ):
        # An address is nobody's request.
        for field in ("user_id",) if "@" in text else ("request_id", "session_id", "user_id"):
            yield _named(field, text)


def _named(field: str, value: str) -> tuple[str, str]:
    """Return what to search by: a user as the stores know them, and only by their mark."""
    return (field, people.mark(pseudonym(value))) if field == "user_id" else (field, value)
