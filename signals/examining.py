"""Asking about a number instead of for it: what it rests on, in two questions."""

from dataclasses import dataclass, replace
from datetime import datetime

from signals import Expressions, Query
from signals.catalog import CATALOG
from signals.discovery import Answerer
from signals.packs import Quantile
from signals.recipes import Recipe
from signals.trust import Asked, Bucket, Trust, Verdict, buckets_of, facts_of, grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What to ask about a number, instead of for it; see `signals.trust`.

    Attributes:
        facts: Yields one value for each label `fact`: n, resets, seen, alive, newest.
        buckets: Yields how many values there are up to each `le`; empty unless it is a quantile.
        scale: What a bucket's bound is multiplied with to be in our unit.
        q: The quantile it is, or None.
    """

    facts: str
    buckets: str = ""
    scale: float = 1.0
    q: float | None = None


def examine(recipe: Recipe, query: Query) -> Examined:
    """Return what to ask about the value of `query`, which is not split.

    Raises:
        QueryError: The recipe does not have the labels, or the window is too short.
    """
    whole = replace(query, by=())
    recipe.ask(whole)
    writer, form = recipe.writer(whole, grown=False), recipe.form
    if isinstance(form, Quantile):
        buckets = writer.counted(form.terms, "bucket", more=("le",))
        scale = recipe.bound[form.terms[0]][0].metric.scale
        return Examined(facts=writer.facts(), buckets=buckets, scale=scale, q=form.q)
    return Examined(facts=writer.facts())


def trust(server: Expressions, answerer: Answerer, query: Query, *, at: datetime) -> Trust:
    """Return how far the value of `query`, without its split, may be trusted.

    Raises:
        SignalError: As `Expressions.evaluate`.
    """
    if not isinstance(answerer, Recipe):
        said = "It is an expression of your own: nobody can say what it rests on."
        return Trust(verdict=Verdict.UNKNOWN, sentence=said)
    examined = examine(answerer, query)
    facts = facts_of(server.evaluate(examined.facts, at=at))
    signal = CATALOG[query.signal]
    bounds = (signal.target, signal.breach.bound if signal.breach else None)
    asked = Asked(
        unit=signal.unit,
        window=query.window,
        at=at,
        q=examined.q,
        decisive=tuple(bound for bound in bounds if bound is not None),
    )
    return grade(asked, facts, _buckets(server, examined, at))


def buckets(server: Expressions, answerer: Answerer, query: Query, *, at: datetime) -> list[Bucket]:
    """Return the buckets of the histogram behind `query`; none where there is no histogram.

    Raises:
        SignalError: As `Expressions.evaluate`.
    """
    if not isinstance(answerer, Recipe):
        return []
    return _buckets(server, examine(answerer, query), at)


def _buckets(server: Expressions, examined: Examined, at: datetime) -> list[Bucket]:
    if not examined.buckets:
        return []
    return buckets_of(server.evaluate(examined.buckets, at=at), scale=examined.scale)
