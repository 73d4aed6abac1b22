"""The names that a PromQL expression speaks of. Pure, and no parser: the server judges syntax.

Source: https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    | (?P<range>\[[^\]]*\])
    | (?P<number>0[xX][0-9a-fA-F]+|\d[\d.]*(?:[eE][+-]?\d+)?[a-z]*(?:\d+[a-z]+)*)
    | (?P<word>[a-zA-Z_:][a-zA-Z0-9_:.]*)
    | (?P<sign>=~|!~|!=|==|>=|<=|[^\s])""",
    re.VERBOSE,
)
_LISTS = ("by", "without", "on", "ignoring", "group_left", "group_right")
_KEPT = ("by", "on")  # lists of labels that have to be there to mean anything
_KEYWORDS = ("and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "start", "end", "e")
_AGGREGATIONS = (
    "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk",
    "count_values", "quantile", "limitk", "limit_ratio",
)  # fmt: skip
_MAKES_LABELS = ("label_replace", "label_join", "count_values", "info")
_MATCHES = ("=", "!=", "=~", "!~")


@dataclass(slots=True)
class Selected:
    """One selector: a metric, empty where only labels select, and the labels it is narrowed by."""

    metric: str = ""
    labels: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Named:
    """What an expression speaks of.

    Attributes:
        grouped: Labels that it splits or joins by.
        makes_labels: Whether it makes labels, so that `grouped` need not be there.
    """

    selected: list[Selected] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)
    makes_labels: bool = False

    @property
    def metrics(self) -> set[str]:
        """Return the names of the metrics."""
        return {one.metric for one in self.selected if one.metric}


def names(expression: str) -> Named:
    """Return the names in `expression`; of one that does not parse, those that can be told."""
    tokens = [
        (found.lastgroup or "", found[0])
        for found in _TOKEN.finditer(expression)
        if found.lastgroup not in ("comment", "range")
    ]
    named, at = Named(), 0
    while at < len(tokens):
        kind, text = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if text == "{" and kind == "sign":
            at = _braces(tokens, at, Selected(), named)
            continue
        if kind == "word" and text.lower() in _LISTS:
            at = _list(tokens, at, named)
            continue
        if kind == "word" and _is_metric(text, following):
            if following == "{":
                at = _braces(tokens, at + 1, Selected(metric=text), named)
                continue
            named.selected.append(Selected(metric=text))
        elif kind == "word":
            named.makes_labels |= text.lower() in _MAKES_LABELS
        at += 1
    return named


def _is_metric(word: str, following: str) -> bool:
    lower = word.lower()
    if lower in _KEYWORDS or following == "(":
        return False
    return not (lower in _AGGREGATIONS and following.lower() in _LISTS)


def _braces(tokens: list[tuple[str, str]], at: int, selected: Selected, named: Named) -> int:
    """Take `{…}`, which begins at `at`; return what follows it."""
    end = next((i for i in range(at, len(tokens)) if tokens[i] == ("sign", "}")), len(tokens))
    for name, sign, value in _matchers(tokens[at + 1 : end]):
        if not sign:
            selected.metric = name
        elif name == "__name__":
            selected.metric = value if sign == "=" else ""
        elif sign in ("=", "=~") and value not in ("", ".*"):  # the others hold without it too
            selected.labels.add(name)
    named.selected.append(selected)
    return end + 1


def _matchers(tokens: list[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield name, sign and value; a quoted name alone is a metric's, without a sign."""
    part: list[tuple[str, str]] = []
    for token in [*tokens, ("sign", ",")]:
        if token != ("sign", ","):
            part.append(token)
            continue
        if len(part) == 3 and part[1][1] in _MATCHES:
            yield _unquoted(*part[0]), part[1][1], _unquoted(*part[2])
        elif len(part) == 1 and part[0][0] == "text":
            yield _unquoted(*part[0]), "", ""
        part = []


def _list(tokens: list[tuple[str, str]], at: int, named: Named) -> int:
    """Take `by (…)`, which begins at `at`; return what follows it."""
    if at + 1 >= len(tokens) or tokens[at + 1][1] != "(":
        return at + 1
    end = next((i for i in range(at, len(tokens)) if tokens[i][1] == ")"), len(tokens))
    if tokens[at][1].lower() in _KEPT:
        inner = tokens[at + 2 : end]
        named.grouped |= {_unquoted(*one) for one in inner if one[0] in ("word", "text")}
    return end + 1


def _unquoted(kind: str, text: str) -> str:
    return text[1:-1] if kind == "text" else text
