"""PromQL and its answers, without a network: what to ask, and what the answer says."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote as percent

from signals import Labels, Query, QueryError, Reading, Sample, Series

# Prometheus refuses a range that asks for more points a series than this.
# Source: https://github.com/prometheus/prometheus/blob/v2.42.0/web/api/v1/api.go#L489
MAX_POINTS = 11_000
# 100 requests: more is a mistake in the step, and would take minutes.
MAX_CHUNKS = 100
# More is a mistake in the split, and would take minutes to show and to decide on.
MAX_SERIES = 20_000
# Beyond this a query travels as a form: proxies commonly refuse lines of 4 or 8 KiB.
LONGEST_URL_QUERY = 2_000
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

Item = Mapping[str, Any]


class MalformedError(Exception):
    """The answer does not have the shape of Prometheus' answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a server in the place of a question.

    Attributes:
        promql: The expression.
        renamed: Labels of the answer that are called otherwise here: theirs -> ours.
    """

    promql: str
    renamed: Mapping[str, str] = field(default_factory=dict)


def seconds_of(query: Query) -> int:
    """Return the window in whole seconds.

    Raises:
        QueryError: It is shorter than one.
    """
    seconds = int(query.window.total_seconds())
    if seconds < 1:
        raise QueryError(f"a window of {query.window} is too short: ask for a second or more")
    return seconds


def duration(seconds: int) -> str:
    """Return a span as people write it in PromQL: `5m`, `1d`, `90s`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def selector(name: str, matchers: Iterable[str] = ()) -> str:
    """Return the selector of the samples called `name`, which may be no plain PromQL name."""
    inner = list(matchers)
    if not _METRIC.fullmatch(name):
        # This old form is known to every server; Prometheus 3 alone also takes {"name"}.
        return f"{{{','.join([f'__name__={quote(name)}', *inner])}}}"
    return f"{name}{{{','.join(inner)}}}" if inner else name


def label_name(name: str) -> str:
    """Return a label's name as an expression has it: in quotes if it has dots.

    Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#time-series-selectors
    """
    return name if _LABEL.fullmatch(name) else quote(name)


def quote(value: str) -> str:
    """Return `value` as a PromQL string; JSON's escapes are all escapes of PromQL.

    Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
    """
    return json.dumps(value, ensure_ascii=False)


def vector_reading(
    vector: Sequence[Item],
    *,
    at: datetime,
    scope: Labels | None = None,
    renamed: Mapping[str, str] | None = None,
    infinite: bool = False,
) -> Reading:
    """Return what an instant vector says.

    NaN is 0/0: the series are there, and nothing happened. So is an infinity, a division by a
    zero count, unless `infinite` asks to keep it as the number that the author of an expression
    meant it to be.

    Args:
        vector: The `result` of Prometheus' answer.
        at: The instant it was asked for.
        scope: Labels that all samples share and the vector may leave out.
        renamed: Labels of the vector that are called otherwise here.
        infinite: Whether an infinity is a value.

    Raises:
        MalformedError: It is no instant vector.
        QueryError: It has more than `MAX_SERIES` series.
    """
    shared, other = scope or {}, renamed or {}
    _check_size(vector)
    samples: list[Sample] = []
    no_traffic: list[Labels] = []
    try:
        for item in vector:
            labels = _labels(item, shared, other)
            value = float(item["value"][1])
            if math.isnan(value) or (math.isinf(value) and not infinite):
                no_traffic.append(labels)
            else:
                samples.append(Sample(labels=labels, value=value, at=at))
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise MalformedError from error
    return Reading(samples=tuple(samples), no_traffic=tuple(no_traffic))


def matrix_series(
    chunks: Iterable[Sequence[Item]],
    *,
    scope: Labels | None = None,
    renamed: Mapping[str, str] | None = None,
) -> list[Series]:
    """Return the series of consecutive range answers, joined. A point without a number is idle.

    Raises:
        MalformedError: They are no range answers.
        QueryError: One has more than `MAX_SERIES` series.
    """
    shared, other = scope or {}, renamed or {}
    joined: dict[
        tuple[tuple[str, str], ...], tuple[Labels, list[float], list[float], list[float]]
    ] = {}
    try:
        for matrix in chunks:
            _check_size(matrix)
            for item in matrix:
                labels = _labels(item, shared, other)
                identity = tuple(sorted(labels.items()))
                _, seconds, values, idle = joined.setdefault(identity, (labels, [], [], []))
                for second, text in item["values"]:
                    value = float(text)
                    if math.isfinite(value):
                        seconds.append(float(second))
                        values.append(value)
                    else:
                        idle.append(float(second))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedError from error
    return [
        Series(labels=labels, seconds=s, values=v, idle=idle)
        for labels, s, v, idle in joined.values()
        if s
    ]


def ranges(start: datetime, end: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Return consecutive ranges of at most `MAX_POINTS` that cover `start` … `end`.

    Raises:
        QueryError: The step is not positive, or asks for more than `MAX_CHUNKS` requests.
    """
    if step <= timedelta():
        raise QueryError("the step between two points must be positive")
    points = (end - start) // step + 1
    if points > MAX_POINTS * MAX_CHUNKS:
        raise QueryError(f"{points:,} points a series are too many: ask for a longer step")
    return (
        (start + first * step, min(start + (first + MAX_POINTS - 1) * step, end))
        for first in range(0, points, MAX_POINTS)
    )


def largest(each: Sequence[str]) -> str:
    """Return PromQL for the largest of several values, which share their labels."""
    apart = (f'label_replace({one}, "of", "{i}", "", "")' for i, one in enumerate(each))
    return each[0] if len(each) == 1 else f"max({' or '.join(apart)})"


def is_long(expression: str) -> bool:
    """Say whether a query is too long for an address.

    Raises:
        QueryError: It holds what is no text.
    """
    try:
        return len(percent(expression)) > LONGEST_URL_QUERY
    except UnicodeEncodeError as error:
        raise QueryError("the query holds characters that are no text") from error


def _labels(item: Item, shared: Labels, renamed: Mapping[str, str]) -> Labels:
    # As in Prometheus, a label without a value is no label.
    labels = {**item["metric"], **shared}
    labels.pop("__name__", None)
    if renamed:
        labels = {renamed.get(name, name): value for name, value in labels.items()}
    return labels if all(labels.values()) else {k: v for k, v in labels.items() if v}


def _check_size(answer: Sequence[Item]) -> None:
    if isinstance(answer, list) and len(answer) > MAX_SERIES:
        raise QueryError(
            f"the answer has {len(answer):,} series, more than {MAX_SERIES:,}: narrow the "
            "question, or split it by fewer labels"
        )
