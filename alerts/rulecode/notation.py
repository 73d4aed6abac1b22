"""Series as promtool's unit tests write them: `up{job="a"}` and `0+1x5 _ stale`. Pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series
"""

import re
from collections.abc import Sequence
from enum import Enum

from alerts.rulecode.gotemplate.literals import unquote

LIMIT_SAMPLES = 1_000_000  # of one series
_TOO_MANY = f"a series may have {LIMIT_SAMPLES:,} samples"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_SPECIAL = re.compile(r"[+-]?(?:inf|nan)", re.IGNORECASE)
_ITEM = re.compile(rf"({_NUMBER})(?:([+-](?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)?x(\d+))?", re.ASCII)
_GAP = re.compile(r"_(?:x(\d+))?", re.ASCII)
_TEXT = r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`'
_PAIR = re.compile(rf"\s*(?:([a-zA-Z_]\w*)|({_TEXT}))\s*(?:=\s*({_TEXT}))?\s*", re.ASCII)
_METRIC = re.compile(r"[a-zA-Z_:][\w:]*", re.ASCII)


class Mark(Enum):
    """A sample that is no number."""

    STALE = "stale"  # the series ended here, as when its target is gone


Point = float | Mark | None  # None: nothing was scraped


def expand(values: str) -> tuple[Point, ...]:
    """Return the points that `values` stands for, one an interval.

    Raises:
        ValueError: It is not written like `1 2+3x4 _x2 stale`, or is too long.
    """
    found: list[Point] = []
    for item in values.split():
        found.extend(_points(item, LIMIT_SAMPLES - len(found)))
    return tuple(found)


def _points(item: str, room: int) -> Sequence[Point]:
    if not room:
        raise ValueError(_TOO_MANY)
    if item == "stale":
        return (Mark.STALE,)
    if _SPECIAL.fullmatch(item):
        return (float(item),)
    if gap := _GAP.fullmatch(item):
        return [None] * _count(gap[1] or "1", room)
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(f"{item!r} is no value: write 1, 0+1x5, 2x3, _, _x3, stale, Inf or NaN")
    first, step = float(match[1]), float(match[2] or 0)
    if match[3] is None:
        return (first,)
    points = [first]
    for _ in range(_count(match[3], room - 1)):
        points.append(points[-1] + step)  # added up as promtool does, rest and all
    return points


def _count(digits: str, room: int) -> int:
    count = int(digits[:20])
    if count > room:
        raise ValueError(_TOO_MANY)
    return count


def parse_series(text: str) -> dict[str, str]:
    """Return the labels of `name{label="value"}`, the name under `__name__`.

    Raises:
        ValueError: It is not written so.
    """
    text = text.strip()
    name = _METRIC.match(text)
    labels = {"__name__": name[0]} if name else {}
    rest = text[name.end() :] if name else text
    if not rest and name:
        return labels
    if not (rest.startswith("{") and rest.endswith("}")):
        raise ValueError(f'{text!r} is no series: write up{{job="a"}}')
    at, inside = 0, rest[1:-1]
    while at < len(inside) and inside[at:].strip():
        match = _PAIR.match(inside, at)
        if match is None or (match.end() < len(inside) and inside[match.end()] != ","):
            raise ValueError(f'{text!r}: labels are written label="value"')
        _add(labels, match, text)
        at = match.end() + 1
    return labels


def _add(labels: dict[str, str], match: re.Match[str], text: str) -> None:
    bare, quoted, value = match.groups()
    if value is None and quoted is not None:
        name, content = "__name__", _unquoted(quoted)  # {"a name", …}
    elif value is not None:
        name, content = bare or _unquoted(quoted), _unquoted(value)
    else:
        raise ValueError(f"{text!r}: label {bare!r} has no value")
    if name in labels:
        raise ValueError(f"{text!r}: {name!r} is there twice")
    labels[name] = content


def _unquoted(text: str) -> str:
    if text.startswith("'"):
        body = re.sub(r'(?<!\\)"', r"\"", text[1:-1]).replace(r"\'", "'")
        return unquote(f'"{body}"')
    return unquote(text)
