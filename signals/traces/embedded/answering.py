"""`Source` over the embedded store: a signal at an instant, and over time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from models.vocabulary import Unit
from signals import Query, QueryError, Reading, Sample, Series
from signals.catalog import CATALOG
from signals.measures import attribute_of
from signals.traces.embedded import measuring, weighing
from signals.traces.embedded.database import Database
from signals.traces.embedded.requests import checked, matches
from signals.traces.embedded.schema import MICROSECOND, naive
from signals.traces.from_spans import ANSWERS, BASELINE, Answer

KNOWN_FOR = timedelta(hours=24)  # how long a series is remembered after its last fact
MAX_INSTANTS = 11_000  # of one chart, as Prometheus allows
MAX_POINTS = 200_000  # of all series of one chart
MAX_SERIES = 2_000
_COLUMN = "attribute_"  # and a number

LabelValues = tuple[str | None, ...]
Points = dict[int, float]  # number of the instant -> value


def read(database: Database, query: Query, *, at: datetime) -> Reading:
    """Return the values over the window that ends at `at`; see `signals.Source.read`.

    A label set without a value is named as without traffic for 24 hours after its last fact.
    """
    asked, plain = _answer(query)
    answer = weighing.weighed(plain) if database.is_weighed else plain
    opened_at = at - query.window
    start = opened_at - BASELINE if answer.has_baseline else min(opened_at, at - KNOWN_FOR)
    value = answer.value.format(
        o=" FILTER (WHERE ended_at > $opened_at)",
        before=" FILTER (WHERE ended_at <= $opened_at)",
        w=query.window.total_seconds(),
    )
    facts, parameters = _facts(answer, asked, start, at)
    columns = ", ".join((*asked.by, value))
    rows = database.ask(
        f"WITH facts AS ({facts}) SELECT {columns} FROM facts GROUP BY ALL "  # noqa: S608  labels are checked
        "HAVING count(*) > 0",
        {**parameters, "opened_at": naive(opened_at)},
        at_most=MAX_SERIES,
    )
    known = _intervals(database, plain, asked, at) if database.is_weighed else {}
    samples, silent = [], []
    for *names, number in rows:
        labels = _named(query, names)
        if number is None:
            silent.append(labels)
        else:
            interval = known.get(tuple(names))
            samples.append(Sample(labels=labels, value=float(number), at=at, interval=interval))
    return Reading(samples=tuple(samples), no_traffic=tuple(silent))


def read_range(
    database: Database, query: Query, *, start: datetime, end: datetime, step: timedelta
) -> list[Series]:
    """Return the values at each step, each over the window; see `signals.Source.read_range`."""
    asked, answer = _answer(query)
    if database.is_weighed:
        answer = weighing.weighed(answer)
    if step <= timedelta() or end < start:
        raise QueryError("a period needs an end after its start and a step above zero")
    last = (end - start) // step
    if last >= MAX_INSTANTS:
        raise QueryError(f"{last + 1} points are more than {MAX_INSTANTS}: ask for a longer step")
    # Where no fact belongs to two windows, one GROUP BY answers; otherwise the windows roll.
    rolls = step < query.window or answer.has_baseline
    rows = (_rolling if rolls else _bucketed)(database, asked, answer, (start, last, step))
    found: dict[LabelValues, Points] = defaultdict(dict)
    for *names, number, value in rows:
        found[tuple(names)][number] = float(value)
    if answer.is_rate:
        known = _known(database, asked, answer, start)
        found = {
            names: _filled(found.get(names, {}), last, names in known) for names in {*found, *known}
        }
    return [
        _series(_named(query, names), points, (start, last, step))
        for names, points in sorted(found.items(), key=lambda item: str(item[0]))
        if points
    ]


Instants = tuple[datetime, int, timedelta]  # the first, how many follow, and how far apart


def _bucketed(
    database: Database, query: Query, answer: Answer, instants: Instants
) -> list[tuple[Any, ...]]:
    start, last, step = instants
    facts, parameters = _facts(answer, query, start - query.window, start + last * step)
    value = answer.value.format(
        o=" FILTER (WHERE is_inside)", before="", w=query.window.total_seconds()
    )
    columns = ", ".join((*query.by, "i", f"{value} AS value"))
    # Counting from one step before `start`, the first microsecond of a bucket is number 1.
    return database.ask(
        f"WITH facts AS ({facts}), numbered AS (SELECT *, "  # noqa: S608  labels are checked
        "(epoch_us(ended_at) - epoch_us($origin) - 1) // $step AS i FROM facts), "
        "placed AS (SELECT *, epoch_us($origin) + (i + 1) * $step - epoch_us(ended_at) < $window "
        "AS is_inside FROM numbered) "
        f"SELECT {columns} FROM placed WHERE i >= 0 "
        f"GROUP BY ALL HAVING value IS NOT NULL",
        {
            **parameters,
            "origin": naive(start - step),
            "step": step // MICROSECOND,
            "window": query.window // MICROSECOND,
        },
        at_most=MAX_POINTS,
    )


def _rolling(
    database: Database, query: Query, answer: Answer, instants: Instants
) -> list[tuple[Any, ...]]:
    start, last, step = instants
    reach = query.window + (BASELINE if answer.has_baseline else timedelta())
    facts, parameters = _facts(answer, query, start - reach, start + last * step)
    value = answer.value.format(o=" OVER o", before=" OVER b", w=query.window.total_seconds())
    by = "".join(f", {label}" for label in query.by)
    partition = f"PARTITION BY {', '.join(query.by)}" if query.by else ""
    frame = f"{partition} ORDER BY ended_at RANGE BETWEEN"
    width, whole = query.window // MICROSECOND, reach // MICROSECOND
    columns = ", ".join((*query.by, "i", "value"))
    return database.ask(
        f"WITH facts AS ({facts}), "  # noqa: S608  labels are checked
        f"seen AS (SELECT min(ended_at) AS first_at{by} FROM facts GROUP BY ALL), "
        "instants AS (SELECT i, $first + to_microseconds(i * $step) AS ended_at "
        "FROM range($last + 1) AS t(i)), "
        f"rows AS (SELECT ended_at, x, n, weight{by}, NULL AS i FROM facts UNION ALL "
        f"SELECT ended_at, NULL, 0, 0{by}, i FROM instants JOIN seen ON ended_at >= first_at), "
        f"valued AS (SELECT i{by}, {value} AS value FROM rows WINDOW "
        f"o AS ({frame} to_microseconds({width - 1}) PRECEDING AND CURRENT ROW), "
        f"b AS ({frame} to_microseconds({whole - 1}) PRECEDING "
        f"AND to_microseconds({width}) PRECEDING)) "
        f"SELECT {columns} FROM valued WHERE i IS NOT NULL AND value IS NOT NULL",
        {**parameters, "first": naive(start), "step": step // MICROSECOND, "last": last},
        at_most=MAX_POINTS,
    )


def _known(database: Database, query: Query, answer: Answer, start: datetime) -> set[LabelValues]:
    """Return the label sets that had facts in the 24 hours up to `start`."""
    facts, parameters = _facts(answer, query, start - KNOWN_FOR, start)
    columns = ", ".join((*query.by, "count(*)"))
    rows = database.ask(
        f"WITH facts AS ({facts}) SELECT {columns} FROM facts GROUP BY ALL HAVING count(*) > 0",  # noqa: S608  labels are checked
        parameters,
        at_most=MAX_SERIES,
    )
    return {row[:-1] for row in rows}


def _filled(points: Points, last: int, known: bool) -> Points:
    """Return a rate with its zeros: from the first instant if it was known, else from its first."""
    first = 0 if known else min(points, default=last + 1)
    return {number: points.get(number, 0.0) for number in range(first, last + 1)}


def _answer(query: Query) -> tuple[Query, Answer]:
    """Return how the question is answered, and itself with columns in the place of attributes."""
    asked, attributes = _with_columns(query) if query.measure else (query, {})
    measured = measuring.answer(query.measure, attributes) if query.measure else None
    answer = measured or ANSWERS.get(query.signal)
    if answer is None:
        raise QueryError(f"traces cannot answer for the signal {query.signal!r}")
    if query.window < timedelta(milliseconds=1):
        raise QueryError("a window must be longer than a millisecond")
    named = (*query.by, *dict(query.scope))
    checked(label for label in named if query.measure is None or not attribute_of(label))
    return asked, answer


def _with_columns(query: Query) -> tuple[Query, dict[str, str]]:
    """Return the question by names that SQL may hold, and which attribute each column is.

    What people call their attributes never becomes part of a statement.
    """
    labels = dict.fromkeys((*query.by, *dict(query.scope)))
    names = [label for label in labels if attribute_of(label)]
    columns = {label: f"{_COLUMN}{number}" for number, label in enumerate(names)}
    asked = replace(
        query,
        by=tuple(columns.get(label, label) for label in query.by),
        scope=tuple((columns.get(label, label), value) for label, value in query.scope),
    )
    return asked, {column: attribute_of(label) for label, column in columns.items()}


def _labels(asked: Query) -> tuple[str, ...]:
    """Return the labels of a question that are no columns of attributes."""
    named = (*asked.by, *dict(asked.scope))
    return named if asked.measure is None else tuple(n for n in named if not n.startswith(_COLUMN))


def _facts(
    answer: Answer, query: Query, start: datetime, end: datetime
) -> tuple[str, Mapping[str, Any]]:
    """Return the facts in (start, end] that are in scope, and the parameters of the statement."""
    scope = dict(query.scope)
    facts = answer.facts(checked(_labels(query)))
    condition, parameters = matches(scope, "f")
    return (
        f"SELECT f.* FROM ({facts}) AS f WHERE {condition}",  # noqa: S608  labels are checked, values are parameters
        {**parameters, **answer.parameters, "start": naive(start), "end": naive(end)},
    )


def _intervals(
    database: Database, answer: Answer, query: Query, at: datetime
) -> dict[LabelValues, weighing.Interval]:
    """Return where the true values lie, of those that traces kept by chance speak for."""
    facts = _facts(answer, query, at - query.window, at)
    seconds = query.window.total_seconds()
    found = weighing.intervals(database, answer, facts, query.by, seconds=seconds)
    unit = query.measure.unit if query.measure else CATALOG[query.signal].unit
    if unit is Unit.RATIO:
        return {names: (low, min(high, 1.0)) for names, (low, high) in found.items()}
    return found


def _named(query: Query, values: Iterable[str | None]) -> dict[str, str]:
    """Return the labels of scope and split; one without a value is left out, as in Prometheus."""
    split = zip(query.by, values, strict=True)
    return {name: value for name, value in (*query.scope, *split) if value}


def _series(labels: Mapping[str, str], points: Points, instants: Instants) -> Series:
    start, last, step = instants
    numbers = sorted(points)
    return Series(
        labels=labels,
        seconds=[(start + number * step).timestamp() for number in numbers],
        values=[points[number] for number in numbers],
        idle=[(start + number * step).timestamp() for number in _idle(numbers, last, step)],
    )


def _idle(numbers: Sequence[int], last: int, step: timedelta) -> Iterator[int]:
    """Yield the instants without a value at which the series is still known: see `read`."""
    known = KNOWN_FOR // step
    for number, following in pairwise((*numbers, last + 1)):
        yield from range(number + 1, min(following, number + known + 1))
