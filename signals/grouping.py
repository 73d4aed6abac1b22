"""Asking once for many: questions that differ only in whose traffic they are about.

A thousand rules, each for one feature, are one query split by feature. What each of them is told
is what it would have been told alone: a sample carries the labels of scope and of `by` either way.
Pure; `signals.reading` asks.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from signals import Labels, Query, Reading, Sample, SignalError

# Fewer are asked one by one: a split query makes its source answer for everybody.
WORTH_SHARING = 3

Question = Query | str  # a text is PromQL
Answer = Reading | SignalError
Values = tuple[str, ...]
_NOTHING = Reading()


def plan(queries: Iterable[Query]) -> dict[Query, Query]:
    """Return for each query the one to ask in its place, which may be itself.

    Three or more that share signal, measure, window, offset, day, split and the names of their
    scope's labels are asked as one: labels on which they agree stay in the scope, the others split
    the answer.
    """
    alike: dict[object, list[Query]] = defaultdict(list)
    for query in dict.fromkeys(queries):
        names = tuple(name for name, _ in query.scope)
        when = (query.window, query.offset, query.day)
        alike[query.signal, query.measure, when, frozenset(query.by), names].append(query)
    asked: dict[Query, Query] = {}
    for group in alike.values():
        shared = _merged(group) if len(group) >= WORTH_SHARING else None
        asked.update((query, shared or query) for query in group)
    return asked


def pick(query: Query, reading: Reading) -> Reading:
    """Return the part of `reading`, the answer for many, that answers `query`."""
    names = tuple(name for name, _ in query.scope)
    return split(reading, names).get(tuple(value for _, value in query.scope), _NOTHING)


def share(
    asked: Mapping[Query, Query], answers: Mapping[Question, Answer]
) -> dict[Question, Answer]:
    """Return every query's own answer.

    Args:
        asked: What `plan` returned.
        answers: The answers to the questions in it, and perhaps to others.
    """
    # Each answer is gone through once, not once per query: that is what makes sharing cheap.
    parts: dict[tuple[int, Values], dict[Values, Reading]] = {}
    shared: dict[Question, Answer] = {}
    for query, question in asked.items():
        answer = answers[question]
        if question is query or isinstance(answer, SignalError):
            shared[query] = answer
            continue
        names, values = zip(*query.scope, strict=True) if query.scope else ((), ())
        known = parts.get((id(answer), names))
        if known is None:
            known = parts[id(answer), names] = split(answer, names)
        shared[query] = known.get(values, _NOTHING)
    return shared


def split(reading: Reading, names: Values) -> dict[Values, Reading]:
    """Return the parts of `reading` by the values of the labels `names`; "" where it has none."""
    samples: dict[Values, list[Sample]] = defaultdict(list)
    for sample in reading.samples:
        samples[_values(sample.labels, names)].append(sample)
    idle: dict[Values, list[Labels]] = defaultdict(list)
    for labels in reading.no_traffic:
        idle[_values(labels, names)].append(labels)
    return {
        values: Reading(
            samples=tuple(samples.get(values, ())), no_traffic=tuple(idle.get(values, ()))
        )
        for values in samples.keys() | idle.keys()
    }


def _merged(group: Sequence[Query]) -> Query:
    """Return the one query that answers for all of `group`, whose scopes name the same labels."""
    first = group[0]
    agreed = tuple(p for i, p in enumerate(first.scope) if all(q.scope[i] == p for q in group))
    varying = {name for name, _ in first.scope} - {name for name, _ in agreed}
    return replace(first, scope=agreed, by=tuple(sorted(varying | set(first.by))))


def _values(labels: Labels, names: Values) -> Values:
    return tuple([labels.get(name, "") for name in names])
