"""Go's Sprintf: a format's verbs, worked off one after the other.

Source: https://pkg.go.dev/fmt#hdr-Printing
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from alerts.rulecode.gotemplate.printing import LIMIT_CHARACTERS, PLAIN, Flags, bounded, write
from alerts.rulecode.gotemplate.values import CallError, Value, type_of

_LARGEST = 1_000_000  # width or precision; Go ignores what is larger
_DIGITS = re.compile(r"[0-9]*")


@dataclass(slots=True)
class _Format:
    """How far a format has been worked off."""

    text: str
    args: Sequence[Value]
    at: int = 0
    next_arg: int = 0
    reordered: bool = False
    good_index: bool = True
    out: list[str] = field(default_factory=list)


def sprintf(text: str, args: Sequence[Value]) -> str:
    """Return `text` with its verbs replaced, as Go's Sprintf does."""
    work, length = _Format(text, args), 0
    while (percent := text.find("%", work.at)) >= 0:
        work.out.append(text[work.at : percent])
        work.at = percent + 1
        _verb(work)
        length += sum(map(len, work.out[-2:]))
        if length > LIMIT_CHARACTERS:
            raise CallError(f"longer than {LIMIT_CHARACTERS} characters")
    work.out.append(text[work.at :])
    left = args[work.next_arg :]
    if left and not work.reordered:
        extra = (
            "<nil>" if arg is None else f"{type_of(arg)}={write(arg, 'v', PLAIN)}" for arg in left
        )
        work.out.append(f"%!(EXTRA {', '.join(extra)})")
    return bounded("".join(work.out))


def _verb(work: _Format) -> None:
    work.good_index = True
    flags = _flags(work)
    after_index = _index(work)
    flags, after_index = _width(work, flags, after_index)
    flags, after_index = _precision(work, flags, after_index)
    if not after_index:
        _index(work)
    verb, work.at = work.text[work.at : work.at + 1], work.at + 1
    if not verb:
        work.out.append("%!(NOVERB)")
    elif verb == "%":
        work.out.append("%")
    elif not work.good_index:
        work.out.append(f"%!{verb}(BADINDEX)")
    elif work.next_arg >= len(work.args):
        work.out.append(f"%!{verb}(MISSING)")
    else:
        arg, work.next_arg = work.args[work.next_arg], work.next_arg + 1
        if verb == "v":
            go_syntax, names = flags.sharp, flags.plus
            flags = replace(flags, sharp=False, plus=False, go_syntax=go_syntax, field_names=names)
        work.out.append(write(arg, verb, flags))


def _flags(work: _Format) -> Flags:
    start = work.at
    while work.text[work.at : work.at + 1] in ("#", "0", "+", "-", " "):
        work.at += 1
    seen = work.text[start : work.at]
    return Flags(
        plus="+" in seen,
        minus="-" in seen,
        sharp="#" in seen,
        space=" " in seen,
        zero="0" in seen and "-" not in seen,
    )


def _index(work: _Format) -> bool:
    """Take `[n]`, which chooses the next argument; say whether it was there and a number."""
    start = work.at
    if not work.text.startswith("[", start):
        return False
    work.reordered = True
    end = work.text.find("]", start)
    if end < 0 or len(work.text) - start < 3:
        work.good_index = False
        work.at += 1
        return False
    work.at = end + 1
    digits = work.text[start + 1 : end]
    if not re.fullmatch(r"[0-9]{1,7}", digits):
        work.good_index = False
        return False
    if 0 < int(digits) <= len(work.args):
        work.next_arg = int(digits) - 1
    else:
        work.good_index = False
    return True


def _width(work: _Format, flags: Flags, after_index: bool) -> tuple[Flags, bool]:
    if work.text.startswith("*", work.at):
        work.at += 1
        width = _number_from_args(work)
        if width is None:
            work.out.append("%!(BADWIDTH)")
        elif width < 0:
            flags = replace(flags, minus=True, zero=False)
        return replace(flags, width=None if width is None else abs(width)), False
    width = _number(work)
    if after_index and width is not None:
        work.good_index = False
    return replace(flags, width=width), after_index


def _precision(work: _Format, flags: Flags, after_index: bool) -> tuple[Flags, bool]:
    if not work.text.startswith(".", work.at) or work.at + 1 >= len(work.text):
        return flags, after_index
    work.at += 1
    if after_index:
        work.good_index = False
    after_index = _index(work)
    if not work.text.startswith("*", work.at):
        return replace(flags, precision=_number(work) or 0), after_index
    work.at += 1
    precision = _number_from_args(work)
    if precision is None or precision < 0:
        work.out.append("%!(BADPREC)")
        return flags, False
    return replace(flags, precision=precision), False


def _number(work: _Format) -> int | None:
    found = _DIGITS.match(work.text, work.at)
    digits = found[0] if found else ""
    work.at += len(digits)
    if len(digits) > 8 or int(digits or 0) > _LARGEST:
        work.at = len(work.text)  # Go gives up on the rest of the format
        return None
    return int(digits) if digits else None


def _number_from_args(work: _Format) -> int | None:
    if work.next_arg >= len(work.args):
        return None
    arg, work.next_arg = work.args[work.next_arg], work.next_arg + 1
    if isinstance(arg, int) and not isinstance(arg, bool) and abs(arg) <= _LARGEST:
        return int(arg)
    return None
