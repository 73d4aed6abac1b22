"""PromQL for a golden signal, from what a pack says and how a server spells it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from signals import Query, QueryError
from signals.packs import Form, Gauge, Mean, Pack, Quantile, Rate, Ratio, Term
from signals.promql import Asked, label_name, quote, seconds_of, selector
from signals.spelling import Inventory, Spelled, Spelling, spell
from signals.terms import Bound, Column

_NOTHING = "vector(0) > 0"
_TERM = "__term__"  # keeps apart what is added up, where nothing else does


# Writes what is asked of the samples that a selector selects, such as their rate.
Write = Callable[[Bound, Spelling, str], str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """How one stack's metrics, as one server spells them, answer for one signal."""

    pack: Pack
    signal: str
    form: Form
    bound: Mapping[Term, Bound]
    is_live: bool

    @property
    def title(self) -> str:
        """Return whose numbers these are."""
        return self.pack.title

    def lacking(self, labels: Sequence[str]) -> list[str]:
        """Return those of `labels` that it can be neither scoped nor split by."""
        return [name for name in labels if not self._has(name)]

    @cached_property
    def created(self) -> tuple[str, ...]:
        """Return the names of what says when its counters were created."""
        found = (s.created for b in self.bound.values() for s in b.metric.dated)
        return tuple(dict.fromkeys(found))

    def _has(self, name: str) -> bool:
        columns = [bound.column(name) for bound in self.bound.values()]
        # The share of errors by outcome would be 1 for each kind of error.
        return all(c is not None and not self._divided.intersection(c.names) for c in columns)

    @cached_property
    def _divided(self) -> frozenset[str]:
        """Return the stack's labels that tell the part of a ratio from its whole."""
        if not isinstance(self.form, Ratio):
            return frozenset()
        told = [frozenset(self.bound[term].narrowed) for term in self.form.terms]
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
        if all(found[term] is None for term in group):
            return None
    bound = {
        term: Bound(term=term, pack=pack, metric=metric or _assumed(pack, term))
        for term, metric in found.items()
    }
    is_live = all(
        any(metric is not None and metric.is_live for metric in map(found.get, group))
        for group in _groups(form)
    )
    return Recipe(pack=pack, signal=signal, form=form, bound=bound, is_live=is_live)


def _first(pack: Pack, term: Term, inventory: Inventory | None) -> Spelled | None:
    found = (spell(pack.metrics[name], inventory) for name in term.metric)
    return next((metric for metric in found if metric is not None), None)


def _assumed(pack: Pack, term: Term) -> Spelled:
    metric = spell(pack.metrics[term.metric[0]], None)
    assert metric is not None  # noqa: S101 - without an inventory everything is there
    return replace(metric, dated=frozenset())


def _groups(form: Form) -> list[tuple[Term, ...]]:
    """Return the groups of terms of each of which one must be there."""
    match form:
        case Ratio(form="share"):
            return [form.whole]  # a part that never happened has no series
        case Ratio():
            return [form.part, form.whole]
        case _:
            return [form.terms]


@lru_cache(maxsize=4096)
def _ask(recipe: Recipe, query: Query, grown: bool) -> Asked:
    labels = list(dict.fromkeys([*(name for name, _ in query.scope), *query.by]))
    if lacking := recipe.lacking(labels):
        raise QueryError(
            f"the {recipe.title} metrics have {recipe.signal} without the label "
            f"{', '.join(lacking)}"
        )
    return _Writer(recipe=recipe, query=query, grown=grown).write()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """One question being written."""

    recipe: Recipe
    query: Query
    grown: bool

    def write(self) -> Asked:
        form = self.recipe.form
        match form:
            case Quantile():
                (term,) = form.terms
                buckets = self._sum((term,), "bucket", more=("le",))
                promql = f"histogram_quantile({form.q}, {buckets}){self._scaled(form.terms)}"
            case Rate():
                promql = self._sum(form.of)
            case Ratio():
                promql = self._ratio(form)
            case Mean():
                promql = self._mean(form)
            case Gauge():
                promql = self._aggregated("max", form.terms, "count", self._last)
        renamed = {stack: ours for ours, stack in self._columns().items() if stack != ours}
        return Asked(promql=promql, renamed=renamed)

    def _ratio(self, form: Ratio) -> str:
        part, whole = self._sum(form.part), self._sum(form.whole)
        if form.form == "share":
            # The first error creates its series: until then there is nothing to sum, which is
            # not unknown.
            there = self._aggregated("sum", form.whole, "count", self._present)
            part = f"({part} or 0 * {there})"
        return f"{part} / {whole}"

    def _mean(self, form: Mean) -> str:
        now = " / ".join(self._sum(form.terms, part) for part in ("sum", "count"))
        if form.form == "mean":
            return f"{now}{self._scaled(form.terms)}"
        before = " / ".join(
            self._aggregated("sum", form.terms, part, self._before) for part in ("sum", "count")
        )
        return f"({before} - {now}){self._scaled(form.terms)}"

    def _scaled(self, terms: Sequence[Term]) -> str:
        scale = self.recipe.bound[terms[0]].metric.scale
        return "" if scale == 1 else f" * {scale:g}"

    def _sum(self, terms: Sequence[Term], part: str = "", more: Sequence[str] = ()) -> str:
        return self._aggregated("sum", terms, part, self._rate, more)

    def _aggregated(
        self,
        operator: str,
        terms: Sequence[Term],
        part: str,
        write: Write,
        more: Sequence[str] = (),
    ) -> str:
        found = [
            self._marked(self._relabelled(one, self.recipe.bound[term]), term, terms)
            for term in terms
            if (one := self._series(self.recipe.bound[term], part or term.part, write))
        ]
        if not found:
            return _NOTHING
        names = [*more, *(label_name(stack) for stack in self._columns().values())]
        by = f" by ({', '.join(names)})" if names else ""
        return f"{operator}{by} ({' or '.join(found)})"

    def _series(self, bound: Bound, part: str, write: Write) -> str:
        metric = bound.metric
        found = [
            write(bound, spelling, selector(spelling.sample(metric.kind, part), matchers))
            for spelling in metric.spellings
            for matchers in bound.matchers(self.query.scope)
        ]
        return " or ".join(found)

    def _rate(self, bound: Bound, spelling: Spelling, counter: str) -> str:
        """Return PromQL for events per second, per series.

        `rate` needs two samples, so it never sees the first value of a counter that is born with
        one: the first error of all, or everything that happened before a new process was first
        scraped. Clients that say when a counter was created (prometheus_client, OpenMetrics)
        allow better: a counter created in the window and unknown before it has counted only
        events of the window. It is asked only while some counter is that young, since it costs
        more than the rate itself.

        Source: https://prometheus.io/docs/specs/om/open_metrics_spec/#counter
        """
        seconds = seconds_of(self.query)
        plain = f"rate({counter}[{seconds}s])"
        if self.grown or spelling not in bound.metric.dated:
            return plain
        created = spelling.created + counter[len(counter.split("{", 1)[0]) :]
        is_new = (
            f"ignoring (le) ({created} > time() - {seconds}) unless {counter} offset {seconds}s"
        )
        return f"(({counter} and {is_new}) / {seconds} or {plain})"

    def _present(self, _bound: Bound, _spelling: Spelling, counter: str) -> str:
        return f"present_over_time({counter}[{seconds_of(self.query)}s])"

    def _before(self, _bound: Bound, _spelling: Spelling, counter: str) -> str:
        form = self.recipe.form
        days = form.days if isinstance(form, Mean) else 0
        return f"rate({counter}[{days}d] offset {seconds_of(self.query)}s)"

    def _last(self, _bound: Bound, _spelling: Spelling, gauge: str) -> str:
        # A gauge is read as it stands: over a window the last value of a replica that is gone
        # would count on.
        return gauge

    def _columns(self) -> dict[str, str]:
        """Return for each label of the split the label that the series are summed by."""
        return {name: self._shared(name) or name for name in self.query.by}

    def _shared(self, name: str) -> str | None:
        """Return the stack's label for ours, if all terms have it as it is."""
        columns = [bound.column(name) for bound in self.recipe.bound.values()]
        names = {c.names for c in columns if c is not None and c.is_plain}
        plain = len(names) == 1 and all(c is not None and c.is_plain for c in columns)
        return names.pop()[0] if plain else None

    def _relabelled(self, series: str, bound: Bound) -> str:
        for name in self.query.by:
            if self._shared(name) is None and (column := bound.column(name)):
                series = _with_label(series, name, column)
        return series

    def _marked(self, series: str, term: Term, terms: Sequence[Term]) -> str:
        if len(terms) == 1:
            return series
        return f'label_replace({series}, "{_TERM}", "{terms.index(term)}", "", "")'


def _with_label(series: str, name: str, column: Column) -> str:
    """Return `series` with our label set from the stack's."""

    def replaced(value: str, source: str, pattern: str) -> str:
        parts = ", ".join(quote(part) for part in (name, value, source, pattern))
        return f"label_replace({series}, {parts})"

    if column.constant is not None:
        return replaced(column.constant, "", "")
    if column.label is not None:
        (source,) = column.names
        if column.label.rest:
            series = replaced(column.label.rest, source, ".*")
        for value, pattern in column.label.values.items():
            series = replaced(value, source, pattern)
        return series
    for source in reversed(column.names):
        series = replaced("$1", source, "(.+)")
    return series
