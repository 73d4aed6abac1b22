"""Go's package fmt over a template's values: print, printf, println.

Source: https://pkg.go.dev/fmt
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from alerts.rulecode.gotemplate.floats import write_float
from alerts.rulecode.gotemplate.literals import encode, escape, quote, quote_ascii
from alerts.rulecode.gotemplate.values import (
    Anything,
    Byte,
    CallError,
    Kind,
    Named,
    Root,
    Sample,
    Samples,
    Span,
    Texts,
    Time,
    Value,
    kind_of,
    type_of,
)

LIMIT_CHARACTERS = 65_536


@dataclass(frozen=True, slots=True)
class Flags:
    """What stands between the percent sign and the verb."""

    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None
    go_syntax: bool = False  # `%#v`
    field_names: bool = False  # `%+v`

    def pad(self, text: str, *, zero: bool | None = None) -> str:
        """Return `text` at its width."""
        if not self.width or len(text) >= self.width:
            return text
        if self.minus:
            return text.ljust(self.width)
        return text.rjust(self.width, "0" if (self.zero if zero is None else zero) else " ")


PLAIN = Flags()


def show(value: Value) -> str:
    """Return what an action prints: a pointer's target, `<no value>` for nothing."""
    if value is None:
        return "<no value>"
    return sprint([value], through_pointers=True)


def sprint(args: Sequence[Value], *, through_pointers: bool = False) -> str:
    """Return the arguments in a row, with a space between two that are no strings."""
    parts: list[str] = []
    was_text = True
    for arg in args:
        is_text = kind_of(arg) is Kind.STRING
        if parts and not is_text and not was_text:
            parts.append(" ")
        shown = (
            _struct(arg, "v", PLAIN, 1) if through_pointers and isinstance(arg, Sample) else None
        )
        parts.append(shown if shown is not None else write(arg, "v", PLAIN))
        was_text = is_text
    return bounded("".join(parts))


def sprintln(args: Sequence[Value]) -> str:
    """Return the arguments with spaces between and a newline behind."""
    return bounded(" ".join(write(arg, "v", PLAIN) for arg in args) + "\n")


def bounded(text: str) -> str:
    """Return `text`.

    Raises:
        CallError: It is longer than any annotation may be.
    """
    if len(text) > LIMIT_CHARACTERS:
        raise CallError(f"longer than {LIMIT_CHARACTERS} characters")
    return text


def write(value: Value, verb: str, flags: Flags, *, depth: int = 0) -> str:
    """Return a value as `verb` writes it; a verb that does not fit is said in the text."""
    if max(flags.width or 0, flags.precision or 0) > LIMIT_CHARACTERS:
        raise CallError(f"longer than {LIMIT_CHARACTERS} characters")
    if value is None:
        if depth > 0:
            return "<nil>"
        return flags.pad("<nil>") if verb in "vT" else f"%!{verb}(<nil>)"
    if depth == 0 and verb == "T":
        return _string(type_of(value), "s", flags)
    if depth == 0 and verb == "p":
        return _pointer(value, verb, flags)
    if isinstance(value, Time | Span | Named) and verb in "vsxXq" and not flags.go_syntax:
        return _string(str(value), verb, flags)
    return _by_kind(value, verb, flags, depth)


def _by_kind(value: Value, verb: str, flags: Flags, depth: int) -> str:
    kind = kind_of(value)
    if kind in _VERBS:
        return _basic(value, verb, flags) if verb in _VERBS[kind] else _unfit(value, verb, flags)
    if isinstance(value, Texts | Anything):
        return _map(value, verb, flags, depth)
    if isinstance(value, Samples):
        shown = [write(each, verb, flags, depth=depth + 1) for each in value]
        if flags.go_syntax:
            return f"{type_of(value)}{{{', '.join(shown)}}}"
        return f"[{' '.join(shown)}]"
    if isinstance(value, Root):
        return _struct(value, verb, flags, depth + 1)
    if isinstance(value, Sample) and depth == 0:
        return "&" + _struct(value, verb, flags, depth + 1)
    return _pointer(value, verb, flags)


_VERBS = {
    Kind.BOOL: "tv",
    Kind.INT: "vdboOxXcqU",
    Kind.UINT: "vdboOxXcqU",
    Kind.FLOAT: "vbgGxXfFeE",
    Kind.COMPLEX: "vbgGxXfFeE",
    Kind.STRING: "vsxXq",
}


def _basic(value: Value, verb: str, flags: Flags) -> str:
    if isinstance(value, bool):
        return flags.pad("true" if value else "false")
    if isinstance(value, float):
        return _float(value, verb, flags)
    if isinstance(value, complex):
        imaginary = _float(value.imag, verb, replace(flags, plus=True))
        return f"({_float(value.real, verb, flags)}{imaginary}i)"
    if isinstance(value, str):
        return _string(value, "q" if flags.go_syntax else verb, flags)
    return _integer(value, verb, flags)


def _unfit(value: Value, verb: str, flags: Flags) -> str:
    return f"%!{verb}({type_of(value)}={write(value, 'v', flags)})"


def _map(value: Texts | Anything, verb: str, flags: Flags, depth: int) -> str:
    shown = [
        f"{write(key, verb, flags, depth=depth + 1)}:{write(each, verb, flags, depth=depth + 1)}"
        for key, each in sorted(value.items(), key=lambda item: encode(item[0]))
    ]
    if flags.go_syntax:
        return f"{type_of(value)}{{{', '.join(shown)}}}"
    return f"map[{' '.join(shown)}]"


def _struct(value: Sample | Root, verb: str, flags: Flags, depth: int) -> str:
    shown = []
    for name, each in value.fields.items():
        text = write(each, verb, flags, depth=depth)
        shown.append(f"{name}:{text}" if flags.go_syntax or flags.field_names else text)
    if flags.go_syntax:
        return f"{type_of(value).removeprefix('*')}{{{', '.join(shown)}}}"
    return f"{{{' '.join(shown)}}}"


def _pointer(value: Value, verb: str, flags: Flags) -> str:
    """Return an address. Go's are of its memory and differ from run to run; ours are all one."""
    if isinstance(value, Sample | Samples | Texts | Anything | Time | Span):
        if verb in "vp":
            return flags.pad("0xc000000000")
        if verb in "bodxX":
            return _integer(0xC000000000, verb, flags)
    return _unfit(value, verb, flags)


def _string(text: str, verb: str, flags: Flags) -> str:
    if verb in "xX":
        return _hexadecimal(text, verb, flags)
    text = str(text) if flags.precision is None else text[: flags.precision]
    if verb != "q":
        return flags.pad(text)
    raw = "`" not in text and all(c == "\t" or c.isprintable() for c in text)
    if flags.sharp and raw:
        return flags.pad(f"`{text}`")
    return flags.pad(quote_ascii(text) if flags.plus else quote(text))


def _hexadecimal(text: str, verb: str, flags: Flags) -> str:
    data = encode(text)[: flags.precision]
    digits = [f"{byte:02x}" for byte in data]
    prefix = "0x" if flags.sharp else ""
    shown = f" {prefix}".join(digits) if flags.space else "".join(digits)
    shown = prefix + shown if shown else ""
    return flags.pad(shown.upper() if verb == "X" else shown)


def _integer(value: int | Named, verb: str, flags: Flags) -> str:
    number = value.number if isinstance(value, Named) else int(value)
    if verb in "cqU":
        return _character(number, verb, flags)
    if flags.go_syntax and isinstance(value, Byte):
        verb, flags = "x", replace(flags, sharp=True)
    digits = format(abs(number), {"b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}.get(verb, "d"))
    if flags.precision == 0 and number == 0:
        return " " * (flags.width or 0)
    sign = "-" if number < 0 else "+" if flags.plus else " " if flags.space else ""
    least = flags.precision or 0
    if flags.precision is None and flags.zero and flags.width:
        least = flags.width - len(sign)
    digits = digits.rjust(least, "0")
    return flags.pad(sign + _base(verb, digits, sharp=flags.sharp) + digits, zero=False)


def _base(verb: str, digits: str, *, sharp: bool) -> str:
    if verb == "O":
        return "0o" if not sharp or digits.startswith("0") else "0o0"
    if not sharp:
        return ""
    if verb == "o":
        return "" if digits.startswith("0") else "0"
    return {"b": "0b", "x": "0x", "X": "0X"}.get(verb, "")


def _character(number: int, verb: str, flags: Flags) -> str:
    valid = 0 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    char = chr(number) if valid else "\ufffd"
    if verb == "c":
        return flags.pad(char)
    if verb == "q":
        return flags.pad(f"'{escape(char, chr(39), ascii_only=flags.plus)}'")
    shown = f"U+{number % 2**64:0{max(4, flags.precision or 0)}X}"
    if flags.sharp and valid and char.isprintable():
        shown += f" '{char}'"
    return flags.pad(shown, zero=False)


def _float(value: float, verb: str, flags: Flags) -> str:
    text = write_float(
        value,
        "g" if verb == "v" else "f" if verb == "F" else verb,
        6 if verb in "fFeE" and flags.precision is None else flags.precision,
        sharp=flags.sharp,
    )
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("+", text)
    if sign == "+" and flags.space and not flags.plus:
        sign = " "
    if not math.isfinite(value):
        bare = math.isnan(value) and not (flags.space or flags.plus)
        return flags.pad(digits if bare else sign + digits, zero=False)
    if flags.plus or sign != "+":
        if flags.zero and flags.width and flags.width > len(digits) + 1:
            return sign + digits.rjust(flags.width - 1, "0")
        return flags.pad(sign + digits)
    return flags.pad(digits)
