"""Floats as Go's strconv.FormatFloat writes them."""

import math


def write_float(value: float, verb: str, precision: int | None, *, sharp: bool = False) -> str:
    """Return `value` by the verb b, e, E, f, g, G, x or X; None asks for as few digits as do.

    Infinity comes with its sign, NaN without.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if verb == "b":
        return _binary(value)
    if verb in "xX":
        text = _hexadecimal(value, precision)
        text = text.upper() if verb == "X" else text
    else:
        text = _shortest(value, verb) if precision is None else f"{value:.{precision}{verb}}"
    return _with_point(text, 6 if precision is None else precision, verb) if sharp else text


def _parts(value: float) -> tuple[str, int, int]:
    """Return sign, 53 bits (fewer for the smallest numbers) and exponent: bits * 2**exponent."""
    mantissa, exponent = math.frexp(abs(value))
    sign = "-" if math.copysign(1, value) < 0 else ""
    return sign, int(mantissa * 2**53), exponent - 53


def _binary(value: float) -> str:
    sign, bits, exponent = _parts(value)
    if value == 0 or exponent < -1074:
        bits, exponent = bits >> (0 if value == 0 else -1074 - exponent), -1074
    return f"{sign}{bits}p{exponent:+d}"


def _hexadecimal(value: float, precision: int | None) -> str:
    sign, bits, exponent = _parts(value)
    if precision is not None and precision < 13:
        shift = 52 - 4 * precision
        bits = round(bits / 2**shift) << shift  # exact: both have 53 bits; round() is half to even
    if bits >> 53:
        bits, exponent = bits >> 1, exponent + 1
    digits = f"{bits & (2**52 - 1):013x}"
    digits = digits.rstrip("0") if precision is None else digits[:precision].ljust(precision, "0")
    exponent = exponent + 52 if value else 0
    return f"{sign}0x{bits >> 52}{'.' if digits else ''}{digits}p{exponent:+03d}"


def _shortest(value: float, verb: str) -> str:
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign, mantissa = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0)  # digits before the decimal point
    point -= len(whole + fraction) - len((whole + fraction).lstrip("0"))
    digits = digits.rstrip("0")
    if not digits:
        return f"{sign}0"
    if point - 1 < -4 or point - 1 >= 6:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        mark = "E" if verb == "G" else "e"
        return f"{sign}{digits[0]}{rest}{mark}{point - 1:+03d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    padded = digits.ljust(point, "0")
    rest = f".{padded[point:]}" if len(padded) > point else ""
    return f"{sign}{padded[:point]}{rest}"


def _with_point(text: str, digits: int, verb: str) -> str:
    """Return what `#` asks for: a decimal point always, and no zero cut off."""
    mark = next((m for m in ("pP" if verb in "xX" else "eE") if m in text), "")
    mantissa, mark, exponent = text.partition(mark) if mark else (text, "", "")
    tail = mark + exponent
    sign, body = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    if verb not in "gGx":
        return f"{sign}{body}{'' if '.' in body else '.'}{tail}"
    seen = len(body.replace(".", "").lstrip("0"))
    missing = digits - seen - (body == "0")
    point = "" if "." in body else "."
    return f"{sign}{body}{point}{'0' * max(0, missing)}{tail}"
