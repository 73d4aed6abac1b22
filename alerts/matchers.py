"""Label matchers, as Alertmanager writes them: `feature="chat"`, `model=~"gpt-.*"`. Pure.

A regular expression is RE2's and must match the whole value, so that none can explode. A label
that an alert lacks counts as empty.

Source: https://prometheus.io/docs/alerting/latest/configuration/#matcher
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import re2

LIMIT = 500  # characters
_FORM = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_.]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class Operator(StrEnum):
    """How a matcher compares."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    MATCHES_NOT = "!~"


class MatcherError(ValueError):
    """Not a matcher; one sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition on one label."""

    name: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.operator}"{escaped}"'

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Say whether `labels` meet the condition."""
        value = labels.get(self.name, "")
        match self.operator:
            case Operator.EQUAL:
                return value == self.value
            case Operator.NOT_EQUAL:
                return value != self.value
            case Operator.MATCHES:
                return _expression(self.value).fullmatch(value) is not None
            case Operator.MATCHES_NOT:
                return _expression(self.value).fullmatch(value) is None


def parse(text: str) -> Matcher:
    """Return the matcher that `text` writes; quotes may be left out.

    Raises:
        MatcherError: It is none, or its regular expression is not one.
    """
    if len(text) > LIMIT:
        raise MatcherError(f"a matcher may have {LIMIT} characters")
    form = _FORM.fullmatch(text)
    if form is None:
        raise MatcherError(f'{text!r} is not a matcher: write label="value" or label=~"regex"')
    name, operator, value = form.groups()
    if value.startswith('"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise MatcherError(f"{text!r} has quotes that do not match")
        value = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), quoted[1], flags=re.DOTALL)
    matcher = Matcher(name=name, operator=Operator(operator), value=value)
    if matcher.operator in (Operator.MATCHES, Operator.MATCHES_NOT):
        _expression(value)
    return matcher


def parse_all(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """Return the matchers that `texts` write, of which one must want a label to be there.

    Raises:
        MatcherError: One is none, or together they match alerts without any label.
    """
    matchers = tuple(parse(text) for text in texts)
    if all(matcher.holds({}) for matcher in matchers):
        raise MatcherError("at least one matcher must ask for a value: these match every alert")
    return matchers


def match(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Say whether `labels` meet every condition."""
    return all(matcher.holds(labels) for matcher in matchers)


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise MatcherError(f"{pattern!r} is not a regular expression: {error}") from error
