"""Why an alert fired, in words: which window decided, on how many events, and what differed. Pure.

What a rule was decided on is asked again at the instant at which its condition began to hold.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from alerts.conditions import AnyCondition, BurnRate, Drift, Question, Spans, Threshold
from app import watching
from models.vocabulary import Unit
from signals import Query
from signals.catalog import LATENCY
from signals.traces.sharing import Share
from signals.units import render, span

TRAFFIC: Final = "request_rate"
CACHE: Final = "cache_hit_ratio"
EARLIER: Final = timedelta(hours=1)  # what is compared with, before an alert began
TELLING: Final = 0.1  # a difference in share that is worth a line
TELLING_CACHE: Final = 0.05
MOST: Final = 5
MIXED: Final = ("model", "provider", "prompt_version", "tenant")
Values = Mapping[Question, float]


def narrowed(condition: AnyCondition, labels: Mapping[str, str]) -> dict[Question, Question]:
    """Return what a condition asks, and what that is for the alert with these labels alone."""
    return {
        question: watching.narrowed(question, labels) if isinstance(question, Query) else question
        for question in condition.questions
    }


def traffic(question: Query) -> Query:
    """Return the question for the requests behind another."""
    return Query(signal=TRAFFIC, window=question.window, scope=question.scope)


def cache(question: Query, *, offset: timedelta = timedelta()) -> Query:
    """Return the question for the cache hits of the same part of the traffic."""
    window = max(question.window, timedelta(minutes=15))
    return Query(signal=CACHE, window=window, scope=question.scope, offset=offset)


def asked(condition: AnyCondition, labels: Mapping[str, str]) -> tuple[Question, ...]:
    """Return everything to ask about the instant at which an alert began."""
    own = list(narrowed(condition, labels).values())
    queries = [one for one in own if isinstance(one, Query)]
    if not queries or not _counts_requests(condition):
        return tuple(own)
    behind = [traffic(one) for one in queries if not one.offset]
    hits = [cache(queries[0]), cache(queries[0], offset=EARLIER)]
    return tuple(dict.fromkeys([*own, *behind, *hits]))


def decided(condition: AnyCondition, labels: Mapping[str, str], values: Values) -> list[str]:
    """Return what the alert was decided on, a line for each window.

    Args:
        condition: Of its rule.
        labels: Of the alert.
        values: The answers to `asked`; what nobody answered is not there.
    """
    own = narrowed(condition, labels)
    match condition:
        case BurnRate():
            seen = {question: values[one] for question, one in own.items() if one in values}
            pair = condition.burning(seen)
            if pair is None:
                return []
            queries = [own[condition.over(window)] for window in (pair.long, pair.short)]
            first = (
                f"The windows of {span(pair.long)} and {span(pair.short)}: both burned more than "
                f"{pair.factor:g} times too fast"
            )
            return [first, *(_line(condition, one, values) for one in queries if one in values)]
        case Spans():
            query = own[condition.asked]
            if query not in values:
                return []
            shown = render(values[query], condition.measure.unit)
            return [f"{condition.measure.title}: {shown} in {span(condition.window)}"]
        case Threshold() | Drift():
            query = own[condition.questions[0]]
            return [_line(condition, query, values)] if query in values else []
        case _:
            return []


def mix(shares: Sequence[Share]) -> list[str]:
    """Return what is more frequent than before, the greatest difference first."""
    telling = [one for one in shares if one.value and one.difference >= TELLING]
    return [
        f"{one.field.replace('_', ' ')} {one.value}: {_percent(one.selected_ratio)} of the "
        f"requests, {_percent(one.rest_ratio)} in the hour before"
        for one in telling[:MOST]
    ]


def cache_hits(condition: AnyCondition, labels: Mapping[str, str], values: Values) -> str:
    """Return how the share of cache hits changed; empty where it did not, or nobody knows."""
    first = next(iter(narrowed(condition, labels).values()))
    if not isinstance(first, Query):
        return ""
    now, before = (values.get(cache(first, offset=o)) for o in (timedelta(), EARLIER))
    if now is None or before is None or abs(now - before) < TELLING_CACHE:
        return ""
    return f"cache hits: {_percent(now)}, {_percent(before)} an hour before"


def _line(condition: AnyCondition, query: Question, values: Values) -> str:
    """Return a value with the events behind it: `4.2 % of about 312 requests in 5 min`."""
    if not isinstance(query, Query) or not isinstance(condition, BurnRate | Threshold | Drift):
        return ""
    value, unit, over = values[query], condition.about.unit, span(query.window)
    shown = f"{condition.about.title} {render(value, unit)} in {over}"
    rate = values.get(traffic(query))
    if rate is None or not _counts_requests(condition):
        return shown
    n = rate * query.window.total_seconds()
    if unit is Unit.RATIO:
        return f"{shown}: about {value * n:,.0f} of {n:,.0f} requests"
    return f"{shown}, of about {n:,.0f} requests"


def _counts_requests(condition: AnyCondition) -> bool:
    """Say whether a condition's value is a share, or a quantile, of requests."""
    about = getattr(condition, "about", None)
    return (
        about is not None and not about.own and (about.unit is Unit.RATIO or about.name in LATENCY)
    )


def _percent(ratio: float) -> str:
    return render(ratio, Unit.RATIO)
