"""PromQL and its answers, without a network: what to ask, and what the answer says."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from string import Template
from typing import Any

from signals import Labels, Query, QueryError, Reading, Sample, Series
from signals.packs import Pack

# Prometheus refuses a range that asks for more points a series than this.
# Source: https://github.com/prometheus/prometheus/blob/v2.42.0/web/api/v1/api.go#L489
MAX_POINTS = 11_000
# 100 requests: more is a mistake in the step, and would take minutes.
MAX_CHUNKS = 100
_FOR_THE_YOUNG = re.compile(r"\[\[(.*?)\]\]")

Item = Mapping[str, Any]


class MalformedError(Exception):
    """The answer does not have the shape of Prometheus' answers."""


def render(pack: Pack, query: Query, *, grown: bool = False) -> str:
    """Return the PromQL that asks `query` of the metrics of `pack`.

    Args:
        pack: The metric names.
        query: The question.
        grown: Whether no counter is younger than the window, as far as is known.

    Raises:
        QueryError: The pack does not have the signal, or not with these labels.
    """
    recipe = pack.recipes.get(query.signal)
    if recipe is None:
        raise QueryError(f"the {pack.name} metrics do not have the signal {query.signal}")
    wanted = {name for name, _ in query.scope} | set(query.by)
    if lacking := sorted(wanted - recipe.labels):
        raise QueryError(
            f"the {pack.name} metrics have {query.signal} without the label {', '.join(lacking)}"
        )
    seconds = int(query.window.total_seconds())
    if seconds < 1:
        raise QueryError(f"a window of {query.window} is too short: ask for a second or more")
    return Template(_FOR_THE_YOUNG.sub("" if grown else r"\1", recipe.promql)).substitute(
        scope="".join(f"{name}={quote(value)}," for name, value in query.scope),
        window=f"{seconds}s",
        seconds=seconds,
        by=", ".join(query.by),
    )


def quote(value: str) -> str:
    """Return `value` as a PromQL string; JSON's escapes are all escapes of PromQL.

    Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
    """
    return json.dumps(value, ensure_ascii=False)


def vector_reading(
    vector: Sequence[Item], *, at: datetime, scope: Labels | None = None, infinite: bool = False
) -> Reading:
    """Return what an instant vector says.

    NaN is 0/0: the series are there, and nothing happened. So is an infinity, a division by a
    zero count, unless `infinite` asks to keep it as the number that the author of an expression
    meant it to be.

    Args:
        vector: The `result` of Prometheus' answer.
        at: The instant it was asked for.
        scope: Labels that all samples share and the vector may leave out.
        infinite: Whether an infinity is a value.

    Raises:
        MalformedError: It is no instant vector.
    """
    shared = scope or {}
    samples: list[Sample] = []
    no_traffic: list[Labels] = []
    try:
        for item in vector:
            labels = _labels(item, shared)
            value = float(item["value"][1])
            if math.isnan(value) or (math.isinf(value) and not infinite):
                no_traffic.append(labels)
            else:
                samples.append(Sample(labels=labels, value=value, at=at))
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise MalformedError from error
    return Reading(samples=tuple(samples), no_traffic=tuple(no_traffic))


def matrix_series(chunks: Iterable[Sequence[Item]], *, scope: Labels | None = None) -> list[Series]:
    """Return the series of consecutive range answers, joined. Points without a number are gaps.

    Raises:
        MalformedError: They are no range answers.
    """
    shared = scope or {}
    joined: dict[tuple[tuple[str, str], ...], tuple[Labels, list[float], list[float]]] = {}
    try:
        for matrix in chunks:
            for item in matrix:
                labels = _labels(item, shared)
                identity = tuple(sorted(labels.items()))
                _, seconds, values = joined.setdefault(identity, (labels, [], []))
                for second, text in item["values"]:
                    value = float(text)
                    if math.isfinite(value):
                        seconds.append(float(second))
                        values.append(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedError from error
    return [Series(labels=labels, seconds=s, values=v) for labels, s, v in joined.values() if s]


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


def _labels(item: Item, shared: Labels) -> Labels:
    # As in Prometheus, a label without a value is no label.
    labels = {**item["metric"], **shared}
    labels.pop("__name__", None)
    return labels if all(labels.values()) else {k: v for k, v in labels.items() if v}
