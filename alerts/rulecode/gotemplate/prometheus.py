"""The functions that Prometheus adds to Go's.

Source: https://prometheus.io/docs/prometheus/latest/configuration/template_reference/#functions
"""

import ipaddress
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote_plus, urlsplit

from alerts import durations
from alerts.rulecode.gotemplate import regex
from alerts.rulecode.gotemplate.literals import MAX_INT, MIN_INT, encode, parse_float, quote
from alerts.rulecode.gotemplate.printing import bounded, show
from alerts.rulecode.gotemplate.times import time_at
from alerts.rulecode.gotemplate.values import (
    Anything,
    CallError,
    Function,
    Html,
    Param,
    Sample,
    Samples,
    Span,
    Texts,
    Time,
    Value,
    type_of,
)

Ask = Callable[[str], Sequence[tuple[Mapping[str, str], float]]]
_NIL = "runtime error: invalid memory address or nil pointer dereference"
_LARGE, _SMALL = ("k", "M", "G", "T", "P", "E", "Z", "Y"), ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the functions know of the world."""

    now: datetime
    external_url: str = ""
    ask: Ask | None = None  # answers `query`, at `now`; None where nothing can


def to_float(value: Value) -> float:
    """Return what the humanize functions make of their argument."""
    if isinstance(value, Span):
        return value.nanoseconds / 1e9
    if type(value) is str:
        try:
            return parse_float(value)
        except ValueError as error:
            raise CallError(str(error)) from error
    if type(value) in (float, int):
        return float(value)
    raise CallError(f"can't convert {type_of(value)} to float")


def humanize(value: Value) -> str:
    """Return a number with a metric prefix: `1.235M`."""
    number = to_float(value)
    if number == 0 or not math.isfinite(number):
        return _4(number)
    if abs(number) >= 1:
        return "".join(_prefixed(number, _LARGE, 1000))
    return "".join(_prefixed(number, _SMALL, 1000))


def humanize_1024(value: Value) -> str:
    """Return a number with a binary prefix: `1.5Mi`."""
    number = to_float(value)
    if not abs(number) > 1 or not math.isfinite(number):
        return _4(number)
    return "".join(_prefixed(number, _BINARY, 1024))


def humanize_duration(value: Value) -> str:
    """Return seconds as people say them: `1h 2m 3s`."""
    number = to_float(value)
    if not math.isfinite(number):
        return _4(number)
    if number != 0 and abs(number) < 1:
        return "".join(_prefixed(number, _SMALL, 1000)) + "s"
    sign, number = ("-", -number) if number < 0 else ("", number)
    whole = min(int(number), MAX_INT)
    minutes, seconds = divmod(whole, 60)
    if not minutes:
        return f"{sign}{_4(number)}s"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    shown = f"{days}d {hours}h " if days else f"{hours}h " if hours else ""
    return f"{sign}{shown}{minutes}m {seconds}s"


def humanize_percentage(value: Value) -> str:
    """Return a ratio as percent: `12.35%`."""
    return f"{_4(to_float(value) * 100)}%"


def humanize_timestamp(value: Value) -> str:
    """Return seconds since 1970 as a time."""
    number = to_float(value)
    return str(to_time(number)) if math.isfinite(number) else _4(number)


def to_time(value: Value) -> Time:
    """Return seconds since 1970 as a time, in UTC and to the millisecond."""
    number = to_float(value)
    if not math.isfinite(number):
        raise CallError("value is NaN or Inf")
    if not MIN_INT <= number * 1e9 <= MAX_INT:
        raise CallError(
            f"{show(number)} cannot be represented as a nanoseconds timestamp "
            "since it overflows int64"
        )
    return time_at(int(number * 1e9))


def to_duration(value: Value) -> Span:
    """Return seconds as a span of time."""
    number = to_float(value)
    if not math.isfinite(number):
        raise CallError("value is NaN or Inf")
    return Span(max(MIN_INT, min(MAX_INT, int(number * 1e9))))


def _4(number: float) -> str:
    if math.isfinite(number):
        return f"{number:.4g}"
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"


def _prefixed(number: float, prefixes: Sequence[str], step: float) -> tuple[str, str]:
    """Return the number at the prefix that keeps it short, and the prefix."""
    shrink, prefix = prefixes is not _SMALL, ""
    for each in prefixes:
        if abs(number) < step if shrink else abs(number) >= 1:
            break
        prefix, number = each, number / step if shrink else number * step
    return _4(number), prefix


def title(text: str) -> str:
    """Return the text with each word's first letter in upper case."""
    parts, previous = [], " "
    for char in _whole(text):
        starts = not (previous == "_" or previous.isalnum()) and (
            previous.isascii() or previous.isspace()
        )
        upper = char.title() if starts else char
        parts.append(upper if len(upper) == 1 else char)
        previous = char
    return "".join(parts)


def _cased(text: str, change: Callable[[str], str]) -> str:
    """Return the text changed letter by letter, as Go does: no letter becomes two."""
    return "".join(new if len(new := change(char)) == 1 else char for char in _whole(text))


def _whole(text: str) -> str:
    """Return the text with a mark for each byte that is not UTF-8."""
    return encode(text).decode("utf-8", "replace")


def _split_host(text: str) -> tuple[str, str] | None:
    """Return host and port of `host:port` as Go's net.SplitHostPort does, or None."""
    at = text.rfind(":")
    if at < 0:
        return None
    if text.startswith("["):
        end = text.find("]")
        if end < 0 or end + 1 != at:
            return None
        host, rest = text[1:end], text[end + 1 :]
        return None if "[" in text[1:] or "]" in rest else (host, text[at + 1 :])
    host = text[:at]
    return None if ":" in host or any(c in text for c in "[]") else (host, text[at + 1 :])


def strip_port(text: str) -> str:
    """Return the host of `host:port`."""
    found = _split_host(text)
    return found[0] if found else text


def strip_domain(text: str) -> str:
    """Return the host of `host.domain:port`, with its port; an address stays whole."""
    host, port = _split_host(text) or (text, "")
    if _is_address(host):
        return text
    host = host.split(".")[0]
    return f"{host}:{port}" if port else host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def parse_duration(text: str) -> float:
    """Return seconds."""
    if not text:
        raise CallError("empty duration string")
    try:
        return durations.parse(text).total_seconds()
    except ValueError as error:
        raise CallError(f"not a valid duration string: {quote(text)}") from error


def first(found: Samples) -> Sample:
    """Return the first of what a query found."""
    if not found:
        raise CallError("first() called on vector with no elements")
    return found[0]


def label(name: str, sample: Sample | None) -> str:
    """Return a sample's label."""
    return _there(sample).labels.get(name, "")


def value(sample: Sample | None) -> float:
    """Return a sample's value."""
    return _there(sample).value


def _there(sample: Sample | None) -> Sample:
    if sample is None:
        raise CallError(_NIL)
    return sample


def sort_by_label(name: str, found: Samples) -> Samples:
    """Return what a query found, by one label."""
    return Samples(sorted(found, key=lambda each: encode(each.labels.get(name, ""))))


def _link(expression: str, tab: int) -> str:
    return f"/graph?g0.expr={quote_plus(encode(expression), safe='~')}&g0.tab={tab}"


def _texts(function: Callable[..., Value], count: int = 1) -> Function:
    return Function(function, (Param.STRING,) * count)


def _anything(function: Callable[..., Value]) -> Function:
    return Function(function, (Param.ANY,))


FUNCTIONS: Mapping[str, Function] = {
    "args": Function(
        lambda *args: Anything({f"arg{i}": arg for i, arg in enumerate(args)}),
        (Param.ANY,),
        variadic=True,
    ),
    "first": Function(first, (Param.SAMPLES,)),
    "label": Function(label, (Param.STRING, Param.SAMPLE)),
    "value": Function(value, (Param.SAMPLE,)),
    "strvalue": Function(lambda sample: label("__value__", sample), (Param.SAMPLE,)),
    "sortByLabel": Function(sort_by_label, (Param.STRING, Param.SAMPLES)),
    "reReplaceAll": _texts(regex.replace_all, 3),
    "match": _texts(regex.matches, 2),
    "safeHtml": _texts(Html),
    "title": _texts(title),
    "toUpper": _texts(lambda text: _cased(text, str.upper)),
    "toLower": _texts(lambda text: _cased(text, str.lower)),
    "graphLink": _texts(lambda expression: bounded(_link(expression, 0))),
    "tableLink": _texts(lambda expression: bounded(_link(expression, 1))),
    "urlQueryEscape": _texts(lambda text: bounded(quote_plus(encode(text), safe="~"))),
    "stripPort": _texts(strip_port),
    "stripDomain": _texts(strip_domain),
    "parseDuration": _texts(parse_duration),
    "humanize": _anything(humanize),
    "humanize1024": _anything(humanize_1024),
    "humanizeDuration": _anything(humanize_duration),
    "humanizePercentage": _anything(humanize_percentage),
    "humanizeTimestamp": _anything(humanize_timestamp),
    "toTime": _anything(to_time),
    "toDuration": _anything(to_duration),
}
NEED_SURROUNDINGS = frozenset(("query", "externalURL", "pathPrefix", "now"))


def functions(around: Surroundings) -> Mapping[str, Function]:
    """Return what Prometheus adds, with the functions that look outside."""

    def query(expression: str) -> Samples:
        if around.ask is None:
            raise CallError("nothing here answers queries")
        return Samples(
            Sample(Texts(found), float(number)) for found, number in around.ask(expression)
        )

    return {
        **FUNCTIONS,
        "query": _texts(query),
        "externalURL": Function(lambda: around.external_url),
        "pathPrefix": Function(lambda: urlsplit(around.external_url).path),
        "now": Function(lambda: around.now.timestamp()),
    }
