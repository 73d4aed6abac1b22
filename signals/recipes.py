"""How one stack's metrics, as one server spells them, answer for a golden signal. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from signals import Query, QueryError
from signals.packs import Form, Pack, Ratio, Term
from signals.promql import Asked
from signals.rendering import Writer
from signals.spelling import Inventory, Spelled, spell
from signals.terms import Bound


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """How one stack's metrics, as one server spells them, answer for one signal."""

    pack: Pack
    signal: str
    form: Form
    bound: Mapping[Term, tuple[Bound, ...]]
    is_live: bool

    @property
    def title(self) -> str:
        """Return whose numbers these are."""
        return self.pack.title

    def lacking(self, labels: Sequence[str]) -> list[str]:
        """Return those of `labels` that it can be neither scoped nor split by."""
        return [name for name in labels if not _has(self, name)]

    @cached_property
    def created(self) -> tuple[str, ...]:
        """Return the names of what says when its counters were created."""
        found = (b.metric.spelling.created for b in self.all_bound if b.metric.is_dated)
        return tuple(dict.fromkeys(found))

    @property
    def all_bound(self) -> list[Bound]:
        """Return its terms, under every name of their metrics."""
        return [bound for several in self.bound.values() for bound in several]

    def writer(self, query: Query, *, grown: bool) -> Writer:
        """Return what writes expressions about `query`."""
        return Writer(form=self.form, bound=self.bound, query=query, grown=grown)

    @cached_property
    def divided(self) -> frozenset[str]:
        """Return the stack's labels that tell the part of a ratio from its whole."""
        if not isinstance(self.form, Ratio):
            return frozenset()
        told = [frozenset(bound.narrowed) for bound in self.all_bound]
        return frozenset().union(*told) - frozenset.intersection(*told)

    def ask(self, query: Query, *, grown: bool = False) -> Asked:
        """Return the PromQL of `query`; see `signals.promql.Asked`.

        Args:
            query: The question.
            grown: Whether no counter is younger than the window, as far as is known.

        Raises:
            QueryError: It does not have the labels, or the window is too short.
        """
        return _ask(self, query, grown)


def recipe(pack: Pack, signal: str, inventory: Inventory | None) -> Recipe | None:
    """Return how `pack` answers for `signal` on a server, or None if it cannot.

    Without an inventory everything is taken to be there.
    """
    form = pack.signals.get(signal)
    if form is None:
        return None
    found = {term: _first(pack, term, inventory) for term in form.terms}
    for group in _groups(form):
        if not any(found[term] for term in group):
            return None
    bound = {
        term: tuple(
            Bound(term=term, pack=pack, metric=metric) for metric in several or _assumed(pack, term)
        )
        for term, several in found.items()
    }
    is_live = all(
        any(metric.is_live for term in group for metric in found[term]) for group in _groups(form)
    )
    return Recipe(pack=pack, signal=signal, form=form, bound=bound, is_live=is_live)


def _first(pack: Pack, term: Term, inventory: Inventory | None) -> tuple[Spelled, ...]:
    found = (spell(pack.metrics[name], inventory) for name in term.metric)
    return next(filter(None, found), ())


def _assumed(pack: Pack, term: Term) -> list[Spelled]:
    """Return how a metric that is not there yet will probably be spelled."""
    return [replace(m, is_dated=False) for m in spell(pack.metrics[term.metric[0]], None)]


def _groups(form: Form) -> list[tuple[Term, ...]]:
    """Return the groups of terms of each of which one must be there."""
    match form:
        case Ratio(form="share"):
            return [form.whole]  # a part that never happened has no series
        case Ratio():
            return [form.part, form.whole]
        case _:
            return [form.terms]


@lru_cache(maxsize=4096)  # asked for every rule at every tick
def _has(recipe: Recipe, name: str) -> bool:
    columns = [bound.column(name) for bound in recipe.all_bound]
    # The share of errors by outcome would be 1 for each kind of error.
    return all(c is not None and not recipe.divided.intersection(c.names) for c in columns)


@lru_cache(maxsize=1024)
def _ask(recipe: Recipe, query: Query, grown: bool) -> Asked:
    labels = list(dict.fromkeys([*(name for name, _ in query.scope), *query.by]))
    if lacking := recipe.lacking(labels):
        raise QueryError(
            f"the {recipe.title} metrics have {recipe.signal} without the label "
            f"{', '.join(lacking)}"
        )
    return recipe.writer(query, grown=grown).write()
