"""Numbers, characters and strings as Go writes and reads them.

Go's strings are bytes; here they are `str`, with a byte that is not UTF-8 as a lone surrogate.
"""

import re
from dataclasses import dataclass

MAX_INT, MIN_INT, MAX_UINT = 2**63 - 1, -(2**63), 2**64 - 1
_BY_ESCAPE = dict(zip("abfnrtv\\", "\a\b\f\n\r\t\v\\", strict=True))
_BY_CHAR = {char: "\\" + letter for letter, char in _BY_ESCAPE.items()}
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"])|([0-7]{3})|(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})))"
)
_DECIMAL = re.compile(r"[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?", re.ASCII)
_HEX = re.compile(
    r"[+-]?0[xX](?=[0-9a-fA-F_.]*[0-9a-fA-F])[0-9a-fA-F_]*\.?[0-9a-fA-F_]*[pP][+-]?\d[\d_]*",
    re.ASCII,
)
_SPECIAL = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE)


def quote(text: str) -> str:
    """Return `text` in double quotes, as `%q` writes it."""
    return '"' + "".join(escape(char, '"') for char in text) + '"'


def quote_ascii(text: str) -> str:
    """Return `text` in double quotes and ASCII, as `%+q` writes it."""
    return '"' + "".join(escape(char, '"', ascii_only=True) for char in text) + '"'


def escape(char: str, mark: str, *, ascii_only: bool = False) -> str:
    """Return a character as it stands between two of `mark`."""
    code = ord(char)
    if char in (mark, "\\"):
        return "\\" + char
    if char.isprintable() and (char.isascii() or not ascii_only):
        return char
    if char in _BY_CHAR:
        return _BY_CHAR[char]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unquote(text: str) -> str:
    """Return what a string token with its quotes stands for.

    Raises:
        ValueError: It has an escape that Go does not know.
    """
    if text.startswith("`"):
        return text[1:-1].replace("\r", "")
    return decode(b"".join(_bytes_of(text[1:-1], '"')))


def unquote_char(text: str) -> int:
    """Return the code point of a character constant with its quotes.

    Raises:
        ValueError: It is not one character.
    """
    body = text[1:-1]
    found = _ESCAPE.match(body)
    if found is None:
        if len(body) != 1 or body in "\\'":
            raise _malformed(text)
        return ord(body)
    if found.end() != len(body):
        raise _malformed(text)
    return _code(found, "'")


def _malformed(text: str) -> ValueError:
    if text in ("''", "'''") or text.startswith("'\\"):
        return ValueError("invalid syntax")
    return ValueError(f"malformed character constant: {text}")


def encode(text: str) -> bytes:
    """Return the bytes that Go has for `text`."""
    return text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    """Return the text that stands for Go's bytes."""
    return data.decode("utf-8", "surrogateescape")


def _bytes_of(body: str, mark: str) -> list[bytes]:
    parts, at = [], 0
    while (slash := body.find("\\", at)) >= 0:
        found = _ESCAPE.match(body, slash)
        if found is None:
            raise ValueError("invalid syntax")
        parts.append(encode(body[at:slash]))
        code = _code(found, mark)
        parts.append(bytes([code]) if found[2] or found[3] else encode(chr(code)))
        at = found.end()
    return [*parts, encode(body[at:])]


def _code(found: re.Match[str], mark: str) -> int:
    simple, octal = found[1], found[2]
    if simple is not None:
        if simple in "'\"" and simple != mark:
            raise ValueError("invalid syntax")
        return ord(_BY_ESCAPE.get(simple, simple))
    code = int(octal, 8) if octal is not None else int(found[3] or found[4] or found[5], 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or (octal is not None and code > 255):
        raise ValueError("invalid syntax")
    return code


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written; `value` is None if no int holds it."""

    text: str
    value: int | float | complex | None


def parse_number(text: str) -> Number:
    """Return the number that a token writes, of the type that Go would give it.

    Raises:
        ValueError: It is not a number.
    """
    if text.endswith("i"):
        return Number(text, complex(text[:-1].replace("_", "") + "j"))
    whole = _parse_int(text)
    if whole is not None and MIN_INT <= whole <= MAX_INT:
        return Number(text, whole)
    if whole is not None and whole <= MAX_UINT and text[0] not in "+-":
        return Number(text, None)
    try:
        value = parse_float(text)
    except ValueError:
        raise ValueError(f"illegal number syntax: {quote(text)}") from None
    if not any(mark in text for mark in ".eEpP"):
        raise ValueError(f"integer overflow: {quote(text)}")
    return Number(text, value)


def _parse_int(text: str) -> int | None:
    digits = text.lstrip("+-")
    base = 8 if re.fullmatch(r"0[0-7_]+", digits) else 0
    try:
        return int(text, base)
    except ValueError:
        return None


def parse_float(text: str) -> float:
    """Return the number that Go's strconv.ParseFloat reads.

    Raises:
        ValueError: It is not a number, or none that a float64 holds.
    """
    bare = text.replace("_", "")
    if _SPECIAL.fullmatch(text) or _DECIMAL.fullmatch(text):
        value = float(bare)
    elif _HEX.fullmatch(text):
        value = _from_hex(bare)
    else:
        raise _unparsable(text, "invalid syntax")
    if bare != text and re.search(r"__|_$|_[^0-9a-fA-F]|(?<![0-9a-fA-FxX])_", text):
        raise _unparsable(text, "invalid syntax")
    if value in (float("inf"), float("-inf")) and not _SPECIAL.fullmatch(text):
        raise _unparsable(text, "value out of range")
    return value


def _from_hex(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return float("inf")


def _unparsable(text: str, why: str) -> ValueError:
    return ValueError(f"strconv.ParseFloat: parsing {quote(text)}: {why}")
