"""A small evaluator of TraceQL for the stand-in of Tempo: what it does not know is a parse error.

Names and texts are read as Tempo's lexer reads them: a name ends where an operator begins unless
it is quoted, in which only quotes and backslashes are escaped; a text is one of Go's.

Source: https://grafana.com/docs/tempo/latest/traceql/construct-traceql-queries/;
grafana/tempo, pkg/traceql/lexer.go (parseAttribute, parseQuotedAtrribute, isAttributeRune)
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.kept_spans import KIND, STATUS, Kept

_TEXT = r'"(?:[^"\\\n]|\\(?:[abfnrtv\\"]|x[0-9a-f]{2}|u[0-9a-fA-F]{4}))*"'
_QUOTED_NAME = r'"(?:[^"\\]|\\["\\])*"'
_NAME = rf'(?:span|resource)?\.(?!\d)(?:{_QUOTED_NAME}|[^\s{{}}()=~!<>&|^,"])+'
_TOKEN = re.compile(
    rf"\s*({_NAME}|{_TEXT}|&&|\|\||=~|[<>!=]=|[{{}}()|,<>=]"
    r"|-?\d+(?:\.\d+)?(?:us|ms|s|m|h)?|\w+)"
)
_UNITS = {"us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}
Test = Callable[[Kept], bool]


class ParseError(Exception):
    """The query is none that Tempo would take."""


@dataclass
class Parsed:
    """A query: spansets that a trace must all have; what is selected, computed and grouped by."""

    sets: list[Test]
    selected: list[str]
    metric: str = ""
    quantile: float = 0.0
    by: tuple[str, ...] = ()
    most_recent: bool = False


def parse(text: str) -> Parsed:
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise ParseError(f"parse error at col {place}: unexpected character")
            self.tokens.append(match[1])
            place = match.end()

    def take(self, *wanted: str) -> str:
        if not self.tokens or (wanted and self.tokens[0] not in wanted):
            raise ParseError(f"parse error: expected {wanted}, got {self.tokens[:1]}")
        return self.tokens.pop(0)

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def query(self) -> Parsed:
        found = Parsed(sets=[self.spanset()], selected=[])
        while self.peek() == "&&":
            self.take()
            found.sets.append(self.spanset())
        while self.peek() == "|":
            self.take()
            self.stage(found)
        if self.peek() == "with":
            self.take()
            self.take("(")
            found.most_recent = [self.take(), self.take("="), self.take()] == [
                "most_recent",
                "=",
                "true",
            ]
            self.take(")")
        if self.tokens:
            raise ParseError(f"parse error: unexpected {self.tokens[0]}")
        return found

    def stage(self, found: Parsed) -> None:
        name = self.take("select", "quantile_over_time", "count_over_time", "rate")
        self.take("(")
        arguments = []
        while self.peek() != ")":
            arguments.append(self.take())
            if self.peek() == ",":
                self.take()
        self.take(")")
        if name == "select":
            found.selected = arguments
            return
        found.metric = name
        if name == "quantile_over_time":
            if arguments[0] != "duration":
                raise ParseError("parse error: only durations")
            found.quantile = float(arguments[1])
        if self.peek() == "by":
            self.take()
            self.take("(")
            keys = []
            while self.peek() != ")":
                keys.append(self.take())
                if self.peek() == ",":
                    self.take()
            self.take(")")
            if len(keys) > 5:
                raise ParseError("compiling query: max group by is 5")
            found.by = tuple(keys)

    def spanset(self) -> Test:
        self.take("{")
        if self.peek() == "}":
            self.take()
            return lambda span: True
        test = self.either()
        self.take("}")
        return test

    def either(self) -> Test:
        tests = [self.both()]
        while self.peek() == "||":
            self.take()
            tests.append(self.both())
        return lambda span: any(test(span) for test in tests)

    def both(self) -> Test:
        tests = [self.comparison()]
        while self.peek() == "&&":
            self.take()
            tests.append(self.comparison())
        return lambda span: all(test(span) for test in tests)

    def comparison(self) -> Test:
        if self.peek() == "(":
            self.take()
            test = self.either()
            self.take(")")
            return test
        if self.peek() in ("true", "false"):
            is_so = self.take() == "true"
            return lambda _: is_so
        field, operator = self.take(), self.take("=", "!=", "<", "<=", ">", ">=", "=~")
        wanted = _value(self.take())
        return lambda span: _compare(value_of(span, field), operator, wanted)


def value_of(span: Kept, field: str) -> Any:
    match field:
        case "nestedSetParent":
            return -1 if span.is_root else 1
        case "status":
            return STATUS[span.status]
        case "kind":
            return KIND[span.kind]
        case "statusMessage":
            return span.message
        case "duration":
            return float(span.duration)
        case "name":
            return span.name
    key = re.sub(r"^(span|resource)?\.", "", field)
    key = re.sub(_QUOTED_NAME, lambda quoted: re.sub(r"\\(.)", r"\1", quoted[0][1:-1]), key)
    if field.startswith("."):
        return span.attributes.get(key, span.resource.get(key))
    if field.startswith("span."):
        return span.attributes.get(key)
    if field.startswith("resource."):
        return span.resource.get(key)
    raise ParseError(f"parse error: unknown identifier: {field}")


def _value(token: str) -> Any:
    if token.startswith('"'):
        text: str = json.loads(token)
        return text
    number = re.fullmatch(r"(-?\d+(?:\.\d+)?)(us|ms|s|m|h)?", token)
    if number:
        return float(number[1]) * _UNITS.get(number[2] or "", 1)
    if token in ("true", "false"):
        return token == "true"
    return None if token == "nil" else token


def _compare(value: Any, operator: str, wanted: Any) -> bool:
    if wanted is None:
        return (value is None) == (operator == "=")
    # Tempo compares like with like: a text never equals a number.
    if value is None or _like(value) is not _like(wanted):
        return False
    if operator == "=~":
        return re.search(wanted, value) is not None
    return {
        "=": value == wanted,
        "!=": value != wanted,
        "<": value < wanted,
        "<=": value <= wanted,
        ">": value > wanted,
        ">=": value >= wanted,
    }[operator]


def _like(value: Any) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


def log2_quantile(quantile: float, durations: Sequence[float]) -> float:
    """Return a quantile in seconds as Tempo reads it off a histogram of powers of two."""
    buckets: dict[float, int] = {}
    for each in durations:
        top = 2 ** math.ceil(math.log2(max(each, 2)))
        buckets[top] = buckets.get(top, 0) + 1
    target, seen = quantile * len(durations), 0
    for top in sorted(buckets):
        if seen + buckets[top] >= target:
            share = (target - seen) / buckets[top]
            return (top / 2) * 2**share / 1e9
        seen += buckets[top]
    return 0.0
