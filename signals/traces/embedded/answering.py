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
from signals.traces.embedded.bundle import Bundle
from signals.traces.embedded.database import Database
from signals.traces.embedded.requests import checked, matches
from signals.traces.embedded.schema import MICROSECOND, microseconds, naive
from signals.traces.from_spans import ANSWERS, BASELINE, SHARING, Answer

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
    shares = _shares(database, asked)
    rows = _shared(database, asked, at) if shares else _alone(database, asked, answer, at)
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
Rows = list[tuple[Any, ...]]  # the labels of the split, the number of the instant if any, a value
_SINCE = " FILTER (WHERE ended_at > $opened_at)"
_INSIDE = " FILTER (WHERE is_inside)"


def _alone(database: Database, query: Query, answer: Answer, at: datetime) -> Rows:
    """Return the value of each label set that is known; None without traffic."""
    opened_at = at - query.window
    start = opened_at - BASELINE if answer.has_baseline else min(opened_at, at - KNOWN_FOR)
    before = " FILTER (WHERE ended_at <= $opened_at)"
    value = answer.sql(o=_SINCE, before=before, window=query.window)
    facts, parameters = _facts(answer, query, start, at)
    columns = ", ".join((*query.by, value))
    return database.ask(
        f"WITH facts AS ({facts}) SELECT {columns} FROM facts GROUP BY ALL "  # noqa: S608  labels are checked
        "HAVING count(*) > 0",
        {**parameters, "opened_at": naive(opened_at)},
        at_most=MAX_SERIES,
    )


def _shared(database: Database, query: Query, at: datetime) -> Rows:
    """Return what `_alone` does, of one statement for the signals that are asked together."""
    opened_at = at - query.window

    def bundle(signals: Sequence[str]) -> Bundle:
        return Bundle.of(signals, checked(_labels(query)), o=_SINCE, window=query.window)

    def ask(signals: Sequence[str]) -> Rows:
        bundled = bundle(signals)
        facts, parameters = _in_scope(bundled.facts, query, min(opened_at, at - KNOWN_FOR), at)
        columns = ", ".join((*query.by, *bundled.values, *bundled.known))
        return database.ask(
            f"WITH facts AS ({facts}) SELECT {columns} FROM facts GROUP BY ALL "  # noqa: S608  labels are checked
            "HAVING count(*) > 0",
            {**parameters, "opened_at": naive(opened_at)},
            at_most=MAX_SERIES,
        )

    shape = (query.window, query.scope, query.by)
    signals, rows = database.together.ask(shape, at, query.signal, ask)
    bundled, named = bundle(signals), len(query.by)
    known_at = named + len(bundled.values)
    return [
        (*row[:named], bundled.value(query.signal, row[named:known_at]))
        for row in rows
        if bundled.is_known(query.signal, row[known_at:])
    ]


def _bucketed(database: Database, query: Query, answer: Answer, instants: Instants) -> Rows:
    """Return the value at each instant of each label set that has one."""
    start, last, step = instants
    since, until = start - query.window, start + last * step
    inside = "" if query.window == step else _INSIDE
    if not _shares(database, query):
        value = answer.sql(o=inside, before="", window=query.window)
        rows = _placed(database, query, instants, _facts(answer, query, since, until), [value])
        return [row for row in rows if row[-1] is not None]

    def bundle(signals: Sequence[str]) -> Bundle:
        return Bundle.of(signals, checked(_labels(query)), o=inside, window=query.window)

    def ask(signals: Sequence[str]) -> Rows:
        bundled = bundle(signals)
        facts = _in_scope(bundled.facts, query, since, until)
        return _placed(database, query, instants, facts, bundled.values)

    shape = (query.window, query.scope, query.by, last, step)
    signals, rows = database.together.ask(shape, start, query.signal, ask)
    bundled, named = bundle(signals), len(query.by) + 1
    valued = ((row[:named], bundled.value(query.signal, row[named:])) for row in rows)
    return [(*names, value) for names, value in valued if value is not None]


def _placed(
    database: Database,
    query: Query,
    instants: Instants,
    facts: weighing.Facts,
    values: Sequence[str],
) -> Rows:
    """Return a row for each label set and instant: the labels, the number, the values."""
    start, _, step = instants
    sql, parameters = facts
    columns = ", ".join((*query.by, "i", *values))
    # Counting from one step before `start`, the first microsecond of a bucket is number 1.
    return database.ask(
        f"WITH facts AS ({sql}), numbered AS (SELECT *, "  # noqa: S608  labels are checked
        "(epoch_us(ended_at) - epoch_us($origin) - 1) // $step AS i, "
        "epoch_us($origin) + (i + 1) * $step - epoch_us(ended_at) < $window AS is_inside "
        f"FROM facts) SELECT {columns} FROM numbered WHERE i >= 0 GROUP BY ALL",
        {
            **parameters,
            "origin": naive(start - step),
            "step": step // MICROSECOND,
            "window": query.window // MICROSECOND,
        },
        at_most=MAX_POINTS,
    )


def _rolling(database: Database, query: Query, answer: Answer, instants: Instants) -> Rows:
    start, last, step = instants
    reach = query.window + (BASELINE if answer.has_baseline else timedelta())
    facts, parameters = _facts(answer, query, start - reach, start + last * step)
    value = answer.sql(o=" OVER o", before=" OVER b", window=query.window)
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
    sql, parameters = _in_scope(answer.facts(checked(_labels(query))), query, start, end)
    return sql, {**parameters, **answer.parameters}


def _in_scope(facts: str, query: Query, start: datetime, end: datetime) -> weighing.Facts:
    condition, parameters = matches(dict(query.scope), "f")
    return (
        f"SELECT f.* FROM ({facts}) AS f WHERE {condition}",  # noqa: S608  labels are checked, values are parameters
        {**parameters, "start": naive(start), "end": naive(end)},
    )


def _shares(database: Database, query: Query) -> bool:
    return query.signal in SHARING and not database.is_weighed


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
    first, apart = microseconds(start), step // MICROSECOND
    return Series(
        labels=labels,
        seconds=[(first + number * apart) / 1e6 for number in numbers],
        values=[points[number] for number in numbers],
        idle=[(first + number * apart) / 1e6 for number in _idle(numbers, last, step)],
    )


def _idle(numbers: Sequence[int], last: int, step: timedelta) -> Iterator[int]:
    """Yield the instants without a value at which the series is still known: see `read`."""
    known = KNOWN_FOR // step
    for number, following in pairwise((*numbers, last + 1)):
        if following > number + 1:
            yield from range(number + 1, min(following, number + known + 1))
